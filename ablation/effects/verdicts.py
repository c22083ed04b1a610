"""Verdicts: what may be claimed of an effect."""

from collections.abc import Sequence

import numpy as np

ALPHA = 0.05
CONFIDENCE = 1 - ALPHA

FEWEST_SEEDS = 3
"""With fewer there is no verdict."""

OPEN = "open"
FUTILE = "given up"
"""Open, and the looks to come are unlikely to decide it."""

NO_VERDICT = "no verdict"
LOST = "no estimate"

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
    zero. *negligible*: neither, and the 90 % interval lies within ± the smallest effect of interest. Else *open*. Fewer than three
    seeds give no verdict, none gives no estimate.

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
        return "negligible" if within[row] else OPEN

    return tuple(one(row) for row in range(len(estimate)))


def seeds_in_words(fewest: int, most: int) -> str:
    """Write how many seeds would settle an effect: ``10 to 56``, ``8``, ``over 100``; nothing where that is not known.

    Args:
        fewest, most: as in :class:`ablation.effects.Effects`; zeros where that is not known.
    """
    if not most:
        return ""
    if fewest > MOST_SEEDS:
        return f"over {MOST_SEEDS}"
    return f"{fewest}" if fewest == most else f"{fewest} to {most}"


def seeds_for_machines(fewest: int, most: int) -> tuple[int | None, int | None]:
    """Return how many seeds would settle an effect, None for what is not known or more than is named.

    Args:
        fewest, most: as in :class:`ablation.effects.Effects`; zeros where that is not known.
    """
    return fewest or None, most if 0 < most <= MOST_SEEDS else None


def describe(verdict: str, needed: Sequence[int], sample: str = "seed") -> str:
    """Return a verdict in one phrase with the seeds, or runs, that would settle an open one, for a place without columns."""
    count = seeds_in_words(*needed)
    return f"{verdict}; {count} {sample}s needed" if count else verdict
