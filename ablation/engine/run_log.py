"""What is logged of each run while a study is conducted: its start, its epochs, its end, and its difference to another run."""

from collections.abc import Mapping
from typing import Any

from ablation.engine.deltas import Deltas
from ablation.engine.failed import Failed
from ablation.engine.worker import Made
from ablation.store.epochs import EpochLog
from ablation.store.study_log import StudyLog
from ablation.study.outcome import Result
from ablation.study.study import Study
from ablation.study.subject import Trial


class RunLog:
    """Logs the runs of a study as they begin, go on and end."""

    def __init__(self, log: StudyLog, data: Mapping[str, str] | None) -> None:
        self._log, self._data = log, data
        self._epochs = EpochLog(log.store)
        self._deltas: Deltas | None = None
        self._run_ids: dict[str, str] = {}

    def compare(self, study: Study, results: Mapping[str, Result]) -> None:
        """Log the differences between the runs of a study from now on, and those between the ones that are there at once."""
        self._deltas = Deltas(study.designs, study.trials, self._log, results)

    def run_id(self, trial: Trial) -> str:
        """Return the MLflow run of a trial that has started."""
        return self._run_ids[trial.key]

    def started(self, trial: Trial) -> None:
        self._run_ids[trial.key] = self._log.start_run(trial, self._data)

    def progressed(self, event: Mapping[str, Any]) -> None:
        self._epochs.progressed(event)

    def waited(self) -> None:
        """Log what has been waiting for a while."""
        self._epochs.flush_old()

    def finished(self, trial: Trial, made: Made) -> None:
        self._epochs.flush(made.result.run_id)
        self._log.finish_run(made.result.run_id, made.result, made.texts, made.arrays, made.note)
        if self._deltas is not None:
            self._deltas.add(trial, made.result)

    def failed(self, trial: Trial, failed: Failed) -> None:
        self._epochs.flush(self.run_id(trial))
        self._log.fail_run(self.run_id(trial), failed.note, failed.texts)
