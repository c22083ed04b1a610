"""Designs: which arms to train, and how their scores are weighed to credit each feature.

A design is a pure function from feature names to arms and contrasts. An *arm* is the set of features that are on; a
*contrast* is a row of weights over the arms, and a feature's effect is the weighted sum of the arms' scores. Every row
sums to 0 and its positive weights to 1, so an effect is in the units of the score.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np

from ablation.errors import InputError, nearest

Arm = frozenset[str]
BASELINE: Arm = frozenset()


@dataclass(frozen=True, eq=False)
class Design:
    """Arms and contrasts over one ordered list of features.

    Attributes:
        name: as the user chose it, such as ``"cumulative"``.
        features: the features credited, one for each contrast, in the order in which they are reported.
        arms: the distinct arms, in the order in which they are reported.
        contrasts: shape ``(features, arms)``; ``contrasts @ scores`` are the effects.
        references: for an arm, the arm that its own difference in score is taken against.
        meaning: what an effect is, in one sentence, for captions.
    """

    name: str
    features: tuple[str, ...]
    arms: tuple[Arm, ...]
    contrasts: np.ndarray
    references: Mapping[Arm, Arm] = field(default_factory=dict)
    meaning: str = ""


def _design(
    name: str, features: Sequence[str], differences: Sequence[tuple[Arm, Arm]], references: Mapping[Arm, Arm], meaning: str
) -> Design:
    """Build a design whose effects are plain differences ``with − without``, one pair of arms a feature."""
    arms = tuple(dict.fromkeys(arm for pair in references.items() for arm in reversed(pair)))
    contrasts = np.zeros((len(features), len(arms)))
    for row, (plus, minus) in enumerate(differences):
        contrasts[row, arms.index(plus)] += 1
        contrasts[row, arms.index(minus)] -= 1
    return Design(name, tuple(features), arms, contrasts, references, meaning)


def cumulative(features: Sequence[str]) -> Design:
    """Add the features one at a time, in order; credit each with the step it makes.

    This is the design of the article that the project starts from. Effects sum to full minus baseline, and depend on the order.
    """
    path = [frozenset(features[:count]) for count in range(len(features) + 1)]
    steps = list(zip(path[1:], path[:-1], strict=True))
    meaning = "Each feature is added to those before it; its effect is the step that it makes, and depends on the order."
    return _design("cumulative", features, steps, dict(steps), meaning)


def leave_one_out(features: Sequence[str]) -> Design:
    """Credit each feature with what the full arm loses without it."""
    full = frozenset(features)
    pairs = [(full, full - {feature}) for feature in features]
    meaning = "An effect is what the arm with all features would lose without the feature."
    return _design("leave_one_out", features, pairs, {without: full for _, without in pairs}, meaning)


def one_at_a_time(features: Sequence[str]) -> Design:
    """Credit each feature with what it adds to the baseline when it is alone."""
    pairs = [(frozenset({feature}), BASELINE) for feature in features]
    return _design("one_at_a_time", features, pairs, dict(pairs), "An effect is what the feature adds to the baseline when it is alone.")


def none(features: Sequence[str]) -> Design:
    """Train the baseline alone; nothing is credited."""
    return _single("none", BASELINE)


def all_on(features: Sequence[str]) -> Design:
    """Train the arm with every feature on; nothing is credited."""
    return _single("all", frozenset(features))


def only(features: Sequence[str], on: Sequence[str] | None) -> Design:
    """Train the arm in which exactly the features ``on`` are on; nothing is credited.

    Raises:
        InputError: if ``on`` is missing, or names a feature twice or one that ``features`` does not hold.
    """
    if on is None:
        raise InputError("features=only needs to know which features are on, for instance 'features.on=[augmentation]'")
    for feature in on:
        if feature not in features:
            raise InputError(f"features.on names '{feature}', which the catalogue's order does not hold{nearest(feature, features)}")
        if list(on).count(feature) > 1:
            raise InputError(f"features.on names '{feature}' twice; each feature may stand there once")
    return _single("only", frozenset(on))


def _single(name: str, arm: Arm) -> Design:
    return Design(name, (), (arm,), np.zeros((0, 1)))


def union(designs: Sequence[Design]) -> tuple[Arm, ...]:
    """Return the distinct arms of several designs, in the order in which they first appear."""
    return tuple(dict.fromkeys(arm for design in designs for arm in design.arms))


def label(arm: Arm, features: Sequence[str]) -> str:
    """Name an arm for people: ``baseline``, ``all``, ``all − mixup``, or the features that are on, in order."""
    on = [feature for feature in features if feature in arm]
    off = [feature for feature in features if feature not in arm]
    if not on:
        return "baseline"
    if not off:
        return "all" if len(on) > 1 else on[0]
    if len(off) == 1 and len(on) > 2:
        return f"all − {off[0]}"
    return " + ".join(on)


def is_path(design: Design) -> bool:
    """Say whether a design climbs: it credits features, and each arm adds to the arm before it."""
    return len(design.features) > 0 and all(before < after for before, after in pairwise(design.arms))


def arm_names(design: Design, features: Sequence[str]) -> tuple[str, ...]:
    """Name the arms of a design: ``+ mixup`` for the step that leads to an arm of a path, else as :func:`label` does."""
    names = [label(arm, features) for arm in design.arms]
    if is_path(design):
        for index, (before, after) in enumerate(pairwise(design.arms), start=1):
            names[index] = "+ " + label(after - before, features)
    return tuple(names)
