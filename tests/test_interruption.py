"""Whatever stops a study, a person, a crash or a second start, the same command continues it."""

import os
import signal
from pathlib import Path

import psutil
from command import ORDER, TINY, Ended, ablation, line_of, logged, start, table

SHORT = ("catalogue.order=[batch_norm]", "seeds=2", *TINY, "execution.workers=1")


def test_a_killed_study_continues_where_it_was(study: tuple[Path, Ended], tmp_path: Path) -> None:
    folder, _ = study
    arguments = (ORDER, "seeds=2", "study.name=first", *TINY)
    process = start(tmp_path, *arguments)
    line_of(process, "[2/6]")
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
    finished = {run.info.run_id for run in logged(tmp_path).trained}
    assert 2 <= len(finished) < 6

    ended = ablation(tmp_path, *arguments)
    assert ended.code == 0, ended.err
    store = logged(tmp_path)
    assert finished <= {run.info.run_id for run in store.trained}, "a finished run was trained again"
    keys = [run.data.tags["ablation.key"] for run in store.trained]
    assert len(keys) == len(set(keys)) == 6, "a run was logged twice"
    assert len(store.parents) == 1
    assert not [run for run in store.runs if run.info.status == "RUNNING"]
    assert table(tmp_path, "first") == table(folder, "first")


def test_ctrl_c_marks_what_was_running_as_killed(tmp_path: Path) -> None:
    process = start(tmp_path, *SHORT)
    line_of(process, "[1/4]")
    os.killpg(process.pid, signal.SIGINT)  # as a terminal does: to the workers too
    _, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "Traceback" not in err
    statuses = [run.info.status for run in logged(tmp_path).runs]
    assert "RUNNING" not in statuses
    assert "KILLED" in statuses


def test_a_dead_worker_is_replaced_and_its_run_repeated(study: tuple[Path, Ended], tmp_path: Path) -> None:
    folder, _ = study
    process = start(tmp_path, ORDER, "seeds=2", "study.name=first", *TINY)
    line_of(process, "[1/6]")
    workers = [child for child in psutil.Process(process.pid).children(recursive=True) if child.memory_info().rss > 300e6]
    assert len(workers) == 2, "expected two processes that train"
    workers[0].kill()
    _, err = process.communicate(timeout=300)
    assert process.returncode == 0, err
    assert table(tmp_path, "first") == table(folder, "first")
    # Six runs and the study; what the dead worker had begun, if it had, counts as killed.
    statuses = [run.info.status for run in logged(tmp_path).runs]
    assert statuses.count("FINISHED") == 7
    assert set(statuses) <= {"FINISHED", "KILLED"}
    keys = [run.data.tags["ablation.key"] for run in logged(tmp_path).trained]
    assert len(keys) == len(set(keys)) == 6


def test_the_same_study_twice_at_once_is_refused(tmp_path: Path) -> None:
    first = start(tmp_path, *SHORT)
    line_of(first, "[1/4]")
    second = ablation(tmp_path, *SHORT)
    assert second.code == 1
    assert "is being run by another process" in second.err
    assert first.wait(timeout=300) == 0
    first.communicate()
