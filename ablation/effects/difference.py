"""Differences between the effects of two studies, paired by seed or after Welch."""

import numpy as np

from ablation.effects.effects import Effects
from ablation.effects.moments import Moments, Own, mean_and_sd


def paired_difference(first: np.ndarray, second: np.ndarray) -> Moments:
    """Return second − first by a paired t test over seeds: of the k seeds' own differences, mean and ``sd / √k`` with k − 1 degrees.

    Args:
        first, second: each seed's own contrasts, shape ``(seeds, contrasts)``; row ``s`` belongs to the same seed in both; none is missing.
    """
    each = second - first
    seeds = len(each)
    count = each.shape[1]
    if seeds < 2:
        return Moments(each.mean(axis=0), np.full(count, np.nan), np.full(count, np.nan))
    return Moments(each.mean(axis=0), each.std(axis=0, ddof=1) / np.sqrt(seeds), np.full(count, seeds - 1.0))


def unpaired_difference(first: Moments, second: Moments) -> Moments:
    """Return second − first of effects that share no seeds: errors add in squares, with Welch's degrees of freedom (Welch 1947).

    What guards a shared error in either guards the difference, too.
    """
    error, freedom = _welch(first.error, first.freedom, second.error, second.freedom)
    own = None
    if first.own is not None or second.own is not None:
        one, two = first.own or first, second.own or second
        guard = _welch(one.error, one.freedom, two.error, two.freedom)
        own = Own(*guard, taken=np.zeros(error.shape, dtype=bool))
    return Moments(second.estimate - first.estimate, error, freedom, own)


def moments_of(effects: Effects, kind: str) -> Moments:
    """Return the moments of effects that were judged.

    Args:
        kind: of their design; the contrasts of a balanced one share an error, which their own seeds guard.
    """
    if kind != "balanced":
        return Moments(effects.estimate, effects.error, effects.freedom)
    count = (~np.isnan(effects.per_seed)).sum(axis=0)
    with np.errstate(invalid="ignore", divide="ignore"):
        error = mean_and_sd(effects.per_seed)[1] / np.sqrt(count)
    # Where runs are missing, too few seeds may have all arms; the error that all runs share is then the only one.
    error, freedom = np.where(count > 1, error, effects.error), np.where(count > 1, count - 1.0, effects.freedom)
    return Moments(effects.estimate, effects.error, effects.freedom, Own(error, freedom, effects.varies))


def _welch(error: np.ndarray, freedom: np.ndarray, other: np.ndarray, others: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the error of a difference and its degrees of freedom."""
    one, two = error**2, other**2
    with np.errstate(invalid="ignore", divide="ignore"):
        spread = (one + two) ** 2 / (one**2 / freedom + two**2 / others)
    # Effects that do not vary leave nothing to weigh; the fewer degrees of freedom are then the least that can be claimed.
    return np.sqrt(one + two), np.where(one + two > 0, spread, np.minimum(freedom, others))
