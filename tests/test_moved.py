"""A database of MLflow's that was moved to another folder."""

import sqlite3
from pathlib import Path

import pytest

from ablation.errors import InputError
from ablation.store.moved import check, moved, repair


@pytest.fixture
def database(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A database in the folder ``new``, with the files of two experiments beside it that it says are in ``old``."""
    new, old = tmp_path / "new", tmp_path / "old"
    for number in "12":
        (new / "mlruns" / number / "a run" / "artifacts").mkdir(parents=True)
    monkeypatch.chdir(tmp_path)
    with sqlite3.connect(new / "mlflow.db") as connection:
        connection.execute("CREATE TABLE experiments (experiment_id INTEGER PRIMARY KEY, artifact_location TEXT)")
        connection.execute("CREATE TABLE runs (run_uuid TEXT PRIMARY KEY, artifact_uri TEXT)")
        experiments = [f"{old}/mlruns/0", f"{old}/mlruns/1", f"file://{old}/mlruns/2", "s3://bucket/3", None]
        connection.executemany("INSERT INTO experiments VALUES (?, ?)", list(enumerate(experiments)))
        runs = [f"{old}/mlruns/1/a run/artifacts", f"file://{old}/mlruns/2/a%20run/artifacts", "/data/elsewhere/artifacts"]
        connection.executemany("INSERT INTO runs VALUES (?, ?)", list(enumerate(runs)))
    return new / "mlflow.db"


def places(database: Path) -> list[str | None]:
    """Return all that a database says of where files are."""
    with sqlite3.connect(database) as connection:
        tables = (("artifact_location", "experiments"), ("artifact_uri", "runs"))
        return [row[0] for column, table in tables for row in connection.execute(f"SELECT {column} FROM {table} ORDER BY rowid")]


def test_every_place_is_corrected_and_the_file_kept_as_it_was(database: Path) -> None:
    before, new = places(database), database.parent
    [sentence] = repair(database)
    assert sentence.startswith("5 places in mlflow.db now name")
    assert places(database) == [
        *(f"{new}/mlruns/0", f"{new}/mlruns/1", f"file://{new}/mlruns/2", "s3://bucket/3", None),
        *(f"{new}/mlruns/1/a run/artifacts", f"file://{new}/mlruns/2/a%20run/artifacts", "/data/elsewhere/artifacts"),
    ]
    assert places(database.with_name("mlflow.db.before-repair")) == before
    assert moved(database) is None
    assert list(repair(database)) == [f"{database} names no file that was moved; nothing is to be repaired."]


def test_a_moved_store_is_not_used_and_one_whose_files_are_there_is(database: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"it names files in '.*old', and they are in '.*new'; python -m ablation.report --repair"):
        check(database)
    # A copy of a store whose files are still where they were can read them.
    for number in "12":
        (tmp_path / "old" / "mlruns" / number).mkdir(parents=True)
    check(database)


def test_a_store_that_was_moved_into_a_folder_of_its_own_folder_is_corrected_once(database: Path, tmp_path: Path) -> None:
    inner = tmp_path / "old" / "inner"
    inner.parent.mkdir()
    database.parent.rename(inner)
    (inner / "mlruns" / "2").rename(inner / "mlruns" / "4")
    with sqlite3.connect(inner / "mlflow.db") as connection:
        connection.execute("UPDATE experiments SET artifact_location = ? WHERE experiment_id = 2", [f"{inner}/mlruns/4"])
        connection.execute("UPDATE runs SET artifact_uri = ? WHERE run_uuid = '1'", [f"{inner}/mlruns/4/lost/artifacts"])
    assert len(list(repair(inner / "mlflow.db"))) == 1
    assert f"{inner}/mlruns/4/lost/artifacts" in places(inner / "mlflow.db")


def test_a_database_that_is_being_written_to_is_left_alone(database: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = places(database)
    connect = sqlite3.connect
    monkeypatch.setattr(sqlite3, "connect", lambda *given, **more: connect(*given, **{"timeout": 0.1, **more}))
    writer = connect(database, isolation_level=None)
    writer.execute("BEGIN IMMEDIATE")
    with pytest.raises(InputError, match="expected that no study runs"):
        list(repair(database))
    writer.close()
    assert places(database) == before
    assert [file.name for file in database.parent.iterdir() if file.is_file()] == ["mlflow.db"]


def test_a_file_that_is_no_database_of_mlflow_is_none_of_ours(tmp_path: Path) -> None:
    (tmp_path / "mlflow.db").write_text("not a database")
    assert moved(tmp_path / "mlflow.db") is None and moved(tmp_path / "nothing.db") is None
