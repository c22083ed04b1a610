"""The pairwise model: a score is a constant, what each feature that is on adds, and what each pair that is on adds beyond that."""

from collections.abc import Sequence
from itertools import combinations
from math import comb

import numpy as np

from ablation.designs.design import Arm
from ablation.designs.subsets import membership

Pair = tuple[str, str]
NONE = 1e-8
"""A number below this is zero but for rounding."""


def model(on: np.ndarray) -> np.ndarray:
    """Return the model's columns, ``(arms, features) → (arms, 1 + features + pairs)``, pairs in the order of ``combinations``."""
    return np.hstack([np.ones((len(on), 1)), on, _products(on, 2)])


def _products(on: np.ndarray, size: int) -> np.ndarray:
    columns = [on[:, list(each)].prod(axis=1) for each in combinations(range(on.shape[1]), size)]
    return np.array(columns).reshape(len(columns), len(on)).T


def rows_for(wanted: np.ndarray, columns: np.ndarray) -> np.ndarray:
    """Return contrasts that estimate sums of a model's coefficients by least squares, ``(rows, coefficients) → (rows, arms)``.

    A row is NaN where the arms do not determine it. Columns that are zero in every arm stand for nothing and are left out.
    """
    there = (columns != 0).any(axis=0)
    wanted, columns = wanted[:, there], columns[:, there]
    rows = wanted @ np.linalg.pinv(columns)
    estimable = np.abs(rows @ columns - wanted).max(axis=1, initial=0) < NONE
    return np.where(estimable[:, None], np.where(np.abs(rows) < NONE, 0.0, rows), np.nan)


def effect_rows(arms: Sequence[Arm], features: Sequence[str]) -> np.ndarray:
    """Return contrasts that estimate each feature's Shapley value under the model, its own worth and half of its pairs'; else NaN."""
    count = len(features)
    wanted = np.hstack([np.zeros((count, 1)), np.eye(count), np.zeros((count, comb(count, 2)))])
    for column, pair in enumerate(combinations(range(count), 2), start=1 + count):
        wanted[list(pair), column] = 0.5
    return rows_for(wanted, model(membership(arms, features)))


def interaction_rows(arms: Sequence[Arm], features: Sequence[str]) -> tuple[tuple[tuple[Pair, ...], ...], np.ndarray]:
    """Return what arms say of pairs: groups of pairs, and for each the contrast that sums their interactions.

    From all subsets this is the Shapley interaction index of each pair (Grabisch and Roubens 1999); from fewer, the least squares
    estimate of the model. Pairs that no arm separates form one alias group.
    """
    on, count = membership(arms, features), len(features)
    pairs = list(combinations(range(count), 2))
    if len(arms) == 2**count:
        rows = np.array([_index(on, *pair) for pair in pairs]).reshape(len(pairs), len(arms))
        return tuple(((features[one], features[other]),) for one, other in pairs), rows
    aliases: dict[bytes, list[int]] = {}
    for place, pair in enumerate(pairs):
        if on[:, pair].prod(axis=1).any():
            # Two pairs are separated where an arm has one feature of the one pair and both or none of the other.
            aliases.setdefault((on[:, pair[0]] == on[:, pair[1]]).tobytes(), []).append(place)
    groups = list(aliases.values())
    wanted = np.zeros((len(groups), 1 + count + len(pairs)))
    for row, group in enumerate(groups):
        wanted[row, [1 + count + place for place in group]] = 1
    rows = rows_for(wanted, model(on))
    estimable = ~np.isnan(rows).any(axis=1)
    named = [tuple((features[pairs[place][0]], features[pairs[place][1]]) for place in group) for group in groups]
    return tuple(names for names, known in zip(named, estimable, strict=True) if known), rows[estimable]


def _index(on: np.ndarray, one: int, other: int) -> np.ndarray:
    """Return the contrast of a pair's Shapley interaction index over all subsets."""
    count = on.shape[1]
    others = on.sum(axis=1) - on[:, one] - on[:, other]
    weight = np.array([1 / ((count - 1) * comb(count - 2, int(size))) for size in others])
    return np.asarray(weight * (2 * on[:, one] - 1) * (2 * on[:, other] - 1))


def lack_of_fit_rows(arms: Sequence[Arm], features: Sequence[str]) -> tuple[np.ndarray, tuple[tuple[str, str, str], ...], int]:
    """Return what arms have to spare: contrasts that the model leaves at zero, the three-way terms that move them, the others' number.

    The contrasts have shape ``(spare, arms)`` and are orthonormal.
    """
    on = membership(arms, features)
    left, sizes, _ = np.linalg.svd(model(on))
    spare = left[:, int((sizes > NONE * max(sizes.max(initial=0), 1)).sum()) :].T
    triples = list(combinations(features, 3))
    seen = (np.abs(spare @ _products(2 * on - 1, 3)) > NONE).any(axis=0) if triples else np.zeros(0, dtype=bool)
    terms = tuple(triple for triple, visible in zip(triples, seen.tolist(), strict=True) if visible)
    return spare, terms, len(triples) - len(terms)
