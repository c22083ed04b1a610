"""Seeds: how many would resolve an effect."""

import numpy as np
from scipy.special import stdtrit

FEW, MOST_SEEDS = 200, 10_000


def seeds_to_resolve(size: float, spread: float, smallest: float, freedom: float = 1.0) -> int:
    """Return how many seeds would resolve an effect of this size, were the estimate and its spread to stay as they are.

    Resolved means that the 95 % interval excludes zero or that the 90 % interval lies within ± ``smallest``.
    Returns 0 where more than ``MOST_SEEDS`` would be needed.

    Args:
        size: of the effect, without its sign.
        spread: standard error of the effect from one seed, ``error · √seeds``.
        smallest: the smallest effect of interest, in the same units.
        freedom: degrees of freedom that each seed after the first adds: 1 for a paired t.
    """
    # Most need few, and a long list takes long.
    for counts in (np.arange(3, FEW), np.arange(FEW, MOST_SEEDS + 1)):
        root, degrees = np.sqrt(counts), freedom * (counts - 1.0)
        excludes = stdtrit(degrees, 0.975) * spread / root < size
        inside = size + stdtrit(degrees, 0.95) * spread / root <= smallest
        resolved = np.flatnonzero(excludes | inside)
        if resolved.size:
            return int(counts[resolved[0]])
    return 0
