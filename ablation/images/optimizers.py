"""The optimisers that Keras has, with the options that each of them takes and what they are unless set: read from Keras' own signatures,
without importing it."""

import ast
from collections.abc import Iterator, Mapping
from functools import cache
from importlib.util import find_spec
from inspect import signature
from pathlib import Path
from typing import Any

NO_OPTIMIZERS = {"Optimizer", "LossScaleOptimizer", "MultiOptimizer", "OptimizerMap"}
"""What every optimiser is derived from, and classes that only hold other optimisers."""

NOT_OURS = {"ScheduleFreeAdamW"}
"""Evaluates with other weights than it trains, by callbacks of ``fit``."""

AVERAGED = ("use_ema", "ema_momentum", "ema_overwrite_frequency")
"""Options that average weights, which the recipe's own slot does: these would average some that nothing evaluates."""

NOT_OPTIONS = {*("learning_rate", "name", "kwargs"), *AVERAGED, "loss_scale_factor"}


@cache
def optimizers() -> Mapping[str, Mapping[str, Any]]:
    """Return the options of every optimiser, by the name by which Keras knows it, with what each is unless it is set."""
    found = dict(_in_sources()) or dict(_in_keras())
    return {
        name.lower(): {option: default for option, default in options.items() if option not in NOT_OPTIONS}
        for name, options in sorted(found.items())
        if name not in NOT_OURS
    }


def having(option: str) -> list[str]:
    """Return the optimisers that take an option."""
    return [name for name, options in optimizers().items() if option in options]


def _in_sources() -> Iterator[tuple[str, dict[str, Any]]]:
    """Walk the optimisers in Keras' files: to import them takes seconds, which a message about a wrong word must not."""
    spec = find_spec("keras")
    for place in (spec and spec.submodule_search_locations) or ():
        for imports in _parsed(Path(place) / "src" / "optimizers" / "__init__.py"):
            if not isinstance(imports, ast.ImportFrom) or imports.module is None:
                continue
            public = {alias.name for alias in imports.names} - NO_OPTIMIZERS
            for node in _parsed(Path(place, *imports.module.split(".")[1:]).with_suffix(".py")) if public else ():
                if isinstance(node, ast.ClassDef) and node.name in public:
                    [made] = (each for each in node.body if isinstance(each, ast.FunctionDef) and each.name == "__init__")
                    named = made.args.args[1:]
                    defaults = [*[None] * (len(named) - len(made.args.defaults)), *made.args.defaults, *made.args.kw_defaults]
                    values = [each.value if isinstance(each, ast.Constant) else None for each in defaults]
                    yield node.name, dict(zip((each.arg for each in (*named, *made.args.kwonlyargs)), values, strict=True))


def _parsed(file: Path) -> list[ast.stmt]:
    return ast.parse(file.read_text(encoding="utf-8")).body if file.is_file() else []


def _in_keras() -> Iterator[tuple[str, dict[str, Any]]]:
    """Walk the optimisers of a Keras whose files are laid out otherwise."""
    import keras

    for name, kind in vars(keras.optimizers).items():
        if isinstance(kind, type) and issubclass(kind, keras.optimizers.Optimizer) and name not in NO_OPTIMIZERS:
            parameters = signature(kind).parameters
            yield name, {option: None if each.default is each.empty else each.default for option, each in parameters.items()}
