"""The schedule: which run goes next, and who hears of it."""

import signal
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from contextlib import contextmanager
from threading import current_thread, main_thread
from typing import Any, Protocol

from ablation.engine.execution import Pool
from ablation.engine.run_log import RunLog
from ablation.engine.worker import Made, perform
from ablation.errors import InputError
from ablation.store.epochs import INTERVAL
from ablation.store.study_log import StudyLog
from ablation.study.findings import Failure
from ablation.study.outcome import Result
from ablation.study.subject import Trial

WORTH_STAYING = 0.1
"""Share of a run's time that its group's start-up must take for a worker to stay with the group."""


class Listener(Protocol):
    """Hears of runs. :class:`ablation.engine.run_log.RunLog` and the screen are two."""

    def started(self, trial: Trial) -> None: ...

    def progressed(self, event: Mapping[str, Any]) -> None:
        """Take what a run reports, from whatever thread."""

    def finished(self, trial: Trial, made: Made) -> None: ...

    def failed(self, trial: Trial, message: str) -> None: ...


def run_all(
    missing: Sequence[Trial], subject: bytes, pool: Pool, log: StudyLog, runs: RunLog, screen: Listener, stop_on_error: bool
) -> tuple[dict[str, Result], tuple[Failure, ...]]:
    """Make and log all runs, and return the results by key and what failed. A failing run does not stop the others, unless asked to.

    Args:
        missing: the trials to run.
        subject: pickled, as a worker takes it.
        log: the study's; it goes to the workers, which store networks themselves.
        runs, screen: hear of every run.
    """
    seeds = {seed: place for place, seed in enumerate(dict.fromkeys(trial.seed for trial in missing))}
    # Every arm has a first seed before any has a second one. Arms with more features take longer; the longest first leaves the shortest
    # waiting at the end.
    queue = sorted(missing, key=lambda trial: (seeds[trial.seed], -len(trial.arm)))
    running: dict[Future[Made], Trial] = {}
    spared: dict[str, float] = {}
    results: dict[str, Result] = {}
    failures: list[Failure] = []

    def submit(last: Trial | None, seconds: float) -> None:
        if not queue:
            return
        stay = last is not None and spared.get(last.group, 0.0) > WORTH_STAYING * seconds
        trial = _next(queue, last if stay else None, {each.group for each in running.values()} if stay else set())
        queue.remove(trial)
        with interruption_held_back():
            runs.started(trial)
            screen.started(trial)
        running[pool.executor.submit(perform, subject, trial, runs.run_id(trial), log, pool.threads, pool.own, pool.send)] = trial

    for _ in range(pool.slots):
        submit(None, 0.0)
    while running:
        ended = wait(running, INTERVAL, FIRST_COMPLETED).done
        with interruption_held_back():
            runs.waited()
        for future in ended:
            trial = running.pop(future)
            if future.cancelled():
                raise InputError("the scheduler of execution=dask has gone away; once it runs again, the same command continues the study")
            error = future.exception()
            if error is None:
                made = future.result()
                spared[trial.group] = max(spared.get(trial.group, 0.0), made.start_up)
                # The worker is busy again while this process logs what has ended.
                submit(trial, made.result.seconds)
                with interruption_held_back():
                    runs.finished(trial, made)
                    screen.finished(trial, made)
                results[trial.key] = made.result
            else:
                if stop_on_error:
                    queue.clear()
                failures.append(Failure(trial.arm, trial.seed, _in_a_line(error)))
                with interruption_held_back():
                    runs.failed(trial, f"{type(error).__name__}: {error}")
                    screen.failed(trial, failures[-1].message)
                submit(trial, float("inf"))
    return results, tuple(failures)


def _next(queue: Sequence[Trial], last: Trial | None, busy: set[str]) -> Trial:
    """Choose the next seed of the arm that a worker has ready; else an arm that nobody has begun; else the first that waits."""
    same = (trial for trial in queue if last is not None and trial.group == last.group)
    new = (trial for trial in queue if trial.group not in busy)
    return next(same, None) or next(new, None) or queue[0]


@contextmanager
def interruption_held_back() -> Iterator[None]:
    """Let Ctrl-C or the end of a batch job wait until what is within has ended: under MLflow's database it could be swallowed.

    The second one comes through at once. In another thread than the main one, which alone is interrupted, nothing changes.
    """
    if current_thread() is not main_thread():
        yield
        return
    held: list[int] = []

    def hold(number: int, _: object) -> None:
        if held:
            raise KeyboardInterrupt
        held.append(number)

    before = {number: signal.signal(number, hold) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    if held:
        signal.raise_signal(held[0])


def _in_a_line(error: BaseException) -> str:
    """Return what an error says, in a line."""
    if type(error).__name__ == "KilledWorker":
        return "its worker process died each time it was tried (often for lack of memory)"
    lines = str(error).strip().splitlines()
    return f"{type(error).__name__}: {lines[0] if lines else 'no message'}"
