"""How fast the runs of a study end, and how long those that are left will take."""

import time
from collections import deque
from collections.abc import Iterable

REMEMBERED = 256
"""Ends of runs that are remembered at most."""


class Pace:
    """Watches runs end.

    A run takes more than its own seconds where it takes little itself: it is sent to a worker, kept and shown. So the time between the last
    ends counts too.
    """

    def __init__(self, seconds: Iterable[float] = ()) -> None:
        """Begin with what earlier runs took."""
        taken = tuple(seconds)
        self._seconds, self._runs = sum(taken), len(taken)
        self._ends: deque[float] = deque(maxlen=REMEMBERED)

    def ended(self, seconds: float) -> None:
        """Count a run that has ended now and took so long itself."""
        self._seconds, self._runs = self._seconds + seconds, self._runs + 1
        self._ends.append(time.monotonic())

    def left(self, runs: int, slots: int) -> float | None:
        """Return the seconds that so many more runs take where so many run at once; None where none has ended yet."""
        if not self._runs:
            return None
        at_once = min(max(slots, 1), max(runs, 1))
        last = list(self._ends)[-2 * at_once - 1 :]
        between = (last[-1] - last[0]) / (len(last) - 1) if len(last) > 1 else 0.0
        return runs * max(self._seconds / self._runs / at_once, between)
