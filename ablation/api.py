"""The package from Python: run a function's study or the command's, read one back, and hold what it found."""

import io
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from ablation.designs import DESIGNS, Arm, Design, is_path, label
from ablation.effects import seeds_for_machines
from ablation.errors import InputError, nearest
from ablation.study.findings import Findings
from ablation.study.study import STUDIES
from ablation.wording import listed

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

    from ablation.engine.execution import Execution
    from ablation.store.connection import Store


def run(
    function: Callable[..., Any],
    features: Sequence[str] | Mapping[str, Mapping[str, Any] | None],
    design: str | Sequence[str] = "cumulative",
    seeds: int | Sequence[int] | str = 5,
    *,
    metric: str = "score",
    higher_is_better: bool = True,
    unit: str = "",
    scale: float = 1.0,
    bounds: tuple[float, float] | None = None,
    smallest: float = 0.0,
    orders: int | None = None,
    exclusive: Sequence[Sequence[str]] = (),
    version: str | None = None,
    precision: float | None = None,
    max_seeds: int = 20,
    looks: Sequence[int] = (5, 8, 12, 16, 20),
    futility: bool = False,
    execution: "str | Execution" = "local",
    name: str | None = None,
    experiment: str = "ablation",
    stop_on_error: bool = False,
) -> "FinishedStudy":
    """Ablate a function: train what the design asks for, log it to MLflow, and return what each feature is worth.

    ``function`` is called with ``seed=`` and, for each feature that is on, with the arguments that it changes; with ``report=`` as well
    if it has such an argument, to report epochs: ``report(epoch=3, val_accuracy=0.81)``. It returns the score, or a mapping that holds
    it under the metric's name beside other numbers. Finished runs are recognised again by the function's source and are not repeated.

    Args:
        function: trains and returns a score; in worker processes, unless ``execution="inline"``.
        features: names of arguments that are turned on with True, or for each feature the arguments that change when it is on, such
            as ``{"mixup": {"alpha": 0.2}, "adamw": {"optimizer": "adamw"}}``.
        design: one or several of cumulative, leave_one_out, one_at_a_time, bookends, fractional, pairs, shapley, factorial; several
            share their arms.
        seeds: how many, which, or ``"auto"``: a pilot of three, then as many as ``precision`` needs; or ``"sequential"``: looks at the
            effects, and no more seeds for what is decided.
        metric: name of the score.
        higher_is_better: False for a loss, an error rate or a latency: *helps* then means lower.
        unit: of a score as people read it, such as ``"%"`` or ``"s"``.
        scale: what scores are multiplied by where people read them: 100 for fractions shown in percent.
        bounds: the lowest and the highest score that there can be, such as ``(0, 1)`` for an accuracy; no interval is shown to go beyond
            what an effect can then be, and a run whose score lies outside them counts as failed.
        smallest: the smallest effect of interest, in the units that people read; smaller ones can be called negligible.
        orders: with ``shapley``: how many orders of adding to sample.
        exclusive: groups of features of which at most one can be on.
        version: of the function; needed only where its source or its data cannot be recognised again.
        precision: with ``seeds="auto"``: the wanted half-width of the 95 % intervals, in the units that people read.
        max_seeds: the most seeds that ``"auto"`` may take.
        looks: with ``seeds="sequential"``: the seeds at each look.
        futility: with ``seeds="sequential"``: whether an effect is given up that later looks are unlikely to decide.
        execution: ``"local"`` for worker processes, ``"inline"`` for this one, or the address of a Dask scheduler, ``"tcp://…"``.
        name: of the study; None makes one.
        experiment: MLflow's.
        stop_on_error: whether a failed run ends the study.

    Raises:
        InputError: if something cannot work; nothing was run then.
    """
    from ablation.store.connection import Store
    from ablation.study.metric import own_metric
    from ablation.study.study import Adaptive, Sequential, Study, designed, seeds_of
    from ablation.subjects.function import Function

    what = own_metric(metric, unit, scale, higher_is_better, bounds)
    subject = Function(function, features, what, exclusive=exclusive, version=version)
    adaptive = None
    if seeds == "auto":
        if precision is None:
            raise InputError("seeds='auto' needs precision, the half-width that the 95 % intervals are to have, in the metric's units")
        adaptive = Adaptive(precision, max_seeds)
    if futility and seeds != "sequential":
        raise InputError(f"futility goes with seeds='sequential', and this study has seeds={seeds!r}")
    sequential = Sequential(looks, futility) if seeds == "sequential" else None
    study = Study(
        subject=subject,
        designs=tuple(designed(each, subject) for each in _designs(design, orders)),
        seeds=seeds_of(adaptive.pilot if adaptive else sequential.looks[-1] if sequential else seeds),
        adaptive=adaptive,
        sequential=sequential,
        smallest=smallest,
        stop_on_error=stop_on_error,
        given_name=name,
    )
    return _conducted(study, Store.of_environment(experiment), _execution(execution))


def _designs(given: str | Sequence[str], orders: int | None) -> list[Callable[..., Design]]:
    names = [given] if isinstance(given, str) else list(given)
    for each in names:
        if each not in DESIGNS:
            raise InputError(f"design={each!r} is not known{nearest(str(each), DESIGNS)}")
    if orders is not None and "shapley" not in names:
        raise InputError("orders goes with design='shapley', and this study has another design")
    return [partial(DESIGNS[each], orders=orders) if each == "shapley" else DESIGNS[each] for each in names]


def _execution(given: "str | Execution") -> "Execution":
    from ablation.engine.execution import Dask, Inline, Local

    if not isinstance(given, str):
        return given
    if given in ("local", "inline"):
        return Local() if given == "local" else Inline()
    if urlsplit(given).scheme:
        return Dask(given)
    raise InputError(f"execution={given!r} is not known; expected 'local', 'inline' or the address of a Dask scheduler, 'tcp://…'")


def _conducted(study: Any, store: "Store", execution: "Execution") -> "FinishedStudy":
    """Conduct a study with plain lines on the screen, in a notebook too."""
    from rich.console import Console

    from ablation.engine.conduct import conduct
    from ablation.report.screen import Screen

    console = Console(highlight=False, soft_wrap=True, force_jupyter=False, force_terminal=False)
    conducted = conduct(study, store, execution, Screen(console))
    if conducted.lacking:
        console.print(f"{conducted.lacking}.", markup=False)
    return FinishedStudy(conducted.findings)


def run_study(*settings: str) -> "FinishedStudy":
    """Run a study in the words of the command, and return what it found. Its files and runs are where the command leaves them.

    Args:
        settings: such as ``"features=cumulative"``, ``"data=digits"``, ``"training.epochs=5"``.

    Raises:
        InputError: if a setting cannot work.
    """
    from ablation.configuration import asked_in_words

    asked = asked_in_words(settings)
    return _conducted(asked.study, asked.store, asked.execution)


def analyse(
    frame: "pd.DataFrame",
    *,
    score: str | Sequence[str],
    features: Sequence[str],
    arm: str | None = None,
    seed: str | None = "seed",
    on: Any = (),
    off: Any = (),
    design: str | Sequence[str] = (),
    higher_is_better: bool = True,
    unit: str = "",
    scale: float = 1.0,
    bounds: tuple[float, float] | None = None,
    step: float = 0.0,
    smallest: float = 0.0,
    name: str | None = None,
    log: bool = False,
) -> "FinishedStudy":
    """Analyse runs that were made elsewhere: find out which designs their arms allow, and return what each feature is worth.

    The report goes to ``mlruns/studies/<name>``, as that of a study does.

    Args:
        frame: a row a run.
        score: the column of scores; several, or a pattern such as ``"acc_*"``, where a row is an arm and each of them a seed.
        features: columns that say which features are on, by 1 and 0 or true and false; with ``arm``, the names that it may hold.
        arm: a column that names the features that are on, such as ``"mixup + ema"``, ``"baseline"`` or ``"all − ema"``.
        seed: the column of seeds; None where runs have none, or seeds that mean nothing across arms: intervals are then Welch's.
        on, off: other values that mean on and off, or a mapping from a feature to its own; ``"missing"`` is an empty cell.
        design: one or several designs, in place of those that the arms allow.
        higher_is_better, unit, scale, bounds, smallest: as in :func:`run`.
        step: the smallest difference that two scores can have, such as 0.001 of an accuracy on 1,000 examples.
        name: of the study; None makes one.
        log: whether to log the analysis and its runs to MLflow as a study.

    Raises:
        InputError: if a cell cannot be understood, with the row at fault, or no design fits the arms.
    """
    from ablation.elsewhere.files import logged, written
    from ablation.elsewhere.findings import findings_of
    from ablation.elsewhere.question import Question
    from ablation.elsewhere.read import table_of_frame
    from ablation.store.connection import Store

    asked = Question(
        score=_several(score),
        features=_several(features),
        arm=arm,
        seed=seed,
        on=on,
        off=off,
        designs=_several(design),
        higher_is_better=higher_is_better,
        unit=unit,
        scale=scale,
        bounds=bounds,
        step=step,
        smallest=smallest,
        name=name,
    )
    table = table_of_frame(frame)
    findings, key = findings_of(table, asked), asked.key(table.name)
    if log:
        findings, _ = logged(findings, key, Store.of_environment("ablation"))
    else:
        written(findings, key)
    return FinishedStudy(findings)


def _several(given: str | Sequence[str]) -> tuple[str, ...]:
    return (given,) if isinstance(given, str) else tuple(given)


def load_study(name: str | None = None) -> "FinishedStudy":
    """Read a study from MLflow: the store that ``MLFLOW_TRACKING_URI`` names, else ``mlflow.db`` in the working folder.

    Args:
        name: of the study, or its run id; None for the latest that has finished. One that has not holds what has finished so far.

    Raises:
        InputError: if there is no such study.
    """
    from ablation.report.rebuild import found_so_far
    from ablation.store import reading
    from ablation.store.connection import Store

    store = Store.of_environment("ablation")
    return FinishedStudy(found_so_far(store, reading.chosen(reading.studies(store), name)))


@dataclass(frozen=True, eq=False)
class FinishedStudy:
    """What a study found. Scores and effects are in the metric's own units; ``findings`` holds everything as plain arrays and objects.

    Shown as the report's tables where Markdown is shown, as in a notebook.
    """

    findings: Findings

    @cached_property
    def runs(self) -> "pd.DataFrame":
        """One row a finished run, as in the study's ``runs.csv``: arm, features on or off, seed, score, ends of its history, measures."""
        import pandas as pd

        from ablation.report import run_rows

        columns, rows = run_rows(self.findings)
        return pd.DataFrame(rows, columns=columns)

    @cached_property
    def epochs(self) -> "pd.DataFrame":
        """One row an epoch of a finished run: arm, seed, epoch, and what was reported of it."""
        import pandas as pd

        frames = []
        for arm, seed in self._finished():
            reported = self.findings.runs[arm, seed].history
            history = pd.DataFrame({name: pd.Series(values) for name, values in reported.items()})
            history.insert(0, "epoch", range(1, len(history) + 1))
            history.insert(0, "seed", seed)
            history.insert(0, "arm", self.arm_name(arm))
            frames.append(history)
        return pd.concat(frames, ignore_index=True) if frames else pd.DataFrame()

    @cached_property
    def effects(self) -> "pd.DataFrame":
        """One row a feature of a design: effect, interval, p-values, verdict, seeds that would settle it, the look that did if any."""
        import pandas as pd

        names = {"estimate": "effect", "low": "low", "high": "high", "p": "p", "p_holm": "p_holm", "verdict": "verdict", "seeds": "seeds"}
        looks = self.findings.looks
        frames = [
            pd.DataFrame(
                {
                    "design": design.name,
                    "feature": design.features,
                    **{head: getattr(effects, name) for name, head in names.items()},
                    "seeds_needed_low": [seeds_for_machines(*each)[0] for each in effects.seeds_needed.tolist()],
                    "seeds_needed_high": [seeds_for_machines(*each)[1] for each in effects.seeds_needed.tolist()],
                    **({"look": looks.decided[index]} if looks else {}),
                }
            )
            for index, (design, effects) in enumerate(zip(self.findings.designs, self.findings.effects, strict=True))
        ]
        return pd.concat(frames, ignore_index=True)

    @cached_property
    def table(self) -> "pd.DataFrame":
        """The report's table: one row an arm with the effect that is read off it."""
        import pandas as pd

        from ablation import report

        return pd.read_csv(io.StringIO(report.csv(self.findings)))

    def contribution(self, design: int = 0) -> "Figure":
        """Draw what each feature of a design contributes, with its interval: bars, or a forest of averages over many arms."""
        from ablation import charts

        return charts.effects(self.findings, design)

    def climb(self, design: int = 0) -> "Figure":
        """Draw the score from step to step of a design that adds one feature after the other.

        Raises:
            InputError: if the design does not.
        """
        from ablation import charts

        if not is_path(self.findings.designs[design]):
            paths = [f"climb({index})" for index, each in enumerate(self.findings.designs) if is_path(each)]
            which = f"in this study {listed(paths, 'or')} does" if paths else "cumulative is such a design"
            raise InputError(
                f"{self.findings.designs[design].name} does not add one feature after the other, so there is no climb; {which}"
            )
        return charts.climb(self.findings, design)

    def learning_curves(self) -> "Figure":
        """Draw scores by epoch, one panel an arm."""
        from ablation import charts

        return charts.learning_curves(self.findings)

    def report(self) -> Path:
        """Return the report, one HTML page to read, print and send, in the study's folder; written from what MLflow holds if it is gone."""
        from ablation.report.rebuild import rebuild
        from ablation.store import reading
        from ablation.store.connection import Store

        page = STUDIES / self.findings.name / "report.html"
        if not page.is_file():
            store = Store.of_environment("ablation")
            rebuild(store, reading.chosen(reading.studies(store), self.findings.name))
        return page

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
