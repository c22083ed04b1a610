"""Precision: how many seeds give intervals of a wanted half-width, decided after a pilot."""

from dataclasses import dataclass

import numpy as np


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
