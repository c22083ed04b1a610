"""The connection to MLflow: which store, and a client for it."""

import hashlib
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from ablation.checks import text
from ablation.errors import InputError, without_password
from ablation.store.address import DEFAULT_URI, SQLITE, check_address, database_of, named_uri
from ablation.store.moved import check

if TYPE_CHECKING:
    from mlflow import MlflowClient

LONGEST_NAME = 250
"""Letters of an experiment's name: as many as MLflow's databases have room for."""


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
            InputError: if the store cannot be one, a server is named and does not answer, the store was moved to another folder and not
                repaired, or the experiment cannot be called so.
        """
        text("study.experiment", experiment)
        if len(experiment) > LONGEST_NAME or not experiment.isprintable() or not experiment.strip():
            raise InputError(f"study.experiment has {len(experiment)} letters; expected 1 to {LONGEST_NAME} that can be printed")
        _check_home()
        uri = check_address(named_uri())
        path = database_of(uri)
        if path is not None:
            if not os.access(path if path.exists() else path.parent, os.W_OK):
                raise InputError(f"'{path}' cannot be written; expected a writable folder for MLflow's database")
            check(path)
            uri = f"{SQLITE}{path}"
        return cls(uri, experiment)

    def __getstate__(self) -> dict[str, Any]:
        # Without the client: a worker that stores networks makes its own, in the thread that trains. Unpickled, it would import MLflow in
        # the thread that talks to the scheduler, beside the import of Keras, and Python 3.11 can fail at compiling in two threads at once.
        return {"uri": self.uri, "experiment": self.experiment}

    @property
    def shown_uri(self) -> str:
        """The URI as people are shown it, without user and password."""
        return without_password(self.uri)

    @property
    def database(self) -> Path | None:
        """The database's file, or None where the store is no file."""
        return database_of(self.uri)

    @property
    def is_default(self) -> bool:
        """Whether it is the one that MLflow's own commands take by default."""
        return self.database == Path(DEFAULT_URI.removeprefix(SQLITE)).absolute()

    @property
    def pages(self) -> str:
        """The address of MLflow's pages: of the server itself, else where ``mlflow ui`` shows them by default."""
        return self.shown_uri.rstrip("/") if self.uri.startswith("http") else "http://127.0.0.1:5000"

    @property
    def is_new(self) -> bool:
        """Whether nothing was ever logged there. Asking makes no database."""
        return self.database is not None and not self.database.exists()

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
    def as_default(self) -> Iterator[None]:
        """Let MLflow's own functions log to this store and read from it; afterwards they go where they went before."""
        _quiet()
        import mlflow

        before = os.environ.get("MLFLOW_TRACKING_URI")
        mlflow.set_tracking_uri(self.uri)
        try:
            yield
        finally:
            mlflow.set_tracking_uri(cast(str, before))  # None takes the setting back, though MLflow does not declare it

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


def _check_home() -> None:
    """Refuse an account without a home, as that of a container can be: MLflow cannot be imported there."""
    try:
        Path.home()
    except RuntimeError as error:
        raise InputError("this account has no home folder, and MLflow needs one; expected HOME to name a writable folder") from error


def _quiet() -> None:
    """Keep what MLflow and its database log off the screen; their errors come as exceptions too, which are shown in a sentence."""
    import logging
    import warnings

    # In a notebook, the progress bars that MLflow does not show ask for a package of their own.
    warnings.filterwarnings("ignore", "IProgress not found")
    os.environ.setdefault("MLFLOW_LOGGING_LEVEL", "CRITICAL")
    os.environ.setdefault("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")
    # A line for each run that ends, with its address and the password that may stand in that.
    os.environ["MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT"] = "true"
    for name in ("mlflow", "alembic"):
        logging.getLogger(name).setLevel(logging.CRITICAL)
