"""Conducting a study: run what is missing, analyse, publish.

The order of :func:`conduct` is the story: nothing is run or logged before everything that can be checked has been, a finished run is
never made again, and whatever stops the study, the same command continues it.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from dataclasses import dataclass, replace
from functools import cache, partial
from pathlib import Path
from typing import Any, Protocol

from ablation.effects import Precision
from ablation.engine.analysis import analysed, decided, looked_so_far, question, results_by_arm, shows_effects
from ablation.engine.execution import Execution, Pool
from ablation.engine.journal import Journal
from ablation.engine.looking import is_decided
from ablation.engine.plan import asked_for, finished, stored
from ablation.engine.run_log import LAST_MOMENT, RunLog
from ablation.engine.schedule import Listener, run_all
from ablation.engine.schedule import Screen as RunScreen
from ablation.engine.worker import Packed, packed
from ablation.errors import InputError
from ablation.report.logged import summary
from ablation.report.looks import look_taken
from ablation.report.protocol import seeds_decided
from ablation.store.claims import Claims, Owner
from ablation.store.connection import Store
from ablation.store.names import CONFIGURATION, FINDINGS
from ablation.store.shown import note_end, shown_before
from ablation.store.study_log import StudyLog
from ablation.study.findings import Failure, Findings, to_json
from ablation.study.metric import Metric
from ablation.study.outcome import Result
from ablation.study.study import FOLDER, Study, owner_of
from ablation.study.subject import ReadArrays, Trial

PATIENCE = 120.0
"""Seconds for which a study whose runs are all made waits for a store that is away."""


class Screen(RunScreen, Protocol):
    """What a person sees of a study."""

    def watching(
        self, metric: Metric, total: int, results: Mapping[str, Result], slots: Callable[[], int], epochs: int | None
    ) -> AbstractContextManager[None]:
        """Show ``total`` runs, of which ``results`` are there already, while ``slots`` of them can run at once, of ``epochs`` each."""


@dataclass(frozen=True)
class Conducted:
    """What a study leaves.

    Attributes:
        findings: what it found.
        files: those that show it.
        address: of its runs in MLflow.
        lacking: what MLflow lacks of it, why, and what to do, in a sentence; empty where it lacks nothing.
    """

    findings: Findings
    files: tuple[Path, ...]
    address: str
    lacking: str = ""

    @property
    def went_well(self) -> bool:
        """Whether every run finished and is logged, and every effect could be estimated."""
        return self.findings.went_well and not self.lacking


@dataclass(frozen=True)
class _Ran:
    """What all runs of a study left.

    Attributes:
        study: with the seeds that were decided on, where they were.
        results: by the keys of the trials.
        failures: runs that failed now.
        precision: how the number of seeds was decided.
        taken: looks that a study has taken that stops itself.
    """

    study: Study
    results: Mapping[str, Result]
    failures: tuple[Failure, ...]
    precision: Precision | None = None
    taken: int = 0


def conduct(study: Study, store: Store, execution: Execution, screen: Screen) -> Conducted:
    """Run what is missing, and report.

    Raises:
        InputError: if something that the user gave cannot work; nothing was run or logged then.
        KeyboardInterrupt: on Ctrl-C, after what was running was marked as killed.
    """
    study.subject.prepare()
    for sentence in (*execution.remarks(), *study.subject.remarks(), *(lost for design in study.designs for lost in design.lost)):
        screen.say(sentence)
    _check_folder(study)
    with _alone(study), ExitStack() as stack:
        listeners: list[Listener] = [screen]

        @cache
        def pool() -> _Opened:
            """Open the place where runs happen, for the first run that is missing."""
            subject = packed(study.subject)
            opened = stack.enter_context(execution.open(subject, lambda event: _progressed(listeners, event)))
            return _Opened(opened, subject, execution.slots or 1)

        first = asked_for(study)
        there = finished(study, store, first)
        for sentence in study.subject.doubts(tuple(there.values())):
            screen.say(sentence)
        if len(there) < len(first):
            # Workers are reached before anything is logged. What they import takes seconds, as does MLflow here meanwhile.
            pool()
        owner = Owner.this_process()
        log = StudyLog.open(store, study.key, study.question_key, study.name, study.subject.metric.key, _params(study), owner.token)
        runs: RunLog | None = None

        def made(keys: Sequence[str]) -> Mapping[str, Result]:
            return stored(study, store, runs.trials(keys)) if runs is not None else {}

        claims = Claims(store, log.experiment_id, log.parent, owner, log.watch, made)
        stack.callback(claims.close, LAST_MOMENT)
        try:
            claims.begin()
            runs = RunLog(log, study, Journal(study.key), screen.say, claims.release)
            log.save_view(study.subject.metric)
            shown = shown_before(store, log.parent)
            log.keep({FINDINGS: to_json(question(study, shown)), CONFIGURATION: study.configuration})
            runs.recover(there)
            listeners.append(runs)
            ran = _run_missing(study, store, there, log, runs, pool, screen, claims)
            lacking = runs.wait(PATIENCE)
            ran = replace(ran, results=runs.with_ids(ran.results))
            if not lacking:
                shown = shown_before(store, log.parent)
            read = runs.reader(ran.results)
            findings = _findings(ran, shown, runs.failures, read)
            files = _publish(ran.study, findings, read, pool().pool if pool.cache_info().currsize else None)
            if not lacking:
                if shows_effects(findings):
                    note_end(store, log.parent, len(findings.seeds))
                log.close("FAILED" if ran.failures else "FINISHED", summary(findings), study.folder)
            runs.close()
        except BaseException:
            # First the workers, so that none logs to a run that is marked as killed.
            stack.close()
            with suppress(Exception):  # What stopped the study is the message, not that its store cannot take even this.
                if runs is not None:
                    runs.close()
                if runs is None or not runs.away:
                    log.kill()
            raise
    return Conducted(findings, files, log.address, lacking)


@dataclass(frozen=True)
class _Opened:
    """A pool that is being set up for a subject: the subject as its processes take it, and how many slots it should get."""

    pool: Pool
    subject: Packed
    expected: int

    def slots(self) -> int:
        """Return how many runs can go at once, now or once its processes are ready."""
        return max(self.pool.slots, self.expected)


def _progressed(listeners: Sequence[Listener], event: Mapping[str, Any]) -> None:
    for each in listeners:
        each.progressed(event)


def _run_missing(
    study: Study,
    store: Store,
    there: Mapping[str, Result],
    log: StudyLog,
    runs: RunLog,
    pool: Callable[[], _Opened],
    screen: Screen,
    claims: Claims,
) -> _Ran:
    """Make the runs that are not there.

    Once for the seeds asked for; of an adaptive study once for the pilot, and once for the rest; of one that stops itself once a look.
    """
    ran = _Ran(study, {}, ())
    while True:
        asked = asked_for(ran.study, ran.results, ran.taken)
        if ran.results:
            there = finished(ran.study, store, [trial for trial in asked if trial.key not in ran.results])
        ran = _made(ran, asked, there, log, runs, pool, screen, claims)
        if ran.failures and study.stop_on_error:
            return ran
        if study.sequential is not None:
            ran = replace(ran, taken=ran.taken + 1)
            found = looked_so_far(ran.study, ran.results, ran.taken)
            screen.say(look_taken(found))
            if is_decided(found):
                return ran
        elif study.adaptive is not None and ran.precision is None:
            precision = decided(study, results_by_arm(study, ran.results))
            screen.say(seeds_decided(precision, study.subject.metric))
            ran = replace(ran, study=study.with_seeds(precision.total), precision=precision)
        else:
            return ran


def _made(
    ran: _Ran,
    asked: Sequence[Trial],
    there: Mapping[str, Result],
    log: StudyLog,
    runs: RunLog,
    pool: Callable[[], _Opened],
    screen: Screen,
    claims: Claims,
) -> _Ran:
    """Make those of the runs asked for that are neither there nor have failed, and return what all have left."""
    study, given_up = ran.study, {(failure.arm, failure.seed) for failure in ran.failures}
    results = {**ran.results, **runs.adopt(there, asked)}
    runs.compare(study, results)
    left = [trial for trial in asked if trial.key not in results and (trial.arm, trial.seed) not in given_up]
    if not left:
        return replace(ran, results=results)
    opened = pool()
    total = len(asked) - len(given_up)
    if there:
        screen.say(f"{len(there)} of {total} runs are finished already and are not made again.")
    with screen.watching(study.subject.metric, total, results, opened.slots, study.subject.epochs):
        made, failed = run_all(left, opened.subject, opened.pool, log, runs, screen, study.stop_on_error, claims)
    return replace(ran, results=results | made, failures=(*ran.failures, *failed))


def _findings(ran: _Ran, shown: tuple[int, ...], failed: int, read: ReadArrays) -> Findings:
    runs = results_by_arm(ran.study, ran.results)
    found = analysed(question(ran.study, shown), runs, ran.failures, failed, ran.precision, ran.taken)
    return replace(found, variability=ran.study.subject.variability(found.runs, read), unfinished=False)


def _publish(study: Study, findings: Findings, read: ReadArrays, pool: Pool | None) -> tuple[Path, ...]:
    """Write the study's folder, unless it shows these findings already, and return its files."""
    from ablation.report.publish import publish, unchanged

    return unchanged(findings, study.folder) or publish(
        findings,
        study.folder,
        {CONFIGURATION: study.configuration, **study.subject.files()},
        partial(study.subject.pictures, findings, read),
        study.key,
        pool,
    )


def _check_folder(study: Study) -> None:
    """Keep a study from writing over another one's files."""
    if owner_of(study.folder) not in ("", study.key):
        raise InputError(f"'{study.folder}' holds the files of another study; expected another study.name, or remove them")


@contextmanager
def _alone(study: Study) -> Iterator[None]:
    """Keep a second process from conducting the same study at the same time. The lock goes with the process, however it ends."""
    from filelock import FileLock, Timeout

    locks = FOLDER / "cache" / "locks"
    locks.mkdir(parents=True, exist_ok=True)
    lock = FileLock(locks / f"{study.key}.lock", timeout=0)
    try:
        lock.acquire()
    except Timeout:
        raise InputError(f"the study '{study.name}' is being run by another process in this folder; wait until that has ended") from None
    try:
        yield
    finally:
        lock.release()


def _params(study: Study) -> dict[str, Any]:
    seeds = ", ".join(map(str, study.seeds))
    if study.adaptive is not None:
        wanted = study.subject.metric.with_difference(f"{study.adaptive.precision:g}")
        seeds = f"auto: intervals of ± {wanted}, at most {study.adaptive.most}"
    if study.sequential is not None:
        seeds = f"sequential: looks at {', '.join(map(str, study.sequential.looks))}"
    return {
        "designs": ", ".join(design.name for design in study.designs),
        "order": ", ".join(study.features),
        "seeds": seeds,
        "arms": len(study.arms),
        "subject": study.subject.name,
        "metric": study.subject.metric.key,
        **study.subject.settings(),
    }
