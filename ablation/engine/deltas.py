"""Deltas: for each run, its score minus that of the arm it is compared with, with the same seed."""

from dataclasses import dataclass

from ablation.designs import label
from ablation.study.outcome import Result
from ablation.study.study import Study
from ablation.study.subject import Trial


@dataclass(frozen=True)
class Delta:
    """A run's difference from another one.

    Attributes:
        name: of the metric that it is logged as.
        value: in the metric's own units.
        words: the same in a sentence, as Markdown.
    """

    name: str
    value: float
    words: str


class Deltas:
    """Finds each difference as soon as both of its runs are there, and never twice.

    ``<metric>_delta`` is that of the first design that credits features, ``delta_<design>`` that of each other. Differences are of one
    seed, in the metric's own units.

    Args:
        logged: names of the metrics that runs have already, by the keys of their trials; new ones are added.
    """

    def __init__(self, study: Study, logged: dict[str, set[str]]) -> None:
        self._study, self._designs = study, [design for design in study.designs if design.features]
        self._keys = {(trial.arm, trial.seed): trial.key for trial in study.trials}
        self._logged = logged
        self._results: dict[str, Result] = {}

    def add(self, trial: Trial, result: Result) -> dict[str, list[Delta]]:
        """Take a finished run, and return the differences that it completes, its own and those of others from it, by the keys of trials."""
        self._results[trial.key] = result
        metric = self._study.subject.metric.key
        found: dict[str, list[Delta]] = {}
        for index, design in enumerate(self._designs):
            name = f"{metric}_delta" if index == 0 else f"delta_{design.name}"
            for arm, reference in design.references.items():
                key = self._keys[arm, trial.seed]
                ours, theirs = self._results.get(key), self._results.get(self._keys[reference, trial.seed])
                if trial.arm not in (arm, reference) or ours is None or theirs is None:
                    continue
                logged = self._logged.setdefault(key, set())
                if name not in logged:
                    logged.add(name)
                    value = ours.score - theirs.score
                    other = label(reference, self._study.features)
                    words = f"{value:+.4g}".replace("-", "−")
                    sentence = f"{metric} {words} against “{other}” with the same seed ({design.name})."
                    found.setdefault(key, []).append(Delta(name, value, sentence))
        return found
