"""Order dependence: a feature's gain by when it is added."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, eq=False)
class OrderDependence:
    """Each feature's gain added first, in the chosen order, last, and averaged over all orders.

    Arrays have shape ``(features,)`` and the units of the scores; NaN where the arms do not tell.

    Attributes:
        features: in the chosen order.
        first, chosen, last, shapley: the gains; each has its standard error beside it.
        differs: where two of the gains differ beyond noise (p < 0.05 after Holm's adjustment over all their differences).
    """

    features: tuple[str, ...]
    first: np.ndarray
    chosen: np.ndarray
    last: np.ndarray
    shapley: np.ndarray
    first_error: np.ndarray
    chosen_error: np.ndarray
    last_error: np.ndarray
    shapley_error: np.ndarray
    differs: np.ndarray
