"""What a feature of a user's own may be called, and which features exclude each other."""

import re
from collections.abc import Iterable, Sequence

from ablation.designs import Arm
from ablation.errors import InputError, nearest
from ablation.wording import listed

_NAME = re.compile(r"\w[\w .-]*")

Groups = tuple[tuple[str, ...], ...]
"""Groups of features of which an arm has at most one."""


def feature_name(name: object) -> str:
    """Return the name of a feature.

    Raises:
        InputError: if it cannot be one.
    """
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise InputError(f"{name!r} cannot name a feature; expected letters, digits, '_', '-', '.' and spaces, such as 'mixup'")
    return name


def exclusive_groups(exclusive: Iterable[Iterable[str]], features: Sequence[str]) -> Groups:
    """Return groups of features that exclude each other.

    Raises:
        InputError: if one of them is no group of features.
    """
    groups = []
    for group in exclusive:
        if isinstance(group, str) or not isinstance(group, Iterable):
            raise InputError(f"exclusive has {group!r}; expected groups of features, such as [('adamw', 'sgd')]")
        members = tuple(dict.fromkeys(group))
        for member in members:
            if member not in features:
                raise InputError(f"exclusive has {member!r}, which is no feature{nearest(member, features)}")
        if len(members) < 2:
            raise InputError(f"exclusive has the group {list(members)!r}; expected at least two features in it")
        groups.append(members)
    return tuple(groups)


def excluded(groups: Groups, arm: Arm) -> str | None:
    """Return None, or which features of an arm exclude each other."""
    for group in groups:
        if len(both := [feature for feature in group if feature in arm]) > 1:
            return f"{listed([repr(each) for each in both], 'and')} exclude each other"
    return None
