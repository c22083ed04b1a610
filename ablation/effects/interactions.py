"""Interactions: what two features do together beyond what each does alone."""

from dataclasses import dataclass

import numpy as np

from ablation.designs import Design, interaction_rows
from ablation.effects.independent import independent_moments
from ablation.effects.paired import paired_moments
from ablation.effects.residuals import residuals
from ablation.effects.verdicts import CONFIDENCE, FEWEST_SEEDS, holm


@dataclass(frozen=True, eq=False)
class Interactions:
    """Estimates of pair interactions. All arrays have shape ``(rows,)`` and the units of the scores.

    Attributes:
        pairs: for each row the pairs whose interactions it sums: one where the design resolves it, else the whole alias group.
        estimate, error, freedom: as in :class:`ablation.effects.Effects`.
        low, high: 95 % interval.
        p, p_holm: two-sided p-value against zero, and the same adjusted over the rows.
    """

    pairs: tuple[tuple[tuple[str, str], ...], ...]
    estimate: np.ndarray
    error: np.ndarray
    freedom: np.ndarray
    low: np.ndarray
    high: np.ndarray
    p: np.ndarray
    p_holm: np.ndarray


def interactions(design: Design, scores: np.ndarray) -> Interactions | None:
    """Estimate the interactions of pairs that a design resolves; None if there are none.

    Each is the Shapley interaction index of a pair, or the sum over an alias group.

    Args:
        design: whose arms are used.
        scores: of its arms, shape ``(seeds, arms)``, NaN where a run is missing.
    """
    there = (~np.isnan(scores)).any(axis=0)
    arms = [arm for arm, known in zip(design.arms, there.tolist(), strict=True) if known]
    pairs, rows = interaction_rows(arms, design.known)
    if not pairs:
        return None
    runs = scores[:, there]
    if design.kind == "balanced":
        moments = residuals(runs).moments(rows)
    else:
        moments = independent_moments(runs, rows) if design.kind == "independent" else paired_moments(runs, rows)
    half = moments.half_width(CONFIDENCE)
    # As for verdicts: fewer than three seeds prove nothing.
    p = moments.p if len(scores) >= FEWEST_SEEDS else np.full(moments.p.shape, np.nan)
    low, high = moments.estimate - half, moments.estimate + half
    return Interactions(pairs, moments.estimate, moments.error, moments.freedom, low, high, p, holm(p))
