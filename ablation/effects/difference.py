"""Differences between the effects of two studies, paired by seed or after Welch."""

import numpy as np

from ablation.effects.moments import Moments


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
    """Return second − first of effects that share no seeds: errors add in squares, with Welch's degrees of freedom (Welch 1947)."""
    one, two = first.error**2, second.error**2
    with np.errstate(invalid="ignore", divide="ignore"):
        spread = (one + two) ** 2 / (one**2 / first.freedom + two**2 / second.freedom)
    # Effects that do not vary leave nothing to weigh; the fewer degrees of freedom are then the least that can be claimed.
    freedom = np.where(one + two > 0, spread, np.minimum(first.freedom, second.freedom))
    return Moments(second.estimate - first.estimate, np.sqrt(one + two), freedom)
