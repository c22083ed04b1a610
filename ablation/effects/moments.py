"""Moments: estimates with their errors, before they are judged."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import stdtr, stdtrit


@dataclass(frozen=True, eq=False)
class Moments:
    """Estimates with their t distributions. Arrays have shape ``(…, contrasts)``; leading axes are studies, for simulations.

    Attributes:
        estimate: in the units of the scores; NaN where it cannot be estimated.
        error: standard error; NaN with fewer than two seeds.
        freedom: degrees of freedom of the error; NaN where that is.
    """

    estimate: np.ndarray
    error: np.ndarray
    freedom: np.ndarray

    def half_width(self, confidence: float) -> np.ndarray:
        """Return half the width of the intervals of this confidence, such as 0.95."""
        return np.asarray(stdtrit(self.freedom, (1 + confidence) / 2) * self.error)

    @property
    def p(self) -> np.ndarray:
        """Two-sided p-values against zero."""
        with np.errstate(divide="ignore", invalid="ignore"):
            # A spread of exactly zero is no evidence of precision when the estimate is zero too: p is then 1, not NaN.
            t = np.where((self.error == 0) & (self.estimate == 0), 0.0, np.abs(self.estimate) / self.error)
        return np.asarray(2 * stdtr(self.freedom, -t))


def mean_and_sd(scores: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return mean and standard deviation over seeds, ``(seeds, arms) → (arms,)`` twice; NaN where too few runs finished."""
    finished: Sequence[int] = (~np.isnan(scores)).sum(axis=0)
    columns = range(scores.shape[1])
    mean = np.array([np.nanmean(scores[:, c]) if finished[c] else np.nan for c in columns])
    sd = np.array([np.nanstd(scores[:, c], ddof=1) if finished[c] > 1 else np.nan for c in columns])
    return mean, sd
