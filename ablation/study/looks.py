"""The looks of a study that stops itself: those that are planned, and what those that were taken have decided."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, eq=False)
class Looks:
    """The looks of a sequential study.

    Attributes:
        planned: seeds at each look.
        futility: whether effects are given up that later looks are unlikely to decide.
        taken: how many looks have been taken.
        seeds: how many seeds each arm is to have by the look that is under way, or had when nothing more needed it, shape ``(arms,)``.
        decided: for each design the look, counted from 1, that decided each effect, 0 for one that is open; empty before any analysis.
    """

    planned: tuple[int, ...]
    futility: bool
    taken: int
    seeds: np.ndarray
    decided: tuple[np.ndarray, ...] = ()

    def seeds_behind(self, design_index: int) -> np.ndarray:
        """Return the planned seeds of the look that each effect of a design rests on."""
        look = np.where(self.decided[design_index] > 0, self.decided[design_index], max(self.taken, 1))
        return np.asarray(self.planned)[look - 1]
