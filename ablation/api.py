"""A finished study, for notebooks and programs: its runs, effects and epochs as data frames, its table, its charts as figures."""

import io
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from ablation.designs import Arm, label
from ablation.errors import InputError, nearest
from ablation.report.publish import FINDINGS
from ablation.store.connection import Store
from ablation.store.sqlite import LoggedStudy
from ablation.study.findings import Findings, from_json

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure


def load_study(name: str | None = None) -> "FinishedStudy":
    """Read a finished study from MLflow: the store that ``MLFLOW_TRACKING_URI`` names, else ``mlflow.db`` in the working folder.

    Args:
        name: of the study, or its run id; None for the latest.

    Raises:
        InputError: if there is no such study, or it has not come to its end.
    """
    store = Store.of_environment("ablation")
    return FinishedStudy(findings_of(store, chosen(store.studies(), name)))


def chosen(studies: Sequence[LoggedStudy], wanted: str | None) -> LoggedStudy:
    """Return the finished study of that name or run id, the latest where several have the name; without a name, the latest of all.

    Raises:
        InputError: if there is none.
    """
    for study in studies:
        if wanted in (None, study.name, study.run_id):
            return study
    if wanted is None:
        raise InputError("no finished study is here; python -m ablation makes one")
    names = list(dict.fromkeys(study.name for study in studies))
    raise InputError(f"no finished study is called '{wanted}'{nearest(wanted, names)}")


def findings_of(store: Store, study: LoggedStudy) -> Findings:
    """Return what a finished study found, from nothing but what MLflow holds.

    Raises:
        InputError: if MLflow lacks what is needed.
    """
    text = store.study_file(study.run_id, FINDINGS)
    if text is None:
        raise InputError(f"the study '{study.name}' has no {FINDINGS} in MLflow; its own command, given again, adds it and trains nothing")
    return from_json(text, store.result)


@dataclass(frozen=True, eq=False)
class FinishedStudy:
    """What a study found. Accuracies and effects are fractions; ``findings`` holds everything as plain arrays and objects.

    Shown as the report's tables where Markdown is shown, as in a notebook.
    """

    findings: Findings

    @cached_property
    def runs(self) -> "pd.DataFrame":
        """One row a finished run: its arm, a column that says whether it is on for each feature, its seed, score, losses and costs."""
        import pandas as pd

        rows = []
        for arm, seed in self._finished():
            run = self.findings.runs[arm, seed]
            features = {feature: feature in arm for feature in self.findings.features}
            last = {name: values[-1] for name, values in run.history.items()}
            costs = ("parameters", "trainable", "flops", "seconds_per_epoch", "seconds", "peak_memory")
            rows.append(
                {
                    "arm": self.arm_name(arm),
                    **features,
                    "seed": seed,
                    "score": run.score,
                    "test_score": run.test_score,
                    **last,
                    **{name: getattr(run, name) for name in costs},
                    "run_id": run.run_id,
                }
            )
        return pd.DataFrame(rows)

    @cached_property
    def epochs(self) -> "pd.DataFrame":
        """One row an epoch of a finished run: arm, seed, epoch, and both losses and accuracies."""
        import pandas as pd

        frames = []
        for arm, seed in self._finished():
            history = pd.DataFrame(self.findings.runs[arm, seed].history)
            history.insert(0, "epoch", range(1, len(history) + 1))
            history.insert(0, "seed", seed)
            history.insert(0, "arm", self.arm_name(arm))
            frames.append(history)
        return pd.concat(frames, ignore_index=True) if frames else pd.DataFrame()

    @cached_property
    def effects(self) -> "pd.DataFrame":
        """One row a feature of a design: its effect, the 95 % interval, p-values and verdict."""
        import pandas as pd

        names = {"estimate": "effect", "low": "low", "high": "high", "p": "p", "p_holm": "p_holm", "verdict": "verdict", "seeds": "seeds"}
        frames = [
            pd.DataFrame(
                {
                    "design": design.name,
                    "feature": design.features,
                    **{head: getattr(effects, name) for name, head in names.items()},
                }
            )
            for design, effects in zip(self.findings.designs, self.findings.effects, strict=True)
        ]
        return pd.concat(frames, ignore_index=True)

    @cached_property
    def table(self) -> "pd.DataFrame":
        """The report's table: one row an arm with the effect that is read off it."""
        import pandas as pd

        from ablation import report

        return pd.read_csv(io.StringIO(report.csv(self.findings)))

    def contribution(self, design: int = 0) -> "Figure":
        """Draw what each feature of a design contributes, with its interval."""
        from ablation import charts

        return charts.contribution(self.findings, design)

    def climb(self, design: int = 0) -> "Figure":
        """Draw the accuracy from step to step of a design that adds one feature after the other."""
        from ablation import charts

        return charts.climb(self.findings, design)

    def learning_curves(self) -> "Figure":
        """Draw accuracies by epoch, one panel an arm."""
        from ablation import charts

        return charts.learning_curves(self.findings)

    def arm_name(self, arm: Arm) -> str:
        """Return what the frames call an arm: its features, in the study's order."""
        return label(arm, self.findings.features)

    def _finished(self) -> list[tuple[Arm, int]]:
        return [(arm, seed) for arm in self.findings.arms for seed in self.findings.seeds if (arm, seed) in self.findings.runs]

    def __repr__(self) -> str:
        return f"FinishedStudy({self.findings.name!r}, {len(self.findings.runs)} runs)"

    def _repr_markdown_(self) -> str:
        from ablation import report

        return report.markdown(self.findings)
