"""Deltas: for each child run, its score minus that of the arm it is compared with, on the child itself where the UI shows it."""

from collections.abc import Mapping, Sequence

from ablation.designs import Design
from ablation.store.study_log import StudyLog
from ablation.study.outcome import Result
from ablation.study.subject import Trial


class Deltas:
    """Logs each difference as soon as both of its runs are there, and never twice.

    ``<metric>_delta`` is that of the first design that credits features, ``delta_<design>`` that of each other. Differences are of one
    seed, in the metric's own units.
    """

    def __init__(self, designs: Sequence[Design], trials: Sequence[Trial], log: StudyLog, results: Mapping[str, Result]) -> None:
        self._designs, self._log = [design for design in designs if design.features], log
        self._keys = {(trial.arm, trial.seed): trial.key for trial in trials}
        self._logged = log.logged_metrics()
        self._results: dict[str, Result] = {}
        for trial in trials:
            if trial.key in results:
                self.add(trial, results[trial.key])

    def add(self, trial: Trial, result: Result) -> None:
        """Take a finished run, and log the differences that it completes: its own, and those of arms that are compared with it."""
        self._results[trial.key] = result
        for index, design in enumerate(self._designs):
            name = f"{self._log.metric}_delta" if index == 0 else f"delta_{design.name}"
            for arm, reference in design.references.items():
                if trial.arm in (arm, reference):
                    self._log_difference(name, self._keys[arm, trial.seed], self._keys[reference, trial.seed])

    def _log_difference(self, name: str, ours: str, theirs: str) -> None:
        if ours not in self._results or theirs not in self._results:
            return
        run_id, difference = self._results[ours].run_id, self._results[ours].score - self._results[theirs].score
        logged = self._logged.setdefault(run_id, set())
        if name not in logged:
            logged.add(name)
            self._log.log_metrics(run_id, {name: difference})
