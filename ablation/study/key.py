"""Keys: by what a run is recognised again, so that nothing is trained twice."""

import hashlib
import inspect
import json
import sys
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from typing import Any

from ablation.errors import InputError

LATER = {"key": "left out at its default"}
"""Metadata of a dataclass' field that came later: at its default it is no part of the key, so that the runs made before are found."""


def digest(content: Any) -> str:
    """Return a short hash of something that JSON can hold."""
    return hashlib.blake2b(json.dumps(content, sort_keys=True).encode(), digest_size=16).hexdigest()


def described(thing: Any) -> dict[str, Any]:
    """Return an object's kind and parameters, as JSON can hold them.

    A class is known by the name that it declares as ``known_as``, so that a file can move and its runs are still found. A class that
    declares none, as one from outside this package, is known by its own name and the source of its file: an edit is another thing.

    Raises:
        InputError: if a parameter is something by which a run cannot be recognised again.
    """
    kind = type(thing)
    if not is_dataclass(thing) and not hasattr(thing, "__dict__"):
        raise InputError(f"a parameter is {thing!r}, by which a run cannot be recognised again; expected numbers, words, lists or objects")
    values = _values(thing) if is_dataclass(thing) else dict(vars(thing))
    description: dict[str, Any] = {"parameters": {name: plain(value) for name, value in values.items()}}
    # Its own declaration, for a class that inherits from ours is another one.
    if "known_as" in vars(kind):
        return {"kind": vars(kind)["known_as"], **description}
    return {"kind": kind.__qualname__, "source": digest(inspect.getsource(sys.modules[kind.__module__])), **description}


def _values(thing: Any) -> dict[str, Any]:
    values = {each.name: (getattr(thing, each.name), each) for each in fields(thing)}
    return {name: value for name, (value, each) in values.items() if not (LATER.items() <= each.metadata.items() and value == each.default)}


def plain(value: Any) -> Any:
    """Return a parameter as JSON can hold it."""
    if isinstance(value, float) and value.is_integer():
        return int(value)  # 1 and 1.0 are one setting.
    if isinstance(value, str | int | float | bool | None):
        return value
    if isinstance(value, Mapping):
        return {str(name): plain(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [plain(each) for each in value]
    return described(value)
