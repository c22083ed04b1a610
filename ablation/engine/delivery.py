"""Delivery: a thread of its own brings what is to be logged to the store, in few calls a run, while runs go on."""

import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from threading import Condition, Thread

from ablation.engine.journal import Journal
from ablation.errors import InputError, first_line
from ablation.store.away import AGAIN, answers, is_away, what_is_away
from ablation.store.epochs import INTERVAL, EpochLog
from ablation.store.index import IndexWriter
from ablation.store.study_log import StudyLog
from ablation.study.outcome import Result
from ablation.study.subject import Trial
from ablation.wording import counted

NEWS = 60.0
"""Seconds between two lines on the screen about a store that stays away."""

TRIES = 3
"""Attempts at one run that the store refuses while it takes others."""

SHORT = 0.05
"""Seconds for which a caller waits at a time, so that Ctrl-C comes through."""


@dataclass(frozen=True)
class _Wanted:
    """What is to be logged of a run and is not yet.

    Attributes:
        trial: what is run.
        began: when, in milliseconds since 1970.
        ended: whether the journal holds what it left.
        original: result of the run that it is a copy of.
        new: whether another process that conducts this study may have made it.
        note, metrics: its description, and further metrics.
        tries: how often the store has refused it.
    """

    trial: Trial
    began: int | None = None
    ended: bool = False
    original: Result | None = None
    new: bool = False
    note: str = ""
    metrics: Mapping[str, float] = field(default_factory=dict)
    tries: int = 0

    def and_then(self, later: "_Wanted") -> "_Wanted":
        """Return what is wanted of both."""
        return replace(
            later,
            began=self.began if later.began is None else later.began,
            ended=self.ended or later.ended,
            original=later.original or self.original,
            new=self.new or later.new,
            note=later.note or self.note,
            metrics={**self.metrics, **later.metrics},
            tries=max(self.tries, later.tries),
        )


class Delivery:
    """Logs the runs of a study. What is wanted of a run while the store has others to take becomes one piece of work.

    Args:
        log: the study's.
        data: name, digest and description of the data.
        journal: holds what runs left until the store has it.
        epochs: what runs that go on have reported.
        say: shows a line on the screen.
        logged: called with the key of each trial whose end is logged.
    """

    def __init__(
        self,
        log: StudyLog,
        data: Mapping[str, str] | None,
        journal: Journal,
        epochs: EpochLog,
        say: Callable[[str], None],
        logged: Callable[[str], None],
    ) -> None:
        self._log, self._data, self._journal, self._epochs, self._say, self._logged = log, data, journal, epochs, say, logged
        self._index = IndexWriter(log.store, log.parent, log.owner)
        self._changed = Condition()
        self._wanted: dict[str, _Wanted] = {}
        self._refused: dict[str, str] = {}
        self._under_way = 0
        self._ids: dict[str, str] = {}
        self._described: set[str] = set()
        self._foreign: set[str] = set()  # children of this study that another process logs
        self._away_since: float | None = None
        self._said = 0.0
        self._flushed = time.monotonic()
        self._closing = self._draining = False
        self._thread = Thread(target=self._work, name="log", daemon=True)

    # ---- what the thread that conducts the study calls -----------------------------------------------------------------

    def begin(self) -> None:
        """Start the thread."""
        self._thread.start()

    def known(self, key: str, run_id: str, whole: bool) -> None:
        """Take note of the MLflow run that a trial has, by the trial's key, and whether its settings are logged."""
        with self._changed:
            self._ids[key] = run_id
            if whole:
                self._described.add(key)

    def indexed(self, key: str, run_id: str) -> None:
        """Write a run that is finished into the study's index; before the thread is started."""
        self._index.add(key, run_id)

    def started(self, trial: Trial, began: int) -> None:
        """Log that a run has started."""
        self._want(_Wanted(trial, began))

    def ended(self, trial: Trial, note: str, metrics: Mapping[str, float]) -> None:
        """Log what the journal holds of a run, with its description and further metrics."""
        self._want(_Wanted(trial, ended=True, note=note, metrics=metrics))

    def copied(self, trial: Trial, original: Result, note: str, metrics: Mapping[str, float], new: bool) -> None:
        """Log a copy of a run that another study made; ``new`` if it may be a child of this study, which another process made."""
        self._want(_Wanted(trial, original=original, note=note, metrics=metrics, new=new))

    def added(self, trial: Trial, note: str, metrics: Mapping[str, float]) -> None:
        """Log more metrics of a run, and its description anew."""
        self._want(_Wanted(trial, note=note, metrics=metrics))

    def run_id(self, trial: Trial) -> str:
        """Return the MLflow run of a trial that has started, as soon as the store has it.

        Raises:
            InputError: if the store refuses it.
        """
        with self._changed:
            while trial.key not in self._ids:
                if trial.key in self._refused:
                    raise InputError(self._refused[trial.key])
                self._changed.wait(SHORT)
            return self._ids[trial.key]

    def id_so_far(self, key: str) -> str:
        """Return the MLflow run of a trial; empty where the store has none yet."""
        return self._ids.get(key, "")

    @property
    def away(self) -> bool:
        """Whether the store cannot be reached."""
        return self._away_since is not None

    @property
    def left(self) -> int:
        """How many runs are not logged as they should be."""
        with self._changed:
            return len(self._wanted) + len(self._refused) + self._under_way

    def drain(self, patience: float) -> int:
        """Wait until the store has everything, and return how many runs it lacks.

        Args:
            patience: seconds for which the store may be away.
        """
        began = time.monotonic()
        with self._changed:
            self._draining = True
            self._changed.notify_all()
            while self._wanted or self._under_way or self._index.waiting:
                if self._away_since is not None and time.monotonic() - max(began, self._away_since) > patience:
                    break
                self._changed.wait(SHORT)
            self._draining = False
        return self.left

    def why_left(self) -> str:
        """Return, of runs that the store lacks, why."""
        if self.away or not self._refused:
            return f"{what_is_away(self._log.store)} is away"
        return next(iter(self._refused.values()))

    def close(self, patience: float) -> None:
        """Log what there is to log, while the store takes it, and end the thread."""
        if self._thread.is_alive():
            deadline = time.monotonic() + patience
            with self._changed:
                self._draining = True
                self._changed.notify_all()
                while (self._wanted or self._under_way or self._index.waiting) and not self.away and time.monotonic() < deadline:
                    self._changed.wait(SHORT)
                self._closing = True
                self._changed.notify_all()
            self._thread.join(patience)

    def _want(self, wanted: _Wanted) -> None:
        with self._changed:
            key = wanted.trial.key
            before = self._wanted.get(key)
            self._wanted[key] = before.and_then(wanted) if before else wanted
            self._changed.notify_all()

    # ---- what the thread does ------------------------------------------------------------------------------------------

    def _work(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(self._has_work, INTERVAL)
                if self._closing:
                    return
                wanted = self._wanted.pop(next(iter(self._wanted)), None) if self._wanted else None
                self._under_way = 1 if wanted else 0
            try:
                if wanted:
                    self._deliver(wanted)
                    wanted = None  # what fails from here on is not this run's
                self._flush_epochs()
                self._flush_index()
            except Exception as error:
                self._failed(wanted, error)
            else:
                self._succeeded()

    def _has_work(self) -> bool:
        return bool(self._wanted or self._closing or (self._draining and self._index.waiting))

    def _deliver(self, wanted: _Wanted) -> None:
        """Bring one run to the store. Done a second time, after it failed half-way, it comes to the same."""
        log, trial = self._log, wanted.trial
        if trial.key in self._refused or trial.key in self._foreign:
            return
        if wanted.original is not None:
            if wanted.new and log.holds(wanted.original.run_id):
                self._foreign.add(trial.key)
                self._know(trial.key, wanted.original.run_id)
                return
            copy = log.copy_run(trial, wanted.original, wanted.note, wanted.metrics, self._ids.get(trial.key))
            self._know(trial.key, copy)
            return
        run_id = self._ids.get(trial.key)
        if run_id is None:
            run_id = log.make_run(trial, wanted.began)
            self._know(trial.key, run_id)
        new = trial.key not in self._described
        if new:
            log.name_data(run_id, self._data)
        if not wanted.ended:
            log.add(run_id, wanted.metrics, wanted.note, trial.params if new else {})
            self._described.add(trial.key)
            return
        entry = self._journal.read(trial.key)
        if entry is None:
            return  # It was logged at an earlier attempt.
        logged = self._epochs.forget(trial.key)
        if entry.result is None:
            log.fail_run(run_id, wanted.note, entry.texts, entry.epochs[logged:], entry.ended)
            self._journal.drop(trial.key)
            self._forget(trial.key)
            self._logged(trial.key)
            return
        params = trial.params if new else {}
        more = (wanted.note, wanted.metrics, entry.epochs, logged, params, entry.ended)
        log.finish_run(run_id, entry.result, entry.texts, entry.arrays, *more)
        self._described.add(trial.key)
        self._index.add(trial.key, run_id)
        self._journal.drop(trial.key)
        self._logged(trial.key)

    def _know(self, key: str, run_id: str) -> None:
        with self._changed:
            self._ids[key] = run_id
            self._changed.notify_all()

    def _forget(self, key: str) -> None:
        """Let go of a run that failed: made again, the same trial is another run."""
        with self._changed:
            self._ids.pop(key, None)
            self._described.discard(key)

    def _flush_epochs(self) -> None:
        """Log epochs of runs that go on, if the last time is a while ago."""
        if time.monotonic() - self._flushed < INTERVAL:
            return
        self._flushed = time.monotonic()
        for key, epochs in self._epochs.waiting().items():
            if key in self._ids:
                self._log.log_epochs(self._ids[key], epochs)
                self._epochs.logged(key, len(epochs))

    def _flush_index(self) -> None:
        """Write the index. What the store refuses for good is left out; the next start of the study adds it."""
        try:
            self._index.flush(now=self._draining and not self._wanted)
        except Exception as error:
            if is_away(error):
                raise
            self._index.leave()

    def _failed(self, wanted: _Wanted | None, error: Exception) -> None:
        """Put a run back that the store did not take: to be tried again when the store is there, or after the others."""
        away = is_away(error)
        with self._changed:
            self._under_way = 0
            if wanted:
                key = wanted.trial.key
                newer = self._wanted.pop(key, None)
                again = wanted.and_then(newer) if newer else wanted
                again = again if away else replace(again, tries=again.tries + 1)
                if again.tries >= TRIES:
                    self._refused[key] = f"MLflow does not take “{again.trial.name}” ({first_line(error)})"
                    self._say(f"{self._refused[key]}; it is kept, and tried again at the next start.")
                else:
                    self._wanted = {key: again, **self._wanted} if away else {**self._wanted, key: again}
            self._changed.notify_all()
        if away:
            self._wait_for_store()

    def _wait_for_store(self) -> None:
        """Wait until the store can be reached."""
        now = time.monotonic()
        if self._away_since is None:
            self._away_since, self._said = now, now - NEWS
        while not self._closing:
            if time.monotonic() - self._said >= NEWS and (waiting := self.left):
                self._said = time.monotonic()
                wait = "waits" if waiting == 1 else "wait"
                self._say(f"{what_is_away(self._log.store)} is away; {counted(waiting, 'run')} {wait}.")
            with self._changed:
                self._changed.wait_for(lambda: self._closing, AGAIN)
            if answers(self._log.store):
                return

    def _succeeded(self) -> None:
        with self._changed:
            self._under_way = 0
            back, self._away_since = self._away_since is not None, None
            self._changed.notify_all()
        if back:
            with suppress(Exception):
                self._say(f"{what_is_away(self._log.store)} is back; what waits is being logged.")
