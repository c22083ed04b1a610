"""Balanced designs: contrasts of many arms share one error, as far as their effects are equally steady from seed to seed."""

from dataclasses import dataclass, replace

import numpy as np
from scipy.special import fdtrc, stdtrit

from ablation.effects.moments import Moments, Own
from ablation.effects.residuals import residuals
from ablation.effects.verdicts import CONFIDENCE

UNLIKE = 0.07
"""A contrast whose variation between seeds has a smaller p-value than this, among the others, takes its own error."""

FAR = 0.001
"""And one with a smaller p-value than this leaves the pool. To drop more would make the pool too small where effects are steady."""


def balanced_moments(scores: np.ndarray, rows: np.ndarray) -> Moments:
    """Return the moments of contrasts of many arms, with errors that hold where effects vary from seed to seed.

    The residual variances of the arms predict a squared error V of each contrast; its own seeds give another, O. Where effects are the
    same for every seed these agree; where they vary, O is larger.

    - Contrasts share the excess: the squared error is ``V + mean(O − V)`` if that mean is above zero. If not, V and the mean of O are
      pooled by their degrees of freedom.
    - A contrast whose O is larger than the others make likely (F test, p < 0.07) takes O; where it is far larger (p < 0.001), it is left
      out of the means.
    - No interval is narrower than the 90 % interval from O: see :class:`ablation.effects.moments.Moments`.

    The documentation has simulations of this rule and of others that were tried.

    Args:
        scores: shape ``(…, seeds, arms)``, NaN where a run is missing.
        rows: shape ``(contrasts, arms)``; a row of NaN gives NaN.
    """
    fitted = residuals(scores)
    predicted = fitted.moments(rows)
    # What the runs do not determine is NaN in every study.
    known = ~np.isnan(predicted.error).reshape(-1, len(rows))[:1].any(axis=0)
    if not known.any():
        return predicted
    used, count = rows[known], int(known.sum())
    variance, freedom = predicted.error[..., known] ** 2, predicted.freedom[..., known]
    own, own_freedom = fitted.own(used)
    squared_covariances = fitted.squared_covariances(used)

    def pool(members: np.ndarray) -> _Pool:
        return _pool(variance, own, squared_covariances, float(own_freedom.mean()), members)

    others = pool(1 - np.eye(count))
    with np.errstate(invalid="ignore", divide="ignore"):
        p = fdtrc(own_freedom, others.freedom, own / others.expected(variance))
        shared, shared_freedom = pool(~(p < FAR)[..., None, :] * 1.0).error(variance, freedom)
    # No more than all residuals have, and no fewer than the contrast's own seeds.
    shared_freedom = np.clip(shared_freedom, own_freedom, np.maximum(fitted.freedom, own_freedom))
    taken = (p < UNLIKE) & (_half(own, own_freedom) > _half(shared, shared_freedom))

    def filled(values: np.ndarray) -> np.ndarray:
        whole = np.full(predicted.error.shape, np.nan)
        whole[..., known] = values
        return whole

    return Moments(
        predicted.estimate,
        filled(np.sqrt(np.where(taken, own, shared))),
        filled(np.where(taken, own_freedom, shared_freedom)),
        Own(filled(np.sqrt(own)), filled(own_freedom), filled(taken) == 1),
    )


def _half(square: np.ndarray, freedom: np.ndarray) -> np.ndarray:
    return np.asarray(np.sqrt(square) * stdtrit(freedom, (1 + CONFIDENCE) / 2))


@dataclass(frozen=True, eq=False)
class _Pool:
    """Means over some contrasts, one column a set of them: their own squared errors, those predicted, and the first one's degrees of
    freedom."""

    own: np.ndarray
    predicted: np.ndarray
    freedom: np.ndarray

    def expected(self, variance: np.ndarray) -> np.ndarray:
        """Return the squared errors that contrasts have if they are like those of the pool."""
        more = np.maximum(variance + (self.own - self.predicted), 0)
        return np.where(self.own > self.predicted, more, variance * self.own / self.predicted)

    def error(self, variance: np.ndarray, freedom: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return squared errors of contrasts, and their degrees of freedom, from what is pooled and what is predicted for each."""
        usual = freedom.mean(axis=-1, keepdims=True)
        together = (self.freedom * self.own + usual * self.predicted) / (self.freedom + usual)
        common = np.where(self.own > self.predicted, self.own, together)
        common_freedom = np.where(self.own > self.predicted, self.freedom, self.freedom + usual)
        square = replace(self, own=common).expected(variance)
        # Satterthwaite 1946, for a sum of what is common and how this contrast's variance differs from the mean.
        parts = common**2 / common_freedom + (variance - self.predicted) ** 2 / freedom
        return square, square**2 / parts


def _pool(variance: np.ndarray, own: np.ndarray, squared_covariances: np.ndarray, freedom: float, members: np.ndarray) -> _Pool:
    """Pool contrasts, whose squared errors are correlated: the more, the fewer degrees of freedom they have together.

    Args:
        members: which contrasts, shape ``(…, pools, contrasts)``, 1 or 0.
    """
    count, total = members.sum(axis=-1), (members @ variance[..., None])[..., 0]
    with np.errstate(invalid="ignore", divide="ignore"):
        squares = ((members @ squared_covariances) * members).sum(axis=-1)
        return _Pool((members @ own[..., None])[..., 0] / count, total / count, freedom * total**2 / squares)
