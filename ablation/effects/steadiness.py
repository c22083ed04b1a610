"""Steadiness: whether effects are the same in every seed but for the noise of single runs, as intervals of balanced designs assume."""

import numpy as np
from scipy.special import fdtrc


def unsteady(scores: np.ndarray, contrasts: np.ndarray) -> np.ndarray:
    """Return the p-value of effects varying between seeds beyond the noise of runs, ``(…, seeds, arms) → (…,)``; NaN if unknown.

    With arms' and seeds' means removed, what the seeds' own effects leave is compared with what all other contrasts of the arms leave: an
    F test of the interaction of effects and seeds.

    Args:
        scores: only seeds in which every arm finished count.
        contrasts: of the effects, shape ``(effects, arms)``.
    """
    complete = ~np.isnan(scores).any(axis=-1)
    seeds, (count, arms) = scores.shape[-2], contrasts.shape
    if not complete.all():
        if scores.ndim > 2:
            raise ValueError("many studies at once must be complete")
        scores, seeds = scores[complete], int(complete.sum())
    spare = arms - 1 - count
    if seeds < 2 or spare < 1 or count < 1:
        return np.full(scores.shape[:-2], np.nan)
    left = scores - scores.mean(axis=-2, keepdims=True)
    left = left - left.mean(axis=-1, keepdims=True)
    basis = np.linalg.qr(contrasts.T)[0]
    own = ((left @ basis) ** 2).sum(axis=(-2, -1))
    rest = (left**2).sum(axis=(-2, -1)) - own
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(fdtrc(count * (seeds - 1), spare * (seeds - 1), (own / count) / (rest / spare)))
