"""A pool: an open place to run in, and what opens one. The one seam is ``concurrent.futures.Executor``."""

from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import dataclass
from typing import Any, Protocol

OnEvent = Callable[[dict[str, Any]], None]


@dataclass(frozen=True)
class Pool:
    """An open place to run in.

    Attributes:
        executor: takes the work.
        slots: how many runs go at once.
        send: what work calls with a message for the process that opened the pool, from wherever it happens.
        threads: CPU threads of a run; None leaves it to the subject.
        own: whether its processes were started for it, and end with it.
    """

    executor: Executor
    slots: int
    send: OnEvent
    threads: int | None = None
    own: bool = False


class Execution(Protocol):
    """Opens a pool."""

    @property
    def slots(self) -> int | None:
        """How many runs go at once, where that is known before it is opened."""
        ...

    def open(self, on_event: OnEvent) -> Any:
        """Return a context manager that gives a :class:`Pool`; ``on_event`` receives the messages of runs, in any thread."""
        ...
