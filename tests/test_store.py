"""What is logged to MLflow while runs go, and read back."""

import json
import pickle
import sqlite3
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import requests
from mlflow.exceptions import MlflowException

from ablation.engine.failed import failed
from ablation.errors import InputError, exit_status, expected
from ablation.store import reading
from ablation.store.away import is_away
from ablation.store.connection import Store
from ablation.store.epochs import EpochLog
from ablation.store.index import IndexWriter
from ablation.store.names import OWNER
from ablation.store.study_log import StudyLog
from ablation.study.outcome import Result
from ablation.study.subject import Trial


def event(run: str, *numbers: int) -> dict[str, Any]:
    return {"run": run, "epochs": [[number, {"loss": number / 10, "accuracy": 0.5}, 1000 * number] for number in numbers]}


def test_the_epochs_of_a_run_that_began_anew_are_kept_once() -> None:
    log = EpochLog()
    log.progressed(event("a", 1, 2))
    log.logged("a", 2)
    log.progressed(event("a", 1))
    log.progressed(event("a", 2, 3))
    assert [number for number, _, _ in log.waiting()["a"]] == [3]
    assert [number for number, _, _ in log.whole("a")] == [1, 2, 3]


def test_epochs_are_logged_with_the_time_at_which_they_ended(store: Store) -> None:
    log = StudyLog.open(store, "study 0", "asked", "none", "score", {})
    run_id = log.start_run(Trial(frozenset(), 0, "epochs", "group", "baseline", (), {}), None)
    many = [(number, {"loss": number / 10, "accuracy": 0.5}, 1000 * number) for number in range(1, 601)]
    log.log_epochs(run_id, many)
    for name, value in (("loss", 0.2), ("accuracy", 0.5)):
        logged = store.client.get_metric_history(run_id, name)
        assert len(logged) == 600
        assert (logged[1].value, logged[1].step, logged[1].timestamp) == (value, 2, 2000)


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    """A store of its own, whose runs keep their files beside it."""
    folder = tmp_path_factory.mktemp("store")
    made = Store(f"sqlite:///{folder / 'mlflow.db'}", "ablation")
    made.client.create_experiment("ablation", artifact_location=str(folder / "runs"))
    return made


def log_run(log: StudyLog, key: str, **result: Any) -> str:
    """Log a finished run with this key, and return its id."""
    trial = Trial(frozenset({"one"}), 0, key, "group", "one", ("one",), {"seed": "0"})
    run_id = log.start_run(trial, None)
    log.finish_run(run_id, Result(**{"score": 0.5, "run_id": run_id, **result}), {"notes.txt": "a note"}, {})
    return run_id


def test_a_run_that_lacks_what_is_asked_for_does_not_hide_one_that_has_it(store: Store) -> None:
    log = StudyLog.open(store, "study 1", "asked", "one", "score", {})
    first = log_run(log, "a key")
    second = log_run(log, "a key", stored=("model",))
    assert reading.finished(store, ["a key"], "", lambda *_: True)["a key"].run_id == first, "the first that will do"
    assert reading.finished(store, ["a key"], "", lambda _, result: "model" in result.stored)["a key"].run_id == second


def test_finished_runs_and_studies_are_found_through_mlflow_too(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the database is none that we can read ourselves."""
    params = {"designs": "cumulative", "subject": "train", "seeds": "0, 1"}
    log = StudyLog.open(store, "study 2", "asked", "two", "score", params)
    log_run(log, "another key", history={"loss": [1.0, 0.5]}, measures={"size": 3.0})
    read = reading.finished(store, ["another key"], "study 2", lambda *_: True)
    studies = reading.studies(store)
    assert read["another key"].history == {"loss": [1.0, 0.5]}
    assert [study.name for study in studies] == ["two"]

    def unreadable(*_: object) -> None:
        raise sqlite3.OperationalError("no such table: experiments")

    monkeypatch.setattr(reading, "finished_runs", unreadable)
    monkeypatch.setattr(reading, "logged_studies", unreadable)
    assert reading.finished(store, ["another key"], "study 2", lambda *_: True) == read
    assert reading.studies(store) == studies


def test_a_run_without_its_result_is_not_there(store: Store) -> None:
    log = StudyLog.open(store, "study 3", "asked", "three", "score", {})
    run_id = log_run(log, "lost")
    artifacts = Path(store.client.get_run(run_id).info.artifact_uri)
    assert json.loads((artifacts / "result.json").read_text())["score"] == 0.5
    (artifacts / "result.json").unlink()
    assert reading.finished(store, ["lost"], "study 3", lambda *_: True) == {}


def test_a_store_travels_to_workers_without_its_connection(store: Store) -> None:
    assert store.client
    travelled = pickle.loads(pickle.dumps(store))
    assert travelled == store
    assert "client" not in vars(travelled)


def test_a_child_is_found_by_its_features_and_says_what_it_is(store: Store) -> None:
    log = StudyLog.open(store, "study 4", "asked", "four", "score", {})
    trial = Trial(frozenset({"one"}), 3, "toggled", "group", "+ one", ("one",), {"seed": "3"}, ("two",))
    run_id = log.start_run(trial, {"name": "digits", "digest": "0123", "description": "digits, 16 x 16"})
    [found] = store.client.search_runs([log.experiment_id], "tags.one = 'on' and tags.two = 'off' and tags.arm = 'one'")
    assert found.info.run_id == run_id
    assert found.inputs.dataset_inputs[0].dataset.digest == "0123"
    note = found.data.tags["mlflow.note.content"]
    assert note.startswith("**+ one** (one on; two off), seed 3, of the study [four](#/experiments/") and log.parent in note


def test_a_score_that_is_the_last_epochs_is_logged_once(store: Store) -> None:
    log = StudyLog.open(store, "study 5", "asked", "five", "score", {})
    epochs = [(1, {"score": 0.4}, 1000), (2, {"score": 0.5}, 2000)]
    for number, (score, steps) in enumerate({0.5: [1, 2], 0.7: [1, 2, 2]}.items()):
        trial = Trial(frozenset(), number, f"once {number}", "group", "baseline", (), {})
        run_id = log.start_run(trial, None)
        for _ in range(2):  # a second time, as after a connection that broke
            log.finish_run(run_id, Result(score, run_id=run_id), {}, {}, "a note", {"delta": 0.1}, epochs, ended=3000)
        assert [each.step for each in store.client.get_metric_history(run_id, "score")] == steps
        run = store.client.get_run(run_id)
        assert run.data.metrics["score"] == score and run.data.metrics["delta"] == 0.1, "the last value is what tables show"
        assert run.info.end_time == 3000


def test_the_machine_is_watched_where_mlflow_is_asked_to(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    log = StudyLog.open(store, "study 6", "asked", "six", "score", {})
    seen = {}
    for asked in ("true", "false"):
        monkeypatch.setenv("MLFLOW_ENABLE_SYSTEM_METRICS_LOGGING", asked)
        monkeypatch.setenv("MLFLOW_SYSTEM_METRICS_SAMPLING_INTERVAL", "0.05")
        trial = Trial(frozenset(), 0, f"watched {asked}", "group", "baseline", (), {})
        run_id = log.start_run(trial, None)
        with log.watched(run_id):
            time.sleep(0.5)
        seen[asked] = set(store.client.get_run(run_id).data.metrics)
    assert "system/cpu_utilization_percentage" in seen["true"] and not seen["false"]


def test_runs_are_found_by_the_index_with_their_results_also_those_that_no_index_has(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    def unreadable(*_: object) -> None:
        raise sqlite3.OperationalError("no such table: experiments")

    monkeypatch.setattr(reading, "finished_runs", unreadable)
    monkeypatch.setattr(reading, "FEW", 0)
    log = StudyLog.open(store, "study 7", "asked", "seven", "score", {}, "me")
    keys = {name: f"{number:032x}" for number, name in enumerate(("indexed", "ended lately", "of an earlier version"), 1)}
    runs = {name: log_run(log, key, stored=("model",)) for name, key in keys.items()}
    index = IndexWriter(store, log.parent, "me")
    index.add(keys["indexed"], runs["indexed"])
    index.flush(now=True)
    (Path(store.client.get_run(runs["indexed"]).info.artifact_uri) / "result.json").unlink()  # a tag has it
    store.client.delete_tag(runs["of an earlier version"], OWNER)
    other = {**keys, "never made": "f" * 32}
    found = reading.finished(store, other.values(), "study 7", lambda *_: True)
    assert {key: result.run_id for key, result in found.items()} == {keys[name]: runs[name] for name in keys}
    assert found[keys["indexed"]].stored == ("model",)


def test_a_password_is_not_shown(capsys: pytest.CaptureFixture[str]) -> None:
    store = Store("https://me:p@ss@mlflow.example:5000/base/", "ablation")
    assert store.shown_uri == "https://mlflow.example:5000/base/"
    assert store.pages == "https://mlflow.example:5000/base"

    def fail() -> None:
        raise InputError(f"API request to {store.uri} failed")

    assert exit_status(fail) == 1
    assert "p@ss" not in capsys.readouterr().err
    try:
        raise ConnectionError(store.uri)
    except ConnectionError as error:
        left = failed(error)
    assert "p@ss" not in left.message + left.note + "".join(left.texts.values())


class AnsweredError(Exception):
    """An error that carries an answer, as those of HTTP and of Amazon's client do."""

    def __init__(self, response: object) -> None:
        self.response = response


@pytest.mark.parametrize(
    ("error", "away"),
    [
        (AnsweredError(SimpleNamespace(status_code=503)), True),
        (AnsweredError(SimpleNamespace(status_code=404)), False),
        (AnsweredError({"Error": {"Code": "ExpiredToken"}}), False),
        (ConnectionError("refused"), True),
        (ValueError("no"), False),
    ],
    ids=str,
)
def test_a_store_that_is_away_is_told_from_one_that_refuses(error: Exception, away: bool) -> None:
    assert is_away(error) is away


def test_an_outage_is_not_taken_for_a_file_that_is_not_there(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_answer(*_: object) -> str:
        raise ConnectionError("the server has gone")

    monkeypatch.setattr(store.client, "download_artifacts", no_answer)
    with pytest.raises(ConnectionError), reading._file(store, "a run", "mlflow-artifacts:/1/run", "result.json"):
        pass


def test_what_a_server_refuses_is_no_trouble_with_the_folder() -> None:
    refused = requests.HTTPError("500 Server Error")
    assert str(expected(refused)).startswith("MLflow's store cannot be used (500 Server Error)")


def test_an_index_that_is_refused_does_not_keep_a_study_from_its_end(store: Store) -> None:
    writer = IndexWriter(store, "no such run", "token")
    writer.add("0123456789abcdef", "00112233445566778899aabbccddeeff")
    with pytest.raises(MlflowException):
        writer.flush(now=True)
    writer.leave()
    assert writer.waiting == 0
    writer.flush(now=True)
