"""One run, in the process that makes it: from a subject and a trial to a result, with its progress on the way."""

import os
import platform
import sys
import time
from collections.abc import Callable, Mapping
from contextvars import copy_context
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from threading import Lock, Timer
from typing import Any

import cloudpickle
import numpy as np

from ablation.store.epochs import Epoch
from ablation.store.study_log import StudyLog
from ablation.study.origin import is_own
from ablation.study.outcome import Result
from ablation.study.subject import Subject, Trial

REFRESH = 0.5
"""Seconds between two messages of a run's progress."""

Send = Callable[[dict[str, Any]], None]
"""Takes what a run reports to the process that conducts the study."""


@dataclass(frozen=True)
class Made:
    """What a run leaves behind, on its way to the log.

    Attributes:
        result: its numbers.
        texts, arrays: the files that go with them, by name.
        start_up: seconds that the next run of the same group is spared.
    """

    result: Result
    texts: Mapping[str, str]
    arrays: Mapping[str, Mapping[str, np.ndarray]]
    start_up: float


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
            left = self._sent + REFRESH - time.monotonic()
            if left > 0 and self._timer is None:
                # Nothing may follow for long.
                self._timer = Timer(left, self._context.run, [self.flush])
                self._timer.daemon = True
                self._timer.start()
        if left <= 0:
            self.flush()

    def stage(self, words: str) -> None:
        """Say what the run is doing before its first epoch."""
        self._stage = words
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


def perform(subject: bytes, trial: Trial, run_id: str, log: StudyLog, threads: int | None, own: bool, send: Send) -> Made:
    """Make one run, and return what is to be logged of it; the process that conducts the study does that, for MLflow is slow to import.

    Args:
        subject: pickled by :func:`packed`.
        trial: what to run.
        run_id: the run as MLflow has it.
        log: where its network is stored, if it is to be.
        threads, own: see :meth:`ablation.study.subject.Subject.start`.
        send: takes messages of its progress.
    """
    what = unpacked(subject)
    what.start(threads, own)
    progress = Progress(trial, run_id, send)
    progress.stage("starting")
    began = time.perf_counter()
    try:
        outcome = what.run(trial, progress)
    finally:
        progress.flush()
    seconds = time.perf_counter() - began
    stored: tuple[str, ...] = (*outcome.texts, *outcome.arrays)
    if outcome.model is not None:
        stored += log.store_model(run_id, outcome.model)
    result = Result(
        score=outcome.score,
        history=outcome.history,
        measures=outcome.measures,
        environment={**environment(threads), **outcome.environment},
        seconds=seconds,
        stored=stored,
        run_id=run_id,
    )
    return Made(result, outcome.texts, outcome.arrays, outcome.start_up)


def start(subject: bytes, threads: int | None, own: bool) -> None:
    """Set this process up for the runs of a subject, before the first one comes."""
    unpacked(subject).start(threads, own)


def packed(subject: Subject) -> bytes:
    """Return a subject as a worker can read it, with the code of the user's own modules, which a worker elsewhere does not have."""
    files = {name: getattr(module, "__file__", None) for name, module in list(sys.modules.items()) if name != "__main__"}
    own = [sys.modules[name] for name, file in files.items() if file and is_own(file) and sys.modules[name].__name__ == name]
    for module in own:
        cloudpickle.register_pickle_by_value(module)
    try:
        return bytes(cloudpickle.dumps(subject))
    finally:
        for module in own:
            cloudpickle.unregister_pickle_by_value(module)


_latest: tuple[bytes, Subject] | None = None


def unpacked(subject: bytes) -> Subject:
    """Return the subject that :func:`packed` wrote. One is kept: all runs of a study have the same."""
    global _latest
    if _latest is None or _latest[0] != subject:
        _latest = (subject, cloudpickle.loads(subject))
    return _latest[1]


def environment(threads: int | None) -> dict[str, str]:
    """Return what a reader must know to judge whether two runs are alike, whatever their subject is."""
    return {
        "python": platform.python_version(),
        "ablation": version("ablation"),
        "threads": str(threads or os.cpu_count()),
        "processor": _processor(),
    }


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        return next(line.split(":", 1)[1].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()
