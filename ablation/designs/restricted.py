"""Restriction: what a design can still estimate when some of its arms cannot be trained."""

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

from ablation.designs.design import Arm, Design
from ablation.designs.names import label
from ablation.designs.pairwise import effect_rows
from ablation.wording import listed


def restricted(design: Design, feasible: Callable[[Arm], bool]) -> Design:
    """Return the design without the arms that are not feasible, and without the features that it can then no longer credit.

    Args:
        design: as it would be if every subset of the features were an arm.
        feasible: whether an arm can be trained, such as whether the model takes its features together.
    """
    there = [feasible(arm) for arm in design.arms]
    if all(there):
        return design
    rows, lost = reweighted(design, there)
    known = ~np.isnan(rows).any(axis=1)
    kept = [column for column, use in enumerate(there) if use and (not design.features or (rows[known][:, column] != 0).any())]
    arms = tuple(design.arms[column] for column in kept)
    return replace(
        design,
        features=tuple(feature for feature, use in zip(design.features, known.tolist(), strict=True) if use),
        arms=arms,
        contrasts=rows[known][:, kept],
        references={arm: other for arm, other in design.references.items() if arm in arms and other in arms},
        excluded=tuple(arm for arm, use in zip(design.arms, there, strict=True) if not use),
        lost=lost,
    )


def reweighted(design: Design, there: Sequence[bool]) -> tuple[np.ndarray, tuple[str, ...]]:
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
    missing = listed([f"“{label(arm, design.known)}”" for arm, known in zip(design.arms, there, strict=True) if not known], "and")
    lost = [feature for feature, weights in zip(design.features, rows, strict=True) if np.isnan(weights).any()]
    narrowed, assumed = ([each for each in names if each not in lost] for names in (narrowed, assumed))
    sentences = []
    if lost:
        sentences.append(f"{design.name} lacks {missing}: the effect of {listed(lost, 'and')} cannot be estimated.")
    if narrowed:
        sentences.append(f"{design.name} lacks {missing}: the effect of {listed(narrowed, 'and')} is the mean over the other subsets.")
    if assumed:
        sentences.append(
            f"{design.name} lacks {missing}: the effect of {listed(assumed, 'and')} rests on the other {int(use.sum())} arms and on "
            "interactions that stop at pairs."
        )
    return rows, tuple(sentences)


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
