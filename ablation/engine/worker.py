"""One run, in the process that makes it: from a subject and a trial to a result, with its progress on the way."""

import platform
import shutil
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

import cloudpickle
import numpy as np

from ablation.engine.failed import Failed, failed
from ablation.engine.progress import Progress, Send
from ablation.quiet import quiet
from ablation.store.study_log import StudyLog
from ablation.study.origin import is_own
from ablation.study.outcome import Result, RunError
from ablation.study.subject import Subject, Trial


@dataclass(frozen=True)
class Made:
    """What a run leaves behind, on its way to the log.

    Attributes:
        result: its numbers.
        texts, arrays: the files that go with them, by name.
        start_up: seconds that the next run of the same group is spared.
        note: what a reader of the run's page is shown first.
    """

    result: Result
    texts: Mapping[str, str]
    arrays: Mapping[str, Mapping[str, np.ndarray]]
    start_up: float
    note: str = ""


@dataclass(frozen=True)
class Packed:
    """A subject as a worker can read it.

    Attributes:
        before: what sets a process up before it reads the subject, pickled.
        subject: pickled, with the code of the user's own modules, which a worker elsewhere does not have.
        packages: those whose versions decide the numbers of a run.
        staged: a folder of files that runs read.
    """

    before: bytes
    subject: bytes
    packages: tuple[str, ...] = ()
    staged: Path | None = None


def perform(subject: Packed, trial: Trial, run_id: str, log: StudyLog, threads: int | None, own: bool, send: Send) -> Made | Failed:
    """Make one run, and return what is to be logged of it; the process that conducts the study does that, for MLflow is slow to import.

    Args:
        subject: by :func:`packed`.
        trial: what to run.
        run_id: the run as MLflow has it.
        log: where its network and its files are stored, if they are to be.
        threads, own: see :meth:`ablation.study.subject.Subject.start`.
        send: takes messages of its progress.
    """
    try:
        return _made(subject, trial, run_id, log, threads, own, send)
    except (Exception, SystemExit) as error:
        return failed(error)


def _made(subject: Packed, trial: Trial, run_id: str, log: StudyLog, threads: int | None, own: bool, send: Send) -> Made:
    what, set_up = _started(subject, threads, own)
    progress = Progress(trial, run_id, send)
    progress.stage("starting")
    began = time.perf_counter()
    try:
        with log.watched(run_id):
            outcome = what.run(trial, progress)
    finally:
        progress.flush()
    if what.metric.outside(np.array(outcome.score)):
        raise RunError(f"the score is {outcome.score:g}; {what.metric.bounds_in_words}", outcome.texts)
    seconds = time.perf_counter() - began
    stored: tuple[str, ...] = (*outcome.texts, *outcome.arrays)
    if outcome.model is not None:
        stored += log.store_model(run_id, outcome.model)
    if outcome.folder is not None:
        stored += log.store_folder(run_id, outcome.folder)
        shutil.rmtree(outcome.folder)
    result = Result(
        score=outcome.score,
        history=outcome.history,
        measures=outcome.measures,
        environment={**environment(set_up["threads"]), **outcome.environment},
        seconds=seconds,
        stored=stored,
        run_id=run_id,
        uncovered=outcome.uncovered,
    )
    return Made(result, outcome.texts, outcome.arrays, outcome.start_up, outcome.note)


def start(subject: Packed, threads: int | None, own: bool) -> Mapping[str, str]:
    """Set this process up for the runs of a subject, before the first one comes, and return how it is set up now."""
    return _started(subject, threads, own)[1]


def _started(subject: Packed, threads: int | None, own: bool) -> tuple[Subject, Mapping[str, str]]:
    """Return a subject in a process that is set up for its runs, and how it is."""
    quiet()
    # The user's own code may import what this prepares.
    before = cloudpickle.loads(subject.before)
    if before is not None:
        before(threads, own)
    what = _unpacked(subject.subject)
    return what, what.start(threads, own)


def packed(subject: Subject) -> Packed:
    """Return a subject as a worker can read it."""
    files = {name: getattr(module, "__file__", None) for name, module in list(sys.modules.items()) if name != "__main__"}
    own = [sys.modules[name] for name, file in files.items() if file and is_own(file) and sys.modules[name].__name__ == name]
    for module in own:
        cloudpickle.register_pickle_by_value(module)
    try:
        return Packed(bytes(cloudpickle.dumps(subject.before())), bytes(cloudpickle.dumps(subject)), subject.packages(), subject.staged)
    finally:
        for module in own:
            cloudpickle.unregister_pickle_by_value(module)


_latest: tuple[bytes, Subject] | None = None


def _unpacked(subject: bytes) -> Subject:
    """Return the subject that :func:`packed` wrote. One is kept: all runs of a study have the same."""
    global _latest
    if _latest is None or _latest[0] != subject:
        _latest = (subject, cloudpickle.loads(subject))
    return _latest[1]


def environment(threads: str) -> dict[str, str]:
    """Return what a reader must know to judge whether two runs are alike, whatever their subject is."""
    return {
        "python": platform.python_version(),
        "ablation": version("ablation"),
        "threads": threads,
        "processor": _processor(),
    }


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        return next(line.split(":", 1)[1].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()
