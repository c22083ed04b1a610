"""Verdicts: what may be claimed of an effect."""

from collections.abc import Sequence

import numpy as np

ALPHA = 0.05
CONFIDENCE = 1 - ALPHA

FEWEST_SEEDS = 3
"""With fewer there is no verdict."""

UNRESOLVED = "cannot be told from zero"
NO_VERDICT = "no verdict"
LOST = "cannot be estimated"
OPEN = "not decided yet"
FUTILE = "open, and more seeds are unlikely to tell"

MOST_SEEDS = 100
"""More seeds than anyone has: how many more would be needed is not said."""


def holm(p: np.ndarray) -> np.ndarray:
    """Adjust p-values of one family by Holm's step-down method. NaN stays NaN and does not count towards the family.

    Holm 1979, "A simple sequentially rejective multiple test procedure".

    Args:
        p: shape ``(…, tests)``; leading axes are families of their own.
    """
    order = np.argsort(p, axis=-1)  # NaN comes last.
    ascending = np.take_along_axis(p, order, axis=-1)
    left = (~np.isnan(p)).sum(axis=-1, keepdims=True) - np.arange(p.shape[-1])
    stepped = np.minimum(np.maximum.accumulate(ascending * np.maximum(left, 1), axis=-1), 1)
    adjusted = np.empty(p.shape)
    np.put_along_axis(adjusted, order, stepped, axis=-1)
    return adjusted


def verdicts(
    estimate: np.ndarray,
    low: np.ndarray,
    high: np.ndarray,
    p_holm: np.ndarray,
    within: np.ndarray,
    seeds: np.ndarray,
    higher_is_better: bool = True,
) -> tuple[str, ...]:
    """Return what may be claimed of each effect: the first of these that holds.

    *helps* / *hurts*: Holm-adjusted p < 0.05. *probably helps* / *probably hurts*: only the unadjusted 95 % interval excludes
    zero. *negligible*: neither, and the 90 % interval lies within ± the smallest effect of interest. Else it
    *cannot be told from zero*. Fewer than three seeds give no verdict, none gives no estimate.

    Args:
        estimate, low, high, p_holm, seeds: as in :class:`ablation.effects.Effects`, shape ``(contrasts,)``.
        within: whether the 90 % interval lies within ± the smallest effect of interest, shape ``(contrasts,)``.
        higher_is_better: whether an effect above zero helps; if not, one below zero does.
    """

    def one(row: int) -> str:
        if seeds[row] == 0:
            return LOST
        if seeds[row] < FEWEST_SEEDS:
            return NO_VERDICT
        direction = "helps" if (estimate[row] > 0) == higher_is_better else "hurts"
        if p_holm[row] < ALPHA:
            return direction
        if low[row] > 0 or high[row] < 0:
            return f"probably {direction}"
        return "negligible" if within[row] else UNRESOLVED

    return tuple(one(row) for row in range(len(estimate)))


def describe(verdict: str, seeds: int, needed: Sequence[int] = (0, 0)) -> str:
    """Return the verdict as a reader sees it, with the seeds that an unresolved effect has and would need.

    Args:
        verdict: see :func:`verdicts`.
        seeds: that the effect rests on.
        needed: fewest and most that would resolve it, as in :class:`ablation.effects.Effects`; zeros where that is not known.
    """
    plural = "seed" if seeds == 1 else "seeds"
    if verdict == NO_VERDICT:
        return f"no verdict ({seeds} {plural}; 3 are needed)"
    if verdict == UNRESOLVED:
        return f"{UNRESOLVED} with {seeds} {plural}{_would(*needed)}"
    return f"{verdict} ({seeds} {plural})" if verdict in (OPEN, FUTILE) else verdict


def _would(fewest: int, most: int) -> str:
    if fewest > MOST_SEEDS:
        return f"; more than {MOST_SEEDS} would be needed"
    if not most:
        return ""
    return f"; about {fewest} would" if fewest == most else f"; {fewest} to {most} would"
