"""The workers of a Dask scheduler that runs already."""

import json
import logging
import socket
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from ablation.checks import number, whole
from ablation.engine.execution.pool import OnEvent, Pool
from ablation.engine.worker import Packed
from ablation.errors import InputError
from ablation.wording import counted

PATIENCE = 3  # seconds until a scheduler counts as unreachable

LOUD = ("distributed", "distributed.client", "distributed.core", "tornado.application", "asyncio")
"""Loggers of Dask's that complain at length of a scheduler that has gone."""


@dataclass(frozen=True)
class Dask:
    """The workers of a running Dask scheduler, those that come later too. They need this package in the same version.

    Args:
        address: of the scheduler, such as ``tcp://10.0.0.5:8786``; ``tls://`` with the certificates of Dask's own configuration.
        scheduler_file: the file in which the scheduler wrote its address, in place of that.
        threads: CPU threads of a run; None leaves it to the subject.
        wait: seconds after which a scheduler without workers counts as lost.
        resources: what a run takes of a worker's resources, such as ``{GPU: 1}``; workers without them are not used.
    """

    address: str | None = None
    scheduler_file: str | None = None
    threads: int | None = None
    wait: float = 600
    resources: Mapping[str, float] | None = None

    def __post_init__(self) -> None:
        if bool(self.address) == bool(self.scheduler_file):
            raise InputError(
                "execution=dask needs the scheduler's address, for instance execution.address=tcp://127.0.0.1:8786, or the file in which "
                "it is written: execution.scheduler_file=scheduler.json"
            )
        if self.address:
            _parts(self.address)
        whole("execution.threads", self.threads, 1, optional=True)
        number("execution.wait", self.wait, at_least=0)
        for name, amount in (self.resources or {}).items():
            number(f"execution.resources.{name}", amount, above=0)

    @property
    def slots(self) -> None:
        return None

    def remarks(self) -> tuple[str, ...]:
        return ()

    @contextmanager
    def open(self, subject: Packed, on_event: OnEvent) -> Iterator[Pool]:
        from ablation.engine.execution.place import Place
        from ablation.engine.execution.workers import Workers

        address = self.address or _written(str(self.scheduler_file))
        place = Place(
            name=f"the scheduler {address}",
            waiting=lambda runs: _waiting(address, runs, self.resources or {}),
            gone=f"the scheduler {address} has gone away; once it runs again, the same command continues the study",
            wait=self.wait,
            threads=self.threads,
            resources=self.resources or {},
            grows=True,
        )
        with _silent(), _connected(address) as client:
            pool = Workers(client, subject, place, on_event)
            try:
                pool.check_present()
                yield pool
            finally:
                pool.close()


def _waiting(address: str, runs: int, resources: Mapping[str, float]) -> str:
    wanted = "".join(f" --resources {name}={amount:g}" for name, amount in resources.items())
    waits = f", and {counted(runs, 'run')} {'waits' if runs == 1 else 'wait'} for one" if runs else ""
    start = f"start one with: dask worker {address} --nthreads 1{wanted}"
    return f"waiting for workers: the scheduler {address} has none that can be used{waits}; {start}"


def _parts(address: str) -> tuple[str, int]:
    """Return host and port of an address."""
    try:
        where = urlsplit(address)
        if where.hostname and where.port:
            return where.hostname, where.port
    except ValueError:
        pass
    raise InputError(f"execution.address={address} is no address of a scheduler; expected for instance tcp://127.0.0.1:8786")


def _written(file: str) -> str:
    """Return the address that a scheduler has written into a file."""
    try:
        return str(json.loads(Path(file).read_text(encoding="utf-8"))["address"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(
            f"execution.scheduler_file={file} names no scheduler ({type(error).__name__}); expected the file of 'dask scheduler "
            "--scheduler-file'"
        ) from error


@contextmanager
def _connected(address: str) -> Iterator[Any]:
    from ablation.engine.execution.client import client_of

    absent = f"the scheduler {address} cannot be reached; expected execution.address to name a running one"
    try:
        # A plain connection first: Dask's own client tries an absent scheduler for long, and complains at length.
        socket.create_connection(_parts(address), timeout=PATIENCE).close()
    except OSError as error:
        raise InputError(absent) from error
    with ExitStack() as stack:
        try:
            client = stack.enter_context(client_of(address, timeout=PATIENCE))
        except (TypeError, ValueError, RuntimeError) as error:
            raise InputError(f"the scheduler {address} cannot be used ({error}); {CERTIFICATES}") from error
        except OSError as error:
            why = CERTIFICATES if address.startswith("tls://") else "does it expect tls:// in place of tcp://?"
            raise InputError(f"the scheduler {address} does not answer; {why}") from error
        yield client


CERTIFICATES = "expected its certificates in Dask's configuration, distributed.comm.tls"


@contextmanager
def _silent() -> Iterator[None]:
    """Keep Dask's own complaints off the screen: what a person must know is said in a sentence."""
    import_module("distributed")  # sets their levels when it is imported
    loggers = [logging.getLogger(name) for name in LOUD]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.CRITICAL + 1)
    try:
        yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)
