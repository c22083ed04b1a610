"""What intervals of sampled Shapley values cover of the exact value: over seeds alone, and over seeds and orders.

    python tests/benchmarks/sampled_orders.py          # 20,000 studies a cell, as Markdown

In a made-up game every group of up to so many of seven features is worth something together, drawn from a normal distribution with standard
deviation 1, or halved with each feature more; a run adds normal noise with standard deviation σ.
"""

import argparse
from itertools import combinations

import numpy as np

from ablation.designs import shapley
from ablation.effects import CONFIDENCE, contrast_moments, sampled_orders

SEVEN = tuple("abcdefg")
GAMES = {
    "pairs": {1: 1.0, 2: 1.0},
    "threes": {1: 1.0, 2: 1.0, 3: 1.0},
    "all, halved with each feature": {size: 2.0 ** (1 - size) for size in range(1, 8)},
    "all": dict.fromkeys(range(1, 8), 1.0),
}
BATCH = 500


def covered(orders: int, spreads: dict[int, float], seeds: int, sigma: float, studies: int, rng: np.random.Generator) -> str:
    """Return the share of the exact values that each interval covers, that of the worst feature, and the mean half-widths."""
    exact, sampled = shapley(SEVEN), shapley(SEVEN, orders)
    groups = [frozenset(group) for size in spreads for group in combinations(SEVEN, size)]
    holds = np.array([[group <= arm for group in groups] for arm in exact.arms], dtype=float)
    scale = np.array([spreads[len(group)] for group in groups])
    places = [exact.arms.index(arm) for arm in sampled.arms]
    hits, widths = np.zeros((2, 7)), np.zeros(2)
    for _ in range(studies // BATCH):
        game = (rng.normal(size=(BATCH, len(groups))) * scale) @ holds.T
        noise = rng.normal(0, 3 * sigma, (BATCH, seeds, 1)) + rng.normal(0, sigma, (BATCH, seeds, len(places)))
        scores = game[:, None, places] + noise
        moments = contrast_moments("balanced", scores, sampled.contrasts)
        own = moments.half_width(CONFIDENCE)
        found = sampled_orders(sampled, scores, own, moments.freedom)
        assert found is not None
        away = np.abs(moments.estimate - game @ exact.contrasts.T)
        for place, half in enumerate((own, found.half_width)):
            hits[place] += (away <= half).sum(axis=0)
            widths[place] += half.mean() * BATCH
    (alone, both), worst, (narrow, wide) = hits.mean(axis=1) / studies, hits[1].min() / studies, widths / studies
    return f"{alone:.2f} → {both:.3f}, {worst:.3f} (± {narrow:.2f} → {wide:.2f})"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--studies", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=0)
    chosen = parser.parse_args()
    print("Coverage of the exact value over seeds alone → over seeds and orders, its worst feature (mean half-widths).\n")
    print("| orders | groups that act together | σ | k = 3 | k = 5 | k = 10 |\n|--:|:--|--:|--:|--:|--:|")
    for orders in (6, 10, 20):
        for place, (name, spreads) in enumerate(GAMES.items()):
            for sigma in (0.3, 1.0):
                rng = np.random.default_rng([chosen.seed, orders, place, int(10 * sigma)])
                cells = [covered(orders, spreads, seeds, sigma, chosen.studies, rng) for seeds in (3, 5, 10)]
                print(f"| {orders} | {name} | {sigma:g} | {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    main()
