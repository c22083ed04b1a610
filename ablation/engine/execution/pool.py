"""A pool: an open place to run in, and what opens one."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from contextlib import AbstractContextManager
from typing import Any, Protocol

from ablation.engine.worker import Packed

OnEvent = Callable[[dict[str, Any]], None]


class Pool(ABC):
    """An open place to run in.

    Attributes:
        send: what work calls with a message for the process that opened the pool, from wherever it happens.
        threads: CPU threads of a run; None leaves it to the subject.
        own: whether its processes were started for it, and end with it.
        here: whether its processes are on this machine, and draw charts as well as this one.
        changed: is done as soon as there are more or fewer slots, or there is news.
    """

    send: OnEvent
    threads: int | None = None
    own: bool = False
    here: bool = False
    changed: "Future[None]"

    @property
    @abstractmethod
    def slots(self) -> int:
        """How many runs can go at once now."""

    @abstractmethod
    def submit(self, work: Callable[..., Any], /, *arguments: Any) -> Future[Any]:
        """Have work done as soon as a slot is free."""

    def expect(self, runs: int) -> None:
        """Hear how many runs wait for a slot; a place that grows with its work then does."""

    def news(self) -> Sequence[str]:
        """Return what a person should know of its processes and has not heard yet, in whole sentences.

        Raises:
            InputError: if no run can go any more.
        """
        return ()


class Execution(Protocol):
    """Opens a pool."""

    @property
    def slots(self) -> int | None:
        """How many runs go at once, where that is known before it is opened."""
        ...

    def remarks(self) -> tuple[str, ...]:
        """Return what a person should know of where runs will go, in whole sentences.

        Raises:
            InputError: if they cannot go there.
        """
        ...

    def open(self, subject: Packed, on_event: OnEvent) -> AbstractContextManager[Pool]:
        """Return a context manager that gives a :class:`Pool` for the runs of a subject.

        Args:
            subject: what its processes set themselves up for.
            on_event: receives the messages of runs, in any thread.

        Raises:
            InputError: if no run can go there.
        """
        ...
