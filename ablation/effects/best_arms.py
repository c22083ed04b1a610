"""The best arm, and the arms that may be as good."""

from dataclasses import dataclass

import numpy as np
from scipy.special import stdtrit

from ablation.effects.verdicts import ALPHA, FEWEST_SEEDS

OPTIMISTIC, PESSIMISTIC = 0.8, 0.1
"""Quantiles of each difference's t distribution that the ends of the range of seeds rest on."""

FEWEST_COMMON = 2
"""Seeds that two arms need to have in common for one to beat the other: fewer have no spread."""

MOST = 100
"""No larger number of seeds is named."""


@dataclass(frozen=True, eq=False)
class BestArms:
    """The arms among which the truly best one is, with 95 %.

    Attributes:
        contenders: columns of the arms that no other arm beats beyond noise, the best mean first.
        missing: columns of the arms that have no result.
        difference, error: of each arm's score from that of the first contender over the seeds that both have, mean and standard error,
            shape ``(arms,)``; NaN where they share too few seeds.
        fewer: half of the number of contenders, the number that more seeds could leave.
        seeds_needed: about how many seeds that would take, as a range, None standing for more than 100; None instead of a range where
            one contender is left, or where no two arms have three seeds in common.
    """

    contenders: tuple[int, ...]
    missing: tuple[int, ...]
    difference: np.ndarray
    error: np.ndarray
    fewer: int
    seeds_needed: tuple[int | None, int | None] | None


@dataclass(frozen=True, eq=False)
class _Comparisons:
    """How much better each arm is than each other one, over the seeds that both have: shape ``(…, arms, others)``; NaN without any."""

    lead: np.ndarray
    spread: np.ndarray
    seeds: np.ndarray


def best_arms(scores: np.ndarray, higher_is_better: bool = True, step: float = 0.0) -> BestArms | None:
    """Find the arms among which the best one is with 95 %; None where fewer than two arms have a result.

    An arm is left out where a paired t test over seeds finds some other arm better at the level 5 % / (arms − 1), one-sided: the best
    arm is then left out in at most 5 % of studies, whatever the arms' variances and whatever seeds do to all arms alike (Bonferroni; a
    subset selection after Gupta 1965, with paired comparisons). Arms with two seeds in common
    take a lead far beyond noise, and with fewer they are not compared.

    Args:
        scores: shape ``(seeds, arms)``, NaN where a run is missing.
        higher_is_better: whether a larger score is a better one.
        step: the smallest difference that two scores can have; no error is taken to be smaller than what rounding to it leaves.
    """
    sign, known = 1.0 if higher_is_better else -1.0, (~np.isnan(scores)).any(axis=0)
    count = int(known.sum())
    if count < 2:
        return None
    pairs = _compared(sign * scores, step)
    left = known & _unbeaten(pairs, count)
    if not left.any():  # Where runs are missing, each arm could be beaten by another one over other seeds.
        left = known
    means = np.full(len(known), -np.inf)
    means[left] = np.nanmean(sign * scores[:, left], axis=0)
    ranked = np.argsort(-means, kind="stable")[: int(left.sum())].tolist()
    best, fewer = ranked[0], max(1, len(ranked) // 2)
    needed = None
    comparable = (pairs.seeds >= FEWEST_SEEDS) & ~np.eye(len(known), dtype=bool)
    if len(ranked) > 1 and comparable.any():
        needed = _seeds_until(pairs, known, fewer, OPTIMISTIC), _seeds_until(pairs, known, fewer, PESSIMISTIC)
    with np.errstate(invalid="ignore", divide="ignore"):
        error = pairs.spread[:, best] / np.sqrt(pairs.seeds[:, best])
    return BestArms(tuple(ranked), tuple(np.flatnonzero(~known).tolist()), sign * pairs.lead[:, best], error, fewer, needed)


def contenders(scores: np.ndarray, step: float = 0.0) -> np.ndarray:
    """Return which arms no other arm beats beyond noise, ``(…, seeds, arms) → (…, arms)``, higher scores being better."""
    return _unbeaten(_compared(scores, step), scores.shape[-1])


def _compared(scores: np.ndarray, step: float) -> _Comparisons:
    arms = scores.shape[-1]
    shape = (*scores.shape[:-2], arms, arms)
    lead, spread, seeds = np.full(shape, np.nan), np.full(shape, np.nan), np.zeros(shape)
    for other in range(arms):
        each = scores - scores[..., other : other + 1]
        seeds[..., other] = count = (~np.isnan(each)).sum(axis=-2)
        with np.errstate(invalid="ignore", divide="ignore"):
            lead[..., other] = mean = np.nansum(each, axis=-2) / np.where(count >= 1, count, np.nan)
            squares = np.nansum((each - mean[..., None, :]) ** 2, axis=-2)
            spread[..., other] = np.sqrt(np.maximum(squares / np.where(count >= 2, count - 1.0, np.nan), step**2 / 6))
    return _Comparisons(lead, spread, seeds)


def _unbeaten(pairs: _Comparisons, arms: int) -> np.ndarray:
    """Return which arms no other one of ``arms`` beats, ``(…, arms)``."""
    degrees = np.where(pairs.seeds >= FEWEST_COMMON, pairs.seeds - 1, np.nan)
    with np.errstate(invalid="ignore"):
        beats = pairs.lead > stdtrit(degrees, 1 - ALPHA / (arms - 1)) * pairs.spread / np.sqrt(pairs.seeds)
    return np.asarray(~beats.any(axis=-2))


def _seeds_until(pairs: _Comparisons, known: np.ndarray, fewer: int, quantile: float) -> int | None:
    """Return how many seeds would leave so few arms, were each difference at this quantile of its t distribution; None beyond 100."""
    enough = pairs.seeds >= FEWEST_SEEDS
    with np.errstate(invalid="ignore", divide="ignore"):
        lead = pairs.lead + stdtrit(pairs.seeds - 1, quantile) * pairs.spread / np.sqrt(pairs.seeds)
    lead = np.where(enough & (pairs.lead > 0), lead, np.nan)

    def left(seeds: int) -> int:
        future = _Comparisons(lead, pairs.spread, np.full(lead.shape, float(seeds)))
        return int((known & _unbeaten(future, int(known.sum()))).sum())

    # More seeds never leave more arms.
    lowest, highest = int(pairs.seeds.max()), MOST
    if highest < lowest or left(highest) > fewer:
        return None
    while lowest < highest:
        middle = (lowest + highest) // 2
        lowest, highest = (lowest, middle) if left(middle) <= fewer else (middle + 1, highest)
    return lowest
