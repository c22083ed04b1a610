"""Levels: which values of a column mean that a feature is on, and which that it is off."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ablation.errors import InputError, nearest

MISSING = "missing"
"""What an empty cell is called."""

Values = Any
"""A value, several values, or a mapping from features to theirs."""


@dataclass(frozen=True)
class Levels:
    """The values of one feature's column, each as :func:`word` writes it."""

    on: frozenset[str]
    off: frozenset[str]

    def state(self, value: object) -> bool | None:
        """Return whether the feature is on; None for a value that means neither."""
        found = word(value)
        return True if found in self.on else False if found in self.off else None


def levels(features: Sequence[str], on: Values = (), off: Values = ()) -> dict[str, Levels]:
    """Return what the values of each feature mean: 1 and true on, 0 and false off, and beside these what the user names.

    Args:
        features: names of the columns.
        on, off: a value or several, for all features; or a mapping from a feature to its own.

    Raises:
        InputError: if a value means both, or belongs to no feature.
    """
    named_on, named_off = _by_feature("on", features, on), _by_feature("off", features, off)
    made = {}
    for feature in features:
        both = named_on[feature] & named_off[feature]
        if both:
            raise InputError(f"'{min(both)}' of the feature '{feature}' is given as on and as off; expected one of them")
        made[feature] = Levels(
            named_on[feature] | frozenset({"1", "true"}) - named_off[feature],
            named_off[feature] | frozenset({"0", "false"}) - named_on[feature],
        )
    return made


def _by_feature(side: str, features: Sequence[str], given: Values) -> dict[str, frozenset[str]]:
    if not isinstance(given, Mapping):
        return dict.fromkeys(features, _words(given))
    for feature in given:
        if feature not in features:
            raise InputError(f"{side} names '{feature}', which is no feature{nearest(str(feature), features)}")
    return {feature: _words(given.get(feature, ())) for feature in features}


def _words(given: Values) -> frozenset[str]:
    several = given if isinstance(given, Iterable) and not isinstance(given, str) else (given,)
    return frozenset(map(word, several))


def word(value: object) -> str:
    """Return a cell's value so that equal values are equal words: ``1``, ``1.0`` and ``"1"`` are one, ``True`` and ``"true"`` another."""
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return MISSING
    text = str(value).strip().casefold()
    try:
        number = float(text)
    except ValueError:
        return text or MISSING
    return str(int(number)) if number.is_integer() else repr(number)
