"""What intervals cover, what verdicts claim and find, and what that costs: many made-up studies, through the code that studies use.

    python tests/benchmarks/simulation.py              # every table, 20,000 studies each, as Markdown
    python tests/benchmarks/simulation.py --studies 2000

A made-up run scores its arm's mean, plus what its seed does to all arms, plus normal noise of its own. Scores are in units of σ, the
typical standard deviation of that noise.
"""

import argparse
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations, combinations_with_replacement

import numpy as np
from scipy.special import fdtrc, ncfdtr, stdtrit

from ablation.designs import (
    Design,
    bookends,
    cumulative,
    factorial,
    fractional,
    lack_of_fit_rows,
    leave_one_out,
    pairs,
    shapley,
)
from ablation.effects import ALPHA, CONFIDENCE, contrast_moments, holm, misfit, seeds_for

SEVEN = tuple("abcdefg")
SPREADS = (6.2, 0.3, 0.1, 2.9, 7.3, 3.8, 14.0, 3.0)
"""Standard deviations between seeds of the default data's cumulative arms, in points: for unequal variances."""

SEED_EFFECT = 3.0
"""Standard deviation of what a seed does to all arms alike, in σ; contrasts are to be free of it."""


def equal(design: Design) -> np.ndarray:
    """Return one standard deviation for every arm."""
    return np.ones(len(design.arms))


def unequal(design: Design) -> np.ndarray:
    """Return the default data's standard deviations, dealt out to the arms by a fixed seed, with mean square 1."""
    dealt = np.random.default_rng(7).permutation(np.resize(SPREADS, len(design.arms)))
    return np.asarray(dealt / np.sqrt((dealt**2).mean()))


def scores(design: Design, seeds: int, spreads: np.ndarray, means: np.ndarray, studies: int, rng: np.random.Generator) -> np.ndarray:
    """Return made-up scores, ``(studies, seeds, arms)``."""
    shape = (studies, seeds, len(design.arms))
    return means + rng.normal(0, SEED_EFFECT, (studies, seeds, 1)) + rng.normal(size=shape) * spreads


def only_adding(design: Design, effects: Sequence[float]) -> np.ndarray:
    """Return the means of arms in which each feature adds its effect and nothing interacts."""
    worth = dict(zip(design.features, effects, strict=True))
    return np.array([sum(worth[feature] for feature in arm) for arm in design.arms])


@dataclass(frozen=True)
class Coverage:
    """Shares of studies: whose interval holds the truth, for the worst and the best covered feature, and that claim an effect."""

    low: float
    high: float
    claims: float
    half_width: float


def coverage(design: Design, seeds: int, spreads: np.ndarray, studies: int, rng: np.random.Generator) -> Coverage:
    """Simulate studies without any effect."""
    moments = contrast_moments(design.kind, scores(design, seeds, spreads, np.zeros(len(design.arms)), studies, rng), design.contrasts)
    half = moments.half_width(CONFIDENCE)
    covered = (np.abs(moments.estimate) <= half).mean(axis=0)
    return Coverage(float(covered.min()), float(covered.max()), float((holm(moments.p) < ALPHA).any(axis=-1).mean()), float(half.mean()))


def power(design: Design, seeds: int, effect: float, studies: int, rng: np.random.Generator) -> float:
    """Return the share of studies that say *helps* of the one feature, in the middle of seven, that has an effect."""
    effects = [0.0] * len(design.features)
    effects[len(effects) // 2] = effect
    made = scores(design, seeds, equal(design), only_adding(design, effects), studies, rng)
    moments = contrast_moments(design.kind, made, design.contrasts)
    row = len(effects) // 2
    return float(((holm(moments.p)[:, row] < ALPHA) & (moments.estimate[:, row] > 0)).mean())


def half_width(design: Design, seeds: int, studies: int, rng: np.random.Generator) -> float:
    """Return the mean half-width of the 95 % intervals, in σ."""
    return coverage(design, seeds, equal(design), studies, rng).half_width


def seeds_until(design: Design, wanted: float, studies: int, rng: np.random.Generator) -> int:
    """Return the fewest seeds whose intervals have a mean half-width of ``wanted`` σ at most."""
    return next(seeds for seeds in range(3, 100) if half_width(design, seeds, studies, rng) <= wanted)


@dataclass(frozen=True)
class Stein:
    """Stein's rule as it came out: shares of intervals that hold the truth (worst feature), of studies within the cap, mean seeds."""

    covered: float
    met: float
    seeds: float
    widest: float


def stein(design: Design, precision: float, most: int, spreads: np.ndarray, studies: int, rng: np.random.Generator) -> Stein:
    """Simulate a pilot of three seeds and what follows from it.

    A sum of normal scores is normal, so the seeds after the pilot are drawn as their mean.
    """
    pilot = 3
    first = scores(design, pilot, spreads, np.zeros(len(design.arms)), studies, rng)
    moments = contrast_moments(design.kind, first, design.contrasts)
    wanted = np.maximum(seeds_for(moments, pilot, precision).max(axis=-1), pilot)
    total = np.minimum(wanted, most)
    later = np.maximum(total - pilot, 1)
    more = rng.normal(size=(studies, len(design.arms))) * spreads / np.sqrt(later)[:, None] @ design.contrasts.T
    estimate = np.where((total > pilot)[:, None], (pilot * moments.estimate + later[:, None] * more) / total[:, None], moments.estimate)
    half = moments.half_width(CONFIDENCE) * np.sqrt(pilot / total)[:, None]
    covered, met = (np.abs(estimate) <= half).mean(axis=0), wanted <= most
    return Stein(float(covered.min()), float(met.mean()), float(total.mean()), float(half[met].max(initial=0)))


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


# Tables -----------------------------------------------------------------------------------------------------------------------

DESIGNS: dict[str, Callable[[], Design]] = {
    "cumulative": lambda: cumulative(SEVEN),
    "leave_one_out": lambda: leave_one_out(SEVEN),
    "bookends": lambda: bookends(SEVEN),
    "fractional": lambda: fractional(SEVEN),
    "pairs": lambda: pairs(SEVEN),
    "shapley, 10 orders": lambda: shapley(SEVEN, 10),
    "shapley": lambda: shapley(SEVEN),
    "factorial": lambda: factorial(SEVEN),
}
LARGE = 60
"""Designs of more arms are simulated with a fifth of the studies."""


Lines = Iterator[Sequence[str]]


def table(told: str, heads: Sequence[str], lines: Lines) -> None:
    """Print a table as Markdown, line by line."""
    print(f"{told}\n\n| {' | '.join(heads)} |\n|{'|'.join([':--', *['--:'] * (len(heads) - 1)])}|")
    for line in lines:
        print(f"| {' | '.join(line)} |", flush=True)
    print()


@dataclass(frozen=True)
class Simulation:
    """The tables, from so many studies a cell and one generator."""

    studies: int
    rng: np.random.Generator

    def count(self, design: Design) -> int:
        return self.studies if len(design.arms) <= LARGE else self.studies // 5

    def coverage(self) -> None:
        def lines() -> Lines:
            for name, make in DESIGNS.items():
                design = make()
                for kind, spreads in (("equal", equal(design)), ("unequal", unequal(design))):
                    for seeds in (3, 5, 10):
                        each = coverage(design, seeds, spreads, self.count(design), self.rng)
                        claims, half = f"{100 * each.claims:.1f} %", f"{each.half_width:.2f}"
                        yield name, kind, str(seeds), f"{each.low:.3f}–{each.high:.3f}", claims, half

        told = "Coverage of 95 % intervals (worst and best of the features), and studies without any effect that claim one:"
        table(told, ("design", "variances", "seeds", "coverage", "claims", "half-width, σ"), lines())

    def power(self) -> None:
        sizes = (0.5, 1.0, 2.0, 3.0, 5.0)

        def lines() -> Lines:
            for name, make in DESIGNS.items():
                design = make()
                for seeds in (3, 5, 10):
                    found = [power(design, seeds, size, self.count(design), self.rng) for size in sizes]
                    yield name, str(seeds), str(seeds * len(design.arms)), *(f"{100 * each:.0f} %" for each in found)

        told = "Power: studies that say *helps* of the one feature that has an effect."
        table(told, ("design", "seeds", "runs", *(f"{size:g} σ" for size in sizes)), lines())

    def runs(self) -> None:
        def lines() -> Lines:
            for name in ("cumulative", "leave_one_out", "bookends", "fractional", "pairs", "shapley, 10 orders"):
                design = DESIGNS[name]()
                seeds = seeds_until(design, 0.6, self.studies // 5, self.rng)
                found = power(design, seeds, 1.0, self.studies, self.rng)
                yield name, str(len(design.arms)), str(seeds), str(seeds * len(design.arms)), f"{100 * found:.0f} %"

        table(
            "Runs until 95 % intervals have a mean half-width of 0.6 σ, and how often an effect of 1 σ is then told:",
            ("design", "arms", "seeds", "runs", "told"),
            lines(),
        )

    def stein(self) -> None:
        def lines() -> Lines:
            for name in ("cumulative", "bookends", "fractional"):
                design = DESIGNS[name]()
                for kind, spreads in (("equal", equal(design)), ("unequal", unequal(design))):
                    for precision, most in ((1.0, 20), (1.0, 10**9), (0.5, 10**9)):
                        each = stein(design, precision, most, spreads, self.studies, self.rng)
                        cap, met = str(most) if most < 100 else "none", f"{100 * each.met:.0f} %"
                        yield name, kind, f"± {precision} σ", cap, f"{each.covered:.3f}", met, f"{each.seeds:.1f}", f"{each.widest:.2f}"

        heads = ("design", "variances", "wanted", "cap", "coverage, worst", "met", "mean seeds", "widest where met, σ")
        table("Stein's rule after a pilot of 3 seeds:", heads, lines())

    def fit(self) -> None:
        design = DESIGNS["fractional"]()
        _, seen, _ = lack_of_fit_rows(design.arms, SEVEN)
        hidden = next(triple for triple in combinations(SEVEN, 3) if triple not in seen)

        def lines() -> Lines:
            for seeds in (3, 5, 10):
                for size in (0.0, 0.25, 0.5, 1.0):
                    sees, misses = (misfit_rate(design, each, size, seeds, self.studies, self.rng) for each in (seen[0], hidden))
                    yield str(seeds), f"{size:g} σ", f"{sees:.3f}", f"{computed_power(design, size, seeds):.3f}", f"{misses:.3f}"

        heads = ("seeds", "size", "a term that it sees", "computed", "one that it cannot see")
        table("Lack of fit in 16 arms, rejections at 5 %, with random pairs and one three-way term of ± size:", heads, lines())


TABLES = ("coverage", "power", "runs", "stein", "fit")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("tables", nargs="*", metavar="table", default=TABLES, help=", ".join(TABLES))
    parser.add_argument("--studies", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=0)
    chosen = parser.parse_args()
    print(f"{chosen.studies:,} studies a cell ({chosen.studies // 5:,} over {LARGE} arms), seven features, seed {chosen.seed}.\n")
    for name in chosen.tables:
        # Each table has draws of its own, so that it comes out the same alone.
        getattr(Simulation(chosen.studies, np.random.default_rng([chosen.seed, TABLES.index(name)])), name)()


if __name__ == "__main__":
    main()
