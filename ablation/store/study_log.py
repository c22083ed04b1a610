"""The log of one study: its parent run and its child runs, while it is conducted."""

import json
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from ablation.store import reading
from ablation.store.connection import Store
from ablation.store.names import ARM, BEST, COPY, FILES, KEY, MODEL, NOTE, PARENT, QUESTION, RESULT, SEED, STUDY, WEIGHTS
from ablation.study.outcome import KerasModel, Result
from ablation.study.subject import Trial


@dataclass(frozen=True)
class StudyLog:
    """One study's place in a store.

    Attributes:
        experiment_id, parent: MLflow's ids of the experiment and of the study's run.
        metric: name of the metric that scores are logged under.
    """

    store: Store
    experiment_id: str
    parent: str
    metric: str

    @classmethod
    def open(cls, store: Store, key: str, question: str, name: str, metric: str, params: Mapping[str, Any]) -> "StudyLog":
        """Reopen the parent run of the study with this key, or make it. Runs that a killed process left as running are marked as killed."""
        experiment = store.experiment_id(create=True)
        assert experiment is not None
        found = reading.search(store, experiment, f"tags.`{STUDY}` = '{key}'")
        if found:
            parent = found[0].info.run_id
            store.client.update_run(parent, status="RUNNING", name=name)
            store.client.set_tag(parent, QUESTION, question)
        else:
            parent = store.client.create_run(experiment, tags={STUDY: key, QUESTION: question}, run_name=name).info.run_id
            _log(store, parent, params=params)
        log = cls(store, experiment, parent, metric)
        log.kill_unfinished()
        return log

    # ---- a child run ---------------------------------------------------------------------------------------------------

    def start_run(self, trial: Trial, data: Mapping[str, str] | None) -> str:
        """Start a child run and return its id. ``data`` is the data set's name, digest and description."""
        tags = {PARENT: self.parent, KEY: trial.key, **_tags(trial)}
        run_id: str = self.store.client.create_run(self.experiment_id, tags=tags, run_name=trial.name).info.run_id
        _log(self.store, run_id, params=trial.params)
        if data is not None:
            from mlflow.entities import Dataset, DatasetInput

            dataset = Dataset(data["name"], data["digest"], "local", json.dumps({"source": data["description"]}))
            self.store.client.log_inputs(run_id, [DatasetInput(dataset)])
        return run_id

    def finish_run(
        self, run_id: str, result: Result, texts: Mapping[str, str], arrays: Mapping[str, Mapping[str, np.ndarray]], note: str = ""
    ) -> None:
        """Log a run's result, its description and its files, arrays as ``.npz``, and mark it as finished."""
        _log(self.store, run_id, metrics={self.metric: result.score, **_summary(result)}, tags={NOTE: note} if note else {})
        with TemporaryDirectory() as folder:
            for name, content in arrays.items():
                np.savez_compressed(Path(folder) / name, allow_pickle=False, **content)
            for name, text in {**texts, RESULT: json.dumps({**asdict(result), "run_id": ""})}.items():
                (Path(folder) / name).write_text(text, encoding="utf-8")
            self.store.client.log_artifacts(run_id, folder)
        # The status is the last thing written, so that a run never counts as finished without its result.
        self.store.client.set_terminated(run_id, "FINISHED")

    def fail_run(self, run_id: str, message: str, texts: Mapping[str, str]) -> None:
        """Mark a run as failed, with its error as its description and what is known of it as files."""
        self.store.client.set_tag(run_id, NOTE, message)
        if texts:
            self._keep(run_id, texts)
        self.store.client.set_terminated(run_id, "FAILED")

    def store_model(self, run_id: str, model: KerasModel) -> tuple[str, ...]:
        """Store a Keras model under a run, so that ``mlflow.keras.load_model("runs:/<id>/model")`` reads it, and its weights beside it.

        Called in the process that trained it. Returns the names of what is stored.
        """
        import mlflow

        with self.store.as_default(), mlflow.start_run(run_id=run_id):
            # Named requirements spare MLflow the search for them, which would import the model in another process.
            mlflow.keras.log_model(model.network, name=MODEL, pip_requirements=list(model.requirements))
        self.store.client.update_run(run_id, status="RUNNING")
        with TemporaryDirectory() as folder:
            file = Path(folder) / WEIGHTS
            model.weights_of.save_weights(file)
            self.store.client.log_artifact(run_id, str(file))
        return MODEL, WEIGHTS

    def store_folder(self, run_id: str, folder: Path) -> tuple[str, ...]:
        """Store the files of a folder under a run. Called in the process that made them. Returns the names of what is stored."""
        self.store.client.log_artifacts(run_id, str(folder), FILES)
        return tuple(f"{FILES}/{file.relative_to(folder).as_posix()}" for file in sorted(folder.rglob("*")) if file.is_file())

    def log_metrics(self, run_id: str, metrics: Mapping[str, float]) -> None:
        """Log metrics of a run in one call; those that are NaN are left out."""
        _log(self.store, run_id, metrics=metrics)

    # ---- all of them ---------------------------------------------------------------------------------------------------

    def adopt(self, results: Mapping[str, Result], trials: Iterable[Trial]) -> dict[str, Result]:
        """Give each run that another study made a short child here that copies its numbers. Return all, under their ids here."""
        children = self._children()
        mine = {run.info.run_id for run in children}
        copies = {run.data.tags[COPY]: run.info.run_id for run in children if COPY in run.data.tags}
        adopted = {}
        for trial in trials:
            if trial.key in results:
                result = results[trial.key]
                original = result.run_id
                run_id = original if original in mine else copies.get(original) or self._copy(trial, result)
                adopted[trial.key] = replace(result, run_id=run_id)
        return adopted

    def _copy(self, trial: Trial, result: Result) -> str:
        tags = {PARENT: self.parent, COPY: result.run_id, **_tags(trial)}
        copy: str = self.store.client.create_run(self.experiment_id, tags=tags, run_name=trial.name).info.run_id
        link = f"#/experiments/{self.experiment_id}/runs/{result.run_id}"
        note = f"Another study made this run; its numbers are copied from [the original]({link})."
        last = {name: values[-1] for name, values in result.history.items() if values}
        _log(self.store, copy, trial.params, {**last, self.metric: result.score, **_summary(result)}, {NOTE: note})
        self.store.client.set_terminated(copy, "FINISHED")
        return copy

    def logged_metrics(self) -> dict[str, set[str]]:
        """Return which metrics each child run has."""
        return {run.info.run_id: set(run.data.metrics) for run in self._children()}

    def failed(self) -> int:
        """Return how many child runs ended in an error, those that were repeated with success included."""
        return sum(run.info.status == "FAILED" for run in self._children())

    def kill_unfinished(self) -> None:
        """Mark child runs that still count as running as killed."""
        for run in self._children():
            if run.info.status == "RUNNING":
                self.store.client.set_terminated(run.info.run_id, "KILLED")

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

    def close(self, status: str, metrics: Mapping[str, float], folder: Path, note: str, best: str = "") -> None:
        """End the study: its metrics, its files, its description, its status, its best arm. What a dead worker left running is killed."""
        self.kill_unfinished()
        _log(self.store, self.parent, metrics=metrics, tags={NOTE: note, **({BEST: best} if best else {})})
        self.store.client.log_artifacts(self.parent, str(folder))
        self.store.client.set_terminated(self.parent, status)

    def kill(self) -> None:
        """Mark the study and what was running of it as killed."""
        self.kill_unfinished()
        self.store.client.set_terminated(self.parent, "KILLED")


def _tags(trial: Trial) -> dict[str, str]:
    """What finds a run in MLflow by what it is."""
    return {ARM: ",".join(trial.features), SEED: str(trial.seed)}


def _summary(result: Result) -> dict[str, float]:
    """Return the numbers of a run, beside its score, that are logged once."""
    return {**result.measures, "seconds": result.seconds}


def _log(
    store: Store,
    run_id: str,
    params: Mapping[str, Any] | None = None,
    metrics: Mapping[str, float] | None = None,
    tags: Mapping[str, str] | None = None,
) -> None:
    """Log in one call; metrics that are NaN are left out."""
    from mlflow.entities import Metric, Param, RunTag

    now = int(time.time() * 1000)
    kept = {name: float(value) for name, value in (metrics or {}).items() if value == value}
    store.client.log_batch(
        run_id,
        metrics=[Metric(name, value, now, 0) for name, value in kept.items()],
        params=[Param(name, str(value)[:6000]) for name, value in (params or {}).items()],
        tags=[RunTag(name, value) for name, value in (tags or {}).items()],
    )
