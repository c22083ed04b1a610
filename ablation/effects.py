"""Effects: score arrays and contrasts in, estimates, intervals and verdicts out.

Scores are fractions or points alike; nothing here knows what they mean. The statistics of a step or of a left-out
feature are those of a paired t test over seeds: with ``d`` the contrast of each seed's scores, the estimate is
``mean(d)`` and its 95 % interval ``mean(d) ± t(k − 1) · sd(d) / √k``. Over the features of one design, p-values are adjusted by
Holm's step-down method (Holm 1979, "A simple sequentially rejective multiple test procedure").
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import stdtr, stdtrit

ALPHA = 0.05
CONFIDENCE = 1 - ALPHA
MOST_SEEDS = 10_000


@dataclass(frozen=True, eq=False)
class Effects:
    """What each contrast says. All arrays have shape ``(contrasts,)`` and the units of the scores.

    Attributes:
        estimate: mean over the seeds in which every arm of the contrast finished; NaN where there is none.
        low, high: 95 % interval; NaN with fewer than two seeds.
        p, p_holm: two-sided p-value against zero, and the same adjusted over the contrasts; NaN with fewer than two seeds.
        seeds: how many seeds the estimate rests on.
        seeds_needed: seeds that would resolve an effect of this size and spread; 0 where it is resolved or cannot be said.
        verdict: see :func:`verdicts`.
        per_seed: shape ``(seeds, contrasts)``, each seed's own contrast; NaN where an arm is missing.
    """

    estimate: np.ndarray
    low: np.ndarray
    high: np.ndarray
    p: np.ndarray
    p_holm: np.ndarray
    seeds: np.ndarray
    seeds_needed: np.ndarray
    verdict: tuple[str, ...]
    per_seed: np.ndarray


def paired(scores: np.ndarray, contrasts: np.ndarray, smallest: float) -> Effects:
    """Estimate contrasts of few arms by a paired t test over seeds.

    Args:
        scores: shape ``(seeds, arms)``, NaN where a run is missing.
        contrasts: shape ``(contrasts, arms)``; only the arms that a row weighs count for it.
        smallest: the smallest effect of interest, in the units of the scores.
    """
    per_seed = np.full((scores.shape[0], contrasts.shape[0]), np.nan)
    for row, weights in enumerate(contrasts):
        used = weights != 0
        per_seed[:, row] = scores[:, used] @ weights[used]

    seeds = (~np.isnan(per_seed)).sum(axis=0)
    some, several = seeds >= 1, seeds >= 2
    estimate, spread, error = (np.full(seeds.shape, np.nan) for _ in range(3))
    estimate[some] = np.nanmean(per_seed[:, some], axis=0)
    spread[several] = np.nanstd(per_seed[:, several], axis=0, ddof=1)
    error[several] = spread[several] / np.sqrt(seeds[several])
    freedom = np.where(several, seeds - 1, 1).astype(float)

    def half_width(confidence: float) -> np.ndarray:
        return stdtrit(freedom, (1 + confidence) / 2) * error

    with np.errstate(divide="ignore", invalid="ignore"):
        # A spread of exactly zero is no evidence of precision when the estimate is zero too: p is then 1, not NaN.
        t = np.where((error == 0) & (estimate == 0), 0.0, np.abs(estimate) / error)
    p = 2 * stdtr(freedom, -t)
    p_holm = holm(p)
    low, high = estimate - half_width(CONFIDENCE), estimate + half_width(CONFIDENCE)
    within = (np.abs(estimate) + half_width(0.90)) <= smallest
    words = verdicts(estimate, low, high, p_holm, within, seeds)
    unresolved = np.array([word == UNRESOLVED for word in words], dtype=bool)
    needed = np.zeros(seeds.shape, dtype=int)
    for open_question in np.flatnonzero(unresolved):
        size, sd = float(abs(estimate[open_question])), float(spread[open_question])
        needed[open_question] = seeds_to_resolve(size, sd, smallest)
    return Effects(estimate, low, high, p, p_holm, seeds, needed, words, per_seed)


def holm(p: np.ndarray) -> np.ndarray:
    """Adjust p-values of one family by Holm's method. NaN stays NaN and does not count towards the family."""
    adjusted = np.full(p.shape, np.nan)
    known = ~np.isnan(p)
    if known.any():
        from statsmodels.stats.multitest import multipletests

        adjusted[known] = multipletests(p[known], method="holm")[1]
    return adjusted


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
        if seeds[row] < 3:
            return NO_VERDICT
        direction = "helps" if estimate[row] > 0 else "hurts"
        if p_holm[row] < ALPHA:
            return direction
        if low[row] > 0 or high[row] < 0:
            return f"probably {direction}"
        return "negligible" if within[row] else UNRESOLVED

    return tuple(one(row) for row in range(len(estimate)))


def seeds_to_resolve(size: float, spread: float, smallest: float) -> int:
    """Return how many seeds would resolve an effect of this size, were the estimate and its spread to stay as they are.

    Resolved means that the 95 % interval excludes zero or that the 90 % interval lies within ± ``smallest``.
    Returns 0 where more than ``MOST_SEEDS`` would be needed.
    """
    counts = np.arange(3, MOST_SEEDS + 1)
    root = np.sqrt(counts)
    excludes = stdtrit(counts - 1.0, 0.975) * spread / root < size
    inside = size + stdtrit(counts - 1.0, 0.95) * spread / root <= smallest
    resolved = np.flatnonzero(excludes | inside)
    return int(counts[resolved[0]]) if resolved.size else 0


def describe(verdict: str, seeds: int, needed: int) -> str:
    """Return the verdict as a reader sees it, with the seeds that an unresolved effect has and would need."""
    plural = "seed" if seeds == 1 else "seeds"
    if verdict == NO_VERDICT:
        return f"no verdict ({seeds} {plural}; 3 are needed)"
    if verdict == UNRESOLVED:
        would = f"; about {needed} would" if needed else f"; more than {MOST_SEEDS} would be needed"
        return f"{UNRESOLVED} with {seeds} {plural}{would}"
    return verdict


def signed_points(difference: float, digits: int) -> str:
    """Write a difference of two fractions in percentage points, always with its sign; what rounds to zero is positive."""
    return f"{round(100 * difference, digits) + 0.0:+.{digits}f}".replace("-", "−")


def mean_and_sd(scores: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return mean and standard deviation over seeds, ``(seeds, arms) → (arms,)`` twice; NaN where too few runs finished."""
    finished: Sequence[int] = (~np.isnan(scores)).sum(axis=0)
    columns = range(scores.shape[1])
    mean = np.array([np.nanmean(scores[:, c]) if finished[c] else np.nan for c in columns])
    sd = np.array([np.nanstd(scores[:, c], ddof=1) if finished[c] > 1 else np.nan for c in columns])
    return mean, sd
