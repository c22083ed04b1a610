"""Subsets of features, as rows of zeros and ones."""

from collections.abc import Iterable, Sequence
from itertools import chain, combinations

import numpy as np

from ablation.designs.design import Arm


def all_subsets(features: Sequence[str]) -> tuple[Arm, ...]:
    """Return all subsets, smaller ones first."""
    sizes = range(len(features) + 1)
    return tuple(frozenset(subset) for subset in chain.from_iterable(combinations(features, size) for size in sizes))


def in_order(arms: Iterable[Arm], features: Sequence[str]) -> tuple[Arm, ...]:
    """Return the arms with the smaller first, and those of one size in the order of their features."""
    place = {feature: index for index, feature in enumerate(features)}
    return tuple(sorted(arms, key=lambda arm: (len(arm), sorted(place[feature] for feature in arm))))


def membership(arms: Sequence[Arm], features: Sequence[str]) -> np.ndarray:
    """Return which feature is on in which arm, shape ``(arms, features)``, 1 or 0."""
    return np.array([[feature in arm for feature in features] for arm in arms], dtype=float).reshape(len(arms), len(features))
