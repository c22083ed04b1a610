"""Claims: which runs a study has in hand, so that no other study makes them too, wherever it runs.

A process that conducts studies writes the keys of its runs to tags of its study's run, and when it last did so. It asks for a run first,
then reads what others have written, and only then holds it: of two that ask at the same time, each sees the other, and the one with the
lower token goes first once the other has withdrawn. What a process that has died held is free again.
"""

import json
import os
import secrets
import socket
import time
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from threading import Condition, Thread
from typing import TYPE_CHECKING, Any

from ablation.store import reading
from ablation.store.away import answers
from ablation.store.connection import Store
from ablation.store.names import CLAIM, STUDY
from ablation.study.outcome import Result

if TYPE_CHECKING:
    from mlflow import MlflowClient

BEAT = 15.0
"""Seconds between two signs of life."""

LAPSE = 60.0
"""Seconds without a sign of life after which a process on another machine counts as dead."""

OLD = 600.0
"""Seconds since its last sign of life, by the clocks of two machines, after which a process counts as dead at first sight."""

POLL = 2.0
"""Seconds between two looks at runs that another study has in hand."""

UNDECIDED = 0.2
"""Seconds between two looks at runs that another study asks for at the same time."""

LETTERS = 12
"""Of a key, those that stand in a claim."""

MOST = 350
"""Keys in one tag: MLflow's older versions take 5,000 characters."""

ASKS, HOLDS = "?", "!"


@dataclass(frozen=True)
class Owner:
    """A process that conducts a study.

    Attributes:
        token: its name.
        machine: that it runs on; processes see each other's numbers where this is the same.
        pid, born: its number and when it began, in seconds since 1970.
    """

    token: str
    machine: str
    pid: int
    born: float

    @classmethod
    def this_process(cls) -> "Owner":
        """Return this process, under a new name."""
        return cls(secrets.token_hex(6), _machine(), os.getpid(), _born(os.getpid()) or 0.0)

    def lives(self) -> bool | None:
        """Return whether the process is alive; None where this cannot be seen from here."""
        if self.machine != _machine():
            return None
        if self.pid == os.getpid():
            return self.token in _at_work
        born = _born(self.pid)
        return born is not None and abs(born - self.born) < 1.0


@dataclass(frozen=True)
class Claim:
    """What a process has written.

    Attributes:
        beat: when, in seconds since 1970 by its own clock.
        runs: beginnings of the keys that it asks for or holds, with which of both.
        parts: number of tags that these take.
    """

    owner: Owner
    beat: float
    runs: Mapping[str, str]
    parts: int


def claims_in(tags: Mapping[str, str]) -> list[Claim]:
    """Return the claims that stand in the tags of a study's run."""
    found = []
    for name, text in tags.items():
        token = name.removeprefix(CLAIM)
        if not name.startswith(CLAIM) or "." in token or not text:
            continue
        with suppress(ValueError, KeyError, TypeError):
            head = json.loads(text)
            parts = "".join(tags.get(f"{name}.{number}", "") for number in range(head["parts"]))
            size = LETTERS + 1
            entries = [parts[start : start + size] for start in range(0, len(parts), size)]
            owner = Owner(token, head["machine"], head["pid"], head["born"])
            found.append(Claim(owner, head["beat"], {entry[:-1]: entry[-1] for entry in entries}, head["parts"]))
    return found


def remove(store: Store, run_id: str, claim: Claim) -> None:
    """Remove a claim from the tags of a study's run."""
    from mlflow.exceptions import MlflowException

    for name in (f"{CLAIM}{claim.owner.token}", *(f"{CLAIM}{claim.owner.token}.{number}" for number in range(claim.parts))):
        with suppress(MlflowException):  # Another process has removed it.
            store.client.delete_tag(run_id, name)


class Watch:
    """Tells the living from the dead, as far as it has looked.

    A process on this machine is looked up. Of another one, it counts whether its signs of life go on, by this machine's clock alone.
    """

    def __init__(self) -> None:
        self._seen: dict[str, tuple[float, float]] = {}

    def lives(self, claim: Claim) -> bool | None:
        """Return whether the process that wrote a claim is alive; None where that is not known yet."""
        seen = claim.owner.lives()
        if seen is not None:
            return seen
        if time.time() - claim.beat > OLD:
            return False
        now = time.monotonic()
        known = self._seen.get(claim.owner.token)
        if known is None or known[0] != claim.beat:
            self._seen[claim.owner.token] = (claim.beat, now)
            return None if known is None else True
        return None if now - known[1] < LAPSE else False

    def interrupted(self) -> None:
        """Begin anew, for nobody could give a sign of life where the store was away."""
        self._seen.clear()


class Claims:
    """The claims of one study that is being conducted, kept by a thread of its own.

    Args:
        store, experiment, parent: where the study is.
        owner: this process.
        watch: of the study.
        finished: returns which of some runs are finished in the store, by their keys.
    """

    def __init__(
        self,
        store: Store,
        experiment: str,
        parent: str,
        owner: Owner,
        watch: Watch,
        finished: Callable[[Sequence[str]], Mapping[str, Result]],
    ) -> None:
        self._store, self._experiment, self._parent, self._finished = store, experiment, parent, finished
        self.owner, self._watch = owner, watch
        self._changed = Condition()
        self._asked: dict[str, None] = {}
        self._elsewhere: set[str] = set()
        self._held: set[str] = set()
        self._made: dict[str, Result] = {}
        self._parts = 0
        self._beat = time.monotonic()
        self._closing = False
        self._thread = Thread(target=self._work, name="claims", daemon=True)

    # ---- what the thread that conducts the study calls -----------------------------------------------------------------

    def begin(self) -> None:
        """Start the thread, once this process has given a sign of life."""
        _at_work.add(self.owner.token)
        self._post()
        self._thread.start()

    def ask(self, keys: Iterable[str]) -> None:
        """Ask for runs, for what was asked for before as well."""
        with self._changed:
            new = [key for key in keys if key not in self._asked and key not in self._held and key not in self._made]
            if new:
                self._asked.update(dict.fromkeys(new))
                self._changed.notify_all()

    def holds(self, key: str) -> bool:
        """Return whether a run may be made."""
        return key in self._held

    def is_elsewhere(self, key: str) -> bool:
        """Return whether another study has a run in hand."""
        return key in self._elsewhere

    def made(self) -> dict[str, Result]:
        """Return the results of runs that were asked for and that another study has finished meanwhile."""
        with self._changed:
            made, self._made = self._made, {}
        return made

    def release(self, key: str) -> None:
        """Give a run back that has come to its end."""
        with self._changed:
            self._held.discard(key)

    def close(self, patience: float) -> None:
        """Give all back."""
        _at_work.discard(self.owner.token)
        with self._changed:
            self._closing = True
            self._changed.notify_all()
        if self._thread.is_alive():
            self._thread.join(patience)
        with suppress(Exception):  # A claim that stays is one of a process that has ended.
            if answers(self._store):
                remove(self._store, self._parent, Claim(self.owner, 0.0, {}, self._parts))

    # ---- what the thread does ------------------------------------------------------------------------------------------

    @property
    def _client(self) -> "MlflowClient":
        return self._store.client

    @property
    def _tag(self) -> str:
        return f"{CLAIM}{self.owner.token}"

    def _work(self) -> None:
        undecided = False
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._closing or self._fresh(), self._pause(undecided))
                if self._closing:
                    return
            try:
                if not answers(self._store):
                    raise ConnectionError
                undecided = self._round()
            except Exception:
                # Without the store nobody can be asked, and runs go on.
                undecided = False
                self._watch.interrupted()
                with self._changed:
                    self._held.update(self._asked)
                    self._asked.clear()
                    self._elsewhere.clear()
                    self._changed.wait_for(lambda: self._closing, UNDECIDED)

    def _fresh(self) -> bool:
        return len(self._asked) > len(self._elsewhere)

    def _pause(self, undecided: bool) -> float:
        if undecided:
            return UNDECIDED
        return POLL if self._elsewhere else max(self._beat + BEAT - time.monotonic(), 0.0)

    def _round(self) -> bool:
        """Ask for what is new and for what others no longer have; return whether something is undecided."""
        with self._changed:
            asked = list(self._asked)
        waiting = [key for key in asked if key in self._elsewhere]
        if waiting:
            self._settle(waiting, held=())
            others = self._others()
            self._elsewhere = {key for key in self._elsewhere if key in self._asked and key[:LETTERS] in others}
        wanted = [key for key in asked if key in self._asked and key not in self._elsewhere]
        if not wanted:
            if time.monotonic() - self._beat >= BEAT:
                self._post()
            return False
        self._post(wanted)
        others = self._others()
        # Whoever holds a run has it; of those that ask, the lowest token waits for the others to withdraw.
        mine = self.owner.token
        elsewhere = {key for key in wanted if any(state == HOLDS or token < mine for token, state in others.get(key[:LETTERS], ()))}
        undecided = {key for key in wanted if key not in elsewhere and key[:LETTERS] in others}
        self._settle(wanted, held=[key for key in wanted if key not in elsewhere and key not in undecided])
        # What has just been found finished is asked for no more.
        self._elsewhere |= {key for key in elsewhere if key in self._asked}
        self._post([key for key in undecided if key in self._asked])
        return bool(undecided)

    def _settle(self, keys: Sequence[str], held: Collection[str]) -> None:
        """Take note of which of some runs others have finished meanwhile, and hold those of the rest that are free."""
        made = self._finished(keys)
        with self._changed:
            self._made.update(made)
            self._held.update(key for key in held if key not in made)
            for key in (*made, *held):
                self._asked.pop(key, None)
                self._elsewhere.discard(key)

    def _others(self) -> dict[str, list[tuple[str, str]]]:
        """Return what living processes claim: by the beginning of each key their tokens, and whether they ask or hold."""
        found: dict[str, list[tuple[str, str]]] = {}
        for run in reading.search(self._store, self._experiment, f"tags.`{STUDY}` != '' and attributes.status = 'RUNNING'"):
            for claim in claims_in(run.data.tags):
                if claim.owner.token != self.owner.token and self._watch.lives(claim) is not False:
                    for key, state in claim.runs.items():
                        found.setdefault(key, []).append((claim.owner.token, state))
        return found

    def _post(self, asked: Collection[str] = ()) -> None:
        """Write down what this process asks for and holds."""
        from mlflow.entities import RunTag

        with self._changed:
            entries = [key[:LETTERS] + HOLDS for key in self._held] + [key[:LETTERS] + ASKS for key in asked]
        parts = ["".join(entries[start : start + MOST]) for start in range(0, len(entries), MOST)]
        self._parts = max(self._parts, len(parts))
        owner = self.owner
        head = {"machine": owner.machine, "pid": owner.pid, "born": owner.born, "beat": time.time(), "parts": len(parts)}
        tags: dict[str, Any] = {f"{self._tag}.{number}": part for number, part in enumerate(parts)} | {self._tag: json.dumps(head)}
        self._client.log_batch(self._parent, tags=[RunTag(name, value) for name, value in tags.items()])
        self._beat = time.monotonic()


_at_work: set[str] = set()
"""Tokens under which this process conducts studies."""


@cache
def _machine() -> str:
    """Return what this machine is known by, up to its last start and to where process numbers count the same."""
    known = [socket.gethostname()]
    with suppress(OSError):
        known += [Path("/proc/sys/kernel/random/boot_id").read_text().strip()[:8], os.readlink("/proc/self/ns/pid")]
    return " ".join(known)


def _born(pid: int) -> float | None:
    """Return when a process of this machine began, in seconds since 1970; None where there is none of that number."""
    import psutil

    try:
        process = psutil.Process(pid)
        return None if process.status() == psutil.STATUS_ZOMBIE else float(process.create_time())
    except psutil.Error:
        return None
