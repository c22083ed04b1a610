"""Where code comes from: the user's own files, or a package that somebody else keeps."""

import importlib.metadata
import importlib.util
import os
import sys
import sysconfig
from collections.abc import Iterable
from functools import cache
from importlib.machinery import ModuleSpec, PathFinder
from pathlib import Path
from types import ModuleType

_PACKAGE = Path(__file__).parents[1]
_INSTALLED = frozenset({"site-packages", "dist-packages"})


@cache
def is_own(file: str) -> bool:
    """Say whether a file is the user's own: neither Python's, nor an installed package's, nor this package's."""
    if file.startswith("<"):
        return not file.startswith("<frozen")  # a cell or a prompt
    if _INSTALLED & set(Path(file).parts):
        return False  # before links are followed: some installers link packages into place
    places = [sysconfig.get_path("stdlib"), sysconfig.get_path("platstdlib"), os.path.dirname(os.__file__), str(_PACKAGE)]
    path = Path(os.path.realpath(file))
    return not any(path.is_relative_to(os.path.realpath(place)) for place in places)


def is_own_module(module: ModuleType) -> bool:
    """Say whether a module is the user's own."""
    if file := getattr(module, "__file__", None):
        return is_own(file)
    if folders := list(getattr(module, "__path__", ())):
        return any(is_own(folder) for folder in folders)
    origin = getattr(getattr(module, "__spec__", None), "origin", None)
    return module.__name__ not in sys.builtin_module_names and origin not in ("built-in", "frozen")


def is_own_class(kind: type) -> bool:
    """Say whether a class is defined in the user's own code."""
    module = sys.modules.get(kind.__module__)
    return module is None or is_own_module(module)


def locate(name: str) -> ModuleSpec | None:
    """Find a module by its full name without importing it or the packages that it is in."""
    root, *inner = name.split(".")
    try:
        spec = importlib.util.find_spec(root)
        for depth in range(1, len(inner) + 1):
            if spec is None or spec.submodule_search_locations is None:
                return None
            spec = PathFinder.find_spec(".".join([root, *inner[:depth]]), list(spec.submodule_search_locations))
    except (ImportError, ValueError):
        return None
    return spec


@cache
def _distributions() -> dict[str, list[str]]:
    return dict(importlib.metadata.packages_distributions())


def versions(packages: Iterable[str]) -> dict[str, str]:
    """Return the versions of packages by the names that they are imported by; without those that have none."""
    found = {}
    for package in sorted(packages):
        loaded = getattr(sys.modules.get(package), "__version__", None)
        if isinstance(loaded, str):
            found[package] = loaded
            continue
        for name in (package, *_distributions().get(package, ())):
            try:
                found[package] = importlib.metadata.version(name)
                break
            except importlib.metadata.PackageNotFoundError:
                continue
    return found
