"""A function of the user's as the subject of a study: what it returns for a seed and some arguments is the score."""

import functools
import inspect
from collections.abc import Callable, Iterable, Mapping
from types import BuiltinFunctionType
from typing import Any

from ablation.designs import Arm
from ablation.errors import InputError
from ablation.study.cause import in_words
from ablation.study.metric import Measure, Metric
from ablation.study.origin import versions
from ablation.study.outcome import Outcome, Result
from ablation.study.subject import ReadArrays, Report, Scoring, Subject, Trial
from ablation.subjects.arguments import FeatureArguments, arguments
from ablation.subjects.returned import returned
from ablation.subjects.source import WAY_OUT, identify

_LONG = 80
"""Characters of a value beyond which only its type is shown."""


class Function(Subject):
    """A function that trains and returns a score, or a mapping that holds it.

    It is called with ``seed``, with ``report`` if it takes that, and with the arguments of the features that are on; what a feature
    changes keeps its default where the feature is off.

    Args:
        target: anything that can be called: a function, a method, an object, a partial.
        features: names of arguments that are turned on with True, or for each feature the arguments that it changes.
        metric: what the score is.
        exclusive: groups of features of which an arm has at most one.
        version: stands for what the function uses and a run cannot be recognised by; it changes whenever that changes.

    Raises:
        InputError: if the function cannot be called so, a feature would change nothing, or a run could not be recognised again.
    """

    def __init__(
        self,
        target: Callable[..., Any],
        features: Iterable[str] | FeatureArguments,
        metric: Metric,
        exclusive: Iterable[Iterable[str]] = (),
        version: str | None = None,
    ) -> None:
        if not callable(target):
            raise InputError(f"{target!r} cannot be called; expected a function that trains and returns a score")
        self.name = name_of(target)
        self._module = _module_of(target)
        self.description = f"Function: {self.name}{f' ({self._module})' if self._module else ''}"
        self._target = target
        self.stores = False
        self._metric = metric
        self._arguments = arguments(target, self.name, features, exclusive)
        self.features = tuple(self._arguments.changes)
        self.exclusive = self._arguments.exclusive
        if isinstance(_inner(target), BuiltinFunctionType) and version is None:
            raise InputError(f"{self.name} has no source to read, by which a run is recognised again; {WAY_OUT}")
        # Now, for what the function holds may change while it runs.
        known = identify(target, version, f"{self.name} is an object")
        given = {
            feature: {argument: identify(value, version, f"the feature '{feature}' sets '{argument}'") for argument, value in each.items()}
            for feature, each in self._arguments.changes.items()
        }
        everything = [known, *(each for values in given.values() for each in values.values())]
        self._known = known.content
        self._given = {feature: {argument: each.content for argument, each in values.items()} for feature, values in given.items()}
        self._left_out = tuple(dict.fromkeys(words for each in everything for words in each.left_out))
        self._packages = tuple(sorted({package for each in everything for package in each.packages}))

    @property
    def metric(self) -> Metric:
        """What a score is."""
        return self._metric

    @property
    def measures(self) -> tuple[Measure, ...]:
        """What a run costs; what else the function returns is kept with the run."""
        return (Measure("seconds", "s/run", "seconds", "median", "seconds a run"),)

    def identity(self, arm: Arm) -> Mapping[str, Any]:
        """Return what the function and its arguments are known by; what features are called is no part of it."""
        given: dict[str, Mapping[str, Any]] = {argument: identify(value).content for argument, value in self._arguments.off.items()}
        for feature, values in self._given.items():
            if feature in arm:
                given |= values
        return {"function": self._known, "arguments": given, "metric": self._metric.key}

    def run(self, trial: Trial, report: Report) -> Outcome:
        """Call the function.

        Raises:
            ResultError: if it returns no score.
        """
        reporting = {"report": report} if self._arguments.reports else {}
        result = self._target(**{**self._arguments.of(trial.arm), **reporting, "seed": trial.seed})
        found = returned(result, self._metric.key, self.name, _defined(self._target))
        history = {**getattr(report, "history", {}), **found.history}
        return Outcome(found.score, history, found.measures, environment=versions(self._packages))

    def protocol(self) -> Scoring:
        """Say that a score is what the function returns."""
        return Scoring(f"A score is the {self._metric.name} that {self.name} returns.", f"whatever {self.name} draws from its seed")

    def allows(self, arm: Arm) -> str | None:
        """Return None, or why these features cannot be on together."""
        return self._arguments.conflict(arm)

    def params(self, arm: Arm) -> Mapping[str, str]:
        """Return the features that are on with what they change, and what a partial binds."""
        on = {f"feature.{name}": _changed(name, each) for name, each in self._arguments.changes.items() if name in arm}
        bound = {f"argument.{name}": _shown(value) for name, value in _bound(self._target).items()}
        return {**on, "function": self.name, **bound}

    def settings(self) -> Mapping[str, str]:
        """Return which function it is."""
        return {"function": f"{self._module}.{self.name}" if self._module else self.name}

    def remarks(self) -> tuple[str, ...]:
        """Say what a run is not recognised by."""
        return (f"Not covered by the key of a run: {'; '.join(self._left_out)}.",) if self._left_out else ()

    def variability(self, runs: Mapping[tuple[Arm, int], Result], read: ReadArrays) -> tuple[str, ...]:
        """Say that intervals cover the seed alone."""
        return (f"Intervals cover the seed, as far as {self.name} uses it; not other data, other settings or other hardware.",)


def name_of(target: Callable[..., Any]) -> str:
    """Return what a function is called: ``train``, ``Trainer.fit``, ``lambda``; an object goes by the name of its class."""
    inner = _inner(target)
    name = str(getattr(inner, "__name__", type(inner).__name__))
    owner = getattr(inner, "__self__", None)
    if owner is not None and not isinstance(inner, BuiltinFunctionType):
        return f"{owner.__name__ if isinstance(owner, type) else type(owner).__name__}.{name}"
    return "lambda" if name == "<lambda>" else name


def _inner(target: Callable[..., Any]) -> Callable[..., Any]:
    """Return what a partial calls in the end."""
    while isinstance(target, functools.partial):
        target = target.func
    return target


def _module_of(target: Callable[..., Any]) -> str:
    """Return the module of a function; empty for that of the program or the notebook."""
    module = getattr(_inner(target), "__module__", None) or ""
    return "" if module == "__main__" else module


def _defined(target: Callable[..., Any]) -> str:
    """Return where a function is defined; empty for an object."""
    code = getattr(inspect.unwrap(_inner(target)), "__code__", None)
    return in_words(code.co_filename, code.co_firstlineno) if code else ""


def _bound(target: Callable[..., Any]) -> dict[str, Any]:
    """Return the arguments that a partial binds, by name; those without one by their position."""
    bound: dict[str, Any] = {}
    while isinstance(target, functools.partial):
        bound = {**{str(index): value for index, value in enumerate(target.args, 1)}, **target.keywords, **bound}
        target = target.func
    return bound


def _changed(feature: str, changes: Mapping[str, Any]) -> str:
    if changes == {feature: True}:
        return "on"
    return ", ".join(f"{argument}={_shown(value)}" for argument, value in changes.items())


def _shown(value: Any) -> str:
    """Write a value for people: itself where it is short, a function or a class by its name, else its type."""
    if isinstance(value, str):
        return value if len(value) <= _LONG else f"{value[:_LONG]}…"
    if isinstance(value, bool | int | float | list | tuple | dict | None) and len(repr(value)) <= _LONG:
        return repr(value)
    shape = getattr(value, "shape", None)
    if isinstance(shape, tuple):
        return f"{type(value).__name__} {' × '.join(map(str, shape))}"
    return str(getattr(value, "__name__", type(value).__name__))
