"""Shapley: what each feature adds, averaged over all orders of adding, or over a sample of them."""

from collections.abc import Sequence
from math import comb

import numpy as np

from ablation.designs.design import BASELINE, Arm, Design
from ablation.designs.subsets import all_subsets, in_order
from ablation.errors import InputError

MOST_EXACT = 7
"""Features whose subsets are all trained; more need sampled orders."""

MOST_ORDERS = 1000
"""Far more than can be trained; their arms would take long to list."""

STREAM = 1953
"""Orders are drawn from this seed, so that a study has the same ones each time, and one with more orders holds those of one with fewer."""


def shapley(features: Sequence[str], orders: int | None = None) -> Design:
    """Credit each feature with what it adds, averaged over the orders in which the features can be added.

    Exact from all subsets (Shapley 1953, "A value for n-person games"), or the mean over sampled orders, each with its reverse
    (Mitchell et al. 2022, "Sampling permutations for Shapley value estimation").

    Args:
        features: in any order; it does not matter.
        orders: how many to sample, an even number; None for the exact value.

    Raises:
        InputError: if ``orders`` is no even number, or missing where there are too many features for the exact value.
    """
    if orders is None:
        if len(features) > MOST_EXACT:
            raise InputError(
                f"features=shapley trains all subsets of up to {MOST_EXACT} features, and the study has {len(features)}; "
                "sample some orders of adding them, for instance features.orders=10"
            )
        return _exact(features)
    if not isinstance(orders, int) or isinstance(orders, bool) or not 2 <= orders <= MOST_ORDERS or orders % 2:
        raise InputError(
            f"features.orders must be an even number from 2 to {MOST_ORDERS}, for each order is run with its reverse, not {orders}"
        )
    return _sampled(features, orders)


def _exact(features: Sequence[str]) -> Design:
    count, arms = len(features), all_subsets(features)
    contrasts = np.zeros((count, len(arms)))
    for row, feature in enumerate(features):
        for column, arm in enumerate(arms):
            before = len(arm - {feature})
            contrasts[row, column] = (1 if feature in arm else -1) / (count * comb(count - 1, before))
    references = {arm: BASELINE for arm in arms if arm}
    meaning = "An effect is the feature's Shapley value: what it adds, averaged over all orders of adding the features."
    return Design("shapley", tuple(features), arms, contrasts, references, meaning, "balanced", "always")


def _sampled(features: Sequence[str], orders: int) -> Design:
    rng = np.random.default_rng(STREAM)
    drawn = [rng.permutation(len(features)).tolist() for _ in range(orders // 2)]
    ways = [way for one in drawn for way in (one, one[::-1])]
    weights: dict[tuple[int, Arm], float] = {}
    for order in ways:
        arm = BASELINE
        for row in order:
            after = arm | {features[row]}
            weights[row, after] = weights.get((row, after), 0.0) + 1 / orders
            weights[row, arm] = weights.get((row, arm), 0.0) - 1 / orders
            arm = after
    arms = in_order({arm for _, arm in weights}, features)
    place = {arm: column for column, arm in enumerate(arms)}
    contrasts = np.zeros((len(features), len(arms)))
    for (row, arm), weight in weights.items():
        contrasts[row, place[arm]] += weight
    references = {arm: BASELINE for arm in arms if arm}
    sampled = tuple(tuple(features[row] for row in way) for way in ways)
    meaning = (
        f"An effect is what the feature adds, averaged over {orders} sampled orders of adding the features; the interval does not cover "
        "the choice of orders."
    )
    return Design("shapley", tuple(features), arms, contrasts, references, meaning, "balanced", "always", sampled)
