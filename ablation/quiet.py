"""What frameworks print about themselves when they are imported, kept off the screen."""

import logging
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from types import ModuleType

LOUD = "tensorflow"
"""Its C++ code writes lines to standard error that none of its settings stops."""


def quiet() -> None:
    """Let this process import frameworks quietly from now on, whether Keras imports them or a file of the user's."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    # Such as that a function was traced anew for images of another number, which it was meant to be.
    logging.getLogger(LOUD).setLevel(logging.ERROR)
    if LOUD not in sys.modules and not any(isinstance(finder, _Finder) for finder in sys.meta_path):
        sys.meta_path.insert(0, _Finder())


class _Finder(MetaPathFinder):
    """Finds the loud package where Python does, to be loaded in silence."""

    def find_spec(self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None) -> ModuleSpec | None:
        spec = PathFinder.find_spec(fullname, path, target) if fullname == LOUD else None
        if spec is not None and spec.loader is not None:
            spec.loader = _Silent(spec.loader)
        return spec


class _Silent(Loader):
    """Loads a module as another loader does, in silence."""

    def __init__(self, loader: Loader) -> None:
        self._loader = loader

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        return self._loader.create_module(spec)

    def exec_module(self, module: ModuleType) -> None:
        if module.__spec__ is not None:
            module.__spec__.loader = self._loader
        module.__loader__ = self._loader
        with _silence():
            self._loader.exec_module(module)


@contextmanager
def _silence() -> Iterator[None]:
    """Swallow what is written to the process's standard error, by C++ too; Python's exceptions still come through."""
    sys.stderr.flush()
    kept, nowhere = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)
    try:
        yield
    finally:
        sys.stderr.flush()
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)
