"""Recognition: which designs some arms allow, and which few arms would complete another."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from ablation import designs
from ablation.designs import BASELINE, Arm, Design, effect_rows, label, restricted
from ablation.designs.fractional import size_of_fraction
from ablation.designs.subsets import in_order, membership
from ablation.errors import InputError
from ablation.wording import counted, listed

FEW = 4
"""Arms that are few enough to be worth a run more."""

NEARLY = 0.75
"""Share of a balanced design's arms from which on it is taken with those that it has."""

LONGEST = 512
"""Arms up to which the longest chain is looked for where no path is whole."""

MOST_ARMS, MOST_FEATURES = 2000, 20
"""Bounds of least squares over arms that belong to no known design."""

SAMPLED = 100
"""Orders up to which sampled Shapley designs are looked for."""

SHOWN = 6
"""Arms that a sentence names; of more the number is given."""


@dataclass(frozen=True)
class Recognised:
    """What arms allow.

    Attributes:
        features: in the order given, or in that of the path along which they were added where only that is there.
        designs: those that answer, each with nothing but arms that are there.
        remarks: what else could be asked of the arms, what is missing, in whole sentences.
    """

    features: tuple[str, ...]
    designs: tuple[Design, ...]
    remarks: tuple[str, ...]


def recognise(features: Sequence[str], arms: Sequence[Arm], wanted: Sequence[str] = ()) -> Recognised:
    """Compare arms with every design's.

    Without ``wanted``, the designs are taken that need the most arms, until all arms are used: a design whose arms are all part of
    another's adds nothing. One that lacks arms is taken where it credits what no other does.

    Args:
        features: that are on in some arms and off in others, in the order asked for.
        arms: the distinct ones that have runs.
        wanted: names of designs, in place of a choice.

    Raises:
        InputError: if a wanted design is not known or credits nothing with these arms, or if no design does.
    """
    there = frozenset(arms)
    order = path_order(features, there)
    candidates, whole = _candidates(features, order, there), _least_squares(features, there)
    chosen = _wanted(wanted, candidates, whole, features, there) if wanted else _chosen(candidates, whole, features, there)
    if not chosen:
        raise InputError(
            f"no design fits the {len(arms)} arms: {_named(arms, features)}; expected for instance two that differ in one feature alone. "
            + " ".join(_completions(candidates, features, there))
        )
    paths = [each for each in chosen if each.name == "cumulative"]
    known = tuple(order) if paths else tuple(features)
    remarks = [*_more(chosen, candidates, there), *_unused(chosen, arms, features)]
    return Recognised(known, tuple(chosen), (*remarks, *_completions(candidates, features, there)))


# ---- the designs of these features ----------------------------------------------------------------------------------------------


def _candidates(features: Sequence[str], order: Sequence[str], there: frozenset[Arm]) -> list[Design]:
    """Return the designs that the arms could be of, those that tell most first."""
    path = designs.cumulative(order)
    if len(features) == 1:
        return [path]
    makers: list[Callable[[], Design | None]] = [
        lambda: designs.factorial(features) if 2 ** len(features) <= len(there) / NEARLY else None,
        lambda: designs.fractional(features) if len(there) >= size_of_fraction(len(features)) / 2 else None,
        lambda: _fraction(features, there),
        lambda: designs.pairs(features) if len(there) > 1 + len(features) * (len(features) + 1) / 2 else None,
        lambda: _sampled(features, there),
        lambda: designs.bookends(features),
        lambda: path,
        lambda: designs.leave_one_out(features),
        lambda: designs.one_at_a_time(features),
    ]
    made = []
    for maker in makers:
        try:
            each = maker()
        except InputError:
            continue  # of so many features there is none
        if each is not None:
            made.append(each)
    return made


def path_order(features: Sequence[str], there: frozenset[Arm]) -> tuple[str, ...]:
    """Return the order in which arms add the features one at a time, from the baseline to all.

    It is the order given where its path is whole; else that of another whole path; else that of the path with the most arms.
    """
    whole = _whole_path(tuple(features), there)
    if whole:
        return whole
    if len(there) > LONGEST:
        return tuple(features)
    longest: dict[Arm, list[Arm]] = {}
    for arm in in_order(there, features):
        below = [longest[other] for other in longest if other < arm]
        longest[arm] = [*max(below, key=len, default=[]), arm]
    chain = max(longest.values(), key=len)
    given = sum(frozenset(features[:count]) in there for count in range(len(features) + 1))
    if given >= len(chain):
        return tuple(features)
    return tuple(dict.fromkeys([name for arm in chain for name in features if name in arm] + list(features)))


def _whole_path(features: tuple[str, ...], there: frozenset[Arm]) -> tuple[str, ...] | None:
    dead: set[Arm] = set()

    def onwards(arm: Arm, added: tuple[str, ...]) -> tuple[str, ...] | None:
        if len(added) == len(features):
            return added
        for name in features:
            more = arm | {name}
            if name not in arm and more in there and more not in dead:
                found = onwards(more, (*added, name))
                if found:
                    return found
        dead.add(arm)
        return None

    return onwards(BASELINE, ()) if BASELINE in there else None


def _sampled(features: Sequence[str], there: frozenset[Arm]) -> Design | None:
    """Return the sampled Shapley design of the most orders whose arms are all there; None where not even two are."""
    found = None
    for orders in range(2, SAMPLED + 1, 2):
        each = designs.shapley(features, orders)
        if not there.issuperset(each.arms):
            break
        found = each
    return found


def _fraction(features: Sequence[str], there: frozenset[Arm]) -> Design | None:
    """Return the design of all arms where these are a fraction in which every feature, and every two, are balanced; else None."""
    count = len(there)
    if len(features) < 3 or count % 4 or count > MOST_ARMS or count >= 2 ** len(features):
        return None
    arms = in_order(there, features)
    signs = 2 * membership(arms, features) - 1
    if signs.sum(axis=0).any() or (signs.T @ signs != count * np.eye(len(features))).any():
        return None
    first, second = np.triu_indices(len(features), 1)
    clear = not (signs.T @ (signs[:, first] * signs[:, second])).any()
    holds = (
        "for all orders where interactions stop at pairs" if clear else "only where features do not interact: pairs pass for single ones"
    )
    meaning = f"An effect is the mean of the arms with the feature minus the mean of those without it, over {count} arms; it holds {holds}."
    made = Design("fractional", tuple(features), arms, signs.T / (count / 2), _references(arms), meaning, "balanced")
    return replace(made, averages="up to pairs") if clear else made


def _least_squares(features: Sequence[str], there: frozenset[Arm]) -> Design | None:
    """Return the design of all arms where these tell every feature's and every pair's worth apart by least squares; else None."""
    if len(there) > MOST_ARMS or not 1 < len(features) <= MOST_FEATURES:
        return None
    arms = in_order(there, features)
    on = membership(arms, features)
    if not (on.T @ on).all():
        return None  # Of two features that are never on together nothing is known.
    rows = effect_rows(arms, features)
    if np.isnan(rows).any():
        return None
    meaning = "An effect is what the feature adds, averaged over all orders, by least squares; it holds where interactions stop at pairs."
    return Design("pairs", tuple(features), arms, rows, _references(arms), meaning, "balanced", "up to pairs")


def _references(arms: Sequence[Arm]) -> Mapping[Arm, Arm]:
    return {arm: BASELINE for arm in arms if arm} if BASELINE in arms else {}


# ---- the choice among them ------------------------------------------------------------------------------------------------------


def _chosen(candidates: Sequence[Design], of_all: Design | None, features: Sequence[str], there: frozenset[Arm]) -> list[Design]:
    whole = [each for each in candidates if there.issuperset(each.arms)]
    nearly = [_left(each, there) for each in candidates if each.kind == "balanced" and _share(each, there) >= NEARLY]
    parts = sorted((_left(each, there) for each in candidates if each.kind == "paired"), key=lambda each: -len(each.features))
    chosen: list[Design] = []
    used: set[Arm] = set()
    credited: set[str] = set()
    for each in (*whole, *nearly, *([of_all] if of_all and not (whole or nearly) else []), *parts):
        names = {design.name for design in chosen}
        in_part = each.kind == "paired" and each.excluded and len(each.features) < len(features) / 2
        more = set(each.features) - credited if in_part else (set(each.arms) - used) | (set(each.features) - credited)
        if each.features and more and each.name not in names:
            chosen.append(each)
            used |= set(each.arms)
            credited |= set(each.features)
    return chosen


def _wanted(
    wanted: Sequence[str], candidates: Sequence[Design], of_all: Design | None, features: Sequence[str], there: frozenset[Arm]
) -> list[Design]:
    chosen = []
    for name in wanted:
        of_name = [each for each in (*candidates, *([of_all] if of_all else [])) if each.name == name]
        if name == "shapley" and len(there) == 2 ** len(features):
            of_name.insert(0, designs.shapley(features))
        best = max((_left(each, there) for each in of_name), key=lambda each: (len(each.features), not each.excluded), default=None)
        if best is None or not best.features:
            lacks = f"it lacks {_named(_missing(of_name[0], there), features)}" if of_name else f"not with {len(there)} arms"
            possible = [each.name for each in _chosen(candidates, of_all, features, there)]
            raise InputError(
                f"the design '{name}' credits nothing with these arms ({lacks}); expected {listed(possible or ['other arms'], 'or')}"
            )
        chosen.append(best)
    return chosen


def _left(design: Design, there: frozenset[Arm]) -> Design:
    return restricted(design, lambda arm: arm in there)


def _missing(design: Design, there: frozenset[Arm]) -> tuple[Arm, ...]:
    return tuple(arm for arm in design.arms if arm not in there)


def _share(design: Design, there: frozenset[Arm]) -> float:
    return 1 - len(_missing(design, there)) / len(design.arms)


# ---- what else there is to say --------------------------------------------------------------------------------------------------


def _more(chosen: Sequence[Design], candidates: Sequence[Design], there: frozenset[Arm]) -> list[str]:
    taken = {each.name for each in chosen}
    others = list(dict.fromkeys(each.name for each in candidates if there.issuperset(each.arms) and each.name not in taken))
    return [f"The arms are also those of {listed(others, 'and')}."] if others else []


def _unused(chosen: Sequence[Design], arms: Sequence[Arm], features: Sequence[str]) -> list[str]:
    used = frozenset(arm for each in chosen for arm in each.arms)
    left = [arm for arm in arms if arm not in used]
    if not left:
        return []
    belong = "arm belongs to no design and credits" if len(left) == 1 else "arms belong to no design and credit"
    return [f"{len(left)} {belong} nothing: {_named(left, features)}."]


def _completions(candidates: Sequence[Design], features: Sequence[str], there: frozenset[Arm]) -> list[str]:
    """Say which few arms would complete a design, the fewest first."""
    completed: dict[frozenset[Arm], list[str]] = {}
    for each in candidates:
        missing = frozenset(_missing(each, there))
        if 0 < len(missing) <= FEW and _share(each, there) > 0.5:
            completed.setdefault(missing, []).append(each.name)
    return [
        f"{counted(len(arms), 'more arm')} would complete {listed(names, 'and')}: {_named(in_order(arms, features), features)}."
        for arms, names in sorted(completed.items(), key=lambda each: len(each[0]))
    ]


def _named(arms: Sequence[Arm], features: Sequence[str]) -> str:
    names = [f"“{label(arm, features)}”" for arm in arms[:SHOWN]]
    left = len(arms) - SHOWN
    return listed([*names, counted(left, "other")] if left > 0 else names, "and")
