"""What a score is, and what else is measured of a run."""

import re
from dataclasses import dataclass
from typing import Literal

import numpy as np

from ablation.checks import flag, number, short, shown, text
from ablation.errors import InputError

Format = Literal["score", "count", "short", "seconds", "number"]
"""How people read a measure: as a score of the metric, ``33,618``, ``5.98 M``, ``0.13``, or with four digits."""

Pooling = Literal["first", "mean", "median", "max"]


@dataclass(frozen=True)
class Metric:
    """What a score is.

    Attributes:
        key: its name in MLflow, in histories and in what a function returns, such as ``val_accuracy``.
        name: in words, such as ``validation accuracy``; without it, the key.
        short: the same for the head of a column, such as ``accuracy``; without it, the name.
        unit: of a score as people read it, such as ``%`` or ``s``.
        difference: unit of a difference between two scores, such as ``points``; without it, the unit.
        scale: what scores are multiplied by where people read them: 100 for a fraction shown in percent.
        higher_is_better: whether a larger score is a better one.
        step: the smallest difference that two scores can have, in the units of the scores; 0 where there is none.
        bounds: the lowest and the highest score that there can be, in the units of the scores; infinite where there is none.
        curves: histories that are drawn beside each other, as (name in the history, label); the last is that of the metric.
    """

    key: str
    name: str = ""
    short: str = ""
    unit: str = ""
    difference: str = ""
    scale: float = 1.0
    higher_is_better: bool = True
    step: float = 0.0
    bounds: tuple[float, float] = (-np.inf, np.inf)
    curves: tuple[tuple[str, str], ...] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "name", self.name or self.key)
        object.__setattr__(self, "short", self.short or self.name)
        object.__setattr__(self, "difference", self.difference or self.unit)
        object.__setattr__(self, "curves", self.curves or ((self.key, self.short),))

    @property
    def heading(self) -> str:
        """The head of a column of scores: ``accuracy %``."""
        return f"{self.short} {self.unit}".strip()

    @property
    def axis(self) -> str:
        """The label of an axis of scores: ``validation accuracy (%)``."""
        return f"{self.name} ({self.unit})" if self.unit else self.name

    @property
    def short_axis(self) -> str:
        """The label of an axis of scores where there is little room: ``accuracy (%)``."""
        return f"{self.short} ({self.unit})" if self.unit else self.short

    @property
    def difference_in_words(self) -> str:
        """The unit of a difference in full: ``percentage points``; empty where there is none."""
        return "percentage points" if self.difference == "points" and self.unit == "%" else self.difference

    @property
    def effects_are(self) -> str:
        """What an effect is measured in, for the line above a table: ``percentage points of accuracy``."""
        return f"{self.difference_in_words} of {self.short}" if self.difference else f"differences in {self.short}"

    def effect_axis(self, what: str = "effect on") -> str:
        """The label of an axis of differences: ``effect on validation accuracy (percentage points)``."""
        unit = self.difference_in_words
        return f"{what} {self.name} ({unit})" if unit else f"{what} {self.name}"

    def shown(self, score: float) -> float:
        """Return a score, or a difference of two, as people read it."""
        return self.scale * score

    def level(self, score: float, digits: int) -> str:
        """Write a score without its unit."""
        return f"{self.scale * score:.{digits}f}"

    def mean(self, mean: float, sd: float, digits: int) -> str:
        """Write a mean of scores with their standard deviation, without their unit; empty where no score is known."""
        if np.isnan(mean):
            return ""
        return self.level(mean, digits) + (f" ± {self.level(sd, digits)}" if not np.isnan(sd) else "")

    def signed(self, difference: float, digits: int) -> str:
        """Write a difference of two scores without its unit, always with its sign; what rounds to zero is positive."""
        return f"{round(self.scale * difference, digits) + 0.0:+.{digits}f}".replace("-", "−")

    @property
    def largest_effect(self) -> float:
        """The largest effect that there can be, in the units of the scores; infinite where scores have no two bounds."""
        return self.bounds[1] - self.bounds[0]

    def possible(self, effects: np.ndarray) -> np.ndarray:
        """Return the ends of intervals, of any shape, moved to the largest effect that there can be where they lie beyond it."""
        return np.clip(effects, -self.largest_effect, self.largest_effect)

    def ends(self, low: float, high: float, digits: int) -> str:
        """Write the ends of an interval without their unit, no farther out than an effect can be; nothing where there is none."""
        if np.isnan(low):
            return ""
        first, last = self.possible(np.array([low, high]))
        return f"{self.signed(first, digits)}, {self.signed(last, digits)}"

    def outside(self, scores: np.ndarray) -> np.ndarray:
        """Return which scores, of any shape, lie outside the bounds by more than rounding."""
        low, high = self.bounds
        return ((scores < low) & ~np.isclose(scores, low)) | ((scores > high) & ~np.isclose(scores, high))

    @property
    def bounds_in_words(self) -> str:
        """What a score outside the bounds is answered with."""
        return f"bounds=[{self.bounds[0]:g}, {self.bounds[1]:g}] are the lowest and the highest score that there can be"

    def with_unit(self, text: str) -> str:
        """Write the unit of a score after it."""
        return f"{text} {self.unit}".strip()

    def with_difference(self, text: str) -> str:
        """Write the unit of a difference after it."""
        return f"{text} {self.difference}".strip()

    def improves(self, difference: float) -> bool:
        """Say whether a difference of two scores is for the better."""
        return difference > 0 if self.higher_is_better else difference < 0


def own_metric(
    key: str,
    unit: str = "",
    scale: float = 1.0,
    higher_is_better: bool = True,
    bounds: object = None,
    step: float = 0.0,
    setting: str = "",
    logged: bool = True,
) -> Metric:
    """Return the metric that a user describes. Percents differ by points.

    Args:
        key, unit, scale, higher_is_better, step: as in :class:`Metric`.
        bounds: a pair of numbers, or None where a score has none.
        setting: what stands before these names in messages, such as ``subject.``.
        logged: whether runs are logged with it.

    Raises:
        InputError: if one of them cannot be so.
    """
    text(f"{setting}metric", key)
    if logged and not re.fullmatch(r"[\w./: -]{1,250}", key):
        raise InputError(f"{setting}metric={short(key)} cannot name a metric in MLflow; expected letters, digits, spaces and . - _ / :")
    flag(f"{setting}higher_is_better", higher_is_better)
    number(f"{setting}scale", scale, above=0)
    number(f"{setting}step", step, at_least=0)
    if not isinstance(unit, str):
        raise InputError(f"{setting}unit must be text, not {shown(unit)}")
    return Metric(
        key,
        unit=unit,
        difference="points" if unit == "%" else unit,
        scale=float(scale),
        higher_is_better=higher_is_better,
        step=step,
        bounds=_bounds(f"{setting}bounds", bounds),
    )


def _bounds(name: str, given: object) -> tuple[float, float]:
    if given is None:
        return -np.inf, np.inf
    pair = list(given) if isinstance(given, list | tuple) else []
    if len(pair) != 2 or any(isinstance(each, bool) or not isinstance(each, int | float) for each in pair) or not pair[0] < pair[1]:
        raise InputError(f"{name}={given} is no pair of a lowest and a highest score; expected for instance [0, 1]")
    return float(pair[0]), float(pair[1])


@dataclass(frozen=True)
class Measure:
    """A number of a run beside its score, such as what the run costs.

    Attributes:
        key: its name in MLflow and in the table for machines.
        heading: the head of its column; empty for one that only MLflow and the table for machines show.
        format: how people read it.
        pooled: what stands for the runs of an arm.
        words: the measure in words with its unit, for the axis of a chart of cost against gain; empty for one that is no cost.
        confounds: whether an effect mixes the feature with this measure where the feature changes it by more than a tenth.
        below: in what words the terminal says it below the table, for a measure that few arms have.
    """

    key: str
    heading: str = ""
    format: Format = "number"
    pooled: Pooling = "mean"
    words: str = ""
    confounds: bool = False
    below: str = ""
