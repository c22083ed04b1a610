"""Interactions: what two features are worth together beyond what each is worth alone."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, eq=False)
class Interactions:
    """Estimates of pair interactions. All arrays have shape ``(rows,)`` and the units of the scores.

    Attributes:
        pairs: for each row the pairs whose interactions it sums: one where the design resolves it, else the whole alias group.
        estimate, error, freedom: as in :class:`ablation.effects.Effects`.
        low, high: 95 % interval.
        p, p_holm: two-sided p-value against zero, and the same adjusted over the rows.
    """

    pairs: tuple[tuple[tuple[str, str], ...], ...]
    estimate: np.ndarray
    error: np.ndarray
    freedom: np.ndarray
    low: np.ndarray
    high: np.ndarray
    p: np.ndarray
    p_holm: np.ndarray
