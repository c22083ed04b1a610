"""A schedule of one's own: half cosines that start again, each twice as long as the last (Loshchilov and Hutter 2017)."""

import math
from dataclasses import dataclass, replace

import numpy as np


@dataclass(frozen=True)
class WarmRestarts:
    cycles: int = 3  # two or more

    def __call__(self, recipe):
        return replace(recipe, optimizer=replace(recipe.optimizer, schedule=self.share))

    def share(self, step, steps):
        unit = steps / (2**self.cycles - 1)
        cycle = min(int(math.log2(step / unit + 1)), self.cycles - 1)
        begin, length = unit * (2**cycle - 1), unit * 2**cycle
        return (1 + math.cos(math.pi * (step - begin) / length)) / 2

    def verify(self, evidence):
        """The learning rate jumps up once less than there are cycles."""
        after_warm_up = evidence.learning_rates[evidence.learning_rates.argmax() :]
        rises = np.diff(after_warm_up) > 0.2 * evidence.learning_rate
        return int(rises.sum()) == self.cycles - 1
