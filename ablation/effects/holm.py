"""Holm's adjustment of p-values over one family."""

import numpy as np


def holm(p: np.ndarray) -> np.ndarray:
    """Adjust p-values of one family by Holm's step-down method. NaN stays NaN and does not count towards the family.

    Holm 1979, "A simple sequentially rejective multiple test procedure".

    Args:
        p: shape ``(…, tests)``; leading axes are families of their own.
    """
    order = np.argsort(p, axis=-1)  # NaN comes last.
    ascending = np.take_along_axis(p, order, axis=-1)
    left = (~np.isnan(p)).sum(axis=-1, keepdims=True) - np.arange(p.shape[-1])
    stepped = np.minimum(np.maximum.accumulate(ascending * np.maximum(left, 1), axis=-1), 1)
    adjusted = np.empty(p.shape)
    np.put_along_axis(adjusted, order, stepped, axis=-1)
    return adjusted
