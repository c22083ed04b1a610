"""Epochs as they end, logged so that MLflow's pages show them while runs train."""

import time
from collections.abc import Mapping
from threading import Lock, get_ident
from typing import TYPE_CHECKING, Any

from ablation.store.connection import Store

if TYPE_CHECKING:
    from mlflow.entities import Metric

INTERVAL = 3.0  # seconds between two calls that log epochs: each call costs some tens of milliseconds
MOST_METRICS = 900  # MLflow takes 1,000 in one call

Epoch = tuple[int, dict[str, float], int]
"""An epoch as a run reports it, in types that Dask can send: its number, its metrics, and when it ended in milliseconds since 1970."""


class EpochLog:
    """Collects what runs report from any thread, and logs it from the one that made it."""

    def __init__(self, store: Store) -> None:
        self._store, self._thread = store, get_ident()
        self._lock = Lock()
        self._waiting: dict[str, list[Epoch]] = {}
        self._last: dict[str, Epoch] = {}
        self._flushed = time.monotonic()

    def progressed(self, event: Mapping[str, Any]) -> None:
        """Take what a run reports."""
        run_id = event["run_id"]
        with self._lock:
            # A run that lost its worker begins anew, with the same numbers.
            new = [epoch for epoch in event["epochs"] if epoch[0] > self.last(run_id)[0]]
            if new:
                self._waiting.setdefault(run_id, []).extend(new)
                self._last[run_id] = new[-1]
        # A run in this thread leaves nobody else to log it; another thread is the one that talks to the workers, and may not wait.
        if get_ident() == self._thread:
            self.flush_old()

    def flush_old(self) -> None:
        """Log what is waiting, if the last time is a while ago."""
        if time.monotonic() - self._flushed >= INTERVAL:
            self._flushed = time.monotonic()
            for run_id in list(self._waiting):
                self.flush(run_id)

    def flush(self, run_id: str) -> None:
        """Log what is waiting of a run."""
        logged = self.take(run_id)
        for start in range(0, len(logged), MOST_METRICS):
            self._store.client.log_batch(run_id, metrics=logged[start : start + MOST_METRICS])

    def take(self, run_id: str) -> "list[Metric]":
        """Return what is waiting of a run, to be logged with what else there is to log."""
        with self._lock:
            epochs = self._waiting.pop(run_id, [])
        if not epochs:
            return []
        from mlflow.entities import Metric

        return [Metric(name, value, ended, number) for number, metrics, ended in epochs for name, value in metrics.items()]

    def last(self, run_id: str) -> tuple[int, Mapping[str, float]]:
        """Return the number of a run's last epoch and its metrics; 0 and none where it has reported no epoch."""
        number, metrics, _ = self._last.get(run_id, (0, {}, 0))
        return number, metrics
