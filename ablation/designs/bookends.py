"""Bookends: each feature alone and each taken away from all."""

from collections.abc import Sequence

import numpy as np

from ablation.designs.design import BASELINE, Design


def bookends(features: Sequence[str]) -> Design:
    """Credit each feature with the mean of what it adds to the baseline when it is alone and what all lose without it.

    This is the Shapley value of each feature wherever interactions stop at pairs.
    """
    full = frozenset(features)
    alone, without = [frozenset({feature}) for feature in features], [full - {feature} for feature in features]
    arms = tuple(dict.fromkeys([BASELINE, *alone, *without, full]))
    contrasts = np.zeros((len(features), len(arms)))
    for row in range(len(features)):
        for arm, weight in ((alone[row], 0.5), (BASELINE, -0.5), (full, 0.5), (without[row], -0.5)):
            contrasts[row, arms.index(arm)] += weight
    references = dict.fromkeys(alone, BASELINE) | {arm: full for arm in without if arm not in (BASELINE, *alone)}
    meaning = "An effect is the mean of what the feature adds to the baseline when it is alone and what all features would lose without it."
    return Design("bookends", tuple(features), arms, contrasts, references, meaning, averages="up to pairs")
