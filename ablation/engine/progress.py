"""The progress of a run: what it reports of its epochs, on the way to the process that conducts the study."""

import time
from collections.abc import Callable
from contextvars import copy_context
from threading import Lock, Timer
from typing import Any

from ablation.store.epochs import Epoch
from ablation.study.subject import Trial

REFRESH = 0.5
"""Seconds between two messages of a run's progress."""

Send = Callable[[dict[str, Any]], None]
"""Takes what a run reports to the process that conducts the study."""


class Progress:
    """What a run calls to report its epochs: ``progress(epoch=3, val_accuracy=0.81)``.

    Messages go out as often as a screen shows them; the processor that would send one for every short epoch is wanted for the next.

    Attributes:
        history: what was reported so far, ``{name: [value an epoch]}``.
    """

    def __init__(self, trial: Trial, run_id: str, send: Send) -> None:
        self.history: dict[str, list[float]] = {}
        # What Dask knows of the thread that runs goes along, for a message that a timer sends.
        self._trial, self._run_id, self._send, self._context = trial, run_id, send, copy_context()
        self._waiting: list[Epoch] = []
        self._latest: dict[str, float] = {}
        self._epoch, self._stage, self._sent = 0, "", 0.0
        self._lock = Lock()
        self._timer: Timer | None = None

    def __call__(self, *, epoch: int | None = None, **metrics: float) -> None:
        with self._lock:
            self._epoch = self._epoch + 1 if epoch is None else int(epoch)
            self._latest = {name: float(value) for name, value in metrics.items()}
            for name, value in self._latest.items():
                self.history.setdefault(name, []).append(value)
            self._waiting.append((self._epoch, self._latest, int(time.time() * 1000)))
            self._stage = ""
        self._send_soon()

    def stage(self, words: str) -> None:
        """Say what the run is doing, until it says something else or reports an epoch."""
        self._stage = words
        self._send_soon()

    def _send_soon(self) -> None:
        """Send what is waiting, at once unless the last message has only just gone."""
        with self._lock:
            left = self._sent + REFRESH - time.monotonic()
            if left > 0 and self._timer is None:
                # Nothing may follow for long.
                self._timer = Timer(left, self._context.run, [self.flush])
                self._timer.daemon = True
                self._timer.start()
        if left <= 0:
            self.flush()

    def flush(self) -> None:
        """Send what is waiting."""
        with self._lock:
            if self._timer is not None:
                self._timer.cancel()
                self._timer = None
            event = {"run": self._trial.key, "run_id": self._run_id, "stage": self._stage, "epoch": self._epoch}
            self._send({**event, "metrics": self._latest, "epochs": list(self._waiting)})
            self._waiting.clear()
            self._sent = time.monotonic()
