"""Power: how often an effect is found, and the runs that it takes."""

import numpy as np

from ablation.designs import Design
from ablation.effects import ALPHA, contrast_moments, detectable

from .coverage import coverage
from .designs import DESIGNS, count
from .situations import SITUATIONS, equal, only_adding, scores
from .tables import Lines, percent, table


def power(design: Design, seeds: int, effect: float, studies: int, rng: np.random.Generator, row: int | None = None) -> float:
    """Return the share of studies that say *helps* of the one feature that has an effect: ``row``, or the one in the middle."""
    row = len(design.features) // 2 if row is None else row
    effects = [0.0] * len(design.features)
    effects[row] = effect
    made = scores(design, seeds, equal(design), only_adding(design, effects), studies, rng)
    moments = contrast_moments(design.kind, made, design.contrasts)
    return float(((moments.p_holm[:, row] < ALPHA) & (moments.estimate[:, row] > 0)).mean())


def half_width(design: Design, seeds: int, studies: int, rng: np.random.Generator) -> float:
    """Return the mean half-width of the 95 % intervals, in σ."""
    return coverage(design, seeds, SITUATIONS["as assumed"], studies, rng).half_width


def seeds_until(design: Design, wanted: float, studies: int, rng: np.random.Generator) -> int:
    """Return the fewest seeds whose intervals have a mean half-width of ``wanted`` σ at most."""
    return next(seeds for seeds in range(3, 100) if half_width(design, seeds, studies, rng) <= wanted)


def show_power(studies: int, rng: np.random.Generator) -> None:
    sizes = (0.5, 1.0, 2.0, 3.0, 5.0)

    def lines() -> Lines:
        for name, make in DESIGNS.items():
            design = make()
            for seeds in (3, 5, 10):
                found = [power(design, seeds, size, count(design, studies), rng) for size in sizes]
                yield name, str(seeds), str(seeds * len(design.arms)), *(percent(each, 0) for each in found)

    told = "Power: studies that say *helps* of the one feature that has an effect."
    table(told, ("design", "seeds", "runs", *(f"{size:g} σ" for size in sizes)), lines())


def show_runs(studies: int, rng: np.random.Generator) -> None:
    def lines() -> Lines:
        for name in ("cumulative", "leave_one_out", "bookends", "fractional", "pairs", "shapley, 10 orders"):
            design = DESIGNS[name]()
            seeds = seeds_until(design, 0.6, studies // 5, rng)
            found = power(design, seeds, 1.0, studies, rng)
            yield name, str(len(design.arms)), str(seeds), str(seeds * len(design.arms)), percent(found, 0)

    table(
        "Runs until 95 % intervals have a mean half-width of 0.6 σ, and how often an effect of 1 σ is then found:",
        ("design", "arms", "seeds", "runs", "power"),
        lines(),
    )


def show_detectable(studies: int, rng: np.random.Generator) -> None:
    def lines() -> Lines:
        for name, make in DESIGNS.items():
            design = make()
            for seeds in (3, 5, 10):
                size = detectable(design, seeds)
                rows = range(len(design.features))
                found = [power(design, seeds, size, count(design, studies) // len(rows), rng, row) for row in rows]
                yield name, str(seeds), str(seeds * len(design.arms)), f"{size:.2f} σ", percent(min(found)), percent(max(found))

    heads = ("design", "seeds", "runs", "smallest effect", "power, worst feature", "best feature")
    table("The smallest effect that is found with 80 % power as computed, and its power as simulated:", heads, lines())
