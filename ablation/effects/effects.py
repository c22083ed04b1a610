"""The effects of one design: intervals, p-values and verdicts from estimates with their t distributions."""

from dataclasses import dataclass

import numpy as np

from ablation.effects.moments import Moments
from ablation.effects.resolution import seeds_to_resolve
from ablation.effects.verdicts import ALPHA, CONFIDENCE, OPEN, verdicts


@dataclass(frozen=True, eq=False)
class Effects:
    """The effects that contrasts estimate. All arrays have shape ``(contrasts,)`` and the units of the scores.

    Attributes:
        estimate: weighted sum of the arms' means; NaN where it cannot be estimated.
        low, high: 95 % interval, ``estimate ± t(freedom) · error``, or the 90 % interval from the contrast's own seeds where an error is
            shared and that is wider; NaN with fewer than two seeds.
        p, p_holm: two-sided p-value against zero, and the same adjusted over the contrasts; below 0.05 only where the interval excludes
            zero; NaN with fewer than two seeds.
        seeds: how many seeds the estimate rests on.
        seeds_needed: fewest and most seeds that would resolve the effect, shape ``(contrasts, 2)``; see
            :func:`ablation.effects.seeds_to_resolve`. Zeros where it is resolved or the seeds cannot say.
        verdict: see :func:`ablation.effects.verdicts`.
        per_seed: shape ``(seeds, contrasts)``, each seed's own contrast; NaN where an arm is missing.
        error, freedom: standard error of the estimate and the degrees of freedom of its t distribution.
        varies: whether the contrast shares no error with the others, for it varies more from seed to seed than they do; never where each
            has its own anyway.
        low_simultaneous, high_simultaneous: intervals that hold for all contrasts of the design at once with 95 % (Bonferroni, the same
            bar as the first step of Holm's method).
        lost: what missing runs took away, or made to rest on an assumption, in whole sentences.
    """

    estimate: np.ndarray
    low: np.ndarray
    high: np.ndarray
    p: np.ndarray
    p_holm: np.ndarray
    seeds: np.ndarray
    seeds_needed: np.ndarray
    verdict: tuple[str, ...]
    per_seed: np.ndarray
    error: np.ndarray
    freedom: np.ndarray
    varies: np.ndarray
    low_simultaneous: np.ndarray
    high_simultaneous: np.ndarray
    lost: tuple[str, ...] = ()


def judged(
    moments: Moments,
    seeds: np.ndarray,
    per_seed: np.ndarray,
    smallest: float,
    lost: tuple[str, ...] = (),
    higher_is_better: bool = True,
) -> Effects:
    """Judge the effects of one design, which are one family of tests.

    Args:
        moments: of one study, shape ``(contrasts,)``.
        seeds: how many seeds each estimate rests on, shape ``(contrasts,)``.
        per_seed: each seed's own contrasts, shape ``(seeds, contrasts)``.
        smallest: the smallest effect of interest, in the units of the scores.
        lost: what missing runs took away, in sentences.
        higher_is_better: whether an effect above zero helps; if not, one below zero does.
    """
    estimate, error, freedom, p = moments.estimate, moments.error, moments.freedom, moments.p
    p_holm, half = moments.p_holm, moments.half_width(CONFIDENCE)
    family = max(int((~np.isnan(p)).sum()), 1)
    simultaneous = moments.half_width(1 - ALPHA / family)
    low, high = estimate - half, estimate + half
    within = np.abs(estimate) + moments.half_width(0.90) <= smallest
    words = verdicts(estimate, low, high, p_holm, within, seeds, higher_is_better)
    needed = np.zeros((len(estimate), 2), dtype=int)
    for row in np.flatnonzero([word == OPEN for word in words]):
        # In Holm's order those with a smaller p come first.
        level = ALPHA / max(int((p >= p[row]).sum()), 1)
        needed[row] = seeds_to_resolve(float(abs(estimate[row])), float(error[row]), float(freedom[row]), int(seeds[row]), smallest, level)
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
        varies=np.zeros(estimate.shape, dtype=bool) if moments.own is None else moments.own.taken,
        low_simultaneous=estimate - simultaneous,
        high_simultaneous=estimate + simultaneous,
        lost=lost,
    )
