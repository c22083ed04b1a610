"""Welch's estimate, for arms whose runs share no seeds."""

import numpy as np

from ablation.effects.moments import Moments


def independent_moments(scores: np.ndarray, contrasts: np.ndarray) -> Moments:
    """Return contrasts of arms' means with Welch's error and degrees of freedom: every arm has its own variance, and no run has a partner.

    With ``n_a`` runs of variance ``s_a²``, a contrast has the squared error ``Σ v_a``, ``v_a = w_a² s_a² / n_a``, with
    ``(Σ v_a)² / Σ v_a² / (n_a − 1)`` degrees of freedom (Welch 1947, "The generalization of 'Student's' problem when several different
    population variances are involved"). Of two arms this is Welch's t test.

    Args:
        scores: shape ``(…, runs, arms)``, NaN where an arm has fewer runs; the order of an arm's runs means nothing.
        contrasts: shape ``(contrasts, arms)``; only the arms that a row weighs count for it, and a row of NaN gives NaN.
    """
    counts = (~np.isnan(scores)).sum(axis=-2)
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = np.nansum(scores, axis=-2) / np.where(counts >= 1, counts, np.nan)
        spare = np.where(counts >= 2, counts - 1.0, np.nan)
        variance = np.nansum((scores - mean[..., None, :]) ** 2, axis=-2) / spare
    estimate, error, freedom = (np.full((*scores.shape[:-2], len(contrasts)), np.nan) for _ in range(3))
    for row, weights in enumerate(contrasts):
        used = weights != 0
        parts, own = weights[used] ** 2 * variance[..., used] / counts[..., used], spare[..., used]
        total = parts.sum(axis=-1)
        estimate[..., row] = mean[..., used] @ weights[used]
        error[..., row] = np.sqrt(total)
        with np.errstate(invalid="ignore", divide="ignore"):
            # Runs that do not differ leave nothing to weigh; the fewest degrees of freedom are then the least that can be claimed.
            freedom[..., row] = np.where(total > 0, total**2 / (parts**2 / own).sum(axis=-1), own.min(axis=-1, initial=np.inf))
    return Moments(estimate, error, np.where(np.isnan(error), np.nan, freedom))
