"""What a user's function returned, read as a score and what else it measured."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from numbers import Real
from typing import Any

from ablation.errors import nearest
from ablation.study.outcome import RunError


class ResultError(RunError):
    """A function returned something that is no score. The message is one plain sentence."""


@dataclass(frozen=True)
class Returned:
    """What a function returned.

    Attributes:
        score: a finite number.
        measures: the other finite numbers, by name.
        history: ``{name: [value an epoch]}`` of the lists of numbers.
    """

    score: float
    measures: Mapping[str, float]
    history: Mapping[str, list[float]]


def returned(result: Any, key: str, name: str, place: str = "") -> Returned:
    """Read what a function returned: a number, or a mapping that holds the score under a name.

    Other finite numbers of a mapping are measures and lists of numbers are histories; anything else in it is for those who call the
    function, and is not kept.

    Args:
        key: the name of the score in a mapping.
        name: of the function, for messages.
        place: where it is defined, for messages.

    Raises:
        ResultError: if there is no finite number to take for the score.
    """
    expected = f"expected a finite number, or a mapping that holds '{key}'"
    if not isinstance(result, Mapping):
        return Returned(_score(result, f"{name} returned", expected, place), {}, {})
    if key not in result:
        raise ResultError(f"{name} returned a mapping without '{key}'{nearest(key, map(str, result))}", place=place)
    score = _score(result[key], f"{name} returned under '{key}'", "expected a finite number, such as that of the last epoch", place)
    numbers = {str(each): number(value) for each, value in result.items() if each != key}
    series = {str(each): _series(value) for each, value in result.items()}
    return Returned(
        score,
        {each: value for each, value in numbers.items() if value is not None and math.isfinite(value)},
        {each: values for each, values in series.items() if values is not None},
    )


def number(value: Any) -> float | None:
    """Return a number, or an array or tensor of one without dimensions, as a float; None for anything else."""
    if not isinstance(value, Real) and getattr(value, "shape", None) == ():
        # TensorFlow's tensors have no item of their own.
        value = value.item() if hasattr(value, "item") else value.numpy().item()
    return None if isinstance(value, bool) or not isinstance(value, Real) else float(value)


def _score(value: Any, what: str, expected: str, place: str) -> float:
    score = number(value)
    if score is None:
        raise ResultError(f"{what} {_shown(value)}; {expected}", place=place)
    if not math.isfinite(score):
        raise ResultError(f"{what} {score}; {expected}", place=place)
    return score


def _series(value: Any) -> list[float] | None:
    if not isinstance(value, list | tuple) and len(getattr(value, "shape", ())) != 1:
        return None
    try:
        numbers = [number(each) for each in value]
    except TypeError:
        return None
    return [each for each in numbers if each is not None] if numbers and None not in numbers else None


def _shown(value: Any) -> str:
    """Write a value in a message: itself where it is short, else its shape or its type."""
    shape = getattr(value, "shape", None)
    if shape == () and hasattr(value, "item"):
        value, shape = value.item(), None
    if value is None or isinstance(value, bool | complex) or (isinstance(value, str) and len(value) <= 40):
        return repr(value)
    return f"an array of shape {tuple(shape)}" if shape is not None else f"a value of type {type(value).__name__}"
