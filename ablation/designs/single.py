"""Single arms, which credit nothing."""

from collections.abc import Sequence

import numpy as np

from ablation.designs.design import BASELINE, Arm, Design
from ablation.designs.names import check_chosen
from ablation.errors import InputError


def none(features: Sequence[str]) -> Design:
    """Train the baseline alone; nothing is credited."""
    return _single("none", BASELINE)


def all_on(features: Sequence[str]) -> Design:
    """Train the arm with every feature on; nothing is credited."""
    return _single("all", frozenset(features))


def only(features: Sequence[str], on: Sequence[str] | None) -> Design:
    """Train the arm in which exactly the features ``on`` are on; nothing is credited.

    Raises:
        InputError: if ``on`` is missing, or names a feature twice or one that ``features`` does not hold.
    """
    if on is None:
        raise InputError("features=only needs to know which features are on, for instance 'features.on=[augmentation]'")
    check_chosen("features.on", on, features)
    return _single("only", frozenset(on))


def _single(name: str, arm: Arm) -> Design:
    return Design(name, (), (arm,), np.zeros((0, 1)))
