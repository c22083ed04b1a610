"""Lack of fit: how often the test rejects."""

from itertools import combinations, combinations_with_replacement

import numpy as np
from scipy.special import fdtrc, ncfdtr, stdtrit

from ablation.designs import Design, lack_of_fit_rows
from ablation.effects import ALPHA, misfit

from .designs import DESIGNS, SEVEN
from .situations import equal, scores
from .tables import Lines, table


def misfit_rate(
    design: Design, triple: tuple[str, str, str] | None, size: float, seeds: int, studies: int, rng: np.random.Generator
) -> float:
    """Return how often the lack-of-fit test rejects, where all pairs have effects and perhaps one three-way term has ±size."""
    rows, _, _ = lack_of_fit_rows(design.arms, design.features)
    worth = {frozenset(pair): rng.normal() for pair in combinations_with_replacement(SEVEN, 2)}
    means = np.array([sum(value for pair, value in worth.items() if pair <= arm) for arm in design.arms])
    if triple:
        means = means + size * np.array([np.prod([1 if feature in arm else -1 for feature in triple]) for arm in design.arms])
    statistic, numerator, denominator = misfit(scores(design, seeds, equal(design), means, studies, rng), rows)
    return float((fdtrc(numerator, denominator, statistic) < ALPHA).mean())


def computed_power(design: Design, size: float, seeds: int) -> float:
    """Return the power that the F distribution gives the test of one spare contrast for a three-way term of ±size that it sees."""
    freedom = (seeds - 1) * (len(design.arms) - 1)
    bound = stdtrit(freedom, 1 - ALPHA / 2) ** 2
    return float(1 - ncfdtr(1, freedom, size**2 * seeds * len(design.arms), bound))


def show_fit(studies: int, rng: np.random.Generator) -> None:
    design = DESIGNS["fractional"]()
    _, seen, _ = lack_of_fit_rows(design.arms, SEVEN)
    hidden = next(triple for triple in combinations(SEVEN, 3) if triple not in seen)

    def lines() -> Lines:
        for seeds in (3, 5, 10):
            for size in (0.0, 0.25, 0.5, 1.0):
                sees, misses = (misfit_rate(design, each, size, seeds, studies, rng) for each in (seen[0], hidden))
                yield str(seeds), f"{size:g} σ", f"{sees:.3f}", f"{computed_power(design, size, seeds):.3f}", f"{misses:.3f}"

    heads = ("seeds", "size", "a term that it sees", "computed", "one that it cannot see")
    table("Lack of fit in 16 arms, rejections at 5 %, with random pairs and one three-way term of ± size:", heads, lines())
