"""Deltas: for each child run, its score minus that of the arm it is compared with, on the child itself where the UI shows it."""

from collections.abc import Mapping, Sequence

from ablation.designs import Design
from ablation.images.run import Run
from ablation.store.connection import Destination
from ablation.study.findings import RunResult


class Deltas:
    """Logs each difference as soon as both of its runs are there, and never twice.

    ``val_accuracy_delta`` is that of the first design that credits features, ``delta_<design>`` that of each other. Differences are of one
    seed, fractions.
    """

    def __init__(self, designs: Sequence[Design], runs: Sequence[Run], destination: Destination, results: Mapping[str, RunResult]) -> None:
        self._designs, self._destination = [design for design in designs if design.features], destination
        self._keys = {(run.arm, run.seed): run.key for run in runs}
        self._logged = destination.logged_metrics()
        self._results: dict[str, RunResult] = {}
        for run in runs:
            if run.key in results:
                self.add(run, results[run.key])

    def add(self, run: Run, result: RunResult) -> None:
        """Take a finished run, and log the differences that it completes: its own, and those of arms that are compared with it."""
        self._results[run.key] = result
        for index, design in enumerate(self._designs):
            metric = "val_accuracy_delta" if index == 0 else f"delta_{design.name}"
            for arm, reference in design.references.items():
                if run.arm in (arm, reference):
                    self._log(metric, self._keys[arm, run.seed], self._keys[reference, run.seed])

    def _log(self, metric: str, ours: str, theirs: str) -> None:
        if ours not in self._results or theirs not in self._results:
            return
        run_id, difference = self._results[ours].run_id, self._results[ours].score - self._results[theirs].score
        logged = self._logged.setdefault(run_id, set())
        if metric not in logged:
            logged.add(metric)
            self._destination.store.log_metrics(run_id, {metric: difference})
