"""Sampled orders: how far an average over some orders of adding may be from that over all."""

from dataclasses import dataclass

import numpy as np
from scipy.special import stdtrit

from ablation.designs import BASELINE, Design
from ablation.effects.verdicts import CONFIDENCE


@dataclass(frozen=True, eq=False)
class SampledOrders:
    """What sampling orders adds to the error of effects. Arrays have shape ``(…, features)`` and the units of the scores.

    Attributes:
        error: standard error that the choice of orders adds to an effect; NaN where fewer than two pairs of orders have their runs.
        half_width: of the 95 % interval for the average over all orders, which covers seeds and orders; NaN where either is unknown.
    """

    error: np.ndarray
    half_width: np.ndarray


def sampled_orders(design: Design, scores: np.ndarray, half_width: np.ndarray, freedom: np.ndarray) -> SampledOrders | None:
    """Estimate the error of sampling orders from how a feature's steps differ between them; None for a design that samples none.

    An order and its reverse are one draw (Mitchell et al. 2022), so the unit is the mean of the feature's two steps. With P pairs of orders
    their standard deviation over √P is the standard error s, with P − 1 degrees of freedom; it holds the noise of runs too, and so errs on
    the large side. A feature that stands at much the same place in all of the orders has steps that differ too little, so s is multiplied
    by what the places make of it (:func:`_unevenness`). With e the effect's own standard error, the interval for the average over all
    orders is ``± t · √(e² + s²)``, with degrees of freedom after Satterthwaite (1946).

    Args:
        design: whose orders are used.
        scores: of its arms, shape ``(…, seeds, arms)``, NaN where a run is missing.
        half_width, freedom: of the effects' own 95 % intervals over seeds, ``(…, features)``.
    """
    if not design.orders:
        return None
    steps = _steps(design, scores)
    pairs = (steps[..., 0::2, :] + steps[..., 1::2, :]) / 2
    count = (~np.isnan(pairs)).sum(axis=-2)
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = np.nansum(pairs, axis=-2) / np.where(count >= 1, count, np.nan)
        squares = np.nansum((pairs - mean[..., None, :]) ** 2, axis=-2)
        sampling = np.sqrt(squares / np.where(count >= 2, count - 1.0, np.nan) / count) * _unevenness(design)
        error = half_width / stdtrit(freedom, (1 + CONFIDENCE) / 2)
        both = error**2 + sampling**2
        degrees = both**2 / (error**4 / freedom + sampling**4 / (count - 1))
    return SampledOrders(sampling, stdtrit(degrees, (1 + CONFIDENCE) / 2) * np.sqrt(both))


def _unevenness(design: Design) -> np.ndarray:
    """Return how many times larger than s the error of the sampled orders is, at least 1, ``(features,)``.

    An order and its reverse leave no error but what features do in threes and more. A three-way term counts in a step where the feature is
    the last of the three, which is so in a third of all orders. For three-way terms of equal variance this compares the mean square of
    the error that the orders leave with that of the standard error that their spread gives.
    """
    features, several = design.features, tuple(dict.fromkeys(feature for order in design.orders for feature in order))
    if len(several) < 3 or len(design.orders) < 4:
        return np.ones(len(features))
    place = np.array([[order.index(feature) for feature in several] for order in design.orders[0::2]])
    found = []
    for feature in features:
        own = place[:, several.index(feature), None]
        after = own > np.delete(place, several.index(feature), axis=1)
        one, other = np.triu_indices(len(several) - 1, 1)
        # First of the three in an order, it is the last in the reverse.
        counts = (after[:, one] == after[:, other]) / 2
        left, seen = ((counts.mean(axis=0) - 1 / 3) ** 2).sum(), (counts.var(axis=0, ddof=1) / len(place)).sum()
        found.append(max(1.0, float(np.sqrt(left / seen))) if seen else np.nan)
    return np.array(found)


def _steps(design: Design, scores: np.ndarray) -> np.ndarray:
    """Return each feature's step in each order, ``(…, orders, features)``; NaN where one of its two arms has no run."""
    with np.errstate(invalid="ignore", divide="ignore"):
        finished = (~np.isnan(scores)).sum(axis=-2)
        means = np.nansum(scores, axis=-2) / np.where(finished, finished, np.nan)
    place = {arm: column for column, arm in enumerate(design.arms)}
    steps = np.full((*means.shape[:-1], len(design.orders), len(design.features)), np.nan)
    for index, order in enumerate(design.orders):
        arm = BASELINE
        for feature in order:
            after = arm | {feature}
            if feature in design.features and arm in place and after in place:
                steps[..., index, design.features.index(feature)] = means[..., place[after]] - means[..., place[arm]]
            arm = after
    return steps
