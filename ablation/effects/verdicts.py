"""Verdicts: what may be said of an effect."""

import numpy as np

from ablation.effects.seeds import MOST_SEEDS

ALPHA = 0.05
CONFIDENCE = 1 - ALPHA

FEWEST_SEEDS = 3
"""With fewer there is no verdict."""

UNRESOLVED = "cannot be told from zero"
NO_VERDICT = "no verdict"
LOST = "cannot be estimated"


def verdicts(
    estimate: np.ndarray, low: np.ndarray, high: np.ndarray, p_holm: np.ndarray, within: np.ndarray, seeds: np.ndarray
) -> tuple[str, ...]:
    """Say what may be said of each effect, in this order.

    *helps* / *hurts*: Holm-adjusted p < 0.05. *probably helps* / *probably hurts*: only the unadjusted 95 % interval excludes
    zero. *negligible*: neither, and the 90 % interval lies within ± the smallest effect of interest (``within``). Else it
    *cannot be told from zero*. Fewer than three seeds give no verdict, none gives no estimate.
    """

    def one(row: int) -> str:
        if seeds[row] == 0:
            return LOST
        if seeds[row] < FEWEST_SEEDS:
            return NO_VERDICT
        direction = "helps" if estimate[row] > 0 else "hurts"
        if p_holm[row] < ALPHA:
            return direction
        if low[row] > 0 or high[row] < 0:
            return f"probably {direction}"
        return "negligible" if within[row] else UNRESOLVED

    return tuple(one(row) for row in range(len(estimate)))


def describe(verdict: str, seeds: int, needed: int) -> str:
    """Return the verdict as a reader sees it, with the seeds that an unresolved effect has and would need."""
    plural = "seed" if seeds == 1 else "seeds"
    if verdict == NO_VERDICT:
        return f"no verdict ({seeds} {plural}; 3 are needed)"
    if verdict == UNRESOLVED:
        would = f"; about {needed} would" if needed else f"; more than {MOST_SEEDS} would be needed"
        return f"{UNRESOLVED} with {seeds} {plural}{would}"
    return verdict
