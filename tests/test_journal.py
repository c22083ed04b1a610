"""What runs left is safe before MLflow has it, and reaches it in the end."""

from collections.abc import Iterator
from contextlib import chdir
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from command import ASKED, in_this_process, logged, table, write_function

from ablation.engine import conduct, delivery, run_log
from ablation.engine.journal import Ended, Journal
from ablation.store.study_log import StudyLog
from ablation.study.outcome import Result
from ablation.study.subject import Trial

TRIAL = Trial(frozenset({"one"}), 3, "a key", "group", "+ one", ("one",), {"seed": "3"}, ("two",))
ENTRY = Ended(
    TRIAL,
    Result(0.1 + 0.2, {"loss": [2.0, float("nan")]}, {"size": 3.0}, {"python": "3.11"}, 1.5, ("out.npz",), "", {"file": "digest"}),
    1000,
    2000,
    ((1, {"loss": 2.0}, 1500),),
    "a note",
    {"notes.txt": "größer"},
    {"out.npz": {"x": np.arange(6, dtype=np.float32).reshape(2, 3), "y": np.array([True])}},
)


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    with chdir(tmp_path):
        yield Journal("a study")


def test_an_entry_is_read_as_it_was_written(journal: Journal) -> None:
    journal.keep(ENTRY)
    (read,) = journal.all()
    assert replace(read.result, history={}) == replace(ENTRY.result, history={})
    assert str(read.result.history) == str(ENTRY.result.history)
    assert (read.trial.arm, read.trial.params, read.epochs, read.texts) == (TRIAL.arm, TRIAL.params, ENTRY.epochs, ENTRY.texts)
    for name, array in ENTRY.arrays["out.npz"].items():
        np.testing.assert_array_equal(read.arrays["out.npz"][name], array)
        assert read.arrays["out.npz"][name].dtype == array.dtype


def test_a_damaged_entry_counts_as_none(journal: Journal) -> None:
    journal.keep(ENTRY)
    (file,) = journal.folder.iterdir()
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)
    assert list(journal.all()) == []
    assert not list(journal.folder.iterdir()), "its run is made again, and writes it anew"


STUDY = (*ASKED, "seeds=2", "study.name=first")


@pytest.fixture
def unreachable(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Let MLflow take nothing of a run while ``unreachable.now`` is set."""

    class Weather:
        now = True

    def stormy(method: Any) -> Any:
        def call(*arguments: Any, **named: Any) -> Any:
            if Weather.now:
                raise ConnectionError("no route to the store")
            return method(*arguments, **named)

        return call

    for name in ("make_run", "finish_run", "copy_run", "add", "log_epochs", "fail_run"):
        monkeypatch.setattr(StudyLog, name, stormy(getattr(StudyLog, name)))
    monkeypatch.setattr(delivery, "AGAIN", 0.01)
    monkeypatch.setattr(conduct, "PATIENCE", 0.2)
    monkeypatch.setattr(run_log, "LAST_MOMENT", 0.2)
    return Weather


def test_a_study_whose_store_stays_away_has_its_report_and_is_logged_at_the_next_start(tmp_path: Path, unreachable: Any) -> None:
    write_function(tmp_path)
    ended = in_this_process(tmp_path, *STUDY)
    assert "MLflow's database is away; " in ended.out
    assert ended.code == 1
    assert "6 runs wait in mlruns" in ended.err
    assert not logged(tmp_path).trained
    rows = table(tmp_path, "first")
    assert [row["seeds"] for row in rows] == ["2", "2", "2"]
    planned = in_this_process(tmp_path, *STUDY, "plan=true")
    assert "finished already: 6; to run: 0" in planned.out

    unreachable.now = False
    ended = in_this_process(tmp_path, *STUDY)
    assert ended.code == 0, ended.out
    store = logged(tmp_path)
    keys = [run.data.tags["ablation.key"] for run in store.trained]
    assert len(keys) == len(set(keys)) == 6
    assert {run.info.status for run in store.runs} == {"FINISHED"}
    assert table(tmp_path, "first") == rows
    assert not (tmp_path / "mlruns/journal" / store.parents[0].data.tags["ablation.study"]).exists()
    plus = next(run for run in store.trained if run.data.tags["arm"] == "one")
    assert plus.data.metrics["val_score_delta"] == pytest.approx(0.05, abs=0.01)
    assert "val_score +0.0" in plus.data.tags["mlflow.note.content"]
    assert [point.step for point in store.client.get_metric_history(plus.info.run_id, "loss")] == [1, 2]


def test_an_entry_that_is_logged_and_removed_meanwhile_does_no_harm(journal: Journal) -> None:
    journal.folder.mkdir(parents=True, exist_ok=True)
    (journal.folder / "gone.run").symlink_to("nowhere")
    assert journal.keys() == ["gone"]
    assert list(journal.all()) == []
