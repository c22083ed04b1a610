"""Records: frozen dataclasses to JSON and back, by their type hints, with every number as it was."""

import dataclasses
import math
import types
import typing
from collections.abc import Mapping
from typing import Any, TypeVar

import numpy as np

from ablation.errors import InputError

Record = TypeVar("Record")


def to_plain(value: Any) -> Any:
    """Return a value as JSON knows it.

    Dataclasses become objects, sets and mappings become lists, arrays become their shape, type and flat values, and a number that is
    not finite becomes a string.
    """
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {each.name: to_plain(getattr(value, each.name)) for each in dataclasses.fields(value)}
    if isinstance(value, np.ndarray):
        flat = value.ravel().tolist()
        plain = value.dtype.kind in "biu" or (value.dtype.kind == "f" and bool(np.isfinite(value).all()))
        # One by one, a hundred thousand numbers would take a second.
        return {"shape": list(value.shape), "type": value.dtype.name, "values": flat if plain else to_plain(flat)}
    if isinstance(value, np.generic):
        return to_plain(value.item())
    if isinstance(value, Mapping):
        return [[to_plain(key), to_plain(each)] for key, each in value.items()]
    if isinstance(value, frozenset):
        return sorted(to_plain(each) for each in value)
    if isinstance(value, tuple | list):
        return [to_plain(each) for each in value]
    return str(value) if isinstance(value, float) and not math.isfinite(value) else value


def from_plain(kind: type[Record], plain: Any) -> Record:
    """Return the value of type ``kind`` that :func:`to_plain` wrote.

    Raises:
        InputError: if something else is there, as another version of this package may have written it.
    """
    try:
        return typing.cast(Record, _read(kind, plain))
    except (TypeError, ValueError, KeyError, AttributeError) as error:
        raise InputError(f"a stored {kind.__name__} cannot be read ({error}); expected one that this version has written") from error


def _read(kind: Any, plain: Any) -> Any:
    origin, inner = typing.get_origin(kind), typing.get_args(kind)
    if origin in (types.UnionType, typing.Union):
        present = [each for each in inner if each is not types.NoneType]
        return None if plain is None else _read(present[0], plain)
    if origin is typing.Literal:
        return plain
    if origin is tuple:
        kinds = [inner[0]] * len(plain) if inner[-1] is Ellipsis else inner
        return tuple(_read(each, part) for each, part in zip(kinds, plain, strict=True))
    if origin is frozenset:
        return frozenset(_read(inner[0], each) for each in plain)
    if origin is list:
        return [_read(inner[0], each) for each in plain]
    if origin is not None and issubclass(origin, Mapping):
        return {_read(inner[0], key): _read(inner[1], each) for key, each in plain}
    if kind is np.ndarray:
        return np.array([float(each) if isinstance(each, str) else each for each in plain["values"]], plain["type"]).reshape(plain["shape"])
    if dataclasses.is_dataclass(kind) and isinstance(kind, type):
        hints = typing.get_type_hints(kind)
        return kind(**{name: _read(hints[name], part) for name, part in plain.items()})
    # A whole number among floats stays one, as the tables show it.
    return float(plain) if kind is float and not isinstance(plain, int) else plain
