"""Execution: where runs happen. One seam, ``concurrent.futures.Executor``; behind it this process or Dask workers."""

import os
import secrets
import signal
import socket
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from threading import current_thread, main_thread
from typing import Any, Protocol
from urllib.parse import urlsplit

from ablation.checks import whole
from ablation.errors import InputError

PATIENCE = 3  # seconds until a scheduler counts as unreachable
THREADS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")

KEEP_MEMORY = {"MALLOC_TRIM_THRESHOLD_": 1 << 30, "MALLOC_MMAP_THRESHOLD_": 1 << 25}
"""What glibc reads: what a step frees stays with the process for the next step. Dask asks for the opposite, and then a small training
spends most of its time on page faults."""

OnEvent = Callable[[dict[str, Any]], None]


@dataclass(frozen=True)
class Pool:
    """An open place to run in.

    Attributes:
        executor: takes the work.
        slots: how many runs go at once.
        send: what work calls with a message for the process that opened the pool, from wherever it happens.
        threads: CPU threads of a run; None leaves it to the subject.
        own: whether its processes were started for it, and end with it.
    """

    executor: Executor
    slots: int
    send: OnEvent
    threads: int | None = None
    own: bool = False


class Execution(Protocol):
    """Opens a pool."""

    @property
    def slots(self) -> int | None:
        """How many runs go at once, where that is known before it is opened."""
        ...

    def open(self, on_event: OnEvent) -> Any:
        """Return a context manager that gives a :class:`Pool`; ``on_event`` receives the messages of runs, in any thread."""
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
        threads: CPU threads of a run; None leaves it to the subject.
    """

    threads: int | None = None

    def __post_init__(self) -> None:
        whole("execution.threads", self.threads, 1, optional=True)

    @property
    def slots(self) -> int:
        return 1

    @contextmanager
    def open(self, on_event: OnEvent) -> Iterator[Pool]:
        yield Pool(_Inline(), 1, on_event, self.threads)


@dataclass(frozen=True)
class Local:
    """Worker processes on this machine, by Dask distributed; nothing of it is reachable from outside.

    Args:
        workers: processes; None makes as many as the machine has cores for, at ``threads`` each.
        threads: CPU threads of a run.
    """

    workers: int | None = None
    threads: int = 1

    def __post_init__(self) -> None:
        whole("execution.workers", self.workers, 1, optional=True)
        whole("execution.threads", self.threads, 1)

    @property
    def slots(self) -> int:
        cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
        return self.workers or max(1, cores // self.threads)

    @contextmanager
    def open(self, on_event: OnEvent) -> Iterator[Pool]:
        import logging

        import dask
        from distributed import Client, LocalCluster

        variables = {**dict.fromkeys(THREADS, self.threads), **KEEP_MEMORY}
        environment = {f"distributed.nanny.pre-spawn-environ.{name}": value for name, value in variables.items()}
        with _main_hidden(), dask.config.set(environment):
            with _deaf_to_interruption():
                # No memory limit of Dask's own: it would pause or kill runs that the machine can well take.
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
            with cluster, Client(cluster, set_as_default=False) as client:
                yield _pool(client, self.slots, on_event, self.threads, own=True)


@contextmanager
def _main_hidden() -> Iterator[None]:
    """Keep new processes from importing the program that this one runs.

    They need nothing of it, and a plain script without ``if __name__ == "__main__"`` would conduct its study once more in each of them. A
    worker that dies is replaced at any time, so this holds for as long as there are workers.
    """
    main = vars(sys.modules["__main__"])
    hidden: dict[str, Any] = {name: main[name] for name in ("__file__", "__spec__") if name in main}
    main.pop("__file__", None)
    main["__spec__"] = None  # as in an interactive session
    try:
        yield
    finally:
        main.update(hidden)


@contextmanager
def _deaf_to_interruption() -> Iterator[None]:
    """Let processes that are made meanwhile ignore Ctrl-C, which goes to every process of a terminal: they end quietly with the study."""
    if current_thread() is not main_thread():
        yield
        return
    heard = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, heard)


@dataclass(frozen=True)
class Dask:
    """The workers of a running Dask scheduler. They need this package, and what the subject stages under the same path.

    Args:
        address: of the scheduler, such as ``tcp://10.0.0.5:8786``.
        threads: CPU threads of a run; None leaves it to the subject.
    """

    address: str | None
    threads: int | None = None

    def __post_init__(self) -> None:
        if not self.address:
            raise InputError("execution=dask needs the scheduler's address, for instance execution.address=tcp://127.0.0.1:8786")
        if urlsplit(self.address).port is None:
            raise InputError(f"execution.address={self.address} is no address of a scheduler; expected for instance tcp://127.0.0.1:8786")
        whole("execution.threads", self.threads, 1, optional=True)

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
            yield _pool(client, workers, on_event, self.threads)


def _pool(client: Any, slots: int, on_event: OnEvent, threads: int | None, own: bool = False) -> Pool:
    # A topic of its own, for a scheduler may serve several studies.
    topic = f"ablation-{secrets.token_hex(8)}"
    client.subscribe_topic(topic, lambda event: on_event(event[1]))
    # No retries: Dask repeats a run whose worker died in any case, and a run that failed would fail again.
    return Pool(client.get_executor(pure=False), slots, partial(_send, topic), threads, own)


def _send(topic: str, event: dict[str, Any]) -> None:
    from distributed import get_worker

    get_worker().log_event(topic, event)
