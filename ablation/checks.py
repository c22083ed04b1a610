"""Checks of settings: each raises one sentence that names the setting, what it must be, and what it is."""

import math
import sys
from collections.abc import Iterable
from pathlib import Path

from ablation.errors import InputError, nearest

LARGEST = 10**9
"""The largest whole number that a setting without a bound of its own takes: more would fail late, or never end."""


def whole(name: str, value: object, at_least: int, at_most: int | None = None, optional: bool = False) -> None:
    """Raise ``InputError`` unless a value is a whole number within these bounds; ``optional`` allows None, too."""
    if value is None and optional:
        return
    if at_most is None and type(value) is int and value > LARGEST:
        at_most = LARGEST
    if isinstance(value, bool) or not isinstance(value, int) or value < at_least or (at_most is not None and value > at_most):
        bounds = f"of at least {at_least}" if at_most is None else f"from {at_least} to {at_most}"
        raise InputError(f"{name} must be a whole number {bounds}{', or null' if optional else ''}, not {shown(value)}")


def number(
    name: str,
    value: object,
    above: float | None = None,
    at_least: float | None = None,
    below: float | None = None,
    at_most: float | None = None,
    optional: bool = False,
) -> None:
    """Raise ``InputError`` unless a value is a finite number within these bounds; ``optional`` allows None, too."""
    if value is None and optional:
        return
    given = value if isinstance(value, int | float) and not isinstance(value, bool) else math.nan
    # Also false for NaN, and for a whole number that no float can hold.
    good = abs(given) <= sys.float_info.max
    good = good and (above is None or given > above) and (at_least is None or given >= at_least)
    if not (good and (below is None or given < below) and (at_most is None or given <= at_most)):
        bounds = {"above": above, "of at least": at_least, "below": below, "of at most": at_most}
        limits = " and ".join(f"{words} {bound:g}" for words, bound in bounds.items() if bound is not None).replace(" and of ", " and ")
        if at_least is not None and at_most is not None:
            limits = f"from {at_least:g} to {at_most:g}"
        raise InputError(
            f"{name} must be {f'a number {limits}' if limits else 'a finite number'}{', or null' if optional else ''}, not {shown(value)}"
        )


def flag(name: str, value: object) -> None:
    """Raise ``InputError`` unless a value is true or false."""
    if not isinstance(value, bool):
        raise InputError(f"{name} must be true or false, not {shown(value)}")


def text(name: str, value: object) -> None:
    """Raise ``InputError`` unless a value is text of at least one character."""
    if not isinstance(value, str) or not value:
        raise InputError(f"{name} must be text of at least one character, not {shown(value)}")


def names(name: str, value: object) -> None:
    """Raise ``InputError`` unless a value is a list of names."""
    if not isinstance(value, list | tuple) or not all(isinstance(each, str) for each in value):
        raise InputError(f"{name} must be a list of names, such as [a,b], not {shown(value)}")


def path(name: str, value: object, optional: bool = False) -> None:
    """Raise ``InputError`` unless a value is a path, as text or as a ``Path``; ``optional`` allows None, too."""
    if value is None and optional:
        return
    if not isinstance(value, str | Path) or not str(value):
        raise InputError(f"{name} must be a path{', or null' if optional else ''}, not {shown(value)}")


def expanded(name: str, value: str | Path) -> Path:
    """Return a path with ``~`` as the home that it stands for.

    Raises:
        InputError: if no such home is known.
    """
    try:
        return Path(value).expanduser()
    except RuntimeError as error:
        first = Path(value).parts[0]
        raise InputError(f"{name}={value} names the home {first}, which this machine does not know; expected a path without ~") from error


def regular(name: str, file: Path, what: str) -> None:
    """Raise ``InputError`` for a folder, a device or a pipe, which may have no end."""
    if not file.is_file():
        kind = "a folder" if file.is_dir() else "a device or a pipe"
        raise InputError(f"{name} '{file}' is {kind}; expected {what}")


def choice(name: str, value: object, options: Iterable[str | None]) -> None:
    """Raise ``InputError`` unless a value is one of these options; None is shown as null."""
    known = list(options)
    if value not in known:
        words = value if isinstance(value, str) and value.isprintable() else shown(value)
        raise InputError(f"{name}={words} is not known{nearest(words, ['null' if each is None else each for each in known])}")


MOST_LETTERS = 100
"""Of a value that a message shows."""

WIDEST = 100_000
"""The most units of a layer."""


def whole_numbers(name: str, value: object) -> None:
    """Raise ``InputError`` unless a value is a list of numbers of units, whole ones of at least 1."""
    given = list(value) if isinstance(value, list | tuple) else []
    if not given or any(isinstance(each, bool) or not isinstance(each, int) or not 1 <= each <= WIDEST for each in given):
        most = f"from 1 to {WIDEST}" if any(type(each) is int and each > WIDEST for each in given) else "of at least 1"
        raise InputError(f"{name} must be a list of whole numbers {most}, such as [200], not {shown(value)}")


def shown(value: object) -> str:
    """Return a value as a message shows it: as YAML writes it, and text in quotes unless it is a plain word."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    return short(value if isinstance(value, str) and value.isalpha() else repr(value))


def short(text: str) -> str:
    """Return a text, cut where it is too long for a message."""
    return text if len(text) <= MOST_LETTERS else f"{text[: MOST_LETTERS - 1]}…"
