"""Features that exclude each other: a design is made for each choice of one of them, and effects are means over the choices."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

import numpy as np

from ablation.designs.bookends import NothingCreditedError
from ablation.designs.design import Arm, Design, union
from ablation.errors import InputError, nearest
from ablation.wording import listed

Groups = tuple[tuple[str, ...], ...]
"""Groups of features of which an arm has at most one."""


def exclusive_groups(exclusive: Iterable[Iterable[str]], features: Sequence[str], setting: str = "exclusive") -> Groups:
    """Return groups of features that exclude each other.

    Raises:
        InputError: if one of them is no group of features.
    """
    groups = []
    if isinstance(exclusive, str) or not isinstance(exclusive, Iterable):
        raise InputError(f"{setting} is {exclusive!r}; expected groups of features, such as [[adamw,sgd]]")
    for group in exclusive:
        if isinstance(group, str) or not isinstance(group, Iterable) or not all(isinstance(each, str) for each in group):
            raise InputError(f"{setting} has {group!r}; expected groups of features, such as [('adamw', 'sgd')]")
        members = tuple(dict.fromkeys(group))
        for member in members:
            if member not in features:
                raise InputError(f"{setting} has {member!r}, which is no feature{nearest(member, features)}")
        if len(members) < 2:
            raise InputError(f"{setting} has the group {list(members)!r}; expected at least two features in it")
        groups.append(members)
    return tuple(groups)


def excluded(groups: Groups, arm: Arm) -> str | None:
    """Return None, or which features of an arm exclude each other."""
    for group in groups:
        if len(both := [feature for feature in group if feature in arm]) > 1:
            return f"{listed([repr(each) for each in both], 'and')} exclude each other"
    return None


def _choices(features: Sequence[str], groups: Groups) -> list[list[str]]:
    """Return the largest sets of features of which none exclude each other: one of each group, where groups do not overlap."""
    found = [frozenset(features)]
    for group in groups:
        fewer = dict.fromkeys(each - (set(group) - {one}) for each in found for one in group)
        found = [each for each in fewer if not any(each < other for other in fewer)]
    return [[feature for feature in features if feature in each] for each in found]


def one_of_each(make: Callable[[Sequence[str]], Design], features: Sequence[str], groups: Groups) -> Design:
    """Return a design in no arm of which two features exclude each other.

    With groups, it is the union of the designs of all choices: of one feature from each group, or, where groups overlap, of as many
    features as go together. An effect is the mean of the effects in the designs that have the feature, so it is what the design means by
    it whichever of the others stands in the group.

    Args:
        make: the design of some of the features, in their order.
    """
    whole = ""
    try:
        design = make(features)
        # What credits nothing is what the user asked for, arm by arm.
        if not design.features or not any(excluded(groups, arm) for arm in design.arms):
            return design
    except InputError as error:  # such as where all features are too many, and one of each group are not
        if not groups:
            raise
        whole = str(error)
    designs, refused = [], None
    for chosen in _choices(features, groups):
        try:
            designs.append(make(chosen))
        except NothingCreditedError as error:  # in this choice, and perhaps in none
            refused = error
        except InputError as error:
            if str(error) == whole:
                raise
            raise InputError(f"counting one feature of each exclusive group, {error}") from error
    if refused and not designs:
        raise refused
    first = designs[0]
    credited = tuple(feature for feature in features if any(feature in each.features for each in designs))
    arms = union(designs)
    place = {arm: column for column, arm in enumerate(arms)}
    contrasts = np.zeros((len(credited), len(arms)))
    for row, feature in enumerate(credited):
        having = [each for each in designs if feature in each.features]
        for each in having:
            columns = [place[arm] for arm in each.arms]
            contrasts[row, columns] += each.contrasts[each.features.index(feature)] / len(having)
    references = {arm: other for each in reversed(designs) for arm, other in each.references.items()}
    exclude = listed([" or ".join(group) for group in groups], "and")
    meaning = f"{first.meaning} Of features that exclude each other ({exclude}) an arm has one at most; effects are means over which one."
    of_all = replace(first, features=credited, arms=arms, contrasts=contrasts, references=references, meaning=meaning, orders=())
    return replace(of_all, subsets=len(arms)) if all(each.is_complete for each in designs) else of_all
