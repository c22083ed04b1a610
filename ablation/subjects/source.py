"""Recognising code again: what a function, and all of the user's own that it uses, is known by."""

import builtins
import copyreg
import hashlib
import inspect
import json
import logging
import math
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import Enum
from functools import cached_property, partial
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import FunctionType, GetSetDescriptorType, MemberDescriptorType, MethodType, ModuleType
from typing import Any

import numpy as np

from ablation.errors import InputError
from ablation.study.key import digest
from ablation.study.origin import is_own, is_own_class, is_own_module, locate, versions
from ablation.subjects.code import class_syntax, function_syntax, function_text, has_source, imports, names, normal, parsed

WAY_OUT = "give version='1' and change it whenever the function changes"

_AT_RUN_TIME = {
    "open": "files that {} opens",
    "exec": "code that {} executes",
    "eval": "expressions that {} evaluates",
    "__import__": "modules that {} imports by computed names",
    "importlib": "modules that {} imports by computed names",
    "subprocess": "programs that {} starts",
}
"""What the names that say so bring in while a function runs."""


@dataclass(frozen=True)
class Identity:
    """What something is known by.

    Attributes:
        content: as JSON can hold it; the same in another process, in another file, and whatever else the file holds.
        left_out: what it does not cover, each in a few words.
        packages: versions of the installed packages that are used; they are no part of the content.
    """

    content: Mapping[str, Any]
    left_out: tuple[str, ...]
    packages: Mapping[str, str]


def identify(thing: Any, version: str | None = None, place: str = "") -> Identity:
    """Return what a function, or any value that goes into a run, is known by.

    A function is known by its source without comments and docstrings, its defaults, the values in its closure, and by all that it uses
    by a global name: functions and classes of the user's own likewise, the user's own modules by their whole files and by what they
    import, other values by what is in them now. What is installed counts by its name.

    Args:
        version: stands for what cannot be recognised.
        place: where the thing was found, for messages: ``the feature 'focal' sets 'loss'``.

    Raises:
        InputError: if part of it cannot be recognised again and no version stands for it.
    """
    survey = _Survey(version)
    target = survey.held(place, thing)
    content = {"target": target, "parts": survey.parts, **({"version": version} if version is not None else {})}
    return Identity(content, tuple(survey.left_out), versions(survey.packages))


class _UnknownError(Exception):
    """A value by which nothing can be recognised."""

    def __init__(self, value: Any) -> None:
        super().__init__()
        self.kind = type(value).__name__


class _Survey:
    """A walk through all that a thing uses.

    Functions, classes and modules become numbered parts, for they may use one another in circles; values become what is in them.
    """

    def __init__(self, version: str | None) -> None:
        self.version = version
        self.parts: list[dict[str, Any]] = []
        self.left_out: dict[str, None] = {}
        self.packages: set[str] = set()
        self._numbers: dict[Any, int] = {}
        self._alive: list[Any] = []  # ids are reused once their object is gone
        self._within: list[int] = []
        self._values: dict[int, Any] = {}

    def held(self, place: str, value: Any) -> Any:
        """Return what a value in a certain place is known by: the place at which to refuse it, or leave it out."""
        try:
            return self._content(value)
        except (_UnknownError, RecursionError) as error:
            inner = error.kind if isinstance(error, _UnknownError) else "reference to itself"
            kind = type(value).__name__
            what = _a(kind) if inner == kind else f"{_a(kind)} with {_a(inner)}"
            if self.version is None:
                way_out = f"pass it in by name, or {WAY_OUT}"
                message = f"{place or 'a value'} ({what}), by which a run cannot be recognised again; {way_out}"
                raise InputError(message) from None
            self.left_out[f"{place or 'a value'} ({what})"] = None
            return {"left out": inner}

    # ---- values --------------------------------------------------------------------------------------------------------------

    def _content(self, value: Any) -> Any:
        if value is None or type(value) in (bool, int, str):
            return value
        if type(value) is float:
            return value if math.isfinite(value) else {"float": repr(value)}
        if type(value) in (bytes, bytearray):
            return {"bytes": _hash(value)}
        if type(value) in (list, tuple):
            return {type(value).__name__: self._items(value)}
        if type(value) in (set, frozenset):
            return {"set": digest(sorted((self._content(each) for each in sorted(value, key=_kind_first)), key=json.dumps))}
        if type(value) is dict:
            pairs = [[self._content(key), self._content(each)] for key, each in value.items()]
            return {"dict": digest(sorted(pairs, key=json.dumps))}
        if isinstance(value, np.generic) or type(value) is np.ndarray:
            return self._array(np.asarray(value))
        if isinstance(value, ModuleType):
            return self._module(value)
        if isinstance(value, type):
            return self._class(value)
        if isinstance(value, FunctionType):
            return self._function(value)
        if isinstance(value, MethodType):
            return {"method": self._content(value.__func__), "of": self._content(value.__self__)}
        if isinstance(value, partial):
            return self._partial(value)
        if isinstance(value, logging.Logger):
            return {"logger": True}  # what it is called changes no number
        return self._object(value)

    def _items(self, values: Iterable[Any]) -> str:
        # A table of a million numbers needs no look at each.
        listed = list(values)
        simple = all(each is None or type(each) in (bool, int, float, str) for each in listed)
        return digest(listed if simple else [self._content(each) for each in listed])

    def _array(self, array: np.ndarray) -> dict[str, Any]:
        # Bytes between the fields of a record are whatever memory held.
        by_value = array.dtype.hasobject or array.dtype.names is not None
        content = self._items(array.ravel().tolist()) if by_value else _hash(np.ascontiguousarray(array).tobytes())
        return {"array": [str(array.dtype), list(array.shape), content]}

    def _partial(self, bound: "partial[Any]") -> dict[str, Any]:
        function = bound.func
        name = getattr(function, "__name__", type(function).__name__)
        return {
            "partial": self._content(function),
            "positions": [self.held(f"the partial of {name} binds argument {index}", each) for index, each in enumerate(bound.args, 1)],
            "names": {key: self.held(f"the partial of {name} binds '{key}'", each) for key, each in bound.keywords.items()},
        }

    def _object(self, value: Any) -> Any:
        """Take an object apart as pickle does, so that functions of the user's own are found wherever they are."""
        if id(value) in self._within:
            return {"again": len(self._within) - self._within.index(id(value))}
        if id(value) not in self._values:
            self._within.append(id(value))
            try:
                self._values[id(value)] = self._taken_apart(value)
            finally:
                self._within.pop()
            self._alive.append(value)
        return self._values[id(value)]

    def _taken_apart(self, value: Any) -> Any:
        kind = type(value)
        if isinstance(value, Enum):
            return {"member": value.name, "of": self._class(kind)}
        if any(base.__name__ == "KerasSaveable" for base in kind.__mro__):
            raise _UnknownError(value)  # its pickle holds the time of day
        if hasattr(value, "__dlpack__") and not isinstance(value, np.ndarray):
            return self._array(_host_array(value))
        try:
            reduced: Any = copyreg.dispatch_table[kind](value) if kind in copyreg.dispatch_table else value.__reduce_ex__(4)
        except Exception:
            raise _UnknownError(value) from None
        if isinstance(reduced, str):
            wrapped = vars(value).get("__wrapped__") if hasattr(value, "__dict__") else None
            return {"wrapped": self._content(wrapped), "by": self._class(kind)} if wrapped else self._named(value, reduced)
        padded: list[Any] = [*reduced, None, None, None]
        make, arguments, state, items, pairs = padded[:5]
        if isinstance(state, dict) and is_own_class(kind):
            state = {name: self.held(f"the {kind.__name__} holds '{name}'", each) for name, each in state.items()}
        else:
            state = self._content(state)
        parts = [self._content(make), self._content(arguments), state, self._items(items or ()), self._content(dict(pairs or ()))]
        return {"object": digest(parts)}

    # ---- functions -----------------------------------------------------------------------------------------------------------

    def _function(self, function: FunctionType) -> dict[str, Any]:
        if not is_own(function.__code__.co_filename):
            return self._installed_function(function)
        number, part = self._part(function)
        if part is None:
            return {"part": number}
        name = function.__qualname__.replace("<locals>.", "")
        part["name"] = function.__name__
        part["source"] = self._source(function, name)
        variables = inspect.signature(function, follow_wrapped=False).parameters.values()
        part["defaults"] = {
            each.name: digest(self.held(f"{name} has the default '{each.name}'", each.default))
            for each in variables
            if each.default is not each.empty
        }
        part["closure"] = {
            variable: digest(self.held(f"the closure of {name} holds '{variable}'", cell.cell_contents))
            for variable, cell in zip(function.__code__.co_freevars, function.__closure__ or (), strict=True)
            if self._is_filled(variable, cell)
        }
        part["uses"] = self._used(function, name)
        return {"part": number}

    def _installed_function(self, function: FunctionType) -> dict[str, Any]:
        known = self._named(function, function.__code__.co_qualname, function.__globals__.get("__name__"))
        if inner := vars(function).get("__wrapped__"):
            return {"wrapped": self._content(inner), "by": known}
        cells = [cell.cell_contents for cell in function.__closure__ or () if self._is_filled(function.__name__, cell)]
        return {**known, "closure": self._items(cells)} if cells else known

    def _source(self, function: FunctionType, name: str) -> str:
        try:
            return digest(function_text(function.__code__))
        except OSError:
            if self.version is None:
                reason = "as of one typed at a prompt; keep it in a file or a notebook"
                raise InputError(f"the source of {name} cannot be read, {reason}, or {WAY_OUT}") from None
            self.left_out[f"the source of {name}"] = None
            return ""

    def _is_filled(self, variable: str, cell: Any) -> bool:
        try:
            _ = cell.cell_contents
        except ValueError:
            self.left_out[f"{variable}, which is not defined yet"] = None
            return False
        return True

    def _used(self, function: FunctionType, name: str) -> dict[str, Any]:
        """Return what a function uses by global names and by imports of its own."""
        used: dict[str, Any] = {}
        for root, *attributes in sorted(names(function.__code__)):
            if root in _AT_RUN_TIME:
                self.left_out[_AT_RUN_TIME[root].format(name)] = None
            if root in function.__globals__ and not root.startswith("__"):
                used |= self._read(name, root, function.__globals__[root], attributes)
            elif not hasattr(builtins, root) and not root.startswith("__"):
                self.left_out[f"{root}, which is not defined yet"] = None
        if syntax := function_syntax(function.__code__):
            used |= self._imported(imports(syntax, function.__globals__.get("__package__") or ""))
        return {path: digest(content) for path, content in used.items()}

    def _read(self, user: str, path: str, value: Any, attributes: list[str]) -> dict[str, Any]:
        """Return what a name stands for; of a module of the user's own, also what is read off it."""
        used = {path: self.held(f"{user} uses '{path}'", value)}
        if attributes and isinstance(value, ModuleType) and is_own_module(value) and hasattr(value, attributes[0]):
            attribute, *rest = attributes
            used |= self._read(user, f"{path}.{attribute}", getattr(value, attribute), rest)
        return used

    # ---- classes -------------------------------------------------------------------------------------------------------------

    def _class(self, kind: type) -> dict[str, Any]:
        if not is_own_class(kind):
            return self._named(kind, kind.__qualname__)
        number, part = self._part(kind)
        if part is None:
            return {"part": number}
        methods = {name: _functions(member) for name, member in vars(kind).items()}
        module = sys.modules.get(kind.__module__)
        written_in = [each.__code__.co_filename for functions in methods.values() for each in functions]
        files = dict.fromkeys([getattr(module, "__file__", None) or "", *written_in])
        syntax = next(filter(None, (class_syntax(file, kind.__qualname__) for file in files if file and is_own(file))), None)
        part["name"] = kind.__name__
        part["source"] = digest(normal(syntax)) if syntax else ""
        part["bases"] = [digest(self._class(base)) for base in kind.__bases__]
        part["methods"] = {name: [digest(self._content(each)) for each in functions] for name, functions in methods.items() if functions}
        part["holds"] = {name: self._attribute(kind, name, value) for name, value in _attributes(kind).items()}
        return {"part": number}

    def _attribute(self, kind: type, name: str, value: Any) -> str:
        try:
            return digest(self._content(value))
        except _UnknownError:
            # The text of the class has it, but for what was done to it since.
            self.left_out[f"'{name}' of the class {kind.__name__}"] = None
            return ""

    # ---- modules -------------------------------------------------------------------------------------------------------------

    def _module(self, module: ModuleType) -> dict[str, Any]:
        if not is_own_module(module):
            self._use(module.__name__)
            return {"name": module.__name__}
        return self._file(getattr(module, "__file__", None), module.__package__ or "")

    def _file(self, file: str | None, package: str) -> dict[str, Any]:
        number, part = self._part(file or package)
        if part is not None and file:
            tree = parsed(file)
            part["source"] = digest(normal(tree)) if tree else _hash(Path(file).read_bytes())
            part["uses"] = {name: digest(each) for name, each in self._imported(imports(tree, package) if tree else ()).items()}
        return {"part": number}

    def _imported(self, modules: Iterable[str]) -> dict[str, Any]:
        used: dict[str, Any] = {}
        for name in sorted(set(modules)):
            root = locate(name.partition(".")[0])
            if root is None:
                continue
            if not _is_own_spec(root):
                self._use(name)
            elif spec := locate(name):
                used[f"import {name}"] = self._file(spec.origin if spec.has_location else None, spec.parent or "")
        return used

    # ---- names and numbers ---------------------------------------------------------------------------------------------------

    def _named(self, thing: Any, name: str, module: str | None = None) -> dict[str, Any]:
        home = module or getattr(thing, "__module__", None) or "builtins"
        self._use(home)
        return {"name": f"{home}.{name}"}

    def _use(self, module: str) -> None:
        root = module.partition(".")[0]
        if root not in sys.stdlib_module_names and root not in ("ablation", "__main__"):
            self.packages.add(root)

    def _part(self, thing: Any) -> tuple[int, dict[str, Any] | None]:
        """Return the number of a part, and the part if it is new and must be filled."""
        known_by = thing if isinstance(thing, str) else id(thing)
        if known_by in self._numbers:
            return self._numbers[known_by], None
        self._alive.append(thing)
        self._numbers[known_by] = len(self.parts)
        self.parts.append({})
        return self._numbers[known_by], self.parts[-1]


def _is_own_spec(spec: ModuleSpec) -> bool:
    if spec.has_location and spec.origin:
        return is_own(spec.origin)
    return any(is_own(folder) for folder in spec.submodule_search_locations or ())


def _functions(member: Any) -> list[FunctionType]:
    """Return the functions that a member of a class consists of, but for what Python wrote itself, as for a data class."""
    if isinstance(member, property):
        parts = [member.fget, member.fset, member.fdel]
    elif isinstance(member, cached_property):
        parts = [member.func]
    else:
        parts = [getattr(member, "__func__", member)]
    return [
        each for each in parts if isinstance(each, FunctionType) and has_source(getattr(inspect.unwrap(each), "__code__", each.__code__))
    ]


def _attributes(kind: type) -> dict[str, Any]:
    """Return the values that a class holds, but for what is private to Python or to a metaclass."""
    if issubclass(kind, Enum):
        return {name: member.value for name, member in kind.__members__.items()}
    behaviour = (FunctionType, staticmethod, classmethod, property, cached_property, MemberDescriptorType, GetSetDescriptorType)
    return {name: value for name, value in vars(kind).items() if not name.startswith("_") and not isinstance(value, behaviour)}


def _host_array(tensor: Any) -> np.ndarray:
    """Return the numbers of another library's array."""
    try:
        return np.asarray(tensor.detach().cpu() if hasattr(tensor, "detach") else tensor)
    except Exception:
        raise _UnknownError(tensor) from None


def _kind_first(value: Any) -> tuple[str, str]:
    """Order what a set holds, so that definitions in it are numbered alike in every process."""
    return type(value).__qualname__, getattr(value, "__qualname__", "")


def _hash(content: bytes | bytearray) -> str:
    return hashlib.blake2b(content, digest_size=16).hexdigest()


def _a(kind: str) -> str:
    return f"{'an' if kind[0] in 'aeioAEIO' else 'a'} {kind}"
