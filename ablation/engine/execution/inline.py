"""Runs in this very process."""

from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from ablation.checks import whole
from ablation.engine.execution.pool import OnEvent, Pool
from ablation.engine.worker import Packed, start
from ablation.errors import InputError
from ablation.study.cause import explained
from ablation.study.subject import WrongProcessError


class _Here(Pool):
    """Does the work in the calling thread, when it is submitted."""

    def __init__(self, send: OnEvent, threads: int | None) -> None:
        self.send, self.threads, self.changed = send, threads, Future()

    @property
    def slots(self) -> int:
        return 1

    def submit(self, work: Callable[..., Any], /, *arguments: Any) -> Future[Any]:
        future: Future[Any] = Future()
        try:
            future.set_result(work(*arguments))
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

    def remarks(self) -> tuple[str, ...]:
        return ()

    @contextmanager
    def open(self, subject: Packed, on_event: OnEvent) -> Iterator[Pool]:
        try:
            start(subject, self.threads, own=False)
        except InputError:
            raise
        except WrongProcessError as error:
            raise InputError(str(error)) from error
        except Exception as error:
            raise InputError(f"this process cannot be set up for runs: {explained(error)}") from error
        yield _Here(on_event, self.threads)
