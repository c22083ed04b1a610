"""The schedule: which run goes next, and who hears of it."""

from collections.abc import Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from typing import Any, Protocol

from ablation.engine.execution import Pool
from ablation.engine.failed import Failed, died
from ablation.engine.interruption import Interruption
from ablation.engine.run_log import RunLog
from ablation.engine.waiting import Claimed, Waiting
from ablation.engine.worker import Made, Packed, perform
from ablation.errors import InputError
from ablation.store.study_log import StudyLog
from ablation.study.findings import Failure
from ablation.study.outcome import Result
from ablation.study.subject import Trial
from ablation.wording import counted

PATIENCE = 0.5
"""Seconds after which the schedule looks whether it was interrupted, even if no run has ended."""

SHORT = 0.02
"""Seconds after which it looks again where a worker has nothing to do."""

WORTH_STAYING = 0.1
"""Share of a run's time that its group's start-up must take for a worker to stay with the group."""


class Listener(Protocol):
    """Hears of runs. :class:`ablation.engine.run_log.RunLog` and the screen are two."""

    def started(self, trial: Trial) -> None: ...

    def progressed(self, event: Mapping[str, Any]) -> None:
        """Take what a run reports, from whatever thread."""

    def finished(self, trial: Trial, made: Made) -> None: ...

    def failed(self, trial: Trial, failed: Failed) -> None: ...


class Screen(Listener, Protocol):
    """Shows runs, and says what happens meanwhile."""

    def adopted(self, trial: Trial, result: Result) -> None:
        """Show a run that another study has made meanwhile."""

    def say(self, line: str) -> None:
        """Show one line."""


def run_all(
    missing: Sequence[Trial],
    subject: Packed,
    pool: Pool,
    log: StudyLog,
    runs: RunLog,
    screen: Screen,
    stop_on_error: bool,
    claims: Claimed,
) -> tuple[dict[str, Result], tuple[Failure, ...]]:
    """Make and log all runs, and return the results by key and what failed. A failing run does not stop the others, unless asked to.

    Args:
        missing: the trials to run.
        subject: as a worker takes it.
        log: the study's; it goes to the workers, which store networks themselves.
        runs, screen: hear of every run.
        claims: says which runs may be made; what another study has finished meanwhile counts as made.

    Raises:
        InputError: if no run can go any more.
    """
    seeds = {seed: place for place, seed in enumerate(dict.fromkeys(trial.seed for trial in missing))}
    # Every arm has a first seed before any has a second one. Arms with more features take longer; the longest first leaves the shortest
    # waiting at the end.
    queue = Waiting(sorted(missing, key=lambda trial: (seeds[trial.seed], -len(trial.arm))), claims)
    running: dict[Future[Made | Failed], Trial] = {}
    spared: dict[str, float] = {}
    results: dict[str, Result] = {}
    failures: list[Failure] = []

    def submit(interruption: Interruption, last: Trial | None, seconds: float) -> bool:
        if runs.holds_back:
            return False
        stay = last is not None and spared.get(last.group, 0.0) > WORTH_STAYING * seconds
        trial = queue.next(last if stay else None, {each.group for each in running.values()} if stay else set(), pool.slots)
        if trial is None:
            return False
        runs.started(trial)
        screen.started(trial)
        with interruption.at_once():
            work = (subject, trial, runs.run_id(trial), log, pool.threads, pool.own, pool.send)
            running[pool.submit(perform, *work)] = trial
        return True

    with Interruption() as interruption:
        waits = False
        while running or queue:
            while len(running) < pool.slots and submit(interruption, None, 0.0):
                pass
            pool.expect(len(queue))
            queue.prepare(running.values(), pool.slots)
            # What may be made next can be known any moment.
            soon = len(running) < pool.slots and queue.elsewhere < len(queue)
            anything: set[Future[Any]] = {*running, pool.changed}
            ended = wait(anything, SHORT if soon else PATIENCE, FIRST_COMPLETED).done & running.keys()
            for trial, result in queue.made():
                results[trial.key] = result
                runs.adopted(trial, result)
                screen.adopted(trial, result)
            if not running and not waits and len(queue) == queue.elsewhere > 0:
                waits = True
                screen.say(f"{counted(len(queue), 'run')} of this study {'is' if len(queue) == 1 else 'are'} being made by another one.")
            over: list[tuple[Trial, float]] = []
            stopped: InputError | None = None
            for future in ended:
                trial = running.pop(future)
                error = future.exception()
                if isinstance(error, InputError):
                    stopped = error
                    continue
                made = future.result() if error is None else died(error)
                if isinstance(made, Made):
                    spared[trial.group] = max(spared.get(trial.group, 0.0), made.start_up)
                    runs.finished(trial, made)
                    screen.finished(trial, made)
                    results[trial.key] = made.result
                    over.append((trial, made.result.seconds))
                else:
                    if stop_on_error:
                        queue.clear()
                    failures.append(Failure(trial.arm, trial.seed, made.message, made.place))
                    runs.failed(trial, made)
                    screen.failed(trial, made)
                    over.append((trial, float("inf")))
            # What has ended is kept before anything can stop the study, or make this process work on the next run.
            interruption.check()
            if stopped is not None:
                raise stopped
            if running or queue:
                for line in pool.news():
                    screen.say(line)
            for trial, seconds in over:
                submit(interruption, trial, seconds)
    return results, tuple(failures)
