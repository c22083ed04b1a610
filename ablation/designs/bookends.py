"""Bookends: each feature alone and each taken away from all."""

from collections.abc import Sequence

import numpy as np

from ablation.checks import names
from ablation.designs.design import BASELINE, Design
from ablation.errors import InputError


class NothingCreditedError(InputError):
    """A design has none of the features that it is to credit."""


def bookends(features: Sequence[str], of: Sequence[str] | None = None) -> Design:
    """Credit each feature with the mean of what it adds to the baseline when it is alone and what all lose without it.

    This is the Shapley value of each feature wherever interactions stop at pairs, and free of whatever features without it do together.

    Args:
        features: all of the study.
        of: those that are credited, as far as they are there; None for all.

    Raises:
        NothingCreditedError: if ``of`` names none of the features.
    """
    if of is not None:
        names("features.of", of)
    credited = tuple(features) if of is None else tuple(feature for feature in features if feature in of)
    if of is not None and not credited:
        expected = f"those that features=bookends credits, such as [{features[0]}]"
        raise NothingCreditedError(f"features.of={list(of)} names none of the features; expected {expected}")
    full = frozenset(features)
    alone, without = [frozenset({feature}) for feature in credited], [full - {feature} for feature in credited]
    arms = tuple(dict.fromkeys([BASELINE, *alone, *without, full]))
    contrasts = np.zeros((len(credited), len(arms)))
    for row in range(len(credited)):
        for arm, weight in ((alone[row], 0.5), (BASELINE, -0.5), (full, 0.5), (without[row], -0.5)):
            contrasts[row, arms.index(arm)] += weight
    references = dict.fromkeys(alone, BASELINE) | {arm: full for arm in without if arm not in (BASELINE, *alone)}
    meaning = "An effect is the mean of what the feature adds to the baseline when it is alone and what all features would lose without it."
    return Design("bookends", credited, arms, contrasts, references, meaning, averages="up to pairs")
