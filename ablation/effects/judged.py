"""Judgement: from estimates with their t distributions to intervals, p-values and verdicts."""

import numpy as np

from ablation.effects.effects import Effects
from ablation.effects.holm import holm
from ablation.effects.moments import Moments
from ablation.effects.seeds import seeds_to_resolve
from ablation.effects.verdicts import ALPHA, CONFIDENCE, UNRESOLVED, verdicts


def judged(moments: Moments, seeds: np.ndarray, per_seed: np.ndarray, smallest: float, lost: tuple[str, ...] = ()) -> Effects:
    """Say what may be said of the effects of one design, which are one family.

    Args:
        moments: of one study, shape ``(contrasts,)``.
        seeds: how many seeds each estimate rests on, shape ``(contrasts,)``.
        per_seed: each seed's own contrasts, shape ``(seeds, contrasts)``.
        smallest: the smallest effect of interest, in the units of the scores.
        lost: what missing runs took away, in sentences.
    """
    estimate, error, freedom, p = moments.estimate, moments.error, moments.freedom, moments.p
    p_holm, half = holm(p), moments.half_width(CONFIDENCE)
    family = max(int((~np.isnan(p)).sum()), 1)
    simultaneous = moments.half_width(1 - ALPHA / family)
    low, high = estimate - half, estimate + half
    within = np.abs(estimate) + moments.half_width(0.90) <= smallest
    words = verdicts(estimate, low, high, p_holm, within, seeds)
    needed = np.zeros(estimate.shape, dtype=int)
    for row in np.flatnonzero([word == UNRESOLVED for word in words]):
        count = int(seeds[row])
        spread, gained = float(error[row]) * np.sqrt(count), float(freedom[row]) / (count - 1)
        needed[row] = seeds_to_resolve(float(abs(estimate[row])), spread, smallest, gained)
    return Effects(
        estimate=estimate,
        low=low,
        high=high,
        p=p,
        p_holm=p_holm,
        seeds=seeds,
        seeds_needed=needed,
        verdict=words,
        per_seed=per_seed,
        error=error,
        freedom=freedom,
        low_simultaneous=estimate - simultaneous,
        high_simultaneous=estimate + simultaneous,
        lost=lost,
    )
