"""The arguments that a function is called with: which of them each feature changes."""

import inspect
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from inspect import Parameter
from itertools import combinations
from typing import Any

from ablation.designs import Arm, Groups, excluded, exclusive_groups
from ablation.errors import InputError, nearest
from ablation.subjects.features import feature_name
from ablation.wording import listed

FeatureArguments = Mapping[str, Mapping[str, Any] | None]
"""The arguments that a feature changes; None or nothing for the argument of its own name, which is turned on with True."""

_RESERVED = ("seed", "report")


@dataclass(frozen=True, eq=False)
class Arguments:
    """What a function is called with.

    Attributes:
        off: arguments without a default that features turn on, as they are in the baseline.
        changes: for each feature, in order, the arguments that it changes.
        exclusive: groups of features of which an arm has at most one.
        reports: whether the function takes ``report``.
    """

    off: Mapping[str, Any]
    changes: Mapping[str, Mapping[str, Any]]
    exclusive: Groups
    reports: bool

    def of(self, arm: Arm) -> dict[str, Any]:
        """Return the arguments of an arm, features in their order; an argument that keeps its default is not among them."""
        given = dict(self.off)
        for feature, arguments in self.changes.items():
            if feature in arm:
                given |= arguments
        return given

    def conflict(self, arm: Arm) -> str | None:
        """Return None, or why the features of an arm cannot be on together."""
        on = [feature for feature in self.changes if feature in arm]
        if (reason := excluded(self.exclusive, arm)) is not None:
            return reason
        for one, other in combinations(on, 2):
            for argument in self.changes[one].keys() & self.changes[other].keys():
                if not _same(self.changes[one][argument], self.changes[other][argument]):
                    return f"'{one}' and '{other}' set the argument '{argument}' to different values"
        return None


def arguments(
    target: Callable[..., Any], name: str, features: Iterable[str] | FeatureArguments, exclusive: Iterable[Iterable[str]] = ()
) -> Arguments:
    """Work out what a function is called with, and check that it can be.

    Args:
        name: of the function, for messages.
        features: names of arguments that are turned on, or for each feature the arguments that it changes.
        exclusive: groups of features of which an arm has at most one.

    Raises:
        InputError: if the function cannot be called so, or a feature would change nothing.
    """
    variables = _variables(target, name)
    open_ended = any(each.kind is Parameter.VAR_KEYWORD for each in variables.values())
    by_name = {key: each for key, each in variables.items() if each.kind in (Parameter.POSITIONAL_OR_KEYWORD, Parameter.KEYWORD_ONLY)}
    changes = _changes(features)
    for argument in ("seed", *(argument for each in changes.values() for argument in each)):
        if argument in variables and variables[argument].kind is Parameter.POSITIONAL_ONLY:
            raise InputError(f"the argument '{argument}' of {name} can only be given by position; remove the '/' after it")
    if "seed" not in by_name and not open_ended:
        raise InputError(f"{name} has no argument 'seed', which every run is given; add it: def {name}(seed, …)")
    for feature, each in changes.items():
        for argument in each:
            if argument not in by_name and not open_ended:
                raise InputError(f"{name} has no argument '{argument}' for the feature '{feature}'{nearest(argument, _free(by_name))}")
        if all(argument in by_name and _same(value, by_name[argument].default) for argument, value in each.items()):
            same = listed([f"{argument}={value!r}" for argument, value in each.items()], "and")
            raise InputError(f"the feature '{feature}' changes nothing: {same} by default; the default of {name} must be what is off")
    # Only a feature that turns on the argument of its own name says what its argument is without it.
    off = {key: False for key in changes if changes[key] == {key: True} and key in by_name and by_name[key].default is Parameter.empty}
    for key, variable in variables.items():
        required = variable.default is Parameter.empty and variable.kind not in (Parameter.VAR_POSITIONAL, Parameter.VAR_KEYWORD)
        if required and not (key in by_name and (key in off or key in _RESERVED)):
            setting = next((feature for feature, each in changes.items() if key in each), None)
            gives = f"only the feature '{setting}' gives it" if setting else "nothing gives it"
            raise InputError(f"{name} needs the argument '{key}', which {gives}; give it a default, or bind it with functools.partial")
    return Arguments(off, changes, exclusive_groups(exclusive, list(changes)), "report" in by_name)


def _variables(target: Callable[..., Any], name: str) -> Mapping[str, Parameter]:
    try:
        return inspect.signature(target).parameters
    except (TypeError, ValueError):
        raise InputError(f"the arguments of {name} cannot be read; wrap it in a function of your own with the argument 'seed'") from None


def _changes(features: Iterable[str] | FeatureArguments) -> dict[str, dict[str, Any]]:
    """Return the arguments that each feature changes."""
    # A set has another order in each process.
    if isinstance(features, str | set | frozenset) or not isinstance(features, Iterable):
        raise InputError(f"features={features!r} is no list; expected names of arguments in order, such as ['mixup', 'ema'], or a mapping")
    changes: dict[str, dict[str, Any]] = {}
    for feature in features:
        if feature_name(feature) in changes:
            raise InputError(f"the feature '{feature}' is given twice; expected each name once")
        each = features[feature] if isinstance(features, Mapping) else None
        if each is not None and not (isinstance(each, Mapping) and all(isinstance(argument, str) for argument in each)):
            raise InputError(f"the feature '{feature}' is given {each!r}; expected the arguments that it changes, such as {{'alpha': 0.2}}")
        changes[feature] = dict(each) if each else {feature: True}
        for argument in (*changes[feature], feature):
            if argument in _RESERVED:
                raise InputError(f"the feature '{feature}' cannot have '{argument}', which every run is given; choose another name")
    if not changes:
        raise InputError("features is empty; expected at least one name of an argument, such as ['mixup']")
    return changes


def _free(variables: Iterable[str]) -> list[str]:
    return [each for each in variables if each not in _RESERVED]


def _same(one: Any, other: Any) -> bool:
    """Say whether two values are equal, where that can be known."""
    try:
        return one is other or bool(one == other)
    except Exception:
        return False  # an array, or whatever else compares in its own way
