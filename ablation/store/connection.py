"""Tracking: everything that is logged to MLflow and read back from it. The only file that imports mlflow.

    experiment → study (parent run) → one child run for each arm × seed

A run that finished is recognised by its key, whichever study logged it. A study that needs one from elsewhere gets a short child that
copies its numbers and links to it.
"""

import hashlib
import json
import os
import re
import shutil
import socket
import sqlite3
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Lock, get_ident
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

import numpy as np

from ablation.designs import Arm
from ablation.errors import InputError
from ablation.images.run import Run
from ablation.store.sqlite import Entry, LoggedStudy, ended_studies, finished_runs
from ablation.study.findings import RunResult

if TYPE_CHECKING:
    import keras
    from mlflow import MlflowClient
    from mlflow.entities import Run as LoggedRun

KEY, COPY, STUDY = "ablation.key", "ablation.copy_of", "ablation.study"
PARENT, NAME, NOTE = "mlflow.parentRunId", "mlflow.runName", "mlflow.note.content"
RESULT = "result.json"
CLASSES, CORRECT, PREDICTIONS = "classes.json", "correct.npz", "predictions.npz"
MODEL, WEIGHTS = "model", "network.weights.h5"
INTERVAL = 3.0  # seconds between two calls that log epochs
MOST_METRICS = 900  # MLflow takes 1,000 in one call
PATIENCE = 3.0  # seconds until a tracking server counts as unreachable

SQLITE = "sqlite:///"
DEFAULT_URI = f"{SQLITE}mlflow.db"


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
            path = Path(uri.removeprefix(SQLITE)).absolute()
            if not os.access(path if path.exists() else path.parent, os.W_OK):
                raise InputError(f"'{path}' cannot be written; expected a writable folder for MLflow's database")
            uri = f"{SQLITE}{path}"
        return cls(uri, experiment)

    def __getstate__(self) -> dict[str, Any]:
        # Without the client: a worker that stores networks makes its own, in the thread that trains. Unpickled, it would import MLflow in
        # the thread that talks to the scheduler, beside the import of Keras, and Python 3.11 can fail at compiling in two threads at once.
        return {"uri": self.uri, "experiment": self.experiment}

    @property
    def _database(self) -> Path | None:
        """The database's file, or None where the store is no file."""
        return Path(self.uri.removeprefix(SQLITE)) if self.uri.startswith(SQLITE) else None

    @property
    def is_default(self) -> bool:
        """Whether it is the one that MLflow's own commands take when they are told nothing."""
        return self._database == Path(DEFAULT_URI.removeprefix(SQLITE)).absolute()

    @property
    def is_new(self) -> bool:
        """Whether nothing was ever logged there. Asking makes no database."""
        return self._database is not None and not self._database.exists()

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

        with self._sole_maker():
            client = MlflowClient(self.uri)
            client.search_experiments(max_results=1)  # makes the tables of a new database
        return client

    @contextmanager
    def _sole_maker(self) -> Iterator[None]:
        """Let one process alone make a new database: two at once would collide in MLflow's own making of its tables."""
        if not self.is_new:
            yield
            return
        from filelock import FileLock

        name = f"ablation-{hashlib.blake2b(self.uri.encode(), digest_size=8).hexdigest()}.lock"
        with FileLock(Path(tempfile.gettempdir()) / name):
            yield

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

    def finished(self, keys: Iterable[str], study: str, serves: Callable[[str, RunResult], bool]) -> dict[str, RunResult]:
        """Return the finished runs with these keys.

        Args:
            study: key of the study that asks; what it trained itself comes before the same from elsewhere.
            serves: says of a key and a result whether it has all that is asked for.
        """
        entries: dict[str, list[Entry]] = {}
        for entry in self._ledger(keys):
            entries.setdefault(entry.key, []).append(entry)
        results = {}
        for key in keys:
            for entry in sorted(entries.get(key, ()), key=lambda entry: entry.study != study):
                result = self._result(entry)
                if result is not None and serves(key, result):
                    results[key] = result
                    break
        return results

    def _ledger(self, keys: Iterable[str]) -> list[Entry]:
        """Return what is finished, at least of these keys: from the database itself where it is a file, else through MLflow."""
        if self.is_new:
            return []
        database = self._database
        if database is not None:
            try:
                found = finished_runs(database, self.experiment, KEY, PARENT, STUDY)
            except sqlite3.Error:
                pass  # of another version of MLflow, which then reads it
            else:
                return found
        experiment = self.experiment_id(create=False)
        if experiment is None:
            return []
        found = []
        for key in keys:
            for run in self._search(experiment, f"tags.`{KEY}` = '{key}' and attributes.status = 'FINISHED'"):
                parent = run.data.tags.get(PARENT)
                study = self.client.get_run(parent).data.tags.get(STUDY) if parent else None
                found.append(Entry(key, run.info.run_id, run.info.artifact_uri, study))
        return found

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

    def _result(self, entry: Entry) -> RunResult | None:
        """Read a run's result, or None where its artifact has gone."""
        text = self._text(entry.run_id, entry.artifacts, RESULT)
        return None if text is None else replace(RunResult(**json.loads(text)), run_id=entry.run_id)

    def _text(self, run_id: str, artifacts: str, name: str) -> str | None:
        """Read a text file that a run keeps, or None where there is none."""
        with self._file(run_id, artifacts, name) as file:
            return None if file is None else file.read_text(encoding="utf-8")

    @contextmanager
    def _file(self, run_id: str, artifacts: str, name: str) -> Iterator[Path | None]:
        """Give a file that a run keeps: itself where it lies on this machine, else a passing copy; None where there is none."""
        place = urlsplit(artifacts)
        if place.scheme in ("", "file"):
            file = Path(unquote(place.path) if place.scheme else artifacts) / name
            yield file if file.exists() else None
            return
        from mlflow.exceptions import MlflowException

        with TemporaryDirectory() as folder:
            try:
                copy = Path(self.client.download_artifacts(run_id, name, folder))
            except (OSError, MlflowException):
                yield None
            else:
                yield copy

    def arrays(self, run_id: str, name: str) -> dict[str, np.ndarray] | None:
        """Return the arrays that a run, or the one that it is a copy of, keeps under a name; None where there are none."""
        run = self.client.get_run(run_id)
        if COPY in run.data.tags:
            run = self.client.get_run(run.data.tags[COPY])
        with self._file(run.info.run_id, run.info.artifact_uri, name) as path:
            if path is None:
                return None
            with np.load(path) as file:
                return dict(file)

    def saved_network(self, run_id: str) -> "SavedNetwork":
        """Return which network a run has stored.

        Args:
            run_id: of the run, or enough of its beginning.

        Raises:
            InputError: if no run or more than one has an id that begins so, or it has stored no network.
        """
        found = [] if self.is_new or not re.fullmatch(r"[0-9a-z]+", run_id) else self._runs_like(run_id)
        if not found:
            raise InputError(f"no run in {self.uri} has an id that begins with '{run_id}'; expected one as MLflow shows it")
        if len(found) > 1:
            raise InputError(f"{len(found)} runs have ids that begin with '{run_id}'; expected more of one of them")
        run = found[0]
        if STUDY in run.data.tags:
            raise InputError(f"'{run_id}' is the study '{run.info.run_name}'; expected one of its runs")
        original = self.client.get_run(run.data.tags[COPY]) if COPY in run.data.tags else run
        entry = Entry(run_id, original.info.run_id, original.info.artifact_uri, None)
        result, classes = self._result(entry), self._text(entry.run_id, entry.artifacts, CLASSES)
        if result is None or not result.saved_model or classes is None:
            raise InputError(
                f"the run '{run.info.run_name}' ({run_id}) has stored no network; expected one of a study with save_model=true"
            )
        return SavedNetwork(original.info.run_id, original.data.params["backend"], tuple(json.loads(classes)))

    def _runs_like(self, beginning: str) -> list["LoggedRun"]:
        experiments = [each.experiment_id for each in self.client.search_experiments()]
        return list(self.client.search_runs(experiments, f"attributes.run_id LIKE '{beginning}%'"))

    def load_network(self, saved: "SavedNetwork") -> "keras.Model":
        """Load a network that a run has stored: pixels in, probabilities out."""
        import mlflow

        mlflow.set_tracking_uri(self.uri)
        return mlflow.keras.load_model(f"runs:/{saved.run_id}/{MODEL}")

    # ---- studies that have ended ---------------------------------------------------------------------------------------

    def studies(self) -> list[LoggedStudy]:
        """Return the studies that came to their end, in every experiment, the latest first."""
        if self.is_new:
            return []
        try:
            found = None if self._database is None else ended_studies(self._database, STUDY)
        except sqlite3.Error:
            found = None  # of another version of MLflow, which then reads it
        return sorted(self._studies_asked_for() if found is None else found, key=lambda study: -study.ended)

    def _studies_asked_for(self) -> list[LoggedStudy]:
        """Ask MLflow."""
        experiments = [each.experiment_id for each in self.client.search_experiments()]
        runs = [run for experiment in experiments for run in self._search(experiment, f"tags.`{STUDY}` LIKE '%'")]
        told = [(run.info, run.data.params) for run in runs if run.info.status in ("FINISHED", "FAILED")]
        return [
            LoggedStudy(info.run_id, info.run_name, info.status, params["designs"], params["data"], params["seeds"], info.end_time)
            for info, params in told
            if {"designs", "data", "seeds"} <= params.keys()
        ]

    def study_file(self, run_id: str, name: str) -> str | None:
        """Return the text of a file that a study's parent run holds, or None where it has none of that name."""
        return self._text(run_id, self.client.get_run(run_id).info.artifact_uri, name)

    def copy_files(self, run_id: str, names: Iterable[str], folder: Path) -> list[Path]:
        """Copy those of some files that a study's parent run holds into a folder, and return the copies."""
        artifacts, copies = self.client.get_run(run_id).info.artifact_uri, []
        for name in names:
            with self._file(run_id, artifacts, name) as file:
                if file is not None:
                    copies.append(Path(shutil.copy(file, folder / name)))
        return copies

    def result(self, run_id: str) -> RunResult:
        """Return a run's result; that of a copy stands in the original run.

        Raises:
            InputError: if it has gone.
        """
        run = self.client.get_run(run_id)
        if COPY in run.data.tags:
            run = self.client.get_run(run.data.tags[COPY])
        found = self._result(Entry("", run.info.run_id, run.info.artifact_uri, None))
        if found is None:
            raise InputError(f"the result of the run '{run_id}' has gone from MLflow; the command of its study trains it again")
        return replace(found, run_id=run_id)

    def trainings(self) -> list["LoggedTraining"]:
        """Return all runs that were trained, in whichever study."""
        experiment = None if self.is_new else self.experiment_id(create=False)
        if experiment is None:
            return []
        trainings = []
        for run in self._search(experiment, f"tags.`{KEY}` != ''"):
            tags, entry = run.data.tags, Entry(run.data.tags[KEY], run.info.run_id, run.info.artifact_uri, None)
            result = self._result(entry) if run.info.status == "FINISHED" else None
            trainings.append(
                LoggedTraining(
                    arm=frozenset(filter(None, tags["ablation.arm"].split(","))),
                    seed=int(tags["ablation.seed"]),
                    params=dict(run.data.params),
                    result=result,
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
            self.client.update_run(parent, status="RUNNING", name=name)
        destination = Destination(self, experiment, parent, key)
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
class SavedNetwork:
    """A network that a run has stored.

    Attributes:
        run_id: of the run that trained it.
        backend: on which it did.
        classes: their names, in the order of the probabilities.
    """

    run_id: str
    backend: str
    classes: tuple[str, ...]


@dataclass(frozen=True)
class LoggedTraining:
    """A run as MLflow has it.

    Attributes:
        arm, seed: what was trained.
        params: the run's settings, as MLflow shows them.
        result: None where it did not finish.
    """

    arm: Arm
    seed: int
    params: Mapping[str, str]
    result: RunResult | None


@dataclass(frozen=True)
class Destination:
    """One study's place in a store."""

    store: Store
    experiment_id: str
    parent: str
    study: str

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

    def finish_run(self, run_id: str, result: RunResult, texts: Mapping[str, str], arrays: Mapping[str, Mapping[str, np.ndarray]]) -> None:
        """Log a run's result, text files and files of named arrays (.npz), and mark it as finished."""
        self.store.log_metrics(run_id, summary(result))
        for name, text in texts.items():
            self.client.log_text(run_id, text, name)
        with TemporaryDirectory() as folder:
            for name, content in arrays.items():
                np.savez_compressed(Path(folder) / name, allow_pickle=False, **content)
                self.client.log_artifact(run_id, str(Path(folder) / name))
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

    def failed(self) -> int:
        """Return how many child runs ended in an error, those that were repeated with success included."""
        return sum(run.info.status == "FAILED" for run in self.store.children(self.parent, self.experiment_id))

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


Epoch = tuple[int, dict[str, float], int]
"""An epoch as a run reports it, in types that Dask can send: its number, its metrics, and when it ended in milliseconds since 1970."""


class EpochLog:
    """Logs epochs so that the UI shows them while runs train: every few seconds, for each call costs some tens of milliseconds."""

    def __init__(self, store: Store) -> None:
        self._store, self._thread = store, get_ident()
        self._lock = Lock()
        self._waiting: dict[str, list[Epoch]] = {}
        self._last: dict[str, int] = {}
        self._flushed = time.monotonic()

    def heard(self, event: Mapping[str, Any]) -> None:
        """Take what a run reports."""
        run_id = event["run_id"]
        with self._lock:
            # A run that lost its worker begins anew, with the same numbers.
            new = [epoch for epoch in event["epochs"] if epoch[0] > self._last.get(run_id, 0)]
            if new:
                self._waiting.setdefault(run_id, []).extend(new)
                self._last[run_id] = new[-1][0]
        # What trains in this thread leaves nobody else to log it; another thread is the one that talks to the workers, and may not wait.
        if get_ident() == self._thread:
            self.flush_old()

    def flush_old(self) -> None:
        """Log what is waiting, if the last time is a while ago."""
        if time.monotonic() - self._flushed >= INTERVAL:
            self._flushed = time.monotonic()
            for run_id in list(self._waiting):
                self.flush(run_id)

    def flush(self, run_id: str) -> None:
        """Log what is waiting of a run."""
        from mlflow.entities import Metric

        with self._lock:
            epochs = self._waiting.pop(run_id, [])
        logged = [Metric(name, value, ended, number) for number, metrics, ended in epochs for name, value in metrics.items()]
        for start in range(0, len(logged), MOST_METRICS):
            self._store.client.log_batch(run_id, metrics=logged[start : start + MOST_METRICS])


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


def _reach(uri: str, host: str, port: int) -> None:
    try:
        socket.create_connection((host, port), timeout=PATIENCE).close()
    except OSError as error:
        raise InputError(
            f"the tracking server {uri} cannot be reached ({error.strerror or error}); expected MLFLOW_TRACKING_URI to name a running one"
        ) from error


def _quiet() -> None:
    """Keep what MLflow and its database log off the screen; their errors come as exceptions too, which are told in a sentence."""
    import logging
    import warnings

    # In a notebook, the progress bars that MLflow does not show ask for a package of their own.
    warnings.filterwarnings("ignore", "IProgress not found")
    os.environ.setdefault("MLFLOW_LOGGING_LEVEL", "CRITICAL")
    os.environ.setdefault("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")
    for name in ("mlflow", "alembic"):
        logging.getLogger(name).setLevel(logging.CRITICAL)
