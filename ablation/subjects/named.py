"""A function as the subject, by its dotted name: for the command line."""

from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from ablation.checks import flag, number
from ablation.errors import InputError, nearest
from ablation.study.metric import Metric
from ablation.subjects.function import Function


def named_function(
    target: str | None,
    features: Sequence[str] | Mapping[str, Mapping[str, Any] | None] | None,
    metric: str = "score",
    higher_is_better: bool = True,
    unit: str = "",
    scale: float = 1.0,
    exclusive: Sequence[Sequence[str]] = (),
    version: str | None = None,
) -> Function:
    """Return the subject that ``subject=function`` asks for.

    Args:
        target: ``module.function``.
        features, exclusive, version: as in :class:`ablation.subjects.function.Function`.
        metric, higher_is_better, unit, scale: of the score.

    Raises:
        InputError: if there is no such function, or it cannot be a subject.
    """
    if not isinstance(target, str) or "." not in target:
        shown = "null" if target is None else target
        raise InputError(f"subject.target={shown} names no function; expected module.function, such as subject.target=my_module.train")
    if features is None:
        raise InputError("subject.features is missing; expected the arguments to turn on, for instance 'subject.features=[mixup,cosine]'")
    flag("subject.higher_is_better", higher_is_better)
    number("subject.scale", scale, above=0)
    what = Metric(
        str(metric), unit=unit, difference="points" if unit == "%" else unit, scale=float(scale), higher_is_better=higher_is_better
    )
    return Function(_found(target), features, what, exclusive=exclusive, version=version)


def _found(target: str) -> Callable[..., Any]:
    module, _, name = target.rpartition(".")
    try:
        there = find_spec(module) is not None
    except ModuleNotFoundError:
        there = False
    if not there:
        beside = [file.stem for file in Path.cwd().glob("*.py")]
        raise InputError(f"subject.target={target}: there is no module '{module}'{nearest(module, beside)}")
    holder = import_module(module)
    if not hasattr(holder, name):
        functions = [each for each, value in vars(holder).items() if callable(value) and not each.startswith("_")]
        raise InputError(f"subject.target={target}: the module '{module}' has no '{name}'{nearest(name, functions)}")
    found: Callable[..., Any] = getattr(holder, name)
    return found
