"""Factorial: every subset of the features."""

from collections.abc import Sequence

from ablation.designs.design import BASELINE, Design
from ablation.designs.subsets import all_subsets, membership
from ablation.errors import InputError

MOST_FEATURES = 10
"""More have over a thousand arms."""


def factorial(features: Sequence[str]) -> Design:
    """Credit each feature with the mean of the arms that have it minus the mean of those that have not, over all subsets.

    Raises:
        InputError: if there are too many features for all their subsets.
    """
    if len(features) > MOST_FEATURES:
        raise InputError(
            f"features=factorial takes at most {MOST_FEATURES} features, and the study has {len(features)}, which have "
            f"{2 ** len(features):,} subsets; features=fractional needs few of them"
        )
    arms = all_subsets(features)
    contrasts = (2 * membership(arms, features).T - 1) / (len(arms) / 2)
    references = {arm: BASELINE for arm in arms if arm}
    meaning = "An effect is the mean of all arms with the feature minus the mean of all arms without it."
    return Design("factorial", tuple(features), arms, contrasts, references, meaning, "balanced", "up to pairs")
