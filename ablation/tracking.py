"""Tracking: everything that is logged to MLflow and read back from it. The only file that imports mlflow.

    experiment → study (parent run) → one child run for each arm × seed

A run that finished is recognised by its key, whichever study logged it. A study that needs one from elsewhere gets a short child that
copies its numbers and links to it.
"""

import json
import os
import socket
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from ablation.designs import Arm
from ablation.errors import InputError, nearest
from ablation.results import RunResult
from ablation.run import Run

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Metric
    from mlflow.entities import Run as LoggedRun

KEY, COPY, STUDY = "ablation.key", "ablation.copy_of", "ablation.study"
PARENT, NAME, NOTE = "mlflow.parentRunId", "mlflow.runName", "mlflow.note.content"
RESULT = "result.json"
MODEL, WEIGHTS = "model", "network.weights.h5"
INTERVAL = 1.0  # seconds between two calls that log epochs
MOST_METRICS = 900  # MLflow takes 1,000 in one call
PATIENCE = 3.0  # seconds until a tracking server counts as unreachable

DEFAULT_URI = "sqlite:///mlflow.db"


@dataclass(frozen=True)
class Store:
    """Where runs are logged.

    Attributes:
        uri: MLflow's tracking URI; a relative SQLite path is taken from the working folder.
        experiment: name of the experiment.
    """

    uri: str
    experiment: str

    @classmethod
    def of_environment(cls, experiment: str) -> "Store":
        """Return the store that ``MLFLOW_TRACKING_URI`` names, else MLflow's own default, ``mlflow.db`` in the working folder.

        Raises:
            InputError: if a server is named and does not answer, or a folder is named (MLflow refuses its plain-file store).
        """
        uri = os.environ.get("MLFLOW_TRACKING_URI") or DEFAULT_URI
        parts = urlsplit(uri)
        if parts.scheme in ("http", "https"):
            _reach(uri, parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80))
        elif parts.scheme in ("", "file"):
            raise InputError(
                f"MLFLOW_TRACKING_URI={uri} names a folder, which MLflow no longer logs to; expected for instance {DEFAULT_URI}"
            )
        elif parts.scheme == "sqlite":
            path = Path(uri.removeprefix("sqlite:///")).absolute()
            if not os.access(path if path.exists() else path.parent, os.W_OK):
                raise InputError(f"'{path}' cannot be written; expected a writable folder for MLflow's database")
            uri = f"sqlite:///{path}"
        return cls(uri, experiment)

    @property
    def is_new(self) -> bool:
        """Whether nothing was ever logged there. Asking makes no database."""
        return self.uri.startswith("sqlite:///") and not Path(self.uri.removeprefix("sqlite:///")).exists()

    @cached_property
    def client(self) -> "MlflowClient":
        """MLflow's client for this store."""
        # A server that has gone away is noticed in seconds, not in MLflow's default minutes.
        os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "3")
        os.environ.setdefault("MLFLOW_HTTP_REQUEST_TIMEOUT", "30")
        # A worker logs to the run that it is given, never to one that the shell happens to name.
        os.environ.pop("MLFLOW_RUN_ID", None)
        _quiet()
        from mlflow import MlflowClient

        return MlflowClient(self.uri)

    def experiment_id(self, create: bool) -> str | None:
        """Return the experiment's id; without ``create``, None where it does not exist.

        Raises:
            InputError: if an experiment of that name was deleted.
        """
        found = self.client.get_experiment_by_name(self.experiment)
        if found is None:
            return self._create_experiment() if create else None
        if found.lifecycle_stage != "active":
            raise InputError(
                f"the MLflow experiment '{self.experiment}' was deleted; restore it, or choose another with study.experiment=NAME"
            )
        return str(found.experiment_id)

    def _create_experiment(self) -> str:
        from mlflow.exceptions import MlflowException

        try:
            return str(self.client.create_experiment(self.experiment))
        except MlflowException:
            # Another process made it in this very moment.
            found = self.client.get_experiment_by_name(self.experiment)
            if found is None:
                raise
            return str(found.experiment_id)

    # ---- what is there -------------------------------------------------------------------------------------------------

    def finished(self, keys: Iterable[str], parent: str | None) -> dict[str, RunResult]:
        """Return the finished runs with these keys; ``run_id`` names the run in which each was trained, or its copy under ``parent``."""
        experiment = None if self.is_new else self.experiment_id(create=False)
        if experiment is None:
            return {}
        own = {run.data.tags[KEY]: run for run in self.children(parent, experiment) if _usable(run)} if parent else {}
        results = {}
        for key in keys:
            for run in [own[key]] if key in own else self._search(experiment, f"tags.`{KEY}` = '{key}' and attributes.status = 'FINISHED'"):
                result = self._result(run)
                if result is not None:
                    results[key] = result
                    break
        return results

    def children(self, parent: str, experiment: str) -> list["LoggedRun"]:
        """Return all child runs of a study."""
        return self._search(experiment, f"tags.`{PARENT}` = '{parent}'")

    def find_study(self, key: str) -> str | None:
        """Return the id of a study's parent run, or None."""
        experiment = None if self.is_new else self.experiment_id(create=False)
        found = self._search(experiment, f"tags.`{STUDY}` = '{key}'") if experiment else []
        return found[0].info.run_id if found else None

    def _search(self, experiment: str, condition: str) -> list["LoggedRun"]:
        runs: list[LoggedRun] = []
        token = None
        while True:
            page = self.client.search_runs(
                [experiment], condition, max_results=1000, page_token=token, order_by=["attributes.start_time ASC"]
            )
            runs += page
            token = page.token
            if not token:
                return runs

    def _result(self, run: "LoggedRun") -> RunResult | None:
        """Read a run's result, or None where its artifact has gone."""
        from mlflow.exceptions import MlflowException

        try:
            text = Path(self.client.download_artifacts(run.info.run_id, RESULT)).read_text(encoding="utf-8")
        except (OSError, MlflowException):
            return None
        return replace(RunResult(**json.loads(text)), run_id=run.info.run_id)

    def named(self, name: str | None) -> "LoggedStudy":
        """Return the latest study of that name, or the latest of all.

        Raises:
            InputError: if there is none.
        """
        experiment = None if self.is_new else self.experiment_id(create=False)
        parents = self._search(experiment, f"tags.`{STUDY}` != ''") if experiment else []
        found = [run for run in parents if name in (None, run.info.run_name)]
        if not found:
            names = sorted({str(run.info.run_name) for run in parents})
            wanted = f"study '{name}'" if name else "study"
            raise InputError(f"there is no {wanted} in MLflow's experiment '{self.experiment}'{nearest(name or '', names)}")
        return LoggedStudy(found[-1].info.run_name, found[-1].info.run_id)

    def read(self, run_id: str, file: str) -> str:
        """Return a text file of a run.

        Raises:
            InputError: if it does not have that file.
        """
        from mlflow.exceptions import MlflowException

        try:
            return Path(self.client.download_artifacts(run_id, file)).read_text(encoding="utf-8")
        except (OSError, MlflowException) as error:
            raise InputError(f"the MLflow run {run_id} has no file '{file}', which a study leaves when it ends") from error

    def logged(self, study: "LoggedStudy | None") -> list["LoggedTraining"]:
        """Return the runs of a study, those that another study trained included; without a study, all that were trained."""
        experiment = None if self.is_new else self.experiment_id(create=False)
        if experiment is None:
            return []
        runs = self.children(study.run_id, experiment) if study else self._search(experiment, f"tags.`{KEY}` != ''")
        trainings = []
        for run in runs:
            tags = run.data.tags
            original = self.client.get_run(tags[COPY]) if COPY in tags else run
            result = self._result(original) if run.info.status == "FINISHED" else None
            trainings.append(
                LoggedTraining(
                    arm=frozenset(filter(None, tags["ablation.arm"].split(","))),
                    seed=int(tags["ablation.seed"]),
                    params=dict(run.data.params),
                    result=replace(result, run_id=run.info.run_id) if result else None,
                    message=str(tags.get(NOTE, run.info.status)) if result is None else "",
                )
            )
        return trainings

    # ---- a study -------------------------------------------------------------------------------------------------------

    def open_study(self, key: str, name: str, params: Mapping[str, Any]) -> "Destination":
        """Reopen the parent run of this study, or make it. Runs that a killed process left as running are marked as killed."""
        experiment = self.experiment_id(create=True)
        assert experiment is not None
        parent = self.find_study(key)
        if parent is None:
            run = self.client.create_run(experiment, tags={STUDY: key}, run_name=name)
            parent = run.info.run_id
            self._log_params(parent, params)
        else:
            self.client.update_run(parent, status="RUNNING")
        destination = Destination(self, experiment, parent)
        destination.kill_unfinished()
        return destination

    def _log_params(self, run_id: str, params: Mapping[str, Any]) -> None:
        from mlflow.entities import Param

        self.client.log_batch(run_id, params=[Param(name, str(value)[:6000]) for name, value in params.items()])

    def log_metrics(self, run_id: str, metrics: Mapping[str, float], step: int = 0) -> None:
        """Log metrics in one call; those that are None or NaN are left out."""
        from mlflow.entities import Metric

        now = int(time.time() * 1000)
        kept = {name: float(value) for name, value in metrics.items() if value is not None and value == value}
        self.client.log_batch(run_id, metrics=[Metric(name, value, now, step) for name, value in kept.items()])


@dataclass(frozen=True)
class LoggedStudy:
    """A study's name and the id of its parent run."""

    name: str
    run_id: str


@dataclass(frozen=True)
class LoggedTraining:
    """A run as MLflow has it.

    Attributes:
        arm, seed: what was trained.
        params: the run's settings, as MLflow shows them.
        result: None where it did not finish.
        message: why it did not.
    """

    arm: Arm
    seed: int
    params: Mapping[str, str]
    result: RunResult | None
    message: str


@dataclass(frozen=True)
class Destination:
    """One study's place in a store: what workers log to."""

    store: Store
    experiment_id: str
    parent: str

    @property
    def client(self) -> "MlflowClient":
        return self.store.client

    def start_run(self, name: str, key: str, tags: Mapping[str, str], params: Mapping[str, Any], data: Mapping[str, str]) -> str:
        """Start a child run and return its id. ``data`` is the data set's name, digest and description."""
        from mlflow.entities import Dataset, DatasetInput

        run = self.client.create_run(self.experiment_id, tags={PARENT: self.parent, KEY: key, **tags}, run_name=name)
        run_id: str = run.info.run_id
        self.store._log_params(run_id, params)
        dataset = Dataset(data["name"], data["digest"], "local", json.dumps({"source": data["description"]}))
        self.client.log_inputs(run_id, [DatasetInput(dataset)])
        return run_id

    def epochs(self, run_id: str) -> "EpochLog":
        """Return the log of a run's epochs."""
        return EpochLog(self.client, run_id)

    def finish_run(self, run_id: str, result: RunResult, texts: Mapping[str, str]) -> None:
        """Log a run's result and further text files, and mark it as finished, in this order."""
        self.store.log_metrics(run_id, summary(result))
        for name, text in texts.items():
            self.client.log_text(run_id, text, name)
        # The result is the last thing written, so that a run never counts as finished without it.
        self.client.log_text(run_id, json.dumps({**asdict(result), "run_id": ""}), RESULT)
        self.client.set_terminated(run_id, "FINISHED")

    def fail_run(self, run_id: str, message: str) -> None:
        """Mark a run as failed, with its error as its description."""
        self.client.set_tag(run_id, NOTE, message)
        self.client.set_terminated(run_id, "FAILED")

    def save_model(self, run_id: str, model: Any, requirements: Sequence[str]) -> None:
        """Store a Keras model under a run, so that ``mlflow.keras.load_model("runs:/<id>/model")`` reads it."""
        import mlflow

        mlflow.set_tracking_uri(self.store.uri)
        with mlflow.start_run(run_id=run_id):
            # Named requirements spare MLflow the search for them, which would import the model in another process.
            mlflow.keras.log_model(model, name=MODEL, pip_requirements=list(requirements))
        self.client.update_run(run_id, status="RUNNING")

    def save_weights(self, run_id: str, network: Any) -> None:
        """Store the weights of a Keras network under a run, for ``load_weights`` of a network that was built alike."""
        with TemporaryDirectory() as folder:
            file = Path(folder) / WEIGHTS
            network.save_weights(file)
            self.client.log_artifact(run_id, str(file))

    def adopt(self, results: Mapping[str, RunResult], runs: Iterable[Run]) -> dict[str, RunResult]:
        """Give each run that another study trained a short child here that copies its numbers. Return all, under their ids here."""
        children = self.store.children(self.parent, self.experiment_id)
        mine = {run.info.run_id for run in children}
        copies = {run.data.tags[COPY]: run.info.run_id for run in children if COPY in run.data.tags}
        adopted = {}
        for run in runs:
            if run.key not in results:
                continue
            result = results[run.key]
            original = result.run_id
            if original not in mine:
                adopted[run.key] = replace(result, run_id=copies.get(original) or self._copy(run, result))
            else:
                adopted[run.key] = result
        return adopted

    def _copy(self, run: Run, result: RunResult) -> str:
        tags = {PARENT: self.parent, COPY: result.run_id, **run.tags}
        copy: str = self.client.create_run(self.experiment_id, tags=tags, run_name=run.name).info.run_id
        link = f"#/experiments/{self.experiment_id}/runs/{result.run_id}"
        self.client.set_tag(copy, NOTE, f"Another study trained this; the numbers are copied from [the original run]({link}).")
        self.store._log_params(copy, run.params())
        self.store.log_metrics(copy, {**{name: values[-1] for name, values in result.history.items()}, **summary(result)})
        self.client.set_terminated(copy, "FINISHED")
        return copy

    def logged_metrics(self) -> dict[str, set[str]]:
        """Return which metrics each child run has."""
        return {run.info.run_id: set(run.data.metrics) for run in self.store.children(self.parent, self.experiment_id)}

    def kill_unfinished(self) -> None:
        """Mark child runs that still count as running as killed."""
        for run in self.store.children(self.parent, self.experiment_id):
            if run.info.status == "RUNNING":
                self.client.set_terminated(run.info.run_id, "KILLED")

    def close(self, status: str, metrics: Mapping[str, float], folder: Path, note: str) -> None:
        """End the study: its metrics, its files, its description and its status. What a dead worker left as running is marked as killed."""
        self.kill_unfinished()
        self.store.log_metrics(self.parent, metrics)
        self.client.set_tag(self.parent, NOTE, note)
        self.client.log_artifacts(self.parent, str(folder))
        self.client.set_terminated(self.parent, status)

    def kill(self) -> None:
        """Mark the study and what was running of it as killed."""
        self.kill_unfinished()
        self.client.set_terminated(self.parent, "KILLED")


class EpochLog:
    """Logs a run's epochs so that the UI shows them while it trains: about once a second, for each call costs some milliseconds."""

    def __init__(self, client: "MlflowClient", run_id: str) -> None:
        self._client, self._run_id = client, run_id
        self._waiting: list[Metric] = []
        self._flushed = 0.0

    def add(self, epoch: int, metrics: Mapping[str, float]) -> None:
        """Take an epoch's metrics."""
        from mlflow.entities import Metric

        now = int(time.time() * 1000)
        self._waiting += [Metric(name, value, now, epoch) for name, value in metrics.items()]
        if time.monotonic() - self._flushed >= INTERVAL or len(self._waiting) > MOST_METRICS:
            self.flush()

    def flush(self) -> None:
        """Log what is waiting."""
        if self._waiting:
            self._client.log_batch(self._run_id, metrics=self._waiting)
        self._waiting, self._flushed = [], time.monotonic()


def summary(result: RunResult) -> dict[str, float]:
    """Return the numbers of a run that are logged once, as metrics."""
    numbers = {
        "score": result.score,
        "test_accuracy": result.test_score,
        "parameters": result.parameters,
        "trainable_parameters": result.trainable,
        "flops": result.flops,
        "seconds_per_epoch": result.seconds_per_epoch,
        "seconds": result.seconds,
        "peak_memory_mb": result.peak_memory / 1e6,
        "seconds_to_first_epoch": result.first_epoch,
        "processor_use": result.processor_use,
    }
    return {name: float(value) for name, value in numbers.items() if value is not None}


def _usable(run: "LoggedRun") -> bool:
    return run.info.status == "FINISHED" and KEY in run.data.tags


def _reach(uri: str, host: str, port: int) -> None:
    try:
        socket.create_connection((host, port), timeout=PATIENCE).close()
    except OSError as error:
        raise InputError(
            f"the tracking server {uri} cannot be reached ({error.strerror or error}); expected MLFLOW_TRACKING_URI to name a running one"
        ) from error


def _quiet() -> None:
    """Keep MLflow's and its database's start-up lines off the screen."""
    import logging
    import warnings

    # In a notebook, the progress bars that MLflow does not show ask for a package of their own.
    warnings.filterwarnings("ignore", "IProgress not found")
    os.environ.setdefault("MLFLOW_LOGGING_LEVEL", "ERROR")
    os.environ.setdefault("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")
    for name in ("mlflow", "alembic"):
        logging.getLogger(name).setLevel(logging.ERROR)
