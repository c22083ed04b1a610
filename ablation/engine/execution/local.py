"""Worker processes on this machine."""

import logging
import multiprocessing
import os
import signal
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from multiprocessing import resource_tracker
from typing import Any

from ablation.checks import whole
from ablation.engine.execution.gpus import NONE, Gpu, chosen, environments, found, in_words
from ablation.engine.execution.pool import OnEvent, Pool
from ablation.engine.interruption import Interruption
from ablation.engine.worker import Packed
from ablation.errors import InputError

THREADS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")

KEEP_MEMORY = {"MALLOC_TRIM_THRESHOLD_": 1 << 30, "MALLOC_MMAP_THRESHOLD_": 1 << 25}
"""What glibc reads: what a step frees stays with the process for the next step. Dask asks for the opposite, and then a small training
spends most of its time on page faults."""

NO_PAGES: dict[str, list[str]] = {f"distributed.{server}.http.routes": [] for server in ("scheduler", "worker")}
"""Dask's pages for a browser, which would be open to all users of this machine."""


@dataclass(frozen=True)
class Local:
    """Worker processes on this machine, by Dask distributed; nothing of it can be used from outside, or by another user.

    Args:
        workers: processes; None makes one for each run that the GPUs take at once, or as many as the machine has cores for without GPUs,
            at ``threads`` each.
        threads: CPU threads of a run.
        gpus: ``all``, or a list of their numbers; None takes all that there are, and an empty list none.
        runs_per_gpu: how many runs share a GPU.
    """

    workers: int | None = None
    threads: int = 1
    gpus: str | Sequence[int] | None = None
    runs_per_gpu: int = 1

    def __post_init__(self) -> None:
        whole("execution.workers", self.workers, 1, optional=True)
        whole("execution.threads", self.threads, 1)
        whole("execution.runs_per_gpu", self.runs_per_gpu, 1)

    @cached_property
    def _gpus(self) -> tuple[Gpu, ...]:
        return chosen(self.gpus, found())

    def remarks(self) -> tuple[str, ...]:
        return (in_words(self._gpus, self.slots),) if self._gpus else ()

    @property
    def slots(self) -> int:
        if self._gpus:
            return self.workers or len(self._gpus) * self.runs_per_gpu
        cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
        return self.workers or max(1, cores // self.threads)

    @contextmanager
    def open(self, subject: Packed, on_event: OnEvent) -> Iterator[Pool]:
        _check_shared_memory()
        import dask
        from distributed import Nanny, Scheduler, Security, SpecCluster

        from ablation.engine.execution.client import client_of
        from ablation.engine.execution.place import Place
        from ablation.engine.execution.workers import Workers

        variables = {name: str(value) for name, value in {**dict.fromkeys(THREADS, self.threads), **KEEP_MEMORY}.items()}
        environment = {f"distributed.nanny.pre-spawn-environ.{name}": value for name, value in variables.items()}
        place = Place(
            name="this machine",
            waiting=lambda _: "waiting for worker processes to start",
            gone="the scheduler of the worker processes has failed; the same command continues the study",
            wait=60,
            threads=self.threads,
            own=True,
            here=True,
        )
        on_processor = (NONE if self.gpus is not None else {},) * self.slots
        of_each = environments(self._gpus, self.slots) if self._gpus else on_processor
        common = {
            "host": "127.0.0.1",
            "protocol": "tls://",
            # Whoever can reach a scheduler can run code as its user: only this process and its workers have the key.
            "security": (security := Security.temporary()),
            "dashboard": False,
        }
        # One run at a time, and no memory limit of Dask's own: it would pause or kill runs that the machine can well take.
        worker = {**common, "nthreads": 1, "memory_limit": 0, "silence_logs": logging.CRITICAL}
        with _main_hidden(), dask.config.set({**environment, **NO_PAGES}):
            with _deaf_to_interruption(), _in_environment(variables):
                cluster = SpecCluster(
                    workers={slot: {"cls": Nanny, "options": {**worker, "env": dict(of_each[slot])}} for slot in range(self.slots)},
                    # Any free port, for two studies may run at once.
                    scheduler={"cls": Scheduler, "options": {**common, "port": 0, "dashboard_address": "127.0.0.1:0"}},
                    security=security,
                    silence_logs=logging.CRITICAL,
                )
            with cluster, client_of(cluster) as client:
                pool = Workers(client, subject, place, on_event)
                try:
                    yield pool
                finally:
                    pool.close()


@contextmanager
def _in_environment(variables: Mapping[str, str]) -> Iterator[None]:
    """Set variables of this process for a while: Dask prefers its own ones to those that it is asked to give its workers."""
    before = {name: os.environ.get(name) for name in variables}
    os.environ.update(variables)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


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
    """Let processes that are made meanwhile never hear Ctrl-C, which goes to every process of a terminal: they end quietly with the study.

    This process hears it afterwards. Threads and processes inherit what is blocked.
    """
    # It would unblock the signal when the first process is made.
    resource_tracker.ensure_running()
    # Other threads of this process may have it unblocked, and then it is noted at once.
    with Interruption():
        before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
        try:
            yield
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _check_shared_memory() -> None:
    """Refuse a machine on which no process can be made, which Dask would say at length."""
    try:
        multiprocessing.Lock()
    except OSError as error:
        raise InputError(
            f"worker processes need shared memory, and /dev/shm cannot be used ({error.strerror}); expected it to be writable, "
            "or execution=inline"
        ) from error
