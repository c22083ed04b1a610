"""The workers of a Dask scheduler as slots: each is one once it has shown what it is, and as long as it is there."""

import secrets
import time
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from threading import Event, RLock, Thread
from typing import Any

from ablation.engine.execution.admission import Admission, Candidate, RestartedError
from ablation.engine.execution.client import submit
from ablation.engine.execution.place import Place
from ablation.engine.execution.pool import OnEvent, Pool
from ablation.engine.failed import WorkerDiedError
from ablation.engine.worker import Packed
from ablation.errors import InputError
from ablation.study.cause import in_a_line
from ablation.wording import counted

LOOK = 0.5
"""Seconds between two looks at who is there."""

PATIENCE = 10
"""Seconds in which a worker should say what it is."""

TRIES = 4
"""How often a run is begun whose worker dies each time, and how many workers may die one after the other before they are ready."""

AT_ONCE = 16
"""Workers that are got ready at the same time."""

NOWHERE = "tcp://0.0.0.0:0"
"""No worker's address: what may run there alone waits for ever, and shows a cluster that grows with its work that there is some."""

MOST_MARKERS = 200
"""Waiting runs beyond which a cluster is not shown any more of them."""


@dataclass(eq=False)
class _Worker(Candidate):
    """A worker, from when it was first seen.

    Attributes:
        ready: whether it is set up and takes runs.
        refused: whether it takes none, ever.
        run: what it is doing for this study.
    """

    ready: bool = False
    refused: bool = False
    run: "_Run | None" = None


@dataclass(eq=False)
class _Run:
    """A piece of work: the future that is waited for, and the task of Dask's that does it at the moment."""

    work: Callable[..., Any]
    arguments: tuple[Any, ...]
    future: "Future[Any]"
    tries: int = 0
    task: Any = None


class Workers(Pool):
    """The workers of a scheduler.

    Each run goes to a worker by its address, for only that one was believed. Dask then leaves to this class what it does by itself
    otherwise: to begin a run again elsewhere when its worker has gone.

    Args:
        client: of the scheduler; it outlives this.
        subject: what workers set themselves up for.
        place: how they are spoken of and dealt with.
        on_event: receives the messages of runs.
    """

    def __init__(self, client: Any, subject: Packed, place: Place, on_event: OnEvent) -> None:
        self._client, self._place = client, place
        self.threads, self.own, self.here = place.threads, place.own, place.here
        # A topic a study, for a scheduler may serve several.
        topic = f"ablation-{secrets.token_hex(8)}"
        client.subscribe_topic(topic, lambda event: on_event(event[1]))
        self.send = partial(_send, topic)
        self.changed = Future()
        self._lock = RLock()
        self._workers: dict[str, _Worker] = {}
        self._waiting: deque[_Run] = deque()
        self._still = 0  # runs that are not submitted yet
        self._markers: list[Any] = []
        self._news: list[str] = []
        self._last_said = ""
        self._believed, self._died_young = 0, 0
        self._empty_since: float | None = None
        self._end: InputError | None = None
        self._closed = Event()
        self._admission = Admission(client, subject, place, self._closed)
        self._getting_ready = ThreadPoolExecutor(AT_ONCE, "ablation-ready")
        self._look()
        self._watcher = Thread(target=self._watch, name="ablation-workers", daemon=True)
        self._watcher.start()

    # ---- what the schedule asks for ------------------------------------------------------------------------------------

    @property
    def slots(self) -> int:
        with self._lock:
            return sum(worker.ready for worker in self._workers.values())

    def submit(self, work: Callable[..., Any], /, *arguments: Any) -> Future[Any]:
        run = _Run(work, arguments, Future())
        with self._lock:
            if self._end:
                run.future.set_exception(self._end)
                return run.future
            self._waiting.append(run)
            self._assign()
        return run.future

    def expect(self, runs: int) -> None:
        self._still = runs
        if not self._place.grows or self._end:
            return
        wanted = min(runs, MOST_MARKERS)
        while len(self._markers) < wanted:
            self._markers.append(submit(self._client, NOWHERE, self._place.resources, int))
        if len(self._markers) > wanted:
            self._client.cancel(self._markers[wanted:], force=True)
            del self._markers[wanted:]

    def news(self) -> Sequence[str]:
        with self._lock:
            if self._end:
                raise self._end
            news, self._news = self._news, []
            if self.changed.done():
                self.changed = Future()
            return [*news, *self._said_while_empty()]

    def _said_while_empty(self) -> Sequence[str]:
        """Say what is waited for, once for as long as it stays the same."""
        if self._empty_since is None or time.monotonic() - self._empty_since < 2 * LOOK:
            return ()
        line = self._place.waiting(len(self._waiting) + self._still)
        if not line or line == self._last_said:
            return ()
        self._last_said = line
        return (line,)

    def check_present(self) -> None:
        """Wait until every worker that is there has shown its versions.

        Raises:
            InputError: if none of them can be believed.
        """
        end = time.monotonic() + PATIENCE
        while not self._closed.wait(0.02) and time.monotonic() < end:
            with self._lock:
                if self._end:
                    raise self._end
                if not any(not (worker.shown or worker.refused) for worker in self._workers.values()):
                    return

    @property
    def ever(self) -> bool:
        """Whether a worker has come so far that could be believed."""
        return self._believed > 0

    def say(self, line: str) -> None:
        """Let a person know of something that concerns the workers."""
        with self._lock:
            self._news.append(line)
            self._change()

    def fail(self, error: InputError) -> None:
        """Let every run end with an error that concerns them all, unless some can still go."""
        with self._lock:
            if not self.slots:
                self._stop(error)

    def close(self) -> None:
        """Let go of the workers. What they do for this study is cancelled."""
        with self._lock:
            self._closed.set()
            tasks = [worker.run.task for worker in self._workers.values() if worker.run] + self._markers
        with suppress(Exception):  # such as a scheduler that has gone
            self._client.cancel(tasks, force=True)
        self._getting_ready.shutdown(wait=False, cancel_futures=True)

    # ---- who is there --------------------------------------------------------------------------------------------------

    def _watch(self) -> None:
        while not self._closed.wait(LOOK):
            try:
                self._look()
            except Exception:
                if not self._closed.is_set():
                    self._stop(InputError(self._place.gone))
                return

    def _look(self) -> None:
        if self._client.status != "running":
            raise ConnectionError  # What it was doing is lost to this client, even if it finds the scheduler once more.
        found = self._client.sync(self._client.scheduler.identity, n_workers=-1)["workers"]
        with self._lock:
            if self._closed.is_set():
                return
            for address in self._workers.keys() - found.keys():
                self._left(self._workers.pop(address))
            for address in found.keys() - self._workers.keys():
                known = found[address]
                if all(known["resources"].get(name, 0) >= amount for name, amount in self._place.resources.items()):
                    worker = self._workers[address] = _Worker(address, str(known["name"]), bool(known["nanny"]))
                    self._getting_ready.submit(self._get_ready, worker)
            self._count()

    def _count(self) -> None:
        """Keep account of how long there has been no worker, and stop where that was too long."""
        there = [worker for worker in self._workers.values() if not worker.refused]
        if there:
            self._empty_since, self._last_said = None, ""
            return
        self._empty_since = self._empty_since or time.monotonic()
        if self._workers and not self._believed:
            self._stop(InputError(f"no worker of {self._place.name} can be used: {self._refusals[-1]}"))
        elif time.monotonic() - self._empty_since > self._place.wait:
            since = counted(round(self._place.wait), "second")
            self._stop(InputError(f"no worker has come to {self._place.name} for {since}; the same command continues the study"))

    _refusals: Sequence[str] = ()

    def _left(self, worker: _Worker) -> None:
        if worker.ready:
            self._change()
        elif not worker.refused and not worker.restarting:
            self._died_young += 1
            if self._died_young >= TRIES * max(len(self._workers), 1):
                self._stop(InputError(f"the workers of {self._place.name} end before their first run (often for lack of memory)"))
        if worker.setting_up is not None:
            self._cancel(worker.setting_up)
        run, worker.run, worker.ready = worker.run, None, False
        if run is None:
            return
        self._cancel(run.task)
        self._again(run)

    def _again(self, run: _Run) -> None:
        """Begin a run once more whose worker has gone."""
        run.task = None
        run.tries += 1
        if run.tries < TRIES:
            self._waiting.appendleft(run)
            self._assign()
        else:
            run.future.set_exception(WorkerDiedError())

    def _cancel(self, task: Any) -> None:
        with suppress(Exception):
            self._client.cancel([task], force=True)

    def _stop(self, error: InputError) -> None:
        """Let every run end with an error that concerns them all."""
        with self._lock:
            if self._end:
                return
            self._end = error
            runs = [*self._waiting, *(worker.run for worker in self._workers.values() if worker.run)]
            self._waiting.clear()
            for worker in self._workers.values():
                worker.run, worker.ready = None, False
            self._change()
        for run in runs:
            run.future.set_exception(error)

    def _change(self) -> None:
        if not self.changed.done():
            self.changed.set_result(None)

    # ---- what a worker is ----------------------------------------------------------------------------------------------

    def _get_ready(self, worker: _Worker) -> None:
        """Let a worker show what it is and set itself up, and take it or refuse it."""
        try:
            why = self._admission.why_not(worker)
        except RestartedError:
            return
        except Exception as error:
            # Its process may have gone meanwhile, or the scheduler, which the next look finds out.
            if self._closed.wait(3 * LOOK) or self._workers.get(worker.address) is not worker:
                return
            why = f"it cannot be set up: {in_a_line(error)}"
        with self._lock:
            if self._closed.is_set() or self._end or self._workers.get(worker.address) is not worker:
                return
            if why:
                worker.refused = True
                self._refusals = (*self._refusals, sentence := f"the worker {worker.name} at {worker.address} is not used: {why}")
                self._news.append(sentence)
                self._count()
            else:
                worker.ready = True
                self._believed += 1
                self._died_young = 0
                self._assign()
            self._change()

    # ---- who does what -------------------------------------------------------------------------------------------------

    def _assign(self) -> None:
        """Give waiting work to workers that have none."""
        for worker in self._workers.values():
            if not self._waiting:
                return
            if worker.ready and worker.run is None:
                run = self._waiting[0]
                try:
                    task = submit(self._client, worker.address, self._place.resources, run.work, *run.arguments)
                except Exception:
                    return  # The scheduler has gone: the next look finds out.
                self._waiting.popleft()
                worker.run, run.task = run, task
                task.add_done_callback(partial(self._ended, worker, run))

    def _ended(self, worker: _Worker, run: _Run, task: Any) -> None:
        """Pass on how a task has ended."""
        if task.status not in ("finished", "error"):
            return  # cancelled, by a look that missed the worker or with the scheduler
        try:
            made, error = task.result(), None
        except Exception as raised:
            made, error = None, raised
        with self._lock:
            if run.task is not task or self._end or self._closed.is_set():
                return
            worker.run = None
            if type(error).__name__ in ("KilledWorker", "FutureCancelledError", "CancelledError"):
                self._again(run)
                return
            self._assign()
        if error is None:
            run.future.set_result(made)
        else:
            run.future.set_exception(error)


def _send(topic: str, event: dict[str, Any]) -> None:
    from distributed import get_worker

    get_worker().log_event(topic, event)
