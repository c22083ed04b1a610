"""The log of one study: its parent run and its child runs, while it is conducted."""

import json
import time
from collections.abc import Collection, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from types import MappingProxyType, SimpleNamespace
from typing import TYPE_CHECKING, Any

import numpy as np

from ablation.designs import label
from ablation.store import reading
from ablation.store.away import patiently
from ablation.store.claims import LAPSE, Claim, Watch, claims_in, remove
from ablation.store.connection import Store
from ablation.store.epochs import MOST_METRICS, Epoch
from ablation.store.index import in_index
from ablation.store.names import (
    ARM,
    ARM_NAME,
    BEST,
    BRIEF,
    COPY,
    EFFECTS,
    FILES,
    KEY,
    MODEL,
    NOTE,
    OFF,
    ON,
    OWNER,
    PARENT,
    QUESTION,
    RESULT,
    SEED,
    STUDY,
    TABLES,
    WEIGHTS,
)
from ablation.store.pages import address, link, run_link, save_view
from ablation.store.results import as_text, in_brief
from ablation.store.system_metrics import system_metrics
from ablation.study.metric import Metric
from ablation.study.outcome import KerasModel, Result
from ablation.study.subject import Trial
from ablation.wording import listed

if TYPE_CHECKING:
    from mlflow.entities import Metric as Logged


@dataclass(frozen=True)
class LoggedChild:
    """A child run as the store has it.

    Attributes:
        run_id: MLflow's.
        status: MLflow's.
        key: of its trial; empty where another study made it.
        copy_of: id of the run that it is a copy of; empty for one that was made here.
        metrics: names of those that it has.
        note: its description.
    """

    run_id: str
    status: str
    key: str
    copy_of: str
    metrics: frozenset[str]
    note: str


@dataclass(frozen=True)
class Summary:
    """What is logged of a study when it ends, in the units of the scores.

    Attributes:
        note: the answer as Markdown, with which MLflow's page of the study opens.
        metrics: single numbers by name.
        series: ``{name: {step: value}}``.
        effects: the table of effects as columns of equal length, by their heads.
        best: the best arm's name; empty where there is none.
    """

    note: str
    metrics: Mapping[str, float]
    series: Mapping[str, Mapping[int, float]]
    effects: Mapping[str, Sequence[str | float | None]]
    best: str = ""


@dataclass(frozen=True)
class StudyLog:
    """One study's place in a store.

    Attributes:
        experiment_id, parent: MLflow's ids of the experiment and of the study's run.
        metric: name of the metric that scores are logged under.
        name: of the study.
        owner: token of the process that conducts the study.
        watch: tells which other processes are at work on the same study.
    """

    store: Store
    experiment_id: str
    parent: str
    metric: str
    name: str
    owner: str = ""
    watch: Watch = field(default_factory=Watch, compare=False)

    @classmethod
    def open(cls, store: Store, key: str, question: str, name: str, metric: str, params: Mapping[str, Any], owner: str = "") -> "StudyLog":
        """Reopen the parent run of the study with this key, or make it. Runs that a dead process left as running are marked as killed."""
        experiment = store.experiment_id(create=True)
        assert experiment is not None
        found = reading.search(store, experiment, f"tags.`{STUDY}` = '{key}'")
        if found:
            parent = found[0].info.run_id
            store.client.update_run(parent, status="RUNNING", name=name)
            store.client.set_tag(parent, QUESTION, question)
        else:
            made = store.client.create_run(experiment, tags={STUDY: key, QUESTION: question}, run_name=name).info.run_id
            # Another process may have made one in this very moment; both take the first.
            same = reading.search(store, experiment, f"tags.`{STUDY}` = '{key}'")
            parent = min(same, key=lambda run: (run.info.start_time, run.info.run_id)).info.run_id
            if parent != made:
                store.client.delete_run(made)
            _log(store, parent, params=params, tags={NOTE: _way_to_runs(experiment, parent)})
        log = cls(store, experiment, parent, metric, name, owner)
        for claim in log.claims():
            if log.watch.lives(claim) is False:
                remove(store, parent, claim)
        log.kill_unfinished(log.neighbours())
        return log

    @property
    def address(self) -> str:
        """The address of the study's runs in MLflow, for a browser."""
        return address(self.store, self.experiment_id, self.parent)

    def save_view(self, metric: Metric) -> None:
        """Let the study's address open the table of its runs with what is compared of them."""
        save_view(self.store, self.experiment_id, self.parent, metric)

    # ---- a child run ---------------------------------------------------------------------------------------------------

    def start_run(self, trial: Trial, data: Mapping[str, str] | None) -> str:
        """Start a child run and return its id.

        Args:
            data: the data set's name, digest and description.
        """
        run_id = self.make_run(trial)
        _log(self.store, run_id, params=trial.params)
        self.name_data(run_id, data)
        return run_id

    def make_run(self, trial: Trial, began: int | None = None) -> str:
        """Make a child run that has a name and tags, and return its id."""
        tags = {PARENT: self.parent, KEY: trial.key, NOTE: self.about(trial), **self._owned(), **_tags(trial)}
        run = self.store.client.create_run(self.experiment_id, start_time=began, tags=tags, run_name=trial.name)
        return str(run.info.run_id)

    def name_data(self, run_id: str, data: Mapping[str, str] | None) -> None:
        """Log which data set a run uses, where it is one that has a name."""
        if data is not None:
            from mlflow.entities import Dataset, DatasetInput, InputTag

            dataset = Dataset(data["name"], data["digest"], "local", json.dumps({"source": data["description"]}))
            self.store.client.log_inputs(run_id, [DatasetInput(dataset, [InputTag("mlflow.data.context", "training")])])

    def about(self, trial: Trial) -> str:
        """Return what the description of a run begins with: its arm, its seed and the way to its study."""
        states = [f"{listed(names, 'and')} {state}" for names, state in ((trial.features, ON), (trial.off, OFF)) if names]
        arm = f"**{trial.label}**" + (f" ({'; '.join(states)})" if states else "")
        return f"{arm}, seed {trial.seed}, of the study [{self.name}]({run_link(self.experiment_id, self.parent)})."

    def finish_run(
        self,
        run_id: str,
        result: Result,
        texts: Mapping[str, str],
        arrays: Mapping[str, Mapping[str, np.ndarray]],
        note: str = "",
        metrics: Mapping[str, float] = MappingProxyType({}),
        epochs: Sequence[Epoch] = (),
        logged: int = 0,
        params: Mapping[str, str] = MappingProxyType({}),
        ended: int | None = None,
    ) -> None:
        """Log a run's result, its description and its files, and mark it as finished. Done a second time, it changes nothing.

        Args:
            texts, arrays: files by name; arrays become ``.npz``.
            metrics: further ones.
            epochs: all that were reported. A score that is among the metrics of the last one is not logged a second time.
            logged: how many of these are logged already.
            params: the run's settings, where they are not logged yet.
            ended: when, in milliseconds since 1970; None for now.
        """
        epoch, reported = epochs[-1][:2] if epochs else (0, {})
        points = _points(epochs[logged:])
        if reported.get(self.metric) != result.score:
            points.append(_metric(self.metric, result.score, epoch, ended))
        points += [_metric(name, value, at=ended) for name, value in {**_summary(result), **metrics}.items()]
        brief = in_brief(result)
        tags = {**({NOTE: note} if note else {}), **({BRIEF: brief} if brief else {})}
        _log(self.store, run_id, params, tags=tags, more=points)
        with TemporaryDirectory() as folder:
            for name, content in arrays.items():
                np.savez_compressed(Path(folder) / name, allow_pickle=False, **content)
            for name, text in {**texts, RESULT: as_text(result)}.items():
                (Path(folder) / name).write_text(text, encoding="utf-8")
            self.store.client.log_artifacts(run_id, folder)
        # The status is the last thing written, so that a run never counts as finished without its result.
        self.store.client.set_terminated(run_id, "FINISHED", ended)

    def fail_run(self, run_id: str, note: str, texts: Mapping[str, str], epochs: Sequence[Epoch] = (), ended: int | None = None) -> None:
        """Mark a run as failed, with its error as its description and what is known of it as files."""
        _log(self.store, run_id, tags={NOTE: note}, more=_points(epochs))
        if texts:
            self._keep(run_id, texts)
        self.store.client.set_terminated(run_id, "FAILED", ended)

    def log_epochs(self, run_id: str, epochs: Sequence[Epoch]) -> None:
        """Log epochs of a run that goes on."""
        _log(self.store, run_id, more=_points(epochs))

    def watched(self, run_id: str) -> AbstractContextManager[None]:
        """Log how busy the machine is while a run goes, where MLflow is asked to. Called in the process that makes the run."""
        return system_metrics(self.store, run_id)

    def store_model(self, run_id: str, model: KerasModel) -> tuple[str, ...]:
        """Store a Keras model under a run, so that ``mlflow.keras.load_model("runs:/<id>/model")`` reads it, and its weights beside it.

        Called in the process that trained it. Returns the names of what is stored. While the store is away, it is tried again.
        """
        return patiently(lambda: self._store_model(run_id, model))

    def _store_model(self, run_id: str, model: KerasModel) -> tuple[str, ...]:
        import mlflow

        with self.store.as_default(), mlflow.start_run(run_id=run_id, log_system_metrics=False):
            mlflow.models.Model.log(
                None,
                SimpleNamespace(__name__="mlflow.keras", save_model=_save_keras),
                name=MODEL,
                model=model.network,
                signature=mlflow.models.infer_signature(model.example, model.answer),
                input_example=model.example,
                # Named requirements spare MLflow the search for them, which would import the model in another process.
                pip_requirements=list(model.requirements),
                validate_serving_input=False,  # by loading the network again and letting it predict
            )
        self.store.client.update_run(run_id, status="RUNNING")
        with TemporaryDirectory() as folder:
            file = Path(folder) / WEIGHTS
            model.weights_of.save_weights(file)
            self.store.client.log_artifact(run_id, str(file))
        return MODEL, WEIGHTS

    def store_folder(self, run_id: str, folder: Path) -> tuple[str, ...]:
        """Store the files of a folder under a run. Called in the process that made them. Returns the names of what is stored."""
        patiently(lambda: self.store.client.log_artifacts(run_id, str(folder), FILES))
        return tuple(f"{FILES}/{file.relative_to(folder).as_posix()}" for file in sorted(folder.rglob("*")) if file.is_file())

    def add(self, run_id: str, metrics: Mapping[str, float], note: str = "", params: Mapping[str, str] = MappingProxyType({})) -> None:
        """Log metrics, settings and the description of a run in one call; metrics that are NaN are left out."""
        _log(self.store, run_id, params, metrics, {NOTE: note} if note else {})

    # ---- all of them ---------------------------------------------------------------------------------------------------

    def copy_run(self, trial: Trial, result: Result, note: str, metrics: Mapping[str, float], copy: str | None = None) -> str:
        """Give a run that another study made a short child here that copies its numbers, and return the child's id.

        Args:
            result: of the original.
            note: the child's description.
            metrics: further ones.
            copy: a child that was begun and came to no end, which is completed.
        """
        if copy is None:
            tags = {PARENT: self.parent, COPY: result.run_id, **self._owned(), **_tags(trial)}
            copy = str(self.store.client.create_run(self.experiment_id, tags=tags, run_name=trial.name).info.run_id)
        last = {name: values[-1] for name, values in result.history.items() if values}
        _log(self.store, copy, trial.params, {**last, self.metric: result.score, **_summary(result), **metrics}, {NOTE: note})
        self.store.client.set_terminated(copy, "FINISHED")
        return copy

    def about_copy(self, trial: Trial, original: str) -> str:
        """Return the description of a copy of a run, by the original's id."""
        where = run_link(self.experiment_id, original)
        return f"{self.about(trial)}\n\nAnother study made this run; its numbers are copied from [the original]({where})."

    def children(self) -> list[LoggedChild]:
        """Return the child runs, the oldest first."""
        return [
            LoggedChild(
                run.info.run_id,
                run.info.status,
                run.data.tags.get(KEY, ""),
                run.data.tags.get(COPY, ""),
                frozenset(run.data.metrics),
                run.data.tags.get(NOTE, ""),
            )
            for run in self._children()
        ]

    def in_index(self) -> set[str]:
        """Return the ids of the finished children that the study's index has."""
        return in_index(self.store.client.get_run(self.parent).data.tags)

    def holds(self, run_id: str) -> bool:
        """Return whether a run is a child of this study."""
        return bool(self.store.client.get_run(run_id).data.tags.get(PARENT) == self.parent)

    def claims(self) -> list[Claim]:
        """Return the claims of the processes that conduct, or have conducted, this study, but for this process."""
        claims = claims_in(self.store.client.get_run(self.parent).data.tags)
        return [claim for claim in claims if claim.owner.token != self.owner]

    def neighbours(self, certainly: bool = False) -> frozenset[str]:
        """Return the tokens of other processes that conduct this study now.

        Args:
            certainly: whether to wait until it is known of each; else one that cannot be told counts as alive.
        """
        deadline = time.monotonic() + LAPSE
        while True:
            alive = {claim.owner.token: self.watch.lives(claim) for claim in self.claims()}
            if not certainly or None not in alive.values() or time.monotonic() > deadline:
                return frozenset(token for token, lives in alive.items() if lives is not False)
            time.sleep(1.0)

    def kill_unfinished(self, neighbours: Collection[str]) -> None:
        """Mark child runs that still count as running as killed, but for those of neighbours."""
        for run in self._children():
            if run.info.status == "RUNNING" and run.data.tags.get(OWNER) not in neighbours:
                self.store.client.set_terminated(run.info.run_id, "KILLED")

    def _owned(self) -> dict[str, str]:
        return {OWNER: self.owner or "nobody"}

    def _children(self) -> Sequence[Any]:
        return reading.children(self.store, self.parent, self.experiment_id)

    # ---- the study itself ----------------------------------------------------------------------------------------------

    def keep(self, texts: Mapping[str, str]) -> None:
        """Keep texts as files of the study, in place of those of the same name."""
        self._keep(self.parent, texts)

    def _keep(self, run_id: str, texts: Mapping[str, str]) -> None:
        with TemporaryDirectory() as folder:
            for name, text in texts.items():
                (Path(folder) / name).write_text(text, encoding="utf-8")
            self.store.client.log_artifacts(run_id, folder)

    def close(self, status: str, summary: Summary, folder: Path) -> None:
        """End the study: its summary, its files, its status. What a dead worker left running is killed.

        Where another process conducts it too, that one gives it its status.
        """
        neighbours = self.neighbours(certainly=True)
        self.kill_unfinished(neighbours)
        note = f"{_way_to_runs(self.experiment_id, self.parent)}\n\n{summary.note}"
        tags = {NOTE: note, **({BEST: summary.best} if summary.best else {})}
        if summary.effects:
            tags[TABLES] = json.dumps([{"path": EFFECTS, "type": "table"}])
            self.keep({EFFECTS: json.dumps({"columns": list(summary.effects), "data": list(zip(*summary.effects.values(), strict=True))})})
        points = [_metric(name, value, step) for name, values in summary.series.items() for step, value in values.items()]
        points += [_metric(name, value) for name, value in summary.metrics.items()]
        _log(self.store, self.parent, tags=tags, more=self._new(points))
        self.store.client.log_artifacts(self.parent, str(folder))
        if not neighbours:
            self.store.client.set_terminated(self.parent, status)

    def _new(self, points: "Sequence[Logged]") -> "list[Logged]":
        """Return those metrics of the study that do not stand there already, of a study that was continued."""
        there = self.store.client.get_run(self.parent).data.metrics
        known = {
            (each.key, each.step): each.value
            for name in dict.fromkeys(point.key for point in points)
            if name in there
            for each in self.store.client.get_metric_history(self.parent, name)
        }
        return [point for point in points if known.get((point.key, point.step)) != point.value]

    def kill(self) -> None:
        """Mark the study and what was running of it as killed, but for what another process has in hand."""
        neighbours = self.neighbours()
        self.kill_unfinished(neighbours)
        if not neighbours:
            self.store.client.set_terminated(self.parent, "KILLED")


def _save_keras(path: str, validate_serving_input: bool, **given: Any) -> None:
    """Save a network as ``mlflow.keras.log_model`` does, which with an input example fails in MLflow 3.17, for want of the folder."""
    import mlflow

    Path(path).mkdir()
    mlflow.keras.save_model(path=path, **given)


def _tags(trial: Trial) -> dict[str, str]:
    """What finds and groups runs in MLflow by what they are."""
    name = label(trial.arm, (*trial.features, *trial.off))
    toggles = {**dict.fromkeys(trial.features, ON), **dict.fromkeys(trial.off, OFF)}
    return {ARM_NAME: name, **toggles, ARM: ",".join(trial.features), SEED: str(trial.seed)}


def _way_to_runs(experiment_id: str, parent: str) -> str:
    """Return the line with which the description of a study begins."""
    return f"[The runs of this study, the best first, with score, difference, arm and seed]({link(experiment_id, parent)})"


def _summary(result: Result) -> dict[str, float]:
    """Return the numbers of a run, beside its score, that are logged once."""
    return {**result.measures, "seconds": result.seconds}


def _log(
    store: Store,
    run_id: str,
    params: Mapping[str, Any] | None = None,
    metrics: Mapping[str, float] | None = None,
    tags: Mapping[str, str] | None = None,
    more: "Sequence[Logged]" = (),
) -> None:
    """Log in one call, as far as MLflow takes it; metrics that are NaN are left out. ``more`` are metrics of their own steps."""
    from mlflow.entities import Param, RunTag

    logged = [*more, *(_metric(name, value) for name, value in (metrics or {}).items())]
    kept = [metric for metric in logged if metric.value == metric.value]
    while len(kept) > MOST_METRICS:
        store.client.log_batch(run_id, metrics=kept[:MOST_METRICS])
        kept = kept[MOST_METRICS:]
    store.client.log_batch(
        run_id,
        metrics=kept,
        params=[Param(name, str(value)[:6000]) for name, value in (params or {}).items()],
        tags=[RunTag(name, value) for name, value in (tags or {}).items()],
    )


def _metric(name: str, value: float, step: int = 0, at: int | None = None) -> "Logged":
    from mlflow.entities import Metric as Logged

    return Logged(name, float(value), int(time.time() * 1000) if at is None else at, step)


def _points(epochs: Sequence[Epoch]) -> "list[Logged]":
    return [_metric(name, value, number, ended) for number, metrics, ended in epochs for name, value in metrics.items()]
