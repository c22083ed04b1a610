"""Stein's rule: seeds decided after a pilot."""

from dataclasses import dataclass

import numpy as np

from ablation.designs import Design
from ablation.effects import CONFIDENCE, contrast_moments, seeds_for

from .designs import DESIGNS
from .situations import equal, scores, unequal
from .tables import Lines, percent, table

PILOT = 3


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
    first = scores(design, PILOT, spreads, np.zeros(len(design.arms)), studies, rng)
    moments = contrast_moments(design.kind, first, design.contrasts)
    wanted = np.maximum(seeds_for(moments.half_width(CONFIDENCE), PILOT, precision).max(axis=-1), PILOT)
    total = np.minimum(wanted, most)
    later = np.maximum(total - PILOT, 1)
    more = rng.normal(size=(studies, len(design.arms))) * spreads / np.sqrt(later)[:, None] @ design.contrasts.T
    estimate = np.where((total > PILOT)[:, None], (PILOT * moments.estimate + later[:, None] * more) / total[:, None], moments.estimate)
    half = moments.half_width(CONFIDENCE) * np.sqrt(PILOT / total)[:, None]
    covered, met = (np.abs(estimate) <= half).mean(axis=0), wanted <= most
    return Stein(float(covered.min()), float(met.mean()), float(total.mean()), float(half[met].max(initial=0)))


def show_stein(studies: int, rng: np.random.Generator) -> None:
    def lines() -> Lines:
        for name in ("cumulative", "bookends", "fractional"):
            design = DESIGNS[name]()
            for kind, spreads in (("equal", equal(design)), ("unequal", unequal(design))):
                for precision, most in ((1.0, 20), (1.0, 10**9), (0.5, 10**9)):
                    each = stein(design, precision, most, spreads, studies, rng)
                    cap, met = str(most) if most < 100 else "none", percent(each.met, 0)
                    yield name, kind, f"± {precision} σ", cap, f"{each.covered:.3f}", met, f"{each.seeds:.1f}", f"{each.widest:.2f}"

    heads = ("design", "variances", "wanted", "cap", "coverage, worst", "met", "mean seeds", "widest where met, σ")
    table("Stein's rule after a pilot of 3 seeds:", heads, lines())
