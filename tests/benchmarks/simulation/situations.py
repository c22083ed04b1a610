"""Made-up scores: of studies that are as the intervals assume, and of others."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np

from ablation.designs import Design

SPREADS = (6.2, 0.3, 0.1, 2.9, 7.3, 3.8, 14.0, 3.0)
"""Standard deviations between seeds of the cumulative arms of an earlier default study, in points: for unequal variances."""

SEED_EFFECT = 3.0
"""Standard deviation of what a seed does to all arms alike, in σ; contrasts are to be free of it."""

IMAGES = 200
"""Validation images behind a binomial score."""

MISSING = 0.10
"""Share of the runs that are missing where some are."""


def _dealt(values: Sequence[float], design: Design) -> np.ndarray:
    """Return standard deviations, dealt out to the arms by a fixed seed, with mean square 1."""
    dealt = np.random.default_rng(7).permutation(np.resize(values, len(design.arms)))
    return np.asarray(dealt / np.sqrt((dealt**2).mean()))


def equal(design: Design) -> np.ndarray:
    """Return one standard deviation for every arm."""
    return np.ones(len(design.arms))


def unequal(design: Design) -> np.ndarray:
    """Return the standard deviations of an earlier default study's arms."""
    return _dealt(SPREADS, design)


def tenfold(design: Design) -> np.ndarray:
    """Return standard deviations of which every other is that of a tenfold variance."""
    return _dealt((1.0, np.sqrt(10)), design)


def scores(design: Design, seeds: int, spreads: np.ndarray, means: np.ndarray, studies: int, rng: np.random.Generator) -> np.ndarray:
    """Return made-up scores with normal noise, ``(studies, seeds, arms)``."""
    shape = (studies, seeds, len(design.arms))
    return means + rng.normal(0, SEED_EFFECT, (studies, seeds, 1)) + rng.normal(size=shape) * spreads


def only_adding(design: Design, effects: Sequence[float]) -> np.ndarray:
    """Return the means of arms in which each feature adds its effect and nothing interacts."""
    worth = dict(zip(design.features, effects, strict=True))
    return np.array([sum(worth[feature] for feature in arm) for arm in design.arms])


@dataclass(frozen=True)
class Situation:
    """How scores come about.

    Attributes:
        draw: scores without effects, ``(design, seeds, studies, rng) → (studies, seeds, arms)``.
        effects: of the features that have one, given to all but the varying ones, in turn.
        varying: how many features vary from seed to seed with a standard deviation of 1 σ, in the middle of the list.
    """

    draw: Callable[[Design, int, int, np.random.Generator], np.ndarray]
    effects: tuple[float, ...] = ()
    varying: int = 0

    def rows(self, design: Design) -> list[int]:
        """Return which features vary."""
        first = (len(design.features) - self.varying) // 2
        return list(range(first, first + self.varying))

    def truth(self, design: Design) -> np.ndarray:
        """Return the features' true effects."""
        truth = np.resize(self.effects or (0.0,), len(design.features))
        truth[self.rows(design)] = 0
        return truth

    def scores(self, design: Design, seeds: int, studies: int, rng: np.random.Generator) -> np.ndarray:
        spread = np.zeros(len(design.features))
        spread[self.rows(design)] = 1.0
        made = self.draw(design, seeds, studies, rng) + only_adding(design, self.truth(design).tolist())
        return made + varied(design, seeds, spread, studies, rng) if self.varying else made


def varied(design: Design, seeds: int, spread: np.ndarray, studies: int, rng: np.random.Generator) -> np.ndarray:
    """Return what effects that vary from seed to seed, each with its standard deviation, do to scores."""
    on = np.array([[feature in arm for feature in design.features] for arm in design.arms], dtype=float)
    return np.asarray((rng.normal(size=(studies, seeds, len(design.features))) * spread) @ on.T)


def _normal(
    spreads: Callable[[Design], np.ndarray], spread: float, design: Design, seeds: int, studies: int, rng: np.random.Generator
) -> np.ndarray:
    made = scores(design, seeds, spreads(design), np.zeros(len(design.arms)), studies, rng)
    return made + varied(design, seeds, np.full(len(design.features), spread), studies, rng) if spread else made


def _heavy_tails(design: Design, seeds: int, studies: int, rng: np.random.Generator) -> np.ndarray:
    noise = rng.standard_t(3, (studies, seeds, len(design.arms))) / np.sqrt(3)
    return rng.normal(0, SEED_EFFECT, (studies, seeds, 1)) + noise


def _binomial(design: Design, seeds: int, studies: int, rng: np.random.Generator) -> np.ndarray:
    """Accuracies near 0.9 on 200 images, on top of a seed's and a run's own."""
    chance = 0.9 + rng.normal(0, 0.02, (studies, seeds, 1)) + rng.normal(0, 0.01, (studies, seeds, len(design.arms)))
    return rng.binomial(IMAGES, np.clip(chance, 0, 1)) / IMAGES


def _missing(design: Design, seeds: int, studies: int, rng: np.random.Generator) -> np.ndarray:
    """Scores of which the same tenth is missing in all studies, but never all of an arm."""
    made = _normal(equal, 0.0, design, seeds, studies, rng)
    lost = np.ones((seeds, len(design.arms)), dtype=bool)
    while lost.all(axis=0).any():
        lost = rng.permutation(lost.size).reshape(lost.shape) < round(MISSING * lost.size)
    made[:, lost] = np.nan
    return made


SITUATIONS: dict[str, Situation] = {
    "as assumed": Situation(partial(_normal, equal, 0.0)),
    "effects vary, 0.5 σ": Situation(partial(_normal, equal, 0.5)),
    "effects vary, 1 σ": Situation(partial(_normal, equal, 1.0)),
    "variances × 10": Situation(partial(_normal, tenfold, 0.0)),
    "unequal spreads": Situation(partial(_normal, unequal, 0.0)),
    "noise t(3)": Situation(_heavy_tails),
    "binomial": Situation(_binomial),
    "10 % of runs missing": Situation(_missing),
}

REAL = (2.0, -1.0)
"""Effects of the other features where they have some, in σ."""

VARYING: dict[str, Situation] = {
    "one": Situation(partial(_normal, equal, 0.0), varying=1),
    "one, others have effects": Situation(partial(_normal, equal, 0.0), REAL, varying=1),
    "two": Situation(partial(_normal, equal, 0.0), varying=2),
    "two, others have effects": Situation(partial(_normal, equal, 0.0), REAL, varying=2),
    "three": Situation(partial(_normal, equal, 0.0), varying=3),
    "three, others have effects": Situation(partial(_normal, equal, 0.0), REAL, varying=3),
}
