"""Which run goes next, and what an interruption does to a study that is logging."""

import signal
import threading
from collections.abc import Iterable, Mapping
from typing import Any

import pytest

from ablation.designs import Arm, cumulative
from ablation.engine.execution import Inline
from ablation.engine.failed import Failed
from ablation.engine.interruption import Interruption
from ablation.engine.progress import Progress
from ablation.engine.schedule import run_all
from ablation.engine.worker import Made, packed
from ablation.store.connection import Store
from ablation.store.study_log import StudyLog
from ablation.study.metric import Measure, Metric
from ablation.study.outcome import Outcome, Result
from ablation.study.study import Study
from ablation.study.subject import Report, Scoring, Subject, Trial


class Trained(Subject):
    """A subject that trains nothing, and fails with one of its features."""

    name, description, features = "nothing", "Data: none", ("a", "b")
    metric = Metric("score")
    measures: tuple[Measure, ...] = ()

    def __init__(self, start_up: float, failing: str = "") -> None:
        self.start_up, self.failing = start_up, failing

    def identity(self, arm: Arm) -> Mapping[str, Any]:
        return {"arm": sorted(arm)}

    def run(self, trial: Trial, report: Report) -> Outcome:
        if self.failing in trial.arm:
            raise RuntimeError("no memory\nat all")
        return Outcome(float(trial.seed), start_up=self.start_up)

    def protocol(self) -> Scoring:
        return Scoring("", "")


class Free:
    """Lets every run be made."""

    def ask(self, keys: Iterable[str]) -> None: ...

    def holds(self, key: str) -> bool:
        return True

    def is_elsewhere(self, key: str) -> bool:
        return False

    def made(self) -> Mapping[str, Result]:
        return {}


class Heard:
    """Keeps what it hears of runs."""

    def __init__(self) -> None:
        self.names: list[str] = []
        self.failures: dict[str, str] = {}

    holds_back = False

    def run_id(self, trial: Trial) -> str:
        return trial.key

    def started(self, trial: Trial) -> None:
        self.names.append(trial.name)

    def progressed(self, event: Mapping[str, Any]) -> None: ...

    def finished(self, trial: Trial, made: Made) -> None: ...

    def adopted(self, trial: Trial, result: Result) -> Result:
        self.names.append(f"{trial.name}, from elsewhere")
        return result

    def say(self, line: str) -> None: ...

    def failed(self, trial: Trial, failed: Failed) -> None:
        self.failures[trial.name] = failed.message


def conducted(subject: Trained, stop_on_error: bool = False, seeds: tuple[int, ...] = (0, 1), heard: Heard | None = None) -> Heard:
    """Run all trials of a path in this process, and return what was heard of them."""
    runs: Any = heard or Heard()
    study = Study(subject, (cumulative(subject.features),), seeds)
    with Inline().open(packed(subject), lambda _: None) as pool:
        log = StudyLog(Store("sqlite:///unused.db", "ablation"), "1", "parent", "score", "study")
        run_all(study.trials, packed(subject), pool, log, runs, Heard(), stop_on_error, Free())
    return runs


def test_every_arm_has_a_first_seed_before_any_has_a_second_one() -> None:
    names = conducted(Trained(start_up=0.0)).names
    assert names == [f"{arm} · seed {seed}" for seed in (0, 1) for arm in ("+ b", "+ a", "baseline")]


def test_a_worker_stays_with_an_arm_that_takes_long_to_start() -> None:
    names = conducted(Trained(start_up=10.0)).names
    assert names == [f"{arm} · seed {seed}" for arm in ("+ b", "+ a", "baseline") for seed in (0, 1)]


class Order(Heard):
    """Keeps what begins and what ends, in order."""

    def finished(self, trial: Trial, made: Made) -> None:
        self.names.append("kept")


def test_a_run_is_kept_before_the_next_one_is_made() -> None:
    names = conducted(Trained(start_up=0.0), seeds=(0,), heard=Order()).names
    assert names == ["+ b · seed 0", "kept", "+ a · seed 0", "kept", "baseline · seed 0", "kept"]


def test_progress_is_sent_at_once_and_then_as_often_as_a_screen_shows_it() -> None:
    events: list[dict[str, Any]] = []
    threads: list[threading.Thread] = []

    def send(event: dict[str, Any]) -> None:
        events.append(event)
        threads.append(threading.current_thread())

    trial = Trial(frozenset(), 0, "key", "group", "baseline", (), {})
    progress = Progress(trial, "run", send)
    for score in (0.1, 0.2, 0.3):
        progress(score=score)
    assert [event["epoch"] for event in events] == [1], "the others wait"
    deadline = threading.Event()
    for _ in range(50):
        if len(events) > 1:
            break
        deadline.wait(0.1)
    assert [event["epoch"] for event in events] == [1, 3], "also where nothing follows"
    assert [number for number, *_ in events[1]["epochs"]] == [2, 3]
    assert progress.history == {"score": [0.1, 0.2, 0.3]}
    assert threads[0] is threading.current_thread()


def test_a_failing_run_does_not_stop_the_others_unless_asked_to() -> None:
    heard = conducted(Trained(0.0, failing="b"))
    assert len(heard.names) == 6
    assert heard.failures == {f"+ b · seed {seed}": "RuntimeError: no memory at all" for seed in (0, 1)}
    assert conducted(Trained(0.0, failing="b"), stop_on_error=True).names == ["+ b · seed 0"]


def logged_despite(interruptions: int, logged: list[str], error: Exception | None = None) -> None:
    with Interruption() as interruption:
        for _ in range(interruptions):
            signal.raise_signal(signal.SIGINT)
        if error:
            raise error
        logged.append("a run")
        interruption.check()
        logged.append("another run")


def test_an_interruption_waits_for_what_is_being_logged() -> None:
    before, logged = signal.getsignal(signal.SIGINT), list[str]()
    with pytest.raises(KeyboardInterrupt):
        logged_despite(1, logged)
    assert logged == ["a run"]
    assert signal.getsignal(signal.SIGINT) is before


def test_without_an_interruption_nothing_is_raised() -> None:
    logged = list[str]()
    logged_despite(0, logged)
    assert logged == ["a run", "another run"]


def test_an_interruption_in_the_last_moment_is_not_lost() -> None:
    with pytest.raises(KeyboardInterrupt), Interruption():
        signal.raise_signal(signal.SIGINT)


def test_work_of_this_process_is_interrupted_at_once() -> None:
    before, done = signal.getsignal(signal.SIGINT), list[str]()

    def work() -> None:
        with Interruption() as interruption, interruption.at_once():
            signal.raise_signal(signal.SIGINT)
            done.append("more work")

    with pytest.raises(KeyboardInterrupt):
        work()
    assert done == []
    assert signal.getsignal(signal.SIGINT) is before


def test_a_second_interruption_comes_through() -> None:
    logged = list[str]()
    with pytest.raises(KeyboardInterrupt):
        logged_despite(2, logged)
    assert logged == []


def test_an_error_is_raised_rather_than_the_interruption_that_came_before_it() -> None:
    with pytest.raises(RuntimeError, match="full"):
        logged_despite(1, [], RuntimeError("the disk is full"))


def test_another_thread_changes_no_signals() -> None:
    handlers = []

    def log() -> None:
        with Interruption():
            handlers.append(signal.getsignal(signal.SIGINT))

    thread = threading.Thread(target=log)
    thread.start()
    thread.join()
    assert handlers == [signal.getsignal(signal.SIGINT)]
