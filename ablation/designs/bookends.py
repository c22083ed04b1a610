"""Bookends: each feature alone and each taken away from all."""

from collections.abc import Sequence

import numpy as np

from ablation.checks import names
from ablation.designs.design import BASELINE, Design
from ablation.errors import InputError, nearest


class NothingCreditedError(InputError):
    """A design has none of the features that it is to credit."""


def check_credited(of: Sequence[str], features: Sequence[str]) -> None:
    """Refuse to credit what is no feature of the study."""
    names("features.of", of)
    for feature in of:
        if feature not in features:
            unknown = f"features.of names '{feature}', which the catalogue's order does not hold{nearest(feature, features)}"
            raise NothingCreditedError(unknown)


def bookends(features: Sequence[str], of: Sequence[str] | None = None) -> Design:
    """Credit each feature with the mean of what it adds to the baseline when it is alone and what all lose without it.

    This is the Shapley value of each feature wherever interactions stop at pairs, and free of whatever features without it do together.

    Args:
        features: all of the study.
        of: those of them that are credited; None for all.

    Raises:
        NothingCreditedError: if ``of`` names none of the features.
    """
    credited = tuple(features) if of is None else tuple(feature for feature in features if feature in of)
    if of is not None and not credited:
        check_credited(of, features)
        raise NothingCreditedError("features.of names no feature; expected those that features=bookends credits, such as [augmentation]")
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
