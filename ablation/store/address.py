"""The address of a store, MLflow's tracking URI: what can be one, and whether something answers there."""

import os
import socket
from pathlib import Path
from urllib.parse import SplitResult, urlsplit

from ablation.errors import InputError

PATIENCE = 1.5  # seconds until a server counts as unreachable

SQLITE = "sqlite:///"
DEFAULT_URI = f"{SQLITE}mlflow.db"

PORTS = {"http": 80, "https": 443, "postgresql": 5432, "mysql": 3306, "mssql": 1433}
"""The servers that a store can be, with the port of each where the address has none."""


def named_uri() -> str:
    """Return the tracking URI that ``MLFLOW_TRACKING_URI`` names, else MLflow's own default."""
    return os.environ.get("MLFLOW_TRACKING_URI") or DEFAULT_URI


def database_of(uri: str) -> Path | None:
    """Return the file of a store's database, or None where the store is no file."""
    return Path(uri.removeprefix(SQLITE)).absolute() if uri.startswith(SQLITE) else None


def check_address(uri: str) -> str:
    """Return a tracking URI under which a store can be.

    Raises:
        InputError: if it cannot be one, or a server is named and does not answer.
    """
    try:
        parts = urlsplit(uri)
        host, port = parts.hostname, parts.port
    except ValueError as error:
        raise _unusable(f"names no server ({error})") from error
    kind, _, driver = parts.scheme.partition("+")
    if kind == "sqlite":
        _check_file(uri)
    elif kind in PORTS:
        if kind not in ("http", "https"):
            _check_driver(uri, kind, driver)
        elif not host:
            raise _unusable("names no server")
        if host:
            _reach(parts, host, port or PORTS[kind])
    elif kind.startswith("databricks") or uri.startswith("databricks"):
        raise _unusable("names Databricks, which this package does not log to")
    elif kind in ("", "file"):
        raise _unusable(f"'{uri}' names a folder, which MLflow no longer logs to")
    else:
        raise _unusable(f"names a store of the kind '{kind}', which MLflow does not have")
    return uri


def _unusable(why: str) -> InputError:
    # Without the address itself, which may hold a password.
    return InputError(f"MLFLOW_TRACKING_URI {why}; expected for instance {DEFAULT_URI} or http://127.0.0.1:5000")


def _check_file(uri: str) -> None:
    path = database_of(uri)
    if path is None or uri == SQLITE or path.is_dir():
        raise _unusable(f"'{uri}' names no database's file")
    if path.exists() and not path.is_file():
        raise _unusable(f"'{uri}' names a device or a pipe")


def _check_driver(uri: str, kind: str, driver: str) -> None:
    """Refuse a database whose driver, another package, is not there."""
    from sqlalchemy import make_url
    from sqlalchemy.exc import SQLAlchemyError

    try:
        make_url(uri).get_dialect().import_dbapi()
    except ImportError as error:
        raise InputError(f"MLFLOW_TRACKING_URI names a {kind} database, and the package {error.name} is not installed here") from error
    except SQLAlchemyError as error:
        raise _unusable(f"names a {kind} database by the driver '{driver}', which SQLAlchemy does not know") from error


def _reach(parts: SplitResult, host: str, port: int) -> None:
    try:
        socket.create_connection((host, port), timeout=PATIENCE).close()
    except (OSError, UnicodeError) as error:
        address = f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"
        reason = getattr(error, "strerror", None) or error
        raise InputError(
            f"the tracking server {address} cannot be reached ({reason}); expected MLFLOW_TRACKING_URI to name a running one"
        ) from error
