"""What is logged of each run while a study is conducted: its start, its epochs, its end, and its difference to another run."""

from collections.abc import Mapping, Sequence
from typing import Any

from ablation.engine.deltas import Delta, Deltas
from ablation.engine.failed import Failed
from ablation.engine.worker import Made
from ablation.store.epochs import EpochLog
from ablation.store.study_log import StudyLog
from ablation.study.outcome import Result
from ablation.study.study import Study
from ablation.study.subject import Trial


class RunLog:
    """Logs the runs of a study as they begin, go on and end.

    What there is to log at one moment goes into one call: each costs some tens of milliseconds, in the process that feeds the workers.
    """

    def __init__(self, log: StudyLog, data: Mapping[str, str] | None) -> None:
        self._log, self._data = log, data
        self._epochs = EpochLog(log.store)
        self._deltas: Deltas | None = None
        self._run_ids: dict[str, str] = {}
        self._notes: dict[str, str] = {}

    def compare(self, study: Study, results: Mapping[str, Result]) -> None:
        """Log the differences between the runs of a study from now on, and those between the ones that are there at once."""
        logged = self._log.logged()
        self._notes |= {run_id: run.note for run_id, run in logged.items()}
        self._deltas = Deltas(study, {run_id: run.metrics for run_id, run in logged.items()})
        found: dict[str, list[Delta]] = {}
        for trial in study.trials:
            if trial.key in results:
                for run_id, deltas in self._deltas.add(trial, results[trial.key]).items():
                    found.setdefault(run_id, []).extend(deltas)
        self._add(found)

    def run_id(self, trial: Trial) -> str:
        """Return the MLflow run of a trial that has started."""
        return self._run_ids[trial.key]

    def started(self, trial: Trial) -> None:
        run_id = self._run_ids[trial.key] = self._log.start_run(trial, self._data)
        self._notes[run_id] = self._log.about(trial)

    def progressed(self, event: Mapping[str, Any]) -> None:
        self._epochs.progressed(event)

    def waited(self) -> None:
        """Log what has been waiting for a while."""
        self._epochs.flush_old()

    def finished(self, trial: Trial, made: Made) -> None:
        run_id = made.result.run_id
        completed = {} if self._deltas is None else self._deltas.add(trial, made.result)
        mine = completed.pop(run_id, [])
        self._log.finish_run(
            run_id,
            made.result,
            made.texts,
            made.arrays,
            self._noted(run_id, made.note, *(delta.words for delta in mine)),
            {delta.name: delta.value for delta in mine},
            self._epochs.last(run_id),
            self._epochs.take(run_id),
        )
        self._add(completed)

    def failed(self, trial: Trial, failed: Failed) -> None:
        run_id = self.run_id(trial)
        self._epochs.flush(run_id)
        self._log.fail_run(run_id, self._noted(run_id, failed.note), failed.texts)

    def _add(self, found: Mapping[str, Sequence[Delta]]) -> None:
        """Log differences of runs that have ended."""
        for run_id, deltas in found.items():
            note = self._noted(run_id, *(delta.words for delta in deltas))
            self._log.add(run_id, {delta.name: delta.value for delta in deltas}, note)

    def _noted(self, run_id: str, *more: str) -> str:
        """Return a run's description with more paragraphs at its end, and keep it."""
        self._notes[run_id] = "\n\n".join(filter(None, [self._notes.get(run_id, ""), *more]))
        return self._notes[run_id]
