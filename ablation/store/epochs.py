"""Epochs as they end, until they are logged: MLflow's pages show them while runs train."""

from collections.abc import Mapping
from threading import Lock
from typing import Any

INTERVAL = 3.0  # seconds between two calls that log epochs: each call costs some tens of milliseconds
MOST_METRICS = 900  # MLflow takes 1,000 in one call

Epoch = tuple[int, dict[str, float], int]
"""An epoch as a run reports it, in types that Dask can send: its number, its metrics, and when it ended in milliseconds since 1970."""


class EpochLog:
    """Keeps what runs report, from any thread, and which part of it is logged already. Runs are known by the keys of their trials."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._epochs: dict[str, list[Epoch]] = {}
        self._logged: dict[str, int] = {}

    def progressed(self, event: Mapping[str, Any]) -> None:
        """Take what a run reports."""
        with self._lock:
            known = self._epochs.setdefault(event["run"], [])
            # A run that lost its worker begins anew, with the same numbers.
            last = known[-1][0] if known else 0
            known += [(epoch[0], epoch[1], epoch[2]) for epoch in event["epochs"] if epoch[0] > last]

    def whole(self, key: str) -> tuple[Epoch, ...]:
        """Return all epochs of a run."""
        with self._lock:
            return tuple(self._epochs.get(key, ()))

    def waiting(self) -> dict[str, list[Epoch]]:
        """Return what is not logged yet, by run."""
        with self._lock:
            new = {key: epochs[self._logged.get(key, 0) :] for key, epochs in self._epochs.items()}
        return {key: epochs for key, epochs in new.items() if epochs}

    def logged(self, key: str, count: int) -> None:
        """Take note that so many more epochs of a run are logged."""
        with self._lock:
            self._logged[key] = self._logged.get(key, 0) + count

    def forget(self, key: str) -> int:
        """Let go of a run that has ended, and return how many of its epochs are logged."""
        with self._lock:
            self._epochs.pop(key, None)
            return self._logged.pop(key, 0)
