"""Names of arms, for people, and names of features that people choose."""

from collections.abc import Sequence
from itertools import pairwise

from ablation.checks import names
from ablation.designs.design import Arm, Design
from ablation.errors import InputError, nearest


def check_chosen(setting: str, chosen: Sequence[str], features: Sequence[str]) -> None:
    """Refuse a choice of features that names one twice or one that is not there.

    Args:
        setting: as the user knows it, such as ``features.on``.
    """
    names(setting, chosen)
    for feature in chosen:
        if feature not in features:
            raise InputError(f"{setting} names '{feature}', which the catalogue's order does not hold{nearest(feature, features)}")
        if list(chosen).count(feature) > 1:
            raise InputError(f"{setting} names '{feature}' twice; each feature may stand there once")


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
