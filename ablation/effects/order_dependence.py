"""Order dependence: a feature's effect by when it is added."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from typing import Literal

import numpy as np

from ablation.designs import BASELINE, MOST_EXACT, Arm, Design, shapley
from ablation.effects.estimate import contrast_moments, estimate
from ablation.effects.verdicts import ALPHA, FEWEST_SEEDS, holm


@dataclass(frozen=True, eq=False)
class OrderDependence:
    """Each feature's effect when it is added first, in the chosen order, last, and averaged over all orders.

    Arrays have shape ``(features,)`` and the units of the scores; NaN where the arms do not determine it.

    Attributes:
        features: in the chosen order.
        first, chosen, last, shapley: the effects; each has its standard error beside it.
        differs: where two of the effects differ beyond noise (p < 0.05 after Holm's adjustment over all their differences).
    """

    features: tuple[str, ...]
    first: np.ndarray
    chosen: np.ndarray
    last: np.ndarray
    shapley: np.ndarray
    first_error: np.ndarray
    chosen_error: np.ndarray
    last_error: np.ndarray
    shapley_error: np.ndarray
    differs: np.ndarray


NONE = 1e-12
"""A weight below this is zero but for rounding."""


def order_dependence(features: Sequence[str], arms: Sequence[Arm], scores: np.ndarray, designs: Sequence[Design]) -> OrderDependence | None:
    """Compare the effects of each feature by when it is added; None where no feature has two of them.

    Args:
        features: in the chosen order.
        arms: all of the study.
        scores: shape ``(seeds, arms)``, NaN where a run is missing.
        designs: of the study; of those that average over orders, the one that assumes least gives the Shapley values.
    """
    full = frozenset(features)
    path = [frozenset(features[:count]) for count in range(len(features) + 1)]
    without = [full - {feature} for feature in features]
    first = _steps(arms, [(frozenset({feature}), BASELINE) for feature in features])
    chosen = _steps(arms, list(zip(path[1:], path[:-1], strict=True)))
    last = _steps(arms, [(full, arm) for arm in without])
    design = averaging(tuple(features), arms, designs)
    average = _weights(design, tuple(features), arms)
    contrasts = (first, chosen, last, average)
    if not any(_distinct(one, other).any() for one, other in combinations(contrasts, 2)):
        return None

    # Arms share their seeds or they do not, in all designs alike.
    kind: Literal["independent", "paired"] = "independent" if any(each.kind == "independent" for each in designs) else "paired"
    estimates = [contrast_moments(kind, scores, np.nan_to_num(rows)) for rows in contrasts[:3]]
    values = [np.where(np.isnan(rows).any(axis=1), np.nan, each.estimate) for rows, each in zip(contrasts, estimates, strict=False)]
    errors = [np.where(np.isnan(value), np.nan, each.error) for value, each in zip(values, estimates, strict=True)]
    values.append(np.full(len(features), np.nan))
    errors.append(np.full(len(features), np.nan))
    if design is not None:
        # The design's own effects, so that these numbers are those of its table.
        own = estimate(
            replace(design, kind=kind) if kind == "independent" else design, scores[:, [arms.index(arm) for arm in design.arms]], 0.0
        )
        credited = [features.index(feature) for feature in design.features]
        values[3][credited], errors[3][credited] = own.estimate, own.error
    return OrderDependence(
        features=tuple(features),
        first=values[0],
        chosen=values[1],
        last=values[2],
        shapley=values[3],
        first_error=errors[0],
        chosen_error=errors[1],
        last_error=errors[2],
        shapley_error=errors[3],
        differs=_differs(kind, scores, contrasts),
    )


def _steps(arms: Sequence[Arm], pairs: Sequence[tuple[Arm, Arm]]) -> np.ndarray:
    """Return contrasts of pairs of arms, ``(pairs, arms)``; NaN where one of a pair is not there."""
    rows = np.zeros((len(pairs), len(arms)))
    for row, (plus, minus) in enumerate(pairs):
        if plus in arms and minus in arms:
            rows[row, arms.index(plus)], rows[row, arms.index(minus)] = 1, -1
        else:
            rows[row] = np.nan
    return rows


def averaging(features: tuple[str, ...], arms: Sequence[Arm], designs: Sequence[Design]) -> Design | None:
    """Return the design that gives the Shapley values, or None: the one that assumes least, then the one that weighs the most arms."""
    whole = [shapley(features)] if len(features) <= MOST_EXACT and len(set(arms)) == 2 ** len(features) else []
    averaging = [each for each in designs if each.averages]
    averaging.sort(key=lambda each: (each.averages != "always", -np.count_nonzero(each.contrasts, axis=1).max(initial=0)))
    return next(iter([*whole, *averaging]), None)


def _weights(design: Design | None, features: tuple[str, ...], arms: Sequence[Arm]) -> np.ndarray:
    """Return a design's contrasts over all arms of the study, ``(features, arms)``; NaN where it does not credit a feature."""
    rows = np.full((len(features), len(arms)), np.nan)
    if design is not None:
        place = [arms.index(arm) for arm in design.arms]
        for feature, weights in zip(design.features, design.contrasts, strict=True):
            rows[features.index(feature)] = 0
            rows[features.index(feature), place] = weights
    return rows


def _distinct(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Return for which features two effects are both known, and not the same contrast."""
    return np.asarray(np.abs(one - other).max(axis=1) > NONE)


def _differs(kind: str, scores: np.ndarray, contrasts: Sequence[np.ndarray]) -> np.ndarray:
    """Return for which features two effects differ: a t test of each difference, for it is one of few arms with weight."""
    p = []
    for one, other in combinations(contrasts, 2):
        difference = contrast_moments(kind, scores, np.nan_to_num(one - other))
        told = _distinct(one, other) & (difference.freedom >= FEWEST_SEEDS - 1)
        p.append(np.where(told, difference.p, np.nan))
    adjusted = holm(np.ravel(p)).reshape(len(p), -1)
    return np.asarray((adjusted < ALPHA).any(axis=0))
