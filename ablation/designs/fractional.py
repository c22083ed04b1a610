"""Fractional: a few subsets of the features, chosen so that pairs of features cannot pass for single ones."""

from collections.abc import Sequence

import numpy as np

from ablation.designs.design import BASELINE, Arm, Design
from ablation.designs.subsets import in_order
from ablation.errors import InputError

GENERATORS = {
    3: "a b c",
    4: "a b c abc",
    5: "a b c d abc",
    6: "a b c d abc abd",
    7: "a b c d abc bcd acd",
    8: "a b c d abc abd acd bcd",
    9: "a b c d e abc abd ace ade",
    10: "a b c d e abc abd ace ade abcde",
    11: "a b c d e abc abd acd ace bce bde",
    12: "a b c d e abc abd acd bcd bce bde abcde",
    13: "a b c d e abc abd acd bcd bce bde cde abcde",
    14: "a b c d e abc abd acd ace bcd bce bde cde abcde",
    15: "a b c d e abc abd acd ace ade bcd bce bde cde abcde",
}
"""For each number of features the columns of the design. All have odd length, so that the arms hold the baseline and, with each subset, its
complement; among those, they alias the fewest pairs with each other (minimum aberration: Fries and Hunter 1980)."""


def size_of_fraction(features: int) -> int:
    """Return how many arms the fraction of so many features has; of a number without one, those of all subsets."""
    return int(2 ** sum(len(column) == 1 for column in GENERATORS[features].split())) if features in GENERATORS else 2**features


def fractional(features: Sequence[str]) -> Design:
    """Credit each feature with the mean of the arms that have it minus the mean of those that have not, over a chosen fraction.

    The fraction has resolution IV: no pair of features is aliased with a single one, so an effect is the Shapley value of the feature
    wherever interactions stop at pairs (Box and Hunter 1961, "The 2^(k−p) fractional factorial designs"). Features are assigned to
    columns so that as many arms as can be lie on the cumulative path.

    Raises:
        InputError: if there is no such fraction for so many features.
    """
    if len(features) not in GENERATORS:
        expected = f"{min(GENERATORS)} to {max(GENERATORS)} features"
        other = "features=factorial" if len(features) < min(GENERATORS) else "features=shapley features.orders=10"
        raise InputError(f"features=fractional takes {expected}, and the study has {len(features)}; {other} takes them")
    columns = _columns(GENERATORS[len(features)].split())
    order = _along(columns)
    arms = in_order((frozenset(features[order.index(column)] for column in np.flatnonzero(row).tolist()) for row in columns), features)
    signs = np.array([[1.0 if feature in arm else -1.0 for arm in arms] for feature in features])
    references: dict[Arm, Arm] = {arm: BASELINE for arm in arms if arm}
    meaning = (
        f"An effect is the mean of the arms with the feature minus the mean of those without it, over {len(arms)} of the "
        f"{2 ** len(features):,} subsets; it holds for all orders where interactions stop at pairs."
    )
    return Design("fractional", tuple(features), arms, signs / (len(arms) / 2), references, meaning, "balanced", "up to pairs")


def _columns(words: Sequence[str]) -> np.ndarray:
    """Return which arms each column is on in, ``(arms, columns)``: a letter's in half of them, a word's where an odd number of its letters
    is on.

    Args:
        words: of letters that are columns too, each of odd length.
    """
    letters = [word for word in words if len(word) == 1]
    on = np.arange(2 ** len(letters))[:, None] >> np.arange(len(letters)) & 1
    return np.stack([on[:, [letters.index(each) for each in word]].sum(axis=1) % 2 == 1 for word in words], axis=1)


def _along(rows: np.ndarray) -> list[int]:
    """Return the columns in an order along which as many rows as can be are prefixes, by the longest chain of nested rows."""
    sets = sorted((frozenset(np.flatnonzero(row).tolist()) for row in rows), key=lambda row: (len(row), sorted(row)))
    longest: dict[frozenset[int], list[frozenset[int]]] = {}
    for row in sets:
        below = [longest[other] for other in longest if other < row]
        longest[row] = [*max(below, key=len, default=[]), row]
    chain = longest[sets[-1]]
    return list(dict.fromkeys(column for row in chain for column in sorted(row)))
