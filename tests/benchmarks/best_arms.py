"""Whether the arms that may be the best one hold it, how many they are, and what the named numbers of seeds are worth.

    python tests/benchmarks/best_arms.py               # both tables, 20,000 studies a cell (500 for the seeds), as Markdown

A made-up run scores its arm's mean, plus what its seed does to all arms, plus normal noise of its own. Scores are in units of σ, the
standard deviation of that noise; "× 10" gives every second arm ten times the variance. Tables print as they are made.
"""

import argparse
from collections.abc import Iterator

import numpy as np

from ablation.effects import best_arms, contenders

DEFAULT = np.array([37.2, 68.3, 89.7, 90.3, 94.2, 92.8, 89.8, 87.3]) / 4.2
"""Means of a path on images of shapes, in units of the spread of a run there: one arm is ahead of another by a third of σ."""

MEANS = {"all equal": np.zeros(8), "steps of σ / 2": np.arange(8) / 2, "a path": DEFAULT}
SEEDS = (3, 5, 10, 20)
BATCH = 2_000
MOST = 100


def made(means: np.ndarray, spreads: np.ndarray, shared: float, seeds: int, studies: int, rng: np.random.Generator) -> np.ndarray:
    """Return made-up scores, ``(studies, seeds, arms)``."""
    noise = rng.normal(size=(studies, seeds, len(means))) * spreads
    return means + rng.normal(0, 1, (studies, seeds, 1)) * shared + noise


def held(studies: int, rng: np.random.Generator) -> Iterator[tuple[str, ...]]:
    """Yield how often the set holds the best arm (of those that share the best mean, the least held), and its size."""
    for kind, means in MEANS.items():
        best = means == means.max()
        for name, spreads in (("equal", np.ones(8)), ("× 10", np.sqrt(np.where(np.arange(8) % 2, 10.0, 1.0)))):
            for shared in (0.0, 3.0):
                cells = []
                for seeds in SEEDS:
                    parts = [contenders(made(means, spreads, shared, seeds, BATCH, rng)) for _ in range(studies // BATCH)]
                    kept = np.concatenate(parts)
                    cells.append(f"{kept[:, best].mean(axis=0).min():.3f} · {kept.sum(axis=1).mean():.1f}")
                yield kind, name, f"{shared:g} σ", *cells


def named(studies: int, rng: np.random.Generator) -> Iterator[tuple[str, ...]]:
    """Yield how often the number of seeds that then leaves half of the arms lies within the named range, below it and above it."""
    for kind, means in MEANS.items():
        for seeds in SEEDS[:3]:
            inside, below, above, ends = 0, 0, 0, []
            for _ in range(studies):
                scores = made(means, np.ones(8), 3.0, MOST + 1, 1, rng)[0]
                found = best_arms(scores[:seeds])
                if found is None or found.seeds_needed is None:
                    continue
                fewest, most = (MOST + 1 if end is None else end for end in found.seeds_needed)
                later = (count for count in range(seeds, MOST + 1) if contenders(scores[:count]).sum() <= found.fewer)
                came = next(later, MOST + 1)
                inside, below, above = inside + (fewest <= came <= most), below + (came < fewest), above + (came > most)
                ends.append((fewest, came, most))
            shares = [f"{100 * each / len(ends):.0f} %" for each in (inside, below, above)]
            medians = [f"{value:.0f}" if value <= MOST else f"> {MOST}" for value in np.median(ends, axis=0)]
            yield kind, str(seeds), f"{medians[0]} to {medians[2]}", medians[1], *shares


def table(lead: str, heads: tuple[str, ...], lines: Iterator[tuple[str, ...]]) -> None:
    """Print a table as Markdown, line by line."""
    print(f"{lead}\n\n| {' | '.join(heads)} |\n|{':--|' * 3}{'--:|' * (len(heads) - 3)}")
    for line in lines:
        print(f"| {' | '.join(line)} |", flush=True)
    print()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--studies", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=0)
    chosen = parser.parse_args()
    heads = ("means", "variances", "shared by arms", *(f"k = {seeds}" for seeds in SEEDS))
    lead = f"Holds the best arm · mean size, of 8 arms, {chosen.studies:,} studies a cell:"
    table(lead, heads, held(chosen.studies, np.random.default_rng([chosen.seed, 0])))
    heads = ("means", "seeds", "named, medians", "came, median", "within", "sooner", "later")
    few = chosen.studies // 40
    table(f"Seeds until half of the arms are left, {few:,} studies a line:", heads, named(few, np.random.default_rng([chosen.seed, 1])))


if __name__ == "__main__":
    main()
