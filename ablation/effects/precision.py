"""Precision: how many seeds give intervals of a wanted half-width, decided after a pilot."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import stdtrit

from ablation.effects.effects import Effects
from ablation.effects.verdicts import CONFIDENCE


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

    def told(self) -> str:
        """Return the arithmetic in a sentence, in percentage points."""
        wanted, worst = 100 * self.wanted, int(self.needed.argmax())
        decided = (
            f"The pilot's {self.pilot_seeds} seeds have a standard deviation of up to {100 * self.pilot_sd[worst]:.2f} points between "
            f"effects, so intervals of ± {wanted:g} points need {int(self.needed[worst])} seeds"
        )
        if self.met:
            return f"{decided}."
        reached = 100 * float(self.half_width.max())
        return f"{decided}; the cap of {self.most} binds: the precision was not met, and half-widths reach {reached:.2f} points."


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
    rests_on = np.concatenate([each.seeds for each in pilot])
    sd = np.concatenate([each.error for each in pilot]) * np.sqrt(rests_on)
    critical = stdtrit(np.concatenate([each.freedom for each in pilot]), (1 + CONFIDENCE) / 2)
    asked = np.ceil(np.nan_to_num((critical * sd / wanted) ** 2) - 1e-9)
    needed = np.maximum(np.minimum(asked, 1e9), seeds).astype(int)
    largest = int(needed.max(initial=seeds))
    total = max(min(largest, most), seeds)
    return Precision(wanted, seeds, sd, needed, total, most, largest <= total, critical * sd / np.sqrt(total))
