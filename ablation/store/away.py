"""A store that cannot be reached for now, told from one that refuses what it is given."""

import socket
import time
from collections.abc import Callable
from typing import TypeVar
from urllib.parse import urlsplit

from ablation.store.address import PATIENCE, PORTS
from ablation.store.connection import Store

Result = TypeVar("Result")

AGAIN = 2.0
"""Seconds between two attempts to reach a store that is away."""

LONG = 1200.0
"""Seconds for which a run that is over tries to store its network."""

SERVER_ERROR = 500
"""From this status of HTTP on, a server or what stands before it says that it cannot answer now."""


def is_away(error: BaseException) -> bool:
    """Return whether an error says that the store cannot be reached for now, or is being restarted, and the same may work later."""
    each: BaseException | None = error
    while each is not None:
        kind = type(each)
        status = _status(each)
        if status is not None:
            return status >= SERVER_ERROR
        if isinstance(each, ConnectionError | TimeoutError) or kind.__module__.startswith(("requests.", "urllib3.")):
            return True
        if kind.__module__.startswith("sqlalchemy.") and kind.__name__ in ("OperationalError", "InterfaceError", "TimeoutError"):
            return True
        each = each.__cause__ or each.__context__
    return False


def _status(error: BaseException) -> int | None:
    """Return the status of HTTP with which a server refused something; None where it is not that."""
    status = getattr(getattr(error, "response", None), "status_code", None)
    if isinstance(status, int):
        return status
    # MLflow's exceptions have one even where no server was asked.
    of_mlflow = getattr(error, "get_http_status_code", None)
    if of_mlflow and (type(error).__name__ == "RestException" or str(error).startswith("API request to endpoint")):
        return int(of_mlflow())
    return None


def patiently(do: Callable[[], Result]) -> Result:
    """Do something with the store, again and again while that is away."""
    deadline = time.monotonic() + LONG
    while True:
        try:
            return do()
        except Exception as error:
            if not is_away(error) or time.monotonic() > deadline:
                raise
        time.sleep(AGAIN)


def answers(store: Store) -> bool:
    """Return whether something listens where the store is; True for one that is no server."""
    parts = urlsplit(store.uri)
    port = parts.port or PORTS.get(parts.scheme.partition("+")[0])
    if not parts.hostname or port is None:
        return True
    try:
        socket.create_connection((parts.hostname, port), PATIENCE).close()
    except OSError:
        return False
    return True


def what_is_away(store: Store) -> str:
    """Return what a sentence about a store that cannot be reached begins with."""
    return "The tracking server" if store.uri.startswith("http") else "MLflow's database"
