"""What waits to be run: which trial goes next, of those that this study may make."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from itertools import islice
from typing import Protocol

from ablation.study.outcome import Result
from ablation.study.subject import Trial

MOST_AHEAD = 256
"""Runs that are claimed before they are wanted, at most."""


class Claimed(Protocol):
    """Says which runs may be made. :class:`ablation.store.claims.Claims` is one."""

    def ask(self, keys: Iterable[str]) -> None:
        """Ask for runs by the keys of their trials."""

    def holds(self, key: str) -> bool:
        """Return whether a run may be made."""

    def is_elsewhere(self, key: str) -> bool:
        """Return whether another study has a run in hand."""

    def made(self) -> Mapping[str, Result]:
        """Return the results of runs that were asked for and that another study has finished meanwhile."""


class Waiting:
    """Trials that wait, in the order in which they should go.

    Args:
        trials: in order.
        claims: asked for each of them before it goes.
    """

    def __init__(self, trials: Sequence[Trial], claims: Claimed) -> None:
        self._trials = {trial.key: trial for trial in trials}
        self._groups: dict[str, dict[str, Trial]] = {}
        for trial in trials:
            self._groups.setdefault(trial.group, {})[trial.key] = trial
        self._claims = claims
        self._ahead = 1

    def __len__(self) -> int:
        return len(self._trials)

    def clear(self) -> None:
        """Let go of all."""
        self._trials.clear()
        self._groups.clear()

    def next(self, last: Trial | None, busy: Collection[str], slots: int) -> Trial | None:
        """Take the trial that goes next; None where none may go yet.

        It is the next seed of the arm that a worker has ready, else an arm that nobody has begun, else the first that waits.

        Args:
            last: what the worker ran last, if it should stay with that.
            busy: groups that run.
            slots: how many runs go at once.
        """
        self._ask(last, slots)
        same = (trial for trial in self._groups.get(last.group, {}).values()) if last is not None else iter(())
        free = [trial for trial in self._first(slots) if self._claims.holds(trial.key)]
        new = (trial for trial in free if trial.group not in busy)
        trial = next((trial for trial in same if self._claims.holds(trial.key)), None) or next(new, None) or next(iter(free), None)
        if trial is not None:
            self._take(trial)
        elif self._trials:
            # The claims came too late: more of them are asked for ahead.
            self._ahead = min(2 * self._ahead, MOST_AHEAD)
        return trial

    def prepare(self, running: Iterable[Trial], slots: int) -> None:
        """Ask for what may go next while there is time."""
        for trial in running:
            self._ask(trial, slots)

    def made(self) -> list[tuple[Trial, Result]]:
        """Take those that another study has finished meanwhile, with their results."""
        made = [(self._trials[key], result) for key, result in self._claims.made().items() if key in self._trials]
        for trial, _ in made:
            self._take(trial)
        return made

    @property
    def elsewhere(self) -> int:
        """How many wait for another study, which has them in hand."""
        return sum(self._claims.is_elsewhere(key) for key in self._trials)

    def _ask(self, last: Trial | None, slots: int) -> None:
        same = islice(self._groups.get(last.group, {}), 1) if last is not None else ()
        self._claims.ask([*same, *(trial.key for trial in self._first(slots))])

    def _first(self, slots: int) -> list[Trial]:
        """Return the first trials that are not in another study's hands."""
        mine = (trial for trial in self._trials.values() if not self._claims.is_elsewhere(trial.key))
        return list(islice(mine, max(slots, self._ahead) + slots))

    def _take(self, trial: Trial) -> None:
        del self._trials[trial.key]
        group = self._groups[trial.group]
        del group[trial.key]
        if not group:
            del self._groups[trial.group]
