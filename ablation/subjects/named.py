"""A function as the subject, by its dotted name: for the command line."""

from collections.abc import Mapping, Sequence
from typing import Any

from ablation.errors import InputError
from ablation.study.imported import imported
from ablation.study.metric import own_metric
from ablation.subjects.function import Function


def named_function(
    target: str | None,
    features: Sequence[str] | Mapping[str, Mapping[str, Any] | None] | None,
    metric: str = "score",
    higher_is_better: bool = True,
    unit: str = "",
    scale: float = 1.0,
    bounds: Sequence[float] | None = None,
    exclusive: Sequence[Sequence[str]] = (),
    version: str | None = None,
) -> Function:
    """Return the subject that ``subject=function`` asks for.

    Args:
        target: ``module.function``.
        features, exclusive, version: as in :class:`ablation.subjects.function.Function`.
        metric, higher_is_better, unit, scale, bounds: of the score.

    Raises:
        InputError: if there is no such function, or it cannot be a subject.
    """
    if not isinstance(target, str) or "." not in target:
        shown = "null" if target is None else target
        raise InputError(f"subject.target={shown} names no function; expected module.function, such as subject.target=my_module.train")
    if features is None:
        raise InputError("subject.features is missing; expected the arguments to turn on, for instance 'subject.features=[mixup,cosine]'")
    what = own_metric(metric, unit, scale, higher_is_better, bounds, setting="subject.")
    return Function(imported(target, f"subject.target={target}"), features, what, exclusive=exclusive, version=version)
