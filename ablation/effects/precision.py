"""Precision: how many seeds give intervals of a wanted half-width, decided after a pilot."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ablation.effects.effects import Effects

MOST = 1_000_000_000
"""No larger number of seeds is computed."""


@dataclass(frozen=True, eq=False)
class Precision:
    """The arithmetic of Stein's two-stage rule (Stein 1945). Arrays have shape ``(features,)``.

    Attributes:
        wanted: half-width of the 95 % intervals, in the units of the scores.
        pilot_seeds: seeds of the pilot.
        pilot_sd: standard deviation of each feature's effect between the pilot's seeds.
        needed: seeds that each feature needs.
        total: seeds that were decided on, the largest that any feature needs, or the cap.
        most: the cap.
        met: whether the cap leaves every interval as narrow as wanted.
        half_width: of each interval with ``total`` seeds.
    """

    wanted: float
    pilot_seeds: int
    pilot_sd: np.ndarray
    needed: np.ndarray
    total: int
    most: int
    met: bool
    half_width: np.ndarray


def stein(pilot: Sequence[Effects], wanted: float, most: int) -> Precision:
    """Decide on a number of seeds after a pilot, without looking at what its effects are.

    An effect whose error rests on ν degrees of freedom and has the standard deviation s between the pilot's seeds needs
    ``(t(ν) · s / wanted)²`` seeds, rounded up, and the pilot's at least (Stein 1945, "A two-sample test for a linear hypothesis whose power
    is independent of the variance"). The interval to report is ``mean of all ± t(ν) · s / √seeds``.

    Args:
        pilot: the effects of each design, from the pilot's seeds.
        wanted: half-width of the intervals, in the units of the scores.
        most: the largest number of seeds to decide on.
    """
    seeds = max((len(each.per_seed) for each in pilot), default=0)
    known = np.concatenate([each.seeds for each in pilot])
    error = np.concatenate([each.error for each in pilot])
    half_width = np.concatenate([(each.high - each.low) / 2 for each in pilot])
    needed = np.maximum(seeds_for(half_width, known, wanted), seeds)
    largest = int(needed.max(initial=seeds))
    total = max(min(largest, most), seeds)
    met = largest <= total and not np.isnan(error).any()
    return Precision(wanted, seeds, error * np.sqrt(known), needed, total, most, met, half_width * np.sqrt(known / total))


def seeds_for(half_width: np.ndarray, seeds: np.ndarray | int, wanted: float) -> np.ndarray:
    """Return how many seeds contrasts need whose intervals have these half-widths after a pilot of ``seeds``; 0 where one is NaN."""
    asked = np.ceil((half_width / wanted) ** 2 * seeds - 1e-9)
    return np.asarray(np.minimum(np.nan_to_num(asked), MOST)).astype(int)
