"""Studies at work at the same time: nothing is trained twice, and none takes another's live runs for dead."""

import os
import signal
import time
from pathlib import Path

import pytest
from command import ASKED, in_this_process, line_of, logged, start, write_function

from ablation.store import claims
from ablation.store.claims import Claim, Claims, Owner, Watch
from ablation.store.connection import Store
from ablation.store.names import CLAIM, OWNER
from ablation.store.study_log import StudyLog
from ablation.study.subject import Trial

COUNTED = """

whole = train


def train(seed, one=False, two=False, report=None):
    with open(FILE, "a") as file:
        file.write(f"{seed} {one} {two}\\n")
    return whole(seed, one, two, report=report)
"""
PATHS = (*ASKED, "seeds=2", "study.name=path", "execution.workers=1")
OTHERS = (*ASKED[:-1], "features=leave_one_out", "seeds=2", "study.name=others", "execution.workers=1")


def counting(folder: Path, trained: Path, pause: float) -> None:
    folder.mkdir(exist_ok=True)
    write_function(folder, pause, COUNTED.replace("FILE", repr(str(trained))))


def test_two_studies_that_share_arms_make_each_run_once(tmp_path: Path) -> None:
    trained = tmp_path / "trained.txt"
    counting(tmp_path, trained, 0.5)
    both = [start(tmp_path, *study) for study in (PATHS, OTHERS)]
    for process in both:
        _, err = process.communicate(timeout=300)
        assert process.returncode == 0, err
    runs = trained.read_text().splitlines()
    assert len(runs) == len(set(runs)) == 8, "four arms with two seeds"
    store = logged(tmp_path)
    assert len(store.trained) == 8
    assert {run.info.status for run in store.runs} == {"FINISHED"}
    assert [len(store.children(parent)) for parent in store.parents] == [6, 6]
    assert not [name for run in store.parents for name in run.data.tags if name.startswith(CLAIM)]


def test_a_study_from_two_folders_makes_each_run_once(tmp_path: Path) -> None:
    trained, folders = tmp_path / "trained.txt", [tmp_path / "first", tmp_path / "second"]
    for folder in folders:
        counting(folder, trained, 0.5)
    uri = f"sqlite:///{folders[0] / 'mlflow.db'}"
    asked = (*ASKED, "features=none", "seeds=6", "study.name=path", "execution.workers=1")
    both = [start(folder, *asked, MLFLOW_TRACKING_URI=uri) for folder in folders]
    for process in both:
        _, err = process.communicate(timeout=300)
        assert process.returncode == 0, err
    runs = trained.read_text().splitlines()
    assert len(runs) == len(set(runs)) == 6
    store = logged(folders[0])
    assert [run.info.status for run in store.runs] == ["FINISHED"] * 7, "none was taken for dead"
    tables = [(folder / "mlruns/studies/path/table.md").read_text() for folder in folders]
    assert tables[0] == tables[1]


def test_a_study_does_not_wait_for_one_that_was_killed(tmp_path: Path) -> None:
    trained = tmp_path / "trained.txt"
    counting(tmp_path, trained, 0.4)
    process = start(tmp_path, *PATHS)
    line_of(process, "[1/6]")
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
    ended = in_this_process(tmp_path, *OTHERS[:-1])
    assert ended.code == 0, ended.out
    assert "being made by another" not in ended.out


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(f"sqlite:///{tmp_path / 'mlflow.db'}", "ablation")


def study(store: Store, key: str, owner: Owner) -> tuple[StudyLog, Claims]:
    log = StudyLog.open(store, key, "asked", key, "score", {}, owner.token)
    return log, Claims(store, log.experiment_id, log.parent, owner, log.watch, lambda keys: {})


def elsewhere(token: str) -> Owner:
    """A process on another machine."""
    return Owner(token, "another machine", 1, 0.0)


def test_of_two_that_ask_at_the_same_time_one_gets_the_run(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    first, second = (study(store, key, Owner.this_process())[1] for key in ("one", "two"))
    low, high = sorted((first, second), key=lambda each: each.owner.token)
    monkeypatch.setattr(claims, "_at_work", {low.owner.token, high.owner.token})
    for each in (low, high):
        each.ask(["a run"])
        each._post(["a run"])
    for _ in range(2):  # rounds of both, in the order that is worst
        low._round()
        high._round()
    low._round()
    assert low.holds("a run") and not high.holds("a run")
    assert high.is_elsewhere("a run")
    low.release("a run")
    low._post()
    high._round()
    assert high.holds("a run")


def test_a_process_on_another_machine_lapses_by_its_signs_of_life(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [1000.0]
    monkeypatch.setattr(claims.time, "monotonic", lambda: now[0])
    watch = Watch()

    def lives(beat: float) -> bool | None:
        return watch.lives(Claim(elsewhere("far"), beat, {}, 0))

    beat = time.time()
    assert lives(beat) is None, "seen once"
    now[0] += 50
    assert lives(beat + 15) is True
    now[0] += 50
    assert lives(beat + 15) is None
    now[0] += 20
    assert lives(beat + 15) is False
    watch.interrupted()
    assert lives(beat + 15) is None, "the store was away, and nobody could give a sign"
    assert watch.lives(Claim(elsewhere("old"), beat - 3600, {}, 0)) is False


def test_live_runs_of_a_neighbour_are_not_marked_as_killed(store: Store) -> None:
    log, mine = study(store, "one", Owner.this_process())
    mine.begin()
    trial = Trial(frozenset(), 0, "a key", "group", "baseline", (), {})
    run_id = log.make_run(trial)
    other = StudyLog.open(store, "one", "asked", "one", "score", {}, Owner.this_process().token)
    other.kill()
    assert store.client.get_run(run_id).info.status == "RUNNING"
    assert store.client.get_run(log.parent).info.status == "RUNNING"
    assert store.client.get_run(run_id).data.tags[OWNER] == log.owner
    mine.close(0.0)
    StudyLog.open(store, "one", "asked", "one", "score", {}, Owner.this_process().token)
    assert store.client.get_run(run_id).info.status == "KILLED", "its owner has gone"
