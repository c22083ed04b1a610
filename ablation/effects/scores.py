"""Scores: what a reader is shown of them."""

from collections.abc import Sequence

import numpy as np


def signed_points(difference: float, digits: int) -> str:
    """Write a difference of two fractions in percentage points, always with its sign; what rounds to zero is positive."""
    return f"{round(100 * difference, digits) + 0.0:+.{digits}f}".replace("-", "−")


def mean_and_sd(scores: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return mean and standard deviation over seeds, ``(seeds, arms) → (arms,)`` twice; NaN where too few runs finished."""
    finished: Sequence[int] = (~np.isnan(scores)).sum(axis=0)
    columns = range(scores.shape[1])
    mean = np.array([np.nanmean(scores[:, c]) if finished[c] else np.nan for c in columns])
    sd = np.array([np.nanstd(scores[:, c], ddof=1) if finished[c] > 1 else np.nan for c in columns])
    return mean, sd
