"""The catalogue: the features that a study may use, and how an arm's features become a recipe."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import permutations, product

from ablation.checks import names, shown
from ablation.designs import Arm, Groups, exclusive_groups
from ablation.errors import InputError, nearest
from ablation.images.features.feature import Feature
from ablation.images.models.model import Model
from ablation.images.optimizers import AVERAGED, optimizers
from ablation.images.recipe import NETWORK_SLOTS, Recipe, filled
from ablation.images.slots import Optimizer
from ablation.images.training.schedule import OneCycle
from ablation.study.cause import explained

SHARED_SLOTS = {"after_block", "network", "augmentations", "targets", "gradients", "streams"}
"""Slots that several features may add to; each of the others holds one thing, and so does each part of ``optimizer``."""

OPTIMIZER = "optimizer"

SETTINGS = {"scaling": "data.normalise=unit", "order": "training.shuffle=true"}
"""For slots that the baseline may fill, the setting that leaves them empty."""

CLIPPING = ("clipnorm", "clipvalue", "global_clipnorm")
"""Options of which an optimiser has one at most."""


@dataclass(frozen=True, eq=False)
class Catalogue:
    """The features by name, and the order in which a study takes them.

    Args:
        features: each with its parameters. The order of their definition is the order in which an arm applies them, whatever order
            a study adds them in, so that an arm is the same training in every study.
        order: the features and groups that a study uses, in its order; None takes all as defined, each group where its first feature is.
        groups: for each group of features that are toggled as one, by its name, the names of its features.
        exclusive: groups of features, or of such groups, of which an arm has at most one.
        always: features and groups that every arm has, the baseline too, and that the study says nothing of.

    Raises:
        InputError: if ``order`` is empty, it or ``always`` names a feature twice or one that is not defined, or a group cannot be one.
    """

    features: Mapping[str, Feature]
    order: Sequence[str] | None = None
    groups: Mapping[str, Sequence[str]] = field(default_factory=dict)
    exclusive: Sequence[Sequence[str]] = ()
    always: Sequence[str] = ()

    def __post_init__(self) -> None:
        if self.order is not None:
            names("catalogue.order", self.order)
        names("catalogue.always", self.always)
        for name, feature in self.features.items():
            if not re.fullmatch(r"\w[\w .-]*", str(name)):
                raise InputError(f"catalogue feature '{name}' cannot be named so; expected letters, digits, spaces and . - _")
            if isinstance(feature, list | tuple):
                raise InputError(f"catalogue feature '{name}' is a list; features that are toggled as one stand in catalogue.groups")
            if not callable(feature) or not hasattr(feature, "verify"):
                raise InputError(
                    f"catalogue feature '{name}' is {feature!r}, which is no feature: it needs __call__(recipe) and verify(evidence)"
                )
        self._check_groups()
        if not self.names:
            raise InputError("catalogue.order is empty; it needs at least one feature")
        self._check_names("catalogue.order", self.names)
        self._check_names("catalogue.always", self.always)
        for name in self.names:
            if self.members(name).keys() & self.members(*self.always):
                raise InputError(f"catalogue.order names '{name}', which catalogue.always gives to every arm; expected it in one of them")
        self._check_exclusive()

    def _check_names(self, setting: str, listed: Sequence[str]) -> None:
        known = [*self.groups, *self.features]
        for name in listed:
            if name not in known:
                raise InputError(f"{setting} names '{name}', which the catalogue does not have{nearest(name, known)}")
            if listed.count(name) > 1:
                raise InputError(f"{setting} names '{name}' twice; each feature may stand there once")
            group = next((each for each, members in self.groups.items() if name in members and each in listed), None)
            if group is not None:
                raise InputError(f"{setting} names '{name}' and '{group}', the group that it is in; expected one of them")

    def _check_groups(self) -> None:
        if not isinstance(self.groups, Mapping):
            raise InputError(
                f"catalogue.groups must be lists of features by name, such as {{mine: [dropout,mixup]}}, not {shown(self.groups)}"
            )
        seen: dict[str, str] = {}
        for group, members in self.groups.items():
            if group in self.features:
                raise InputError(f"catalogue.groups has '{group}', which is the name of a feature; expected another name")
            if not isinstance(members, list | tuple) or not members or not all(isinstance(member, str) for member in members):
                raise InputError(f"catalogue.groups.{group} must be a list of features, such as [dropout,mixup], not {shown(members)}")
            for member in members:
                if member not in self.features:
                    raise InputError(f"catalogue.groups.{group} names '{member}', which is no feature{nearest(member, self.features)}")
                if member in seen:
                    raise InputError(f"catalogue.groups has '{member}' in '{seen[member]}' and in '{group}'; expected it in one of them")
                seen[member] = group

    def _check_exclusive(self) -> None:
        always, toggled = self.members(*self.always).keys(), self.members(*self.names).keys()
        for group in exclusive_groups(self.exclusive, [*self.groups, *self.features], "catalogue.exclusive"):
            for name in (*self.names, None):
                own = always if name is None else self.members(name).keys()
                where = "which catalogue.always gives to every arm" if name is None else f"which '{name}' toggles together"
                both = [each for each in group if self.members(each).keys() <= own]
                if len(both) > 1:
                    raise InputError(f"catalogue.exclusive has '{both[0]}' and '{both[1]}', {where}; expected one of them")
            for first, other in permutations(group, 2):
                if self.members(first).keys() & always and self.members(other).keys() & toggled:
                    raise InputError(
                        f"catalogue.exclusive has '{first}', which catalogue.always gives to every arm, and '{other}'; expected one of them"
                    )

    @property
    def _group_of(self) -> dict[str, str]:
        return {member: group for group, members in self.groups.items() for member in members}

    @property
    def names(self) -> tuple[str, ...]:
        """The features and groups that the study uses, in its order."""
        if self.order is not None:
            return tuple(self.order)
        always = self.members(*self.always)
        return tuple(dict.fromkeys(self._group_of.get(name, name) for name in self.features if name not in always))

    @property
    def excluding(self) -> Groups:
        """The groups of the study's features of which an arm has at most one.

        A feature that is toggled with others counts as these, and a group that is not toggled as one as each of its features.
        """
        there = [
            tuple(dict.fromkeys(chosen)) for group in self.exclusive for chosen in product(*filter(None, map(self._toggled_by, group)))
        ]
        return tuple({frozenset(group): group for group in there if len(group) > 1}.values())

    def _toggled_by(self, name: str) -> list[str]:
        """Return what toggles a feature or the features of a group in this study, if anything does."""
        if name in self.names:
            return [name]
        if name in self.groups:
            return [member for member in self.groups[name] if member in self.names]
        return [group for group in (self._group_of.get(name),) if group in self.names]

    def of(self, arm: Arm) -> dict[str, Feature]:
        """Return the features of an arm, those of its groups and of every arm too, in the order in which they are applied."""
        return self.members(*arm, *self.always)

    def members(self, *listed: str) -> dict[str, Feature]:
        """Return these features, and those of these groups, in the order in which they are applied."""
        on = {member for name in listed for member in self.groups.get(name, (name,))}
        return {name: feature for name, feature in self.features.items() if name in on}


class DoesNotApplyError(InputError):
    """A feature cannot be on in an arm."""


def compose(start: Recipe, features: Mapping[str, Feature], model: Model, model_name: str) -> Recipe:
    """Apply features to a recipe, one after the other.

    Raises:
        DoesNotApplyError: if a feature changes nothing, fills a slot that the model does not have or another feature fills, or sets an
            option that the optimiser does not have or that does not go with another one.
        InputError: if a feature fails, returns no recipe, or takes away what a shared slot or the optimiser had.
    """
    recipe, empty = start, Recipe()
    owners: dict[str, str] = {}
    for name, feature in features.items():
        before, recipe = recipe, applied(name, feature, recipe)
        _check_kept(name, before, recipe)
        slots = filled(before, recipe)
        if not slots:
            raise DoesNotApplyError(f"feature '{name}' changes nothing: the recipe's slots hold the same with and without it")
        for slot in slots:
            if slot in NETWORK_SLOTS and slot not in model.slots:
                raise DoesNotApplyError(f"{name} does not apply to model={model_name}, which has no {NETWORK_SLOTS[slot]}")
            if slot in owners and slot not in (*SHARED_SLOTS, OPTIMIZER):
                raise DoesNotApplyError(f"'{owners[slot]}' and '{name}' both fill the slot '{slot}'")
            # What empties a slot takes something of the baseline away, and fills nothing.
            fills = getattr(recipe, slot) != getattr(empty, slot)
            if slot not in (*SHARED_SLOTS, OPTIMIZER, *owners) and fills and getattr(before, slot) != getattr(empty, slot):
                raise DoesNotApplyError(f"'{name}' fills, as the baseline does, the slot '{slot}'; {SETTINGS[slot]} leaves it empty")
            owners[slot] = name
        for part in _parts(before.optimizer, recipe.optimizer):
            if part in owners:
                raise DoesNotApplyError(f"'{owners[part]}' and '{name}' both set the {part}")
            owners[part] = name
    _check_options(start.optimizer, recipe.optimizer, owners)
    return recipe


def _check_kept(name: str, before: Recipe, after: Recipe) -> None:
    """Refuse a feature that throws away what a shared slot or the optimiser had, as one does that makes them anew."""
    for slot in SHARED_SLOTS:
        there = getattr(after, slot)
        if not all(each in there for each in getattr(before, slot)):
            added = f"replace(recipe, {slot}=(*recipe.{slot}, …))"
            raise InputError(f"feature '{name}' takes away what the slot '{slot}' had; expected it to add, such as by {added}")
    old, new = before.optimizer, after.optimizer
    lost = [option for option in dict(old.options).keys() - dict(new.options) if option in optimizers().get(new.name, ())]
    if old.name != new.name:
        lost += [part for part in ("schedule", "warmup") if getattr(old, part) and not getattr(new, part)]
    if lost:
        kept = "replace(recipe.optimizer, name=…) and with_options(…)"
        raise InputError(f"feature '{name}' takes the {min(lost)} of the optimiser away; expected it to keep what is there, as by {kept}")


def _parts(before: Optimizer, after: Optimizer) -> list[str]:
    """Return the parts of the optimiser that a feature sets, in words."""
    parts = {"optimiser": "name", "learning rate": "learning_rate", "schedule": "schedule", "warm-up": "warmup"}
    options, others = dict(before.options), dict(after.options)
    changed = [option for option in others if option not in options or options[option] != others[option]]
    # Features that clip in two ways set the same part.
    changed = list(dict.fromkeys("clipping" if option in CLIPPING else option for option in changed))
    return [words for words, part in parts.items() if getattr(before, part) != getattr(after, part)] + [_option(name) for name in changed]


def _option(name: str) -> str:
    return f"optimiser's {name}"


def _check_options(start: Optimizer, optimizer: Optimizer, owners: Mapping[str, str]) -> None:
    """Refuse options that the optimiser does not have, or has anyway, or that do not go together, with the feature that sets them."""
    known = optimizers()
    chosen = f"the optimiser of '{owners['optimiser']}'" if "optimiser" in owners else f"training.optimizer={optimizer.name}"
    if optimizer.name not in known:
        own = "a rule of your own goes into the slot gradients, with sgd"
        raise DoesNotApplyError(f"{chosen}, {optimizer.name}, is none of Keras' ({own}){nearest(optimizer.name, known)}")
    for option, _ in optimizer.options:
        name = owners.get(_option(option), f"training.{option}")
        if option in AVERAGED:
            raise DoesNotApplyError(f"{name} sets {option} of the optimiser; averages of weights go into the slot averaging")
        if option not in known[optimizer.name]:
            which = f"{optimizer.name}, {chosen}," if "optimiser" in owners else f"{chosen},"
            of_baseline = "optimiser" in owners and _option(option) not in owners
            away = f"; recipe.optimizer.without_options('{option}') takes it away" if of_baseline else ""
            raise DoesNotApplyError(f"{name} does not apply to {which} which has no {option}{away}")
        decay = known[optimizer.name][option] if option == "weight_decay" and option not in dict(start.options) else None
        if decay and owners.get("optimiser") != name:
            raise DoesNotApplyError(
                f"{name} does not apply to {chosen}, which decays weights by {decay} of its own; training.weight_decay=0 takes that away"
            )
    clips = [option for option, _ in optimizer.options if option in CLIPPING]
    if len(clips) > 1:
        name = owners.get(_option("clipping"), "a feature")
        raise DoesNotApplyError(f"with {name} gradients are clipped by {clips[0]} and by {clips[-1]}; expected one of them")
    if optimizer.warmup and isinstance(optimizer.schedule, OneCycle):
        name = owners.get("warm-up", "training.warmup")
        other = "" if "schedule" in owners else "; training.schedule=constant has none"
        raise DoesNotApplyError(f"{name} does not apply to a one-cycle schedule, which has a rise of its own{other}")


def applied(name: str, feature: Feature, recipe: Recipe) -> Recipe:
    """Apply one feature to a recipe.

    Raises:
        InputError: if the feature fails or returns no recipe.
    """
    try:
        after = feature(recipe)
    except InputError:
        raise
    except Exception as error:
        raise InputError(f"feature '{name}' cannot be applied: {explained(error)}") from error
    if not isinstance(after, Recipe):
        raise InputError(f"feature '{name}' returns {after!r}; expected a recipe, such as that of dataclasses.replace(recipe, …)")
    return after
