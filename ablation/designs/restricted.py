"""Restriction: what a design can still estimate when some of its arms cannot be built."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType

import numpy as np

from ablation.designs.design import Arm, Design
from ablation.designs.names import label
from ablation.designs.pairwise import effect_rows
from ablation.wording import listed

NAMED = 4
"""Missing arms that a sentence names; more are counted."""

NO_REASONS: Mapping[Arm, str] = MappingProxyType({})


def restricted(design: Design, feasible: Callable[[Arm], bool], reasons: Mapping[Arm, str] = NO_REASONS) -> Design:
    """Return the design without the arms that are not feasible, and without the features that it can then no longer credit.

    Args:
        design: as it would be if every subset of the features were an arm.
        feasible: whether an arm can be built, such as whether the model takes its features together.
        reasons: why those arms cannot be, where that is known.
    """
    there = [feasible(arm) for arm in design.arms]
    if all(there):
        return design
    rows, lost = reweighted(design, there, reasons)
    excluded = tuple(arm for arm, use in zip(design.arms, there, strict=True) if not use)
    known = ~np.isnan(rows).any(axis=1)
    kept = [column for column, use in enumerate(there) if use and (not design.features or (rows[known][:, column] != 0).any())]
    arms = tuple(design.arms[column] for column in kept)
    return replace(
        design,
        features=tuple(feature for feature, use in zip(design.features, known.tolist(), strict=True) if use),
        arms=arms,
        contrasts=rows[known][:, kept],
        references={arm: other for arm, other in design.references.items() if arm in arms and other in arms},
        excluded=excluded,
        reasons=tuple(reasons[arm] for arm in excluded if arm in reasons),
        uncredited=tuple(feature for feature, use in zip(design.features, known.tolist(), strict=True) if not use),
        lost=lost or (f"{design.name} lacks {_missing(design, there, reasons)}.",),
    )


def reweighted(design: Design, there: Sequence[bool], reasons: Mapping[Arm, str] = NO_REASONS) -> tuple[np.ndarray, tuple[str, ...]]:
    """Return contrasts that weigh only the arms that are there, and what that costs in whole sentences.

    A paired contrast that needs another arm is lost. In a balanced design, an effect that is a weighted mean of differences (with the
    feature − without it) becomes the mean of the differences that are left; any other is estimated from the arms that are left
    by least squares under the pairwise model, where they suffice.

    Returns:
        Shape ``(features, arms)``, zero for arms that are not there and NaN for features that can no longer be credited.
    """
    use, rows, narrowed, assumed = np.array(there, dtype=bool), design.contrasts.copy(), [], []
    for row, feature in enumerate(design.features):
        if not rows[row, ~use].any():
            continue
        if design.kind == "paired":
            rows[row] = np.nan
            continue
        left = _differences_left(design, row, use)
        if left is not None:
            rows[row] = left
            narrowed.append(feature)
            continue
        rows[row] = 0
        rows[row, use] = effect_rows([arm for arm, known in zip(design.arms, there, strict=True) if known], design.known)[row]
        assumed.append(feature)
    missing = _missing(design, there, reasons)
    lost = [feature for feature, weights in zip(design.features, rows, strict=True) if np.isnan(weights).any()]
    narrowed, assumed = ([each for each in names if each not in lost] for names in (narrowed, assumed))
    sentences = []
    if lost:
        sentences.append(f"{design.name} lacks {missing}: {_effects(lost)} cannot be estimated.")
    if narrowed:
        are = "is the mean" if len(narrowed) == 1 else "are means"
        sentences.append(f"{design.name} lacks {missing}: {_effects(narrowed)} {are} over the other subsets.")
    if assumed:
        sentences.append(
            f"{design.name} lacks {missing}: {_effects(assumed)} {'rests' if len(assumed) == 1 else 'rest'} on the other "
            f"{int(use.sum())} arms and on interactions that stop at pairs."
        )
    return rows, tuple(sentences)


def _effects(names: Sequence[str]) -> str:
    return f"the {'effect' if len(names) == 1 else 'effects'} of {listed(names, 'and')}"


def _missing(design: Design, there: Sequence[bool], reasons: Mapping[Arm, str]) -> str:
    """Name the arms that are not there, those of the same reason together."""
    arms: dict[str, list[str]] = {}
    for arm, known in zip(design.arms, there, strict=True):
        if not known:
            arms.setdefault(reasons.get(arm, ""), []).append(f"“{label(arm, design.known)}”")
    groups = []
    for reason, names in arms.items():
        # Nobody gains by “and 1 more” in place of a name.
        few = names if len(names) <= NAMED + 1 else [*names[:NAMED], f"{len(names) - NAMED} more arms"]
        groups.append(listed(few, "and") + (f" ({reason})" if reason else ""))
    return "; ".join(groups)


def _differences_left(design: Design, row: int, use: np.ndarray) -> np.ndarray | None:
    """Return a contrast's differences between arms that are there, scaled to weigh 1; None where it is no sum of differences."""
    weights, feature = design.contrasts[row], design.features[row]
    place = {arm: column for column, arm in enumerate(design.arms)}
    left = np.zeros(weights.shape)
    for arm, column in place.items():
        partner = place.get(arm ^ {feature})
        if weights[column] and (partner is None or not np.isclose(weights[column], -weights[partner])):
            return None
        if partner is not None and use[column] and use[partner]:
            left[column] = weights[column]
    total = left[left > 0].sum()
    return np.asarray(left / total) if total else np.full(weights.shape, np.nan)
