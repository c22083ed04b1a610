"""Runs in this very process."""

from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from ablation.checks import whole
from ablation.engine.execution.pool import OnEvent, Pool


class _Inline(Executor):
    """Does the work in the calling thread, when it is submitted."""

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        future: Future[Any] = Future()
        try:
            future.set_result(fn(*args, **kwargs))
        except Exception as error:
            future.set_exception(error)
        return future


@dataclass(frozen=True)
class Inline:
    """Runs happen one after the other in this process, for debugging and for work on a single GPU.

    Args:
        threads: CPU threads of a run; None leaves it to the subject.
    """

    threads: int | None = None

    def __post_init__(self) -> None:
        whole("execution.threads", self.threads, 1, optional=True)

    @property
    def slots(self) -> int:
        return 1

    @contextmanager
    def open(self, on_event: OnEvent) -> Iterator[Pool]:
        yield Pool(_Inline(), 1, on_event, self.threads)
