"""Coverage: which intervals hold the truth, and which studies claim an effect that is not there."""

from dataclasses import dataclass

import numpy as np

from ablation.designs import Design
from ablation.effects import ALPHA, CONFIDENCE, contrast_moments

from .designs import DESIGNS, count
from .situations import SITUATIONS, VARYING, Situation
from .tables import Lines, percent, table

PARTS = 20
"""A cell is simulated in so many parts, each with missing runs of its own where some are missing."""


@dataclass(frozen=True)
class Coverage:
    """Shares of intervals that hold the truth, by feature, and of studies with a false claim; and the mean half-width."""

    covered: np.ndarray
    claims: float
    half_width: float


def coverage(design: Design, seeds: int, situation: Situation, studies: int, rng: np.random.Generator) -> Coverage:
    """Simulate studies in one situation; a claim of an effect is false where the feature has none."""
    truth = situation.truth(design)
    covered, claims, half_widths = [], [], []
    for _ in range(PARTS):
        scores = situation.scores(design, seeds, studies // PARTS, rng)
        moments = contrast_moments(design.kind, scores, design.contrasts)
        half = moments.half_width(CONFIDENCE)
        # Where runs are missing, a contrast may have fewer than two seeds in this part, and then no interval.
        known = ~np.isnan(half)
        covered.append(np.where(known, np.abs(moments.estimate - truth) <= half, np.nan))
        claims.append(((moments.p_holm < ALPHA) & (truth == 0)).any(axis=-1))
        half_widths.append(half)
    return Coverage(np.nanmean(np.concatenate(covered), axis=0), float(np.mean(claims)), float(np.nanmean(half_widths)))


def show_coverage(studies: int, rng: np.random.Generator) -> None:
    def lines() -> Lines:
        for name, make in DESIGNS.items():
            design = make()
            for kind, situation in SITUATIONS.items():
                cells = [coverage(design, seeds, situation, count(design, studies), rng) for seeds in (3, 5, 10)]
                claims = " / ".join(f"{100 * each.claims:.1f}" for each in cells)
                widths = " / ".join(f"{each.half_width:.2f}" for each in cells) if kind != "binomial" else ""
                yield name, kind, *(f"{each.covered.min():.3f}" for each in cells), f"{claims} %", widths

    heads = ("design", "situation", "k = 3", "k = 5", "k = 10", "false claims", "half-width, σ")
    table("Coverage of 95 % intervals (worst feature), and studies without any effect that claim one:", heads, lines())


def show_varying(studies: int, rng: np.random.Generator) -> None:
    def lines() -> Lines:
        for name, make in DESIGNS.items():
            design = make()
            if design.kind == "paired":
                continue
            for kind, situation in VARYING.items():
                cells = [coverage(design, seeds, situation, count(design, studies), rng) for seeds in (3, 5, 10)]
                rows = situation.rows(design)
                yield name, kind, *(f"{each.covered[rows].min():.3f}" for each in cells), *(percent(each.claims) for each in cells)

    heads = ("design", "varying", "k = 3", "k = 5", "k = 10", "claims, k = 3", "k = 5", "k = 10")
    table("Some features vary from seed to seed, 1 σ: coverage of the worst of them, and studies with a false claim:", heads, lines())
