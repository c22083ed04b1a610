"""The catalogue: the features that a study may use, and how an arm's features become a recipe."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ablation.checks import names
from ablation.designs import Arm
from ablation.errors import InputError, nearest
from ablation.images.features.feature import Feature
from ablation.images.models.model import Model
from ablation.images.optimizers import optimizers
from ablation.images.recipe import NETWORK_SLOTS, Recipe, filled
from ablation.images.slots import Optimizer
from ablation.study.cause import explained

SHARED_SLOTS = {"after_block", "network", "augmentations", "targets", "gradients", "streams"}
"""Slots that several features may add to; each of the others holds one thing, and so does each part of ``optimizer``."""

OPTIMIZER = "optimizer"


@dataclass(frozen=True, eq=False)
class Catalogue:
    """The features by name, and the order in which a study takes them.

    Args:
        features: each with its parameters. The order of their definition is the order in which an arm applies them, whatever order
            a study adds them in, so that an arm is the same training in every study.
        order: the features that a study uses, in its order; None takes all as defined.

    Raises:
        InputError: if ``order`` is empty or names a feature twice or one that is not defined.
    """

    features: Mapping[str, Feature]
    order: Sequence[str] | None = None

    def __post_init__(self) -> None:
        if self.order is not None:
            names("catalogue.order", self.order)
        for name, feature in self.features.items():
            if not re.fullmatch(r"\w[\w .-]*", str(name)):
                raise InputError(f"catalogue feature '{name}' cannot be named so; expected letters, digits, spaces and . - _")
            if not callable(feature) or not hasattr(feature, "verify"):
                raise InputError(
                    f"catalogue feature '{name}' is {feature!r}, which is no feature: it needs __call__(recipe) and verify(evidence)"
                )
        if not self.names:
            raise InputError("catalogue.order is empty; it needs at least one feature")
        for name in self.names:
            if name not in self.features:
                raise InputError(f"catalogue.order names '{name}', which the catalogue does not have{nearest(name, self.features)}")
            if self.names.count(name) > 1:
                raise InputError(f"catalogue.order names '{name}' twice; each feature may stand there once")

    @property
    def names(self) -> tuple[str, ...]:
        """The features that the study uses, in its order."""
        return tuple(self.features if self.order is None else self.order)

    def of(self, arm: Arm) -> dict[str, Feature]:
        """Return the features of an arm, in the order in which they are applied."""
        return {name: feature for name, feature in self.features.items() if name in arm}


class DoesNotApplyError(InputError):
    """A feature cannot be on in an arm."""


def compose(start: Recipe, features: Mapping[str, Feature], model: Model, model_name: str) -> Recipe:
    """Apply features to a recipe, one after the other.

    Raises:
        DoesNotApplyError: if a feature changes nothing, fills a slot that the model does not have or another feature fills, or sets an
            option that the optimiser does not have.
        InputError: if a feature fails or returns no recipe.
    """
    recipe, empty = start, Recipe()
    owners: dict[str, str] = {}
    for name, feature in features.items():
        before, recipe = recipe, _applied(name, feature, recipe)
        slots = filled(before, recipe)
        if not slots:
            raise DoesNotApplyError(f"feature '{name}' changes nothing: the recipe's slots hold the same with and without it")
        for slot in slots:
            if slot in NETWORK_SLOTS and slot not in model.slots:
                raise DoesNotApplyError(f"{name} does not apply to model={model_name}, which has no {NETWORK_SLOTS[slot]}")
            if slot in owners and slot not in (*SHARED_SLOTS, OPTIMIZER):
                raise DoesNotApplyError(f"'{owners[slot]}' and '{name}' both fill the slot '{slot}'")
            if slot not in (*SHARED_SLOTS, OPTIMIZER, *owners) and getattr(before, slot) != getattr(empty, slot):
                raise DoesNotApplyError(f"'{name}' fills, as the baseline does, the slot '{slot}'")
            owners[slot] = name
        for part in _parts(before.optimizer, recipe.optimizer):
            if part in owners:
                raise DoesNotApplyError(f"'{owners[part]}' and '{name}' both set the {part}")
            owners[part] = name
    _check_options(recipe.optimizer, owners)
    return recipe


def _parts(before: Optimizer, after: Optimizer) -> list[str]:
    """Return the parts of the optimiser that a feature sets, in words."""
    parts = {"optimiser": "name", "learning rate": "learning_rate", "schedule": "schedule", "warm-up": "warmup"}
    options, others = dict(before.options), dict(after.options)
    changed = [option for option in others if option not in options or options[option] != others[option]]
    return [words for words, part in parts.items() if getattr(before, part) != getattr(after, part)] + [_option(name) for name in changed]


def _option(name: str) -> str:
    return f"optimiser's {name}"


def _check_options(optimizer: Optimizer, owners: Mapping[str, str]) -> None:
    """Refuse options that the optimiser does not have, with the feature that sets them."""
    known = optimizers()
    chosen = f"the optimiser of '{owners['optimiser']}'" if "optimiser" in owners else f"training.optimizer={optimizer.name}"
    if optimizer.name not in known:
        raise DoesNotApplyError(f"{chosen}, {optimizer.name}, is none of Keras'{nearest(optimizer.name, known)}")
    for option, _ in optimizer.options:
        if option not in known[optimizer.name]:
            name = owners.get(_option(option), f"training.{option}")
            which = f"{optimizer.name}, {chosen}," if "optimiser" in owners else f"{chosen},"
            raise DoesNotApplyError(f"{name} does not apply to {which} which has no {option}")


def _applied(name: str, feature: Feature, recipe: Recipe) -> Recipe:
    try:
        after = feature(recipe)
    except InputError:
        raise
    except Exception as error:
        raise InputError(f"feature '{name}' cannot be applied: {explained(error)}") from error
    if not isinstance(after, Recipe):
        raise InputError(f"feature '{name}' returns {after!r}; expected a recipe, such as that of dataclasses.replace(recipe, …)")
    return after
