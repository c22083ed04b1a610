"""What a program prints: the numbers on its lines, and as much of the text as is kept."""

import math
import re
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

KEPT = 500_000
"""Characters of a program's output that are kept at its beginning, and as many at its end."""

LAST = 15
"""Lines of the output that the message of a failed run shows."""

_COLOUR = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
_NUMBER = r"[-+]?(?:(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?|(?i:nan|inf(?:inity)?))"
# The number itself, or one inside of np.float64(…), tensor(…).
_VALUE = rf"(?:[A-Za-z_][\w.]*\()?(?P<value>{_NUMBER})(?![\w.]*\w)"
_PAIR = re.compile(rf"(?P<quote>[\"']?)(?P<name>[A-Za-z_][\w./-]*)(?P=quote)\s*[:=]\s*{_VALUE}")
_COUNTERS = ("epoch", "step", "iteration")


def numbers(line: str) -> dict[str, float]:
    """Return the numbers that a line names: ``val_accuracy: 0.913``, ``loss=0.3`` or ``{"val_accuracy": 0.913}``."""
    return {each["name"]: float(each["value"]) for each in _PAIR.finditer(_COLOUR.sub("", line))}


def named(line: str, name: str) -> float | None:
    """Return the last number that a line gives under this name, which may be several words; None where there is none."""
    pattern = rf"(?<![\w./-])([\"']?){re.escape(name)}\1\s*[:=]\s*{_VALUE}"
    found = [each["value"] for each in re.finditer(pattern, _COLOUR.sub("", line))]
    return float(found[-1]) if found else None


@dataclass
class Kept:
    """The beginning and the end of a text that comes in lines."""

    _head: list[str] = field(default_factory=list)
    _tail: deque[str] = field(default_factory=deque)
    _sizes: list[int] = field(default_factory=lambda: [0, 0, 0])

    def add(self, line: str) -> None:
        """Add a line."""
        head, tail, left_out = self._sizes
        if head < KEPT:
            self._head.append(line)
            self._sizes[0] += len(line)
            return
        self._tail.append(line)
        tail += len(line)
        while tail > KEPT and len(self._tail) > 1:
            tail -= len(self._tail.popleft())
            left_out += 1
        self._sizes[1:] = [tail, left_out]

    @property
    def text(self) -> str:
        """The text, which says how many lines it leaves out."""
        between = [f"\n[{self._sizes[2]:,} lines left out]\n\n"] if self._sizes[2] else []
        return "".join([*self._head, *between, *self._tail])

    def last(self, count: int = LAST) -> list[str]:
        """Return the last lines that are not empty."""
        lines = [*self._head[-10 * count :], *list(self._tail)[-10 * count :]]
        return [_COLOUR.sub("", line).rstrip() for line in lines if line.strip()][-count:]


@dataclass
class Printed:
    """What one stream of a program printed so far.

    Attributes:
        metric: the name of the score.
        kept: the text.
        history: the numbers on lines that name the metric, ``{name: [value a line]}``.
        seen: names of numbers on other lines.
    """

    metric: str
    kept: Kept = field(default_factory=Kept)
    history: dict[str, list[float]] = field(default_factory=dict)
    seen: set[str] = field(default_factory=set)

    def add(self, line: str, report: Callable[..., None] | None) -> bool:
        """Take a line, and return whether it names the metric; then its numbers are reported."""
        self.kept.add(line)
        score = named(line, self.metric) if len(line) < 10_000 else None
        if score is None:
            if len(self.seen) < 100 and len(line) < 1_000:
                self.seen |= numbers(line).keys()
            return False
        others = {name: value for name, value in numbers(line).items() if name.lower() not in _COUNTERS and value == value}
        found = {**others, self.metric: score}
        for name, value in found.items():
            self.history.setdefault(name, []).append(value)
        if report is not None and math.isfinite(score):
            report(**{name: value for name, value in found.items() if math.isfinite(value)})
        return True


def picked(values: Sequence[float], pick: str, higher_is_better: bool) -> float:
    """Return the last value, or the best one of those that are finite; NaN where there is none."""
    if pick == "last":
        return values[-1] if values else math.nan
    finite = [value for value in values if math.isfinite(value)]
    return (max if higher_is_better else min)(finite, default=math.nan)
