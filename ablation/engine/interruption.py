"""Ctrl-C, or the end of a batch job, while runs go: it waits for what is being logged, and is never lost."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from threading import current_thread, main_thread
from types import FrameType, TracebackType
from typing import Any


class Interruption:
    """Notes an interruption for as long as it is entered, and raises it where that is safe: at :meth:`check`, and at its end.

    Raised wherever it comes, it could be swallowed under MLflow's database, and Python swallows one that comes while an object is taken
    apart. A second one comes through at once. In another thread than the main one, which alone is interrupted, nothing changes.
    """

    def __init__(self) -> None:
        self._came: int | None = None
        self._at_once = False
        self._before: dict[int, Any] = {}

    def __enter__(self) -> "Interruption":
        if current_thread() is main_thread():
            self._before = {number: signal.signal(number, self._take) for number in (signal.SIGINT, signal.SIGTERM)}
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None) -> None:
        self._restore()
        if error is None and self._came is not None:
            signal.raise_signal(self._came)

    def check(self) -> None:
        """Raise an interruption that came."""
        if self._came is not None:
            self._restore()
            signal.raise_signal(self._came)

    @contextmanager
    def at_once(self) -> Iterator[None]:
        """Let an interruption come through at once, for work that this process does itself."""
        self.check()
        self._at_once = True
        try:
            yield
        finally:
            self._at_once = False

    def _take(self, number: int, frame: FrameType | None) -> None:
        again, self._came = self._came is not None, number
        if again or self._at_once:
            self.check()

    def _restore(self) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)
