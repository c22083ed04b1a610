"""Admission: what a worker shows of itself and sets up before it is given a run."""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from threading import Event, Lock
from typing import Any

from ablation.engine.credentials import CODE, credentials, difference
from ablation.engine.execution.client import submit
from ablation.engine.execution.files import deliver
from ablation.engine.execution.place import Place
from ablation.engine.worker import Packed, start
from ablation.study.subject import WrongProcessError
from ablation.wording import counted

LOOK = 0.5
"""Seconds between two looks at a worker that is at work."""


@dataclass(eq=False)
class Candidate:
    """A worker that asks for runs.

    Attributes:
        shown: whether it has shown versions that are right.
        restarting: whether its process was asked to end, for another one to come in its place.
        setting_up: what it does before its first run.
    """

    address: str
    name: str
    nanny: bool
    shown: bool = False
    restarting: bool = False
    setting_up: Any = None


class RestartedError(Exception):
    """A worker's process was asked to end, and another one comes in its place."""


class Admission:
    """Asks the workers of a scheduler what they are, each in a thread of its caller's.

    Args:
        client: of the scheduler.
        subject: what workers set themselves up for.
        place: where they are.
        closed: is set once nobody wants to know any more.
    """

    def __init__(self, client: Any, subject: Packed, place: Place, closed: Event) -> None:
        self._client, self._subject, self._place, self._closed = client, subject, place, closed
        self._lock = Lock()
        self._expected = credentials(subject.packages)
        self._set_up: Mapping[str, str] | None = None
        self._restarted: set[str] = set()

    def why_not(self, worker: Candidate) -> str:
        """Return why a worker's numbers cannot be believed; empty where they can, and then it is set up.

        Raises:
            RestartedError: if another process comes in its place.
        """
        shown = self._client.run(credentials, self._subject.packages, workers=[worker.address], on_error="return")[worker.address]
        if isinstance(shown, Exception):
            return f"it cannot say what it has installed ({type(shown).__name__}: {shown}), and needs the ablation of this study"
        with self._lock:
            why = difference(shown, self._expected)
        if why:
            return self._afresh(worker, why) if shown.get(CODE) != self._expected[CODE] else why
        worker.shown = True
        if self._subject.staged is not None and not self._place.here:
            deliver(self._client, worker.address, self._subject.staged)
        worker.setting_up = submit(
            self._client, worker.address, self._place.resources, start, self._subject, self._place.threads, self._place.own
        )
        try:
            set_up: Mapping[str, str] = worker.setting_up.result()
        except WrongProcessError as error:
            return self._afresh(worker, str(error))
        has, wanted = set_up.get("threads"), self._place.threads
        if wanted is not None and has != str(wanted):
            return self._afresh(worker, f"its process runs with {counted(int(has or 0), 'thread')}, and execution.threads={wanted}")
        with self._lock:
            # What this process does not have itself, the first worker decides.
            self._expected = {**shown, **self._expected}
            self._set_up = self._set_up or set_up
            return difference(*({name: each for name, each in of.items() if name != "threads"} for of in (set_up, self._set_up)))

    def _afresh(self, worker: Candidate, why: str) -> str:
        """Restart a worker's process that is as it is because of what it did before, once and if nobody else has work there."""
        if not worker.nanny:
            return f"{why}, and there is no nanny to restart it"
        if worker.name in self._restarted:
            return why
        while not self._closed.is_set() and any(self._client.processing([worker.address]).values()):
            time.sleep(LOOK)
        if self._closed.is_set():
            return why
        self._restarted.add(worker.name)
        worker.restarting = True
        self._client.restart_workers([worker.address], raise_for_error=False)
        raise RestartedError(why)
