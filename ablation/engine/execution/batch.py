"""Workers that are jobs of a batch system: SLURM, PBS or LSF, by dask-jobqueue."""

import logging
import math
import re
import secrets
import shlex
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event, Thread, current_thread, main_thread
from typing import Any

from ablation.checks import choice, names, whole
from ablation.engine.execution.gpus import growing
from ablation.engine.execution.local import KEEP_MEMORY, NO_PAGES, THREADS
from ablation.engine.execution.pool import OnEvent, Pool
from ablation.engine.worker import Packed
from ablation.errors import InputError, first_line
from ablation.shell import guard
from ablation.study.study import FOLDER
from ablation.wording import counted, listed

LOOK = 2.0
"""Seconds between two looks at the queue."""

PATIENCE = 30
"""Seconds that a batch system may take to answer."""

DEATH = 60
"""Seconds after which a worker ends that finds no scheduler, such as one whose job began after its study was killed."""

TRIES = 3
"""How many jobs may end, for each that is wanted, before the first worker has come."""


@dataclass(frozen=True)
class System:
    """What one batch system is called and is asked.

    Attributes:
        name: as people write it.
        cluster: dask-jobqueue's class.
        submit: the command that takes a job.
        listing: a command that prints a line for each job of a name that waits or runs, with its number first and maybe its state.
        cancel: a command that ends all jobs of a name.
        account: what dask-jobqueue calls the account.
        gpus: directives that ask for so many GPUs.
    """

    name: str
    cluster: str
    submit: str
    listing: str
    cancel: str
    account: str
    gpus: Callable[[int], list[str]]


SYSTEMS = {
    "slurm": System(
        name="SLURM",
        cluster="SLURMCluster",
        submit="sbatch",
        listing="squeue --noheader --name={name} --format='%A %T'",
        cancel="scancel --quiet --name={name}",
        account="account",
        gpus=lambda number: [f"--gres=gpu:{number}"],
    ),
    "pbs": System(
        name="PBS",
        cluster="PBSCluster",
        submit="qsub",
        listing="qselect -N {name}",
        cancel="qdel $(qselect -N {name})",
        account="account",
        gpus=lambda number: [f"-l ngpus={number}"],
    ),
    "lsf": System(
        name="LSF",
        cluster="LSFCluster",
        submit="bsub",
        listing="bjobs -noheader -J {name} -o 'jobid stat'",
        cancel="bkill -J {name} 0",
        account="project",
        gpus=lambda number: [f"-gpu num={number}"],
    ),
}


@dataclass(frozen=True)
class Batch:
    """Jobs of a batch system, each a worker process that makes one run after the other; this process submits, replaces and ends them.

    Args:
        system: ``slurm``, ``pbs`` or ``lsf``.
        jobs: how many at once.
        cores: of a job; its runs compute with as many threads.
        memory: of a job, such as ``4GB``.
        walltime: of a job, such as ``2:00:00``; one whose time runs out is replaced.
        partition: the partition or queue; None leaves it to the system.
        account: that is charged; None leaves it to the system.
        gpus: of a job.
        directives: further lines for the head of a job, such as ``--qos=long``.
        interface: the network interface by which jobs reach this machine, such as ``ib0``; None takes the usual one.
        local_directory: a folder on the disk of each node for what workers keep there; None leaves it to Dask.
    """

    system: str
    jobs: int = 1
    cores: int = 1
    memory: str = "4GB"
    walltime: str | None = None
    partition: str | None = None
    account: str | None = None
    gpus: int = 0
    directives: Sequence[str] = ()
    interface: str | None = None
    local_directory: str | None = None

    def __post_init__(self) -> None:
        choice("execution.system", self.system, tuple(SYSTEMS))
        whole("execution.jobs", self.jobs, 1)
        whole("execution.cores", self.cores, 1)
        whole("execution.gpus", self.gpus, 0)
        names("execution.directives", self.directives)
        if not re.fullmatch(r"\d+(\.\d+)? ?[kMGT]i?B", str(self.memory)):
            raise InputError(f"execution.memory={self.memory} is no amount of memory; expected for instance 4GB")
        if self.walltime is not None and not re.fullmatch(r"(\d+-)?\d+(:\d\d){0,2}", str(self.walltime)):
            raise InputError(f"execution.walltime={self.walltime} is no time; expected hours, minutes and seconds, for instance 2:00:00")

    @property
    def slots(self) -> int:
        return self.jobs

    def remarks(self) -> tuple[str, ...]:
        gpus = f", {counted(self.gpus, 'GPU')}" if self.gpus else ""
        jobs = f"{counted(self.jobs, 'job')} of {SYSTEMS[self.system].name}"
        return (f"Runs go to {jobs}, each with {counted(self.cores, 'core')}{gpus} and {self.memory}.",)

    @contextmanager
    def open(self, subject: Packed, on_event: OnEvent) -> Iterator[Pool]:
        with self.cluster() as (cluster, name, failures):
            from ablation.engine.execution.client import client_of
            from ablation.engine.execution.place import Place
            from ablation.engine.execution.workers import Workers

            system = SYSTEMS[self.system]
            queue = Queue(system, name, self.jobs)
            place = Place(
                name=f"the jobs of {system.name}",
                waiting=lambda _: queue.words(),
                gone="the scheduler of the workers has failed; the same command continues the study",
                wait=math.inf,  # A queue may be long.
                threads=self.cores,
                own=True,
            )
            with client_of(cluster) as client:
                pool = Workers(client, subject, place, on_event)
                stop = Event()
                replacing = Thread(target=_replace, args=(cluster, queue, failures, pool, stop), name="ablation-jobs", daemon=True)
                replacing.start()
                try:
                    yield pool
                finally:
                    stop.set()
                    pool.close()
                    replacing.join(PATIENCE)

    @contextmanager
    def cluster(self) -> Iterator[tuple[Any, str, list[str]]]:
        """Start a scheduler in this process that can submit jobs; yield it, the name of its jobs and what the system has refused."""
        system = SYSTEMS[self.system]
        try:
            with _own_signals():
                import dask_jobqueue
        except ImportError as error:
            raise InputError(
                f"execution={self.system} needs dask-jobqueue, which is not installed; install it with: pip install dask-jobqueue"
            ) from error
        if shutil.which(system.submit) is None:
            raise InputError(
                f"execution={self.system} needs the command {system.submit}, which this machine does not have; "
                f"expected one from which jobs are submitted to {system.name}"
            )
        import dask
        from distributed import Security

        name = f"ablation-{secrets.token_hex(4)}"
        folder = FOLDER.absolute() / "cache" / "jobs"
        folder.mkdir(parents=True, exist_ok=True)
        failures: list[str] = []
        cluster_class = getattr(dask_jobqueue, system.cluster)
        variables = {**dict.fromkeys(THREADS, self.cores), **KEEP_MEMORY, **(growing(shared=False) if self.gpus else {})}
        exports = [f"export {variable}={shlex.quote(str(value))}" for variable, value in variables.items()]
        # What has ended is asked of the batch system alone.
        with (
            dask.config.set({**NO_PAGES, "distributed.deploy.lost-worker-timeout": "1000 days"}),
            # Its jobs end when this process does, however that is.
            guard(f"while read -r rest; do :; done; {system.cancel.format(name=name)}", PATIENCE),
        ):
            try:
                cluster = cluster_class(
                    job_cls=_telling(cluster_class.job_cls, failures),
                    cores=self.cores,
                    processes=1,
                    memory=self.memory,
                    walltime=self.walltime,
                    queue=self.partition,
                    job_extra_directives=[*(system.gpus(self.gpus) if self.gpus else ()), *self.directives],
                    job_script_prologue=[f"cd {shlex.quote(str(Path.cwd()))}", *exports],
                    # No limit of Dask's own: it would pause or kill runs that the job has memory for. One run a worker at a time.
                    worker_extra_args=["--memory-limit", "0", "--nthreads", "1", "--no-dashboard"],
                    death_timeout=DEATH,
                    job_name=name,
                    log_directory=str(folder),
                    local_directory=self.local_directory,
                    shared_temp_directory=str(folder),
                    # Whoever can reach a scheduler can run code as its user: only this process and its jobs have the key.
                    security=Security.temporary(),
                    interface=self.interface,
                    python=shlex.quote(sys.executable),
                    scheduler_options={"dashboard": False, "dashboard_address": ":0"},
                    silence_logs=logging.CRITICAL + 1,
                    **{system.account: self.account},
                )
            except (RuntimeError, ValueError) as error:
                raise InputError(f"the scheduler for jobs of {system.name} cannot start: {first_line(error.__cause__ or error)}") from error
            try:
                with cluster:
                    cluster.scale(jobs=self.jobs)
                    yield cluster, name, failures
            finally:
                for key in ("ca_file", "cert", "key"):
                    getattr(cluster, f"_job_{key}").close()  # removes the file, too


@dataclass
class Queue:
    """The jobs of one name, as their system shows them.

    Attributes:
        states: by number, as of the last look; empty words where the system does not say.
        ended: how many jobs have been replaced.
    """

    system: System
    name: str
    jobs: int
    states: Mapping[str, str] = field(default_factory=dict)
    ended: int = 0

    def look(self) -> bool:
        """Ask the system, and return whether it has answered."""
        command = shlex.split(self.system.listing.format(name=self.name))
        try:
            answer = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE, check=True).stdout
        except (OSError, subprocess.SubprocessError):
            return False
        found = (re.match(r"\s*(\d+)\S*\s*(\w*)", line) for line in answer.splitlines())
        self.states = {each[1]: each[2] for each in found if each}
        return True

    def words(self) -> str:
        """Say what is waited for."""
        by_state: dict[str, list[str]] = {}
        for job, state in self.states.items():
            by_state.setdefault(_STATES.get(state, f"is {state.lower()}" if state else "is queued or starting"), []).append(job)
        shown = [f"{'job' if len(jobs) == 1 else 'jobs'} {_few(jobs)} {_plural(words, len(jobs))}" for words, jobs in by_state.items()]
        return f"waiting for workers: 0 of {self.jobs}" + (f", {listed(shown, 'and')}" if shown else "")


_STATES = {"PENDING": "is queued", "PEND": "is queued", "RUNNING": "has started", "RUN": "has started", "COMPLETING": "ends"}


def _plural(words: str, number: int) -> str:
    return words if number == 1 else words.replace("is ", "are ").replace("has ", "have ").replace("ends", "end")


def _few(jobs: Sequence[str]) -> str:
    return listed([*jobs[:3], *([f"{len(jobs) - 3} more"] if len(jobs) > 3 else [])], "and")


def _replace(cluster: Any, queue: Queue, failures: list[str], pool: Any, stop: Event) -> None:
    """Submit another job for each that has ended, for its time was over, somebody has cancelled it or it has failed."""
    since: dict[str, float] = {}
    while not stop.wait(LOOK):
        if failures:
            pool.fail(InputError(f"{queue.system.name} has refused a job: {failures[-1]}"))
            return
        if not queue.look():
            continue
        for name, job in list(cluster.workers.items()):
            number = str(job.job_id or "")
            if not number or number in queue.states:
                since.pop(name, None)
            # A job may not be listed yet in the moment in which it has been taken.
            elif time.monotonic() - since.setdefault(name, time.monotonic()) > LOOK:
                cluster.worker_spec.pop(name, None)
                queue.ended += 1
                pool.say(f"job {number} has ended; another one takes its place")
        if queue.ended >= TRIES * queue.jobs and not pool.slots and not pool.ever:
            folder = FOLDER / "cache" / "jobs"
            pool.fail(InputError(f"{counted(queue.ended, 'job')} ended before a worker had come; {_last_line(folder, queue.name)}"))
            return
        if cluster.workers.keys() - cluster.worker_spec.keys():
            cluster.scale(jobs=len(cluster.worker_spec))  # lets go of them first, for another one takes the name
        elif len(cluster.worker_spec) < queue.jobs:
            cluster.scale(jobs=queue.jobs)


def _last_line(folder: Path, name: str) -> str:
    """Name the newest log of a job, with its last line."""
    logs = sorted(folder.glob(f"{name}*.err"), key=lambda file: file.stat().st_mtime)
    lines = [line.strip() for file in logs[-1:] for line in file.read_text(errors="replace").splitlines() if line.strip()]
    return f"the last one says in '{logs[-1]}': {lines[-1]}" if lines else f"their logs are in '{folder}'"


def _telling(job_class: Any, failures: list[str]) -> Any:
    """Return a kind of job that tells when its system has refused it, where dask-jobqueue would only log that."""
    from distributed.core import Status

    class Telling(job_class):
        async def start(self) -> None:
            try:
                await super().start()
            except Exception as error:
                lines = [line.strip() for line in str(error).splitlines() if line.strip()]
                failures.append(next((line for line in reversed(lines) if line != "stderr:"), type(error).__name__))
                self.status = Status.failed
                raise

    return Telling


@contextmanager
def _own_signals() -> Iterator[None]:
    """Keep what Ctrl-C does: dask-jobqueue lets it end the process when it is imported."""
    before = signal.getsignal(signal.SIGINT)
    try:
        yield
    finally:
        if current_thread() is main_thread():
            signal.signal(signal.SIGINT, before)
