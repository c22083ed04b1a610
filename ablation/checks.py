"""Checks: what a value must be, in one sentence with the value where it is not."""

import math
from collections.abc import Sequence

from ablation.errors import InputError, nearest


def whole(name: str, value: object, at_least: int, optional: bool = False) -> None:
    """Raise ``InputError`` unless a value is a whole number of at least this; with ``optional``, None will do."""
    if value is None and optional:
        return
    if isinstance(value, bool) or not isinstance(value, int) or value < at_least:
        raise InputError(f"{name} must be a whole number of at least {at_least}{', or null' if optional else ''}, not {value}")


def number(
    name: str,
    value: object,
    above: float | None = None,
    at_least: float | None = None,
    below: float | None = None,
    at_most: float | None = None,
) -> None:
    """Raise ``InputError`` unless a value is a finite number within these bounds."""
    given = float(value) if isinstance(value, int | float) and not isinstance(value, bool) else math.nan
    good = math.isfinite(given) and (above is None or given > above) and (at_least is None or given >= at_least)
    if not (good and (below is None or given < below) and (at_most is None or given <= at_most)):
        bounds = {"above": above, "of at least": at_least, "below": below, "of at most": at_most}
        limits = " and ".join(f"{words} {bound:g}" for words, bound in bounds.items() if bound is not None)
        raise InputError(f"{name} must be a number {limits}, not {value}".replace("  ", " "))


def flag(name: str, value: object) -> None:
    """Raise ``InputError`` unless a value is true or false."""
    if not isinstance(value, bool):
        raise InputError(f"{name} must be true or false, not {value}")


def choice(name: str, value: object, options: Sequence[str | None]) -> None:
    """Raise ``InputError`` unless a value is one of some options; None is shown as null."""
    if value not in options or isinstance(value, bool):
        raise InputError(f"{name}={value} is not known{nearest(str(value), ['null' if each is None else each for each in options])}")


def whole_numbers(name: str, value: object) -> None:
    """Raise ``InputError`` unless a value is a list of whole numbers of at least 1."""
    given = list(value) if isinstance(value, list | tuple) else []
    if not given or any(isinstance(each, bool) or not isinstance(each, int) or each < 1 for each in given):
        raise InputError(f"{name} must be a list of whole numbers of at least 1, such as [200], not {value}")
