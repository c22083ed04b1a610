"""Execution: where runs happen. One seam, ``concurrent.futures.Executor``; behind it this process or Dask workers."""

import os
import signal
import socket
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Protocol
from urllib.parse import urlsplit

from ablation.errors import InputError

TOPIC = "ablation"
PATIENCE = 3  # seconds until a scheduler counts as unreachable

OnEvent = Callable[[dict[str, Any]], None]


@dataclass(frozen=True)
class Pool:
    """An open place to run in.

    Attributes:
        executor: takes the work.
        slots: how many runs it trains at once.
        own: whether its processes were started for it, and end with it.
    """

    executor: Executor
    slots: int
    own: bool = False


class Execution(Protocol):
    """Opens a pool. ``on_event`` receives what workers report while they train."""

    threads: int | None

    @property
    def slots(self) -> int | None:
        """How many runs it trains at once, where that is known before it is opened."""
        ...

    def open(self, on_event: OnEvent) -> Any:
        """Return a context manager that gives a :class:`Pool`."""
        ...


class _Inline(Executor):
    """Does the work in the calling thread, when it is submitted."""

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        future: Future[Any] = Future()
        try:
            future.set_result(fn(*args, **kwargs))
        except Exception as error:
            future.set_exception(error)
        return future


@dataclass(frozen=True)
class Inline:
    """Runs happen one after the other in this process, for debugging and for work on a single GPU.

    Args:
        threads: CPU threads of a training; None leaves it to the backend.
    """

    threads: int | None = None

    def __post_init__(self) -> None:
        _check_count("execution.threads", self.threads)

    @property
    def slots(self) -> int:
        return 1

    @contextmanager
    def open(self, on_event: OnEvent) -> Iterator[Pool]:
        _report_to(on_event)
        try:
            yield Pool(_Inline(), slots=1)
        finally:
            _report_to(None)


@dataclass(frozen=True)
class Local:
    """Worker processes on this machine, by Dask distributed; nothing of it is reachable from outside.

    Args:
        workers: processes; None makes as many as the machine has cores for, at ``threads`` each.
        threads: CPU threads of a training.
    """

    workers: int | None = None
    threads: int = 1

    def __post_init__(self) -> None:
        _check_count("execution.workers", self.workers)
        _check_count("execution.threads", self.threads)

    @property
    def slots(self) -> int:
        cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
        return self.workers or max(1, cores // self.threads)

    @contextmanager
    def open(self, on_event: OnEvent) -> Iterator[Pool]:
        import logging

        from distributed import Client, LocalCluster

        # Ctrl-C goes to every process of a terminal. The workers are born deaf to it, so that they end quietly with the study.
        heard = signal.signal(signal.SIGINT, signal.SIG_IGN)
        try:
            # No memory limit of Dask's own: it would pause or kill trainings that the machine can well take.
            cluster = LocalCluster(
                n_workers=self.slots,
                threads_per_worker=1,
                processes=True,
                host="127.0.0.1",
                # Any free port, for two studies may run at once, and no dashboard behind it.
                dashboard_address="127.0.0.1:0",
                scheduler_kwargs={"dashboard": False},
                memory_limit=0,
                silence_logs=logging.CRITICAL,
            )
        finally:
            signal.signal(signal.SIGINT, heard)
        with cluster, Client(cluster, set_as_default=False) as client:
            yield _pool(client, self.slots, on_event, own=True)


@dataclass(frozen=True)
class Dask:
    """The workers of a running Dask scheduler. They need this package and the working folder, under the same path.

    Args:
        address: of the scheduler, such as ``tcp://10.0.0.5:8786``.
        threads: CPU threads of a training; None leaves it to the backend.
    """

    address: str | None
    threads: int | None = None

    def __post_init__(self) -> None:
        if not self.address:
            raise InputError("execution=dask needs the scheduler's address, for instance execution.address=tcp://127.0.0.1:8786")
        if urlsplit(self.address).port is None:
            raise InputError(f"execution.address={self.address} is no address of a scheduler; expected for instance tcp://127.0.0.1:8786")
        _check_count("execution.threads", self.threads)

    @property
    def slots(self) -> None:
        return None

    @contextmanager
    def open(self, on_event: OnEvent) -> Iterator[Pool]:
        from distributed import Client

        where = urlsplit(str(self.address))
        try:
            # A plain connection first: Dask's own client tries an absent scheduler for long, and complains at length.
            socket.create_connection((where.hostname or "", where.port or 0), timeout=PATIENCE).close()
            client = Client(self.address, timeout=PATIENCE, set_as_default=False)
        except OSError as error:
            raise InputError(f"the scheduler {self.address} cannot be reached; expected execution.address to name a running one") from error
        with client:
            workers = len(client.scheduler_info(n_workers=-1)["workers"])
            if not workers:
                raise InputError(f"the scheduler {self.address} has no workers; start one with 'dask worker {self.address} --nthreads 1'")
            yield _pool(client, workers, on_event)


def _pool(client: Any, slots: int, on_event: OnEvent, own: bool = False) -> Pool:
    client.subscribe_topic(TOPIC, lambda event: on_event(event[1]))
    # No retries: Dask repeats a run whose worker died in any case, and a run that failed would fail again.
    return Pool(client.get_executor(pure=False), slots, own)


_listener: OnEvent | None = None


def _report_to(listener: OnEvent | None) -> None:
    global _listener
    _listener = listener


def report(event: dict[str, Any]) -> None:
    """Tell the process that opened the pool what a run is doing, from wherever the run happens."""
    if _listener is not None:
        _listener(event)
        return
    from distributed import get_worker

    get_worker().log_event(TOPIC, event)


def _check_count(name: str, value: int | None) -> None:
    if value is not None and (isinstance(value, bool) or not isinstance(value, int) or value < 1):
        raise InputError(f"{name} must be a whole number of at least 1, not {value}")
