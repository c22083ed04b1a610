"""Effects of a study that looks at them several times and stops each as soon as it is decided."""

from collections.abc import Sequence
from dataclasses import fields, replace
from typing import Any

import numpy as np
from scipy.special import ndtr, ndtri, stdtrit

from ablation.designs import Design
from ablation.effects.effects import Effects
from ablation.effects.estimate import estimate
from ablation.effects.looks import nominal_levels, rejected, repeated_p
from ablation.effects.moments import Moments
from ablation.effects.verdicts import ALPHA, FEWEST_SEEDS, FUTILE, LOST, NO_VERDICT, OPEN

WIDEST = 10
"""An interval so many times as wide as that of a single look says nothing, and is not shown."""

ROUNDING = 1e-9

UNLIKELY = 0.10
"""An effect is futile where the chance that the looks to come decide it is smaller, if the current trend goes on."""


def looked_at(
    design: Design,
    scores: np.ndarray,
    looks: Sequence[int],
    taken: int,
    smallest: float,
    step: float = 0.0,
    higher_is_better: bool = True,
    futility: bool = False,
) -> tuple[Effects, np.ndarray]:
    """Judge the effects of one design look by look; each rests on the seeds of the look that decides it, else on those of the last one.

    *helps* / *hurts*: a look rejects it by Holm's method over looks. *negligible*: the repeated 90 % interval lies within ± the smallest
    effect of interest. What the last look leaves *probably helps* or *hurts* if its repeated 95 % interval excludes zero, else it
    stays open. Repeated intervals hold at all looks at once (Jennison and Turnbull 1989, "Interim analyses: the repeated
    confidence interval approach"); ``p`` and ``p_holm`` are repeated p-values. Looks count by their planned seeds, finished or not.

    Args:
        design, smallest, step, higher_is_better: as for :func:`ablation.effects.estimate`.
        scores: of its arms, shape ``(seeds, arms)``, NaN where a run is missing; at least the seeds of the looks taken.
        looks: seeds at each look that is planned.
        taken: looks that have been taken; before the first nothing is judged.
        futility: whether an effect is given up that the looks to come are unlikely to decide. It may be gone on with all the same.

    Returns:
        The effects, and for each the look, counted from 1, that decided it; 0 for one that is open.
    """
    fractions = tuple(count / looks[-1] for count in looks)
    estimable = ~np.isnan(design.contrasts).any(axis=1)
    decided = np.zeros(len(design.features), dtype=int)

    def at(count: int) -> Effects:
        return _filled_up(estimate(design, scores[:count], smallest, step=step, higher_is_better=higher_is_better), len(scores))

    if taken == 0:
        return _unjudged(at(looks[0])), decided
    found: Effects | None = None
    for index in range(taken):
        tested = decided == 0
        claimed = sum(found.verdict[row] in ("helps", "hurts") for row in range(len(decided))) if found else 0
        now = _judged(
            at(looks[index]), fractions, index, tested & estimable, int(estimable.sum()) - claimed, smallest, higher_is_better, futility
        )
        found = now if found is None else _with_rows(found, now, tested)
        closed = [word != OPEN or index + 1 == len(looks) for word in now.verdict]
        decided[tested & np.array(closed, dtype=bool)] = index + 1
    assert found is not None
    return found, decided


def _judged(
    each: Effects,
    fractions: tuple[float, ...],
    index: int,
    tested: np.ndarray,
    left: int,
    smallest: float,
    higher_is_better: bool,
    futility: bool,
) -> Effects:
    """Judge by one look all effects that it tests; a feature that is not tested has no contrast, or is decided already."""

    def level(total: float) -> float:
        return nominal_levels(fractions, total)[index]

    hypotheses = max(left, 1)
    p = np.where(each.seeds >= FEWEST_SEEDS, tested_p(Moments(each.estimate, each.error, each.freedom), each.p), np.nan)
    claims = rejected(p, tested, np.array(left), np.array([level(ALPHA / m) for m in range(1, hypotheses + 1)]))
    usual, single = _half_width(each, ALPHA), (each.high - each.low) / 2
    guard = np.where(single > (1 + ROUNDING) * usual, single, 0.0)  # Where an interval is wider than its error says, it is for a reason.
    half, simultaneous, inner = (np.maximum(_half_width(each, level(total)), guard) for total in (ALPHA, ALPHA / hypotheses, 2 * ALPHA))
    low, high = each.estimate - half, each.estimate + half
    repeated = repeated_p(p, fractions, index)
    futile = _chance(each, p, fractions, index, ALPHA / hypotheses, smallest) < UNLIKELY
    last = index + 1 == len(fractions)

    def verdict(row: int) -> str:
        direction = "helps" if (each.estimate[row] > 0) == higher_is_better else "hurts"
        if claims[row]:
            return direction
        if not tested[row] or (last and each.seeds[row] == 0):
            return LOST
        if last and each.seeds[row] < FEWEST_SEEDS:
            return NO_VERDICT
        excludes = low[row] > 0 or high[row] < 0
        if last and excludes:
            return f"probably {direction}"
        if each.seeds[row] >= FEWEST_SEEDS and not excludes and abs(each.estimate[row]) + inner[row] <= smallest:
            return "negligible"
        return FUTILE if futility and futile[row] and not last else OPEN

    shown, all_at_once = half <= WIDEST * np.maximum(usual, guard), simultaneous <= WIDEST * np.maximum(usual, guard)
    return replace(
        each,
        low=np.where(shown, low, np.nan),
        high=np.where(shown, high, np.nan),
        p=repeated,
        p_holm=_holm(repeated, tested, left),
        seeds_needed=np.zeros_like(each.seeds_needed),
        verdict=tuple(verdict(row) for row in range(len(p))),
        low_simultaneous=np.where(all_at_once, each.estimate - simultaneous, np.nan),
        high_simultaneous=np.where(all_at_once, each.estimate + simultaneous, np.nan),
    )


def tested_p(moments: Moments, p: np.ndarray) -> np.ndarray:
    """Return the p-values that looks compare with their nominal levels: those of the t tests alone where ``p`` is below 5 %.

    A design may hold ``p`` up where something else than its error speaks against an effect. That is a bar at 5 %, and not meant for levels
    of one in a million.
    """
    return np.where(p < ALPHA, Moments(moments.estimate, moments.error, moments.freedom).p, p)


def _half_width(each: Effects, level: float) -> np.ndarray:
    """Return half the width of the interval that a two-sided test at this level would not reject."""
    return np.asarray(-stdtrit(each.freedom, level / 2) * each.error)


def _chance(each: Effects, p: np.ndarray, fractions: tuple[float, ...], index: int, alpha: float, smallest: float) -> np.ndarray:
    """Return how likely the last look is to reject or to find an effect negligible, if what was seen so far goes on (conditional power)."""
    time, last = fractions[index], len(fractions) - 1
    if index == last:
        return np.ones(p.shape)
    bound, inner = (-ndtri(nominal_levels(fractions, total)[last] / 2) for total in (alpha, 2 * ALPHA))
    with np.errstate(divide="ignore", invalid="ignore"):
        final = each.error * np.sqrt(time)  # The error that all seeds will leave.
        telling = ndtr((-ndtri(p / 2) / np.sqrt(time) - bound) / np.sqrt(1 - time))
        room = (smallest - inner * final) / final
        centre = np.abs(each.estimate) / final
        small = np.where(room > 0, ndtr((room - centre) / np.sqrt(1 - time)) - ndtr((-room - centre) / np.sqrt(1 - time)), 0.0)
    return np.where(np.isnan(p), 1.0, telling + np.nan_to_num(small))


def _holm(p: np.ndarray, tested: np.ndarray, left: int) -> np.ndarray:
    """Adjust the p-values of the effects that a look tests by Holm's method, ``left`` hypotheses being in the family."""
    adjusted = np.full(p.shape, np.nan)
    rows = [row for row in np.argsort(p) if tested[row] and not np.isnan(p[row])]
    largest = 0.0
    for place, row in enumerate(rows):
        largest = max(largest, min(float(p[row]) * (left - place), 1.0))
        adjusted[row] = largest
    return adjusted


def _filled_up(each: Effects, seeds: int) -> Effects:
    """Return effects with a row of ``per_seed`` for each of so many seeds."""
    more = np.full((seeds - len(each.per_seed), each.per_seed.shape[1]), np.nan)
    return replace(each, per_seed=np.concatenate([each.per_seed, more]))


def _unjudged(each: Effects) -> Effects:
    """Return effects as they may be seen before the first look: without intervals, p-values and verdicts."""
    unknown: dict[str, Any] = {
        name: np.full(each.estimate.shape, np.nan) for name in ("low", "high", "p", "p_holm", "low_simultaneous", "high_simultaneous")
    }
    return replace(each, **unknown, seeds_needed=np.zeros_like(each.seeds_needed), verdict=(OPEN,) * len(each.estimate))


def _with_rows(old: Effects, new: Effects, chosen: np.ndarray) -> Effects:
    """Return old effects with the chosen ones in place of theirs."""
    arrays: dict[str, Any] = {
        each.name: np.where(chosen, getattr(new, each.name), getattr(old, each.name))
        for each in fields(Effects)
        if isinstance(getattr(old, each.name), np.ndarray) and each.name != "seeds_needed"
    }
    words = tuple(ours if pick else theirs for ours, theirs, pick in zip(new.verdict, old.verdict, chosen.tolist(), strict=True))
    return replace(new, **arrays, verdict=words)
