"""Moments: estimates with their errors, before they are judged."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy.special import stdtr, stdtrit

from ablation.effects.verdicts import CONFIDENCE, holm

GUARD = 0.90
"""Confidence of the interval from a contrast's own seeds that must exclude zero too, where its error is shared."""


@dataclass(frozen=True, eq=False)
class Own:
    """How each contrast varies between seeds by itself, where contrasts share an error. Arrays have shape ``(…, contrasts)``.

    Attributes:
        error: standard error from the contrast's own seeds alone, that of a paired t test where no run is missing.
        freedom: degrees of freedom of that error.
        taken: whether the contrast varies more than the others do, so that it takes its own error instead of the shared one.
    """

    error: np.ndarray
    freedom: np.ndarray
    taken: np.ndarray


@dataclass(frozen=True, eq=False)
class Moments:
    """Estimates with their t distributions. Arrays have shape ``(…, contrasts)``; leading axes are studies, for simulations.

    Attributes:
        estimate: in the units of the scores; NaN where it cannot be estimated.
        error: standard error; NaN with fewer than two seeds.
        freedom: degrees of freedom of the error; NaN where that is.
        own: where contrasts share an error, what guards it: no interval is narrower than the 90 % interval from the contrast's own seeds,
            and a p-value is below 0.05 only where that interval excludes zero.
    """

    estimate: np.ndarray
    error: np.ndarray
    freedom: np.ndarray
    own: Own | None = None

    def half_width(self, confidence: float) -> np.ndarray:
        """Return half the width of the intervals of this confidence, such as 0.95."""
        half = np.asarray(stdtrit(self.freedom, (1 + confidence) / 2) * self.error)
        return half if self.own is None else np.maximum(half, stdtrit(self.own.freedom, (1 + GUARD) / 2) * self.own.error)

    def of(self, rows: Sequence[int]) -> "Moments":
        """Return those of some contrasts."""
        own = self.own and Own(self.own.error[..., rows], self.own.freedom[..., rows], self.own.taken[..., rows])
        return Moments(self.estimate[..., rows], self.error[..., rows], self.freedom[..., rows], own)

    def at_least(self, error: np.ndarray) -> "Moments":
        """Return the same with no error below this one."""
        own = self.own and replace(self.own, error=np.maximum(self.own.error, error))
        return replace(self, error=np.maximum(self.error, error), own=own)

    @property
    def p(self) -> np.ndarray:
        """Two-sided p-values against zero, below 0.05 where the 95 % interval excludes zero."""
        return np.maximum(_p(self.estimate, self.error, self.freedom), self._least_p)

    @property
    def p_holm(self) -> np.ndarray:
        """The same, adjusted over the contrasts by Holm's method; the guard is not."""
        return np.maximum(holm(_p(self.estimate, self.error, self.freedom)), self._least_p)

    @property
    def _least_p(self) -> np.ndarray | float:
        if self.own is None:
            return 0.0
        return (1 - CONFIDENCE) / (1 - GUARD) * _p(self.estimate, self.own.error, self.own.freedom)


def _p(estimate: np.ndarray, error: np.ndarray, freedom: np.ndarray) -> np.ndarray:
    with np.errstate(divide="ignore", invalid="ignore"):
        # A spread of exactly zero is no evidence of precision when the estimate is zero too: p is then 1, not NaN.
        t = np.where((error == 0) & (estimate == 0), 0.0, np.abs(estimate) / error)
    return np.asarray(2 * stdtr(freedom, -t))


def mean_and_sd(scores: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return mean and standard deviation over seeds, ``(seeds, arms) → (arms,)`` twice; NaN where too few runs finished."""
    there = ~np.isnan(scores)
    finished = there.sum(axis=0)
    with np.errstate(invalid="ignore"):
        mean = np.where(there, scores, 0).sum(axis=0) / np.where(finished > 0, finished, np.nan)
        squares = np.where(there, (scores - mean) ** 2, 0).sum(axis=0)
        return mean, np.sqrt(squares / np.where(finished > 1, finished - 1, np.nan))
