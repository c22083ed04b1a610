"""The paired t test over seeds, for contrasts of few arms."""

import numpy as np

from ablation.effects.effects import Effects, judged
from ablation.effects.moments import Moments


def paired(scores: np.ndarray, contrasts: np.ndarray, smallest: float, higher_is_better: bool = True) -> Effects:
    """Estimate contrasts of few arms by a paired t test over seeds, and judge them.

    Args:
        scores: shape ``(seeds, arms)``, NaN where a run is missing.
        contrasts: shape ``(contrasts, arms)``; only the arms that a row weighs count for it.
        smallest: the smallest effect of interest, in the units of the scores.
        higher_is_better: whether an effect above zero helps; if not, one below zero does.
    """
    each = per_seed(scores, contrasts)
    return judged(paired_moments(scores, contrasts), (~np.isnan(each)).sum(axis=0), each, smallest, higher_is_better=higher_is_better)


def per_seed(scores: np.ndarray, contrasts: np.ndarray) -> np.ndarray:
    """Return each seed's own contrasts, ``(…, seeds, arms) → (…, seeds, contrasts)``; NaN where an arm that it weighs is missing."""
    each = np.full((*scores.shape[:-1], contrasts.shape[0]), np.nan)
    for row, weights in enumerate(contrasts):
        used = weights != 0
        each[..., row] = scores[..., used] @ weights[used]
    return each


def paired_moments(scores: np.ndarray, contrasts: np.ndarray) -> Moments:
    """Return mean and standard error over seeds of each seed's own contrast, with ``seeds − 1`` degrees of freedom.

    With ``d`` the contrasts of the k seeds in which all their arms finished, the estimate is ``mean(d)`` and its error ``sd(d) / √k``.

    Args:
        scores: shape ``(…, seeds, arms)``, NaN where a run is missing.
        contrasts: shape ``(contrasts, arms)``.
    """
    each = per_seed(scores, contrasts)
    seeds = (~np.isnan(each)).sum(axis=-2)
    with np.errstate(invalid="ignore", divide="ignore"):
        estimate = np.nansum(each, axis=-2) / np.where(seeds >= 1, seeds, np.nan)
        freedom = np.where(seeds >= 2, seeds - 1.0, np.nan)
        squares = np.nansum((each - estimate[..., None, :]) ** 2, axis=-2)
        return Moments(estimate, np.sqrt(squares / freedom / seeds), freedom)
