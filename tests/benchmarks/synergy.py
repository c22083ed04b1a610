"""A game in which three features do together what none does alone or in a pair: what each design says of it.

    python tests/benchmarks/synergy.py                 # 1,000 studies of three seeds each, as Markdown

Of seven features f1, f2 and f4 together are worth 4 σ, where σ is the standard deviation of a run; nothing else does anything. Averaged
over all orders each of the three is worth 1.33 σ. Studies are estimated and judged by the code that real ones use.
"""

import argparse
from itertools import groupby

import numpy as np

from ablation.designs import (
    Design,
    bookends,
    cumulative,
    factorial,
    fractional,
    leave_one_out,
    one_at_a_time,
    pairs,
    shapley,
)
from ablation.effects import ALPHA, estimate, lack_of_fit
from ablation.wording import listed

SEVEN = tuple(f"f{number}" for number in range(1, 8))
THREE, SIZE = frozenset({"f1", "f2", "f4"}), 4.0
DESIGNS = {
    "cumulative": cumulative(SEVEN),
    "leave_one_out": leave_one_out(SEVEN),
    "one_at_a_time": one_at_a_time(SEVEN),
    "bookends": bookends(SEVEN),
    "fractional": fractional(SEVEN),
    "pairs": pairs(SEVEN),
    "shapley, 10 orders": shapley(SEVEN, 10),
    "shapley, exact": shapley(SEVEN),
    "factorial": factorial(SEVEN),
}


def worth(design: Design) -> np.ndarray:
    """Return the means of a design's arms."""
    return np.array([SIZE if arm >= THREE else 0.0 for arm in design.arms])


def in_words(design: Design) -> str:
    """Say what the design credits where there is no noise, the most first."""
    effects = {feature: round(float(effect), 1) + 0.0 for feature, effect in zip(SEVEN, design.contrasts @ worth(design), strict=True)}
    acting = sorted((feature for feature in SEVEN if effects[feature]), key=lambda feature: -effects[feature])
    said = [f"{listed(list(group), 'and')} {size:+.1f}".replace("-", "−") for size, group in groupby(acting, key=effects.__getitem__)]
    return "; ".join(said) or "nothing does anything"


def judged(design: Design, seeds: int, studies: int, rng: np.random.Generator) -> tuple[str, ...]:
    """Return the share of studies that say *helps* of all three, of any other feature that it helps or hurts, and that fit is lacking."""
    three = others = misfit = 0
    means = worth(design)
    for _ in range(studies):
        scores = means + rng.normal(0, 3, (seeds, 1)) + rng.normal(size=(seeds, len(means)))
        verdict = dict(zip(SEVEN, estimate(design, scores, 0.0).verdict, strict=True))
        three += all(verdict[feature] == "helps" for feature in THREE)
        others += any(verdict[feature] in ("helps", "hurts") for feature in SEVEN if feature not in THREE)
        fit = lack_of_fit(design, scores)
        misfit += fit is not None and fit.p < ALPHA
    return tuple(f"{100 * count / studies:.0f} %" for count in (three, others, misfit))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--studies", type=int, default=1_000)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--seed", type=int, default=0)
    chosen = parser.parse_args()
    print(f"{chosen.studies:,} studies of {chosen.seeds} seeds a line, seed {chosen.seed}; effects in σ.\n")
    print("| design | arms | credits, without noise | all three help | another one helps or hurts | lack of fit |")
    print("|:--|--:|:--|--:|--:|--:|")
    for place, (name, design) in enumerate(DESIGNS.items()):
        shares = judged(design, chosen.seeds, chosen.studies, np.random.default_rng([chosen.seed, place]))
        print(f"| {name} | {len(design.arms)} | {in_words(design)} | {' | '.join(shares)} |", flush=True)


if __name__ == "__main__":
    main()
