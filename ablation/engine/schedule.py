"""The schedule: which run goes next, and what is logged when one ends."""

import signal
from collections.abc import Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from contextlib import contextmanager
from threading import current_thread, main_thread

from ablation.designs import Arm
from ablation.engine.deltas import Deltas
from ablation.engine.execution import Pool, report
from ablation.errors import InputError
from ablation.images.run import Run
from ablation.images.worker import Trained, perform
from ablation.report.screen import Screen
from ablation.store.connection import INTERVAL, Destination, EpochLog
from ablation.study.findings import Failure, RunResult


def train_all(
    missing: Sequence[Run], pool: Pool, destination: Destination, epochs: EpochLog, screen: Screen, deltas: Deltas, stop_on_error: bool
) -> tuple[dict[str, RunResult], tuple[Failure, ...]]:
    """Train and log all runs, and return the results by key and what failed. A failing run does not stop the others, unless asked to."""
    # Arms with more features take longer; the longest first leaves the shortest waiting at the end.
    queue = sorted(missing, key=lambda run: -len(run.arm))
    running: dict[Future[Trained], tuple[Run, str]] = {}
    results: dict[str, RunResult] = {}
    failures: list[Failure] = []

    def submit(last: Arm | None) -> None:
        if not queue:
            return
        run = _next(queue, last, {each.arm for each, _ in running.values()})
        queue.remove(run)
        screen.started(run)
        data = {"name": run.data.name, "digest": run.data.identity[-36:], "description": run.data.description}
        with interruption_held_back():
            run_id = destination.start_run(run.name, run.key, run.tags, run.params(), data)
        running[pool.executor.submit(perform, run, run_id, destination, report)] = run, run_id

    for _ in range(pool.slots):
        submit(None)
    while running:
        ended = wait(running, INTERVAL, FIRST_COMPLETED).done
        with interruption_held_back():
            epochs.flush_old()
        for future in ended:
            run, run_id = running.pop(future)
            if future.cancelled():
                raise InputError("the scheduler of execution=dask has gone away; once it runs again, the same command continues the study")
            error = future.exception()
            with interruption_held_back():
                epochs.flush(run_id)
                if error is None:
                    trained = future.result()
                    destination.finish_run(run_id, trained.result, trained.texts, trained.arrays)
                    results[run.key] = trained.result
                    deltas.add(run, trained.result)
                    screen.finished(run, trained.result)
                else:
                    destination.fail_run(run_id, f"{type(error).__name__}: {error}")
                    failures.append(Failure(run.arm, run.seed, _told(error)))
                    screen.failed(run, failures[-1].message)
                    if stop_on_error:
                        queue.clear()
            # One run leaves and one comes, so the new one goes to the worker that has the arm's network compiled.
            submit(run.arm)
    return results, tuple(failures)


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


def _next(queue: Sequence[Run], last: Arm | None, busy: set[Arm]) -> Run:
    """Choose the next seed of the arm that a worker has just had; else an arm that nobody has begun; else help with another's."""
    same = (run for run in queue if run.arm == last)
    new = (run for run in queue if run.arm not in busy)
    return next(same, None) or next(new, None) or queue[0]


def _told(error: BaseException) -> str:
    """Tell an error in a line."""
    if type(error).__name__ == "KilledWorker":
        return "its worker process died each time it was tried (often for lack of memory)"
    lines = str(error).strip().splitlines()
    return f"{type(error).__name__}: {lines[0] if lines else 'no message'}"
