"""Resolution: how many seeds would resolve an effect that those there are do not."""

import numpy as np
from scipy.special import ndtri, stdtrit

from ablation.effects.verdicts import FEWEST_SEEDS, MOST_SEEDS

SURE = 0.60
"""Confidence of the interval of effects behind a range of seeds. In simulation (see the documentation) wider ones hardly ever fit below
the most seeds that are named, and narrower ones more often name seeds where there is no effect."""

WIDEST = 8
"""A range whose ends differ by a larger factor helps nobody to plan."""

POWER = 0.80

SIZES = 41
"""Sizes between the smallest and the largest effect that are looked at."""


def seeds_to_resolve(size: float, error: float, freedom: float, seeds: int, smallest: float, level: float) -> tuple[int, int]:
    """Return the fewest and the most seeds that would resolve an effect, were the truth within a 60 % interval of the estimate.

    Resolved means that with 80 % power a t test rejects at ``level``, or that the 90 % interval lies within ± ``smallest``. The interval
    is that of the effect in units of its standard deviation, ``t (1 − 1 / 4f) ± z √(1 + t² / 2f)`` (Johnson and Welch 1940, "Applications
    of the non-central t-distribution").

    Args:
        size: of the effect, without its sign.
        error: its standard error.
        freedom: degrees of freedom of the error.
        seeds: behind the estimate.
        smallest: the smallest effect of interest, in the same units.
        level: of the test, such as Holm's level for this effect.

    Returns:
        More than ``MOST_SEEDS`` twice where even the fewest are more; zeros where only the most are or the range is too wide, so that
        nothing useful can be said.
    """
    if not error > 0:
        return 0, 0
    statistic, spread, gained = size / error, error * np.sqrt(seeds), freedom / (seeds - 1)
    reach = float(ndtri((1 + SURE) / 2)) * np.sqrt(1 + statistic**2 / (2 * freedom))
    middle = statistic * (1 - 1 / (4 * freedom))
    sizes = np.linspace(max(middle - reach, 0.0), middle + reach, SIZES)[:, None] * error
    counts = np.arange(max(FEWEST_SEEDS, seeds + 1), MOST_SEEDS + 1)
    degrees, root = gained * (counts - 1.0), np.sqrt(counts)
    differs = (stdtrit(degrees, 1 - level / 2) + stdtrit(degrees, POWER)) * spread / root <= sizes
    # Both ends of the interval have to be within, so each must miss with half the probability.
    inside = sizes + (stdtrit(degrees, 0.95) + stdtrit(degrees, (1 + POWER) / 2)) * spread / root <= smallest
    resolved = differs | inside
    needed = np.where(resolved.any(axis=1), counts[resolved.argmax(axis=1)] if len(counts) else 0, MOST_SEEDS + 1)
    fewest, most = int(needed.min()), int(needed.max())
    stated = fewest > MOST_SEEDS or (most <= MOST_SEEDS and most <= WIDEST * fewest)
    return (fewest, most) if stated else (0, 0)
