"""What is logged of each run while a study is conducted: its start, its epochs, its end, and its difference to another run."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from ablation.engine.delivery import Delivery
from ablation.engine.deltas import Delta, Deltas
from ablation.engine.failed import Failed
from ablation.engine.journal import Ended, Journal
from ablation.engine.worker import Made
from ablation.store import reading
from ablation.store.away import is_away
from ablation.store.epochs import EpochLog
from ablation.store.study_log import StudyLog
from ablation.store.system_metrics import is_asked_for
from ablation.study.outcome import Result
from ablation.study.study import Study
from ablation.study.subject import ReadArrays, Trial
from ablation.wording import counted

LAST_MOMENT = 10.0
"""Seconds that are given to what is to be logged when a study is stopped."""

FINISHED = "FINISHED"


class RunLog:
    """Logs the runs of a study as they begin, go on and end.

    What a run left is in the journal when it counts as finished; the store has it later, by a :class:`Delivery`.

    Args:
        log: the study's.
        study: the study.
        journal: the study's.
        say: shows a line on the screen.
        logged: called with the key of each trial whose end is logged.
    """

    def __init__(self, log: StudyLog, study: Study, journal: Journal, say: Callable[[str], None], logged: Callable[[str], None]) -> None:
        self._log, self._journal, self._epochs = log, journal, EpochLog()
        self._stores = study.subject.stores or is_asked_for()
        self._delivery = Delivery(log, study.subject.data(), journal, self._epochs, say, logged)
        self._children = log.children()
        self._deltas: Deltas | None = None
        self._trials: dict[str, Trial] = {}
        self._metrics: dict[str, set[str]] = {}
        self._notes: dict[str, str] = {}
        self._began: dict[str, int] = {}
        self._failures = sum(child.status == "FAILED" for child in self._children)
        known = log.in_index()
        for child in self._children:
            if child.status == FINISHED and child.key and child.run_id not in known:
                self._delivery.indexed(child.key, child.run_id)
        self._delivery.begin()

    # ---- runs that are there already -----------------------------------------------------------------------------------

    def adopt(self, there: Mapping[str, Result], trials: Sequence[Trial]) -> dict[str, Result]:
        """Let finished runs count as this study's, and return those of these trials.

        One that another study made gets a short child here that copies its numbers; one that only the journal has is logged.
        """
        mine = {child.run_id: child for child in self._children if not child.copy_of}
        copies = {child.copy_of: child for child in self._children if child.copy_of}
        adopted = {}
        for trial in trials:
            if trial.key not in there:
                continue
            result = adopted[trial.key] = there[trial.key]
            if not result.run_id:
                continue  # of the journal, which `recover` sees to
            child = mine.get(result.run_id) or copies.get(result.run_id)
            if child is not None:
                self._delivery.known(trial.key, child.run_id, whole=True)
                self._metrics[trial.key], self._notes[trial.key] = set(child.metrics), child.note
            if child is None or child.status != FINISHED:  # A copy that was begun and came to no end is completed.
                note = self._notes[trial.key] = self._log.about_copy(trial, result.run_id)
                # One that this process did not see among the children may be another's that conducts the same study.
                self._delivery.copied(trial, result, note, {}, new=child is None)
        return adopted

    def recover(self, there: Mapping[str, Result]) -> None:
        """Log what the journal holds of an earlier start, but for what the store has already.

        Args:
            there: finished runs, by the keys of their trials.
        """
        unfinished = {child.key: child.run_id for child in self._children if child.status in ("RUNNING", "KILLED")}
        finished = []
        for entry in self._journal.all():
            trial = entry.trial
            if trial.key in there and there[trial.key].run_id:
                self._journal.drop(trial.key)
                continue
            if trial.key in unfinished:
                self._delivery.known(trial.key, unfinished[trial.key], whole=False)
            if entry.result is None:
                self._failures += 1
                self._delivery.ended(trial, entry.note, {})
            else:
                self._notes[trial.key] = self._log.about(trial)
                finished.append((trial, self._noted(trial, entry.note)))
        # The trials of those that failed are run again, as runs of their own.
        self._delivery.drain(LAST_MOMENT)
        for trial, note in finished:
            self._delivery.ended(trial, note, {})

    def compare(self, study: Study, results: Mapping[str, Result]) -> None:
        """Log the differences between the runs of a study from now on, and those between the ones that are there at once."""
        self._deltas = Deltas(study, self._metrics)
        self._trials = {trial.key: trial for trial in study.trials}
        found: dict[str, list[Delta]] = {}
        for trial in study.trials:
            if trial.key in results:
                for key, deltas in self._deltas.add(trial, results[trial.key]).items():
                    found.setdefault(key, []).extend(deltas)
        for key, deltas in found.items():
            self._add(self._trials[key], deltas)

    def trials(self, keys: Sequence[str]) -> list[Trial]:
        """Return trials of the study by their keys."""
        return [self._trials[key] for key in keys]

    # ---- runs that go --------------------------------------------------------------------------------------------------

    def run_id(self, trial: Trial) -> str:
        """Return the MLflow run of a trial that has started, where whoever makes the run logs to it; else nothing is waited for."""
        return self._delivery.run_id(trial) if self._stores else ""

    @property
    def holds_back(self) -> bool:
        """Whether no run can begin now, for the process that makes it stores what it leaves, and the store is away."""
        return self._stores and self._delivery.away

    def started(self, trial: Trial) -> None:
        began = self._began[trial.key] = _now()
        self._notes[trial.key] = self._log.about(trial)
        self._delivery.started(trial, began)

    def progressed(self, event: Mapping[str, Any]) -> None:
        self._epochs.progressed(event)

    def finished(self, trial: Trial, made: Made) -> None:
        self._keep(trial, made.result, made.note, made.texts, made.arrays)
        mine = self._compared(trial, made.result)
        note = self._noted(trial, made.note, *(delta.words for delta in mine))
        self._delivery.ended(trial, note, {delta.name: delta.value for delta in mine})

    def adopted(self, trial: Trial, result: Result) -> None:
        """Let a run count as this study's that another study has finished meanwhile."""
        self._notes[trial.key] = self._log.about_copy(trial, result.run_id)
        self._metrics.setdefault(trial.key, set())
        mine = self._compared(trial, result)
        note = self._noted(trial, *(delta.words for delta in mine))
        self._delivery.copied(trial, result, note, {delta.name: delta.value for delta in mine}, new=True)

    def failed(self, trial: Trial, failed: Failed) -> None:
        self._failures += 1
        note = self._noted(trial, failed.note)
        self._keep(trial, None, note, failed.texts, {})
        self._delivery.ended(trial, note, {})

    def _keep(self, trial: Trial, result: Result | None, note: str, texts: Mapping[str, str], arrays: Mapping[str, Any]) -> None:
        ended = Ended(trial, result, self._began.pop(trial.key), _now(), self._epochs.whole(trial.key), note, texts, arrays)
        self._journal.keep(ended)

    def _compared(self, trial: Trial, result: Result) -> list[Delta]:
        """Return a run's own differences, and log those of the runs that waited for it."""
        completed = {} if self._deltas is None else self._deltas.add(trial, result)
        mine = completed.pop(trial.key, [])
        for key, deltas in completed.items():
            self._add(self._trials[key], deltas)
        return mine

    def _add(self, trial: Trial, deltas: Sequence[Delta]) -> None:
        """Log differences of a run that has ended."""
        note = self._noted(trial, *(delta.words for delta in deltas))
        self._delivery.added(trial, note, {delta.name: delta.value for delta in deltas})

    def _noted(self, trial: Trial, *more: str) -> str:
        """Return a run's description with more paragraphs at its end, and keep it."""
        self._notes[trial.key] = "\n\n".join(filter(None, [self._notes.get(trial.key, ""), *more]))
        return self._notes[trial.key]

    # ---- the end -------------------------------------------------------------------------------------------------------

    @property
    def failures(self) -> int:
        """How many runs of the study ended in an error, at earlier starts too, and those that were repeated with success included."""
        return self._failures

    @property
    def away(self) -> bool:
        """Whether the store cannot be reached."""
        return self._delivery.away

    def wait(self, patience: float) -> str:
        """Wait until the store has all runs; where it lacks some or is away, return a sentence on that.

        Args:
            patience: seconds for which the store may be away.
        """
        left = self._delivery.drain(patience)
        again = "the same command, given again, logs what is missing and trains nothing"
        if not left:
            return f"{self._delivery.why_left()}; {again}" if self._delivery.away else ""
        waits = f"{counted(left, 'run')} {'waits' if left == 1 else 'wait'} in {self._journal.folder}"
        return f"{self._delivery.why_left()}; {waits}, and {again}"

    def with_ids(self, results: Mapping[str, Result]) -> dict[str, Result]:
        """Return results with the MLflow runs that hold them here; those that the store lacks have none."""
        waiting = set(self._journal.keys())
        return {key: replace(result, run_id="" if key in waiting else self._delivery.id_so_far(key)) for key, result in results.items()}

    def reader(self, results: Mapping[str, Result]) -> ReadArrays:
        """Return what reads the arrays of these results, by the keys of their trials: from the journal where the store lacks a run."""
        keys = {id(result): key for key, result in results.items()}

        def read(result: Result, name: str) -> dict[str, np.ndarray] | None:
            if name not in result.stored:
                return None
            if not result.run_id:
                entry = self._journal.read(keys[id(result)])
                return dict(entry.arrays[name]) if entry and name in entry.arrays else None
            try:
                return None if self.away else reading.arrays(self._log.store, result.run_id, name)
            except Exception as error:
                if is_away(error):
                    return None
                raise

        return read

    def close(self) -> None:
        """Log what there still is to log, if it can be done soon, and end."""
        self._delivery.close(LAST_MOMENT)
        self._journal.remove_if_empty()


def _now() -> int:
    return int(time.time() * 1000)
