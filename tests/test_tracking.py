"""What is logged to MLflow while runs train."""

from dataclasses import dataclass, field
from typing import Any

import pytest

from ablation import tracking
from ablation.store.connection import EpochLog


@dataclass
class Recorder:
    """Stands in the place of a store and of its client, and keeps what is logged."""

    calls: list[tuple[str, list[Any]]] = field(default_factory=list)

    @property
    def client(self) -> "Recorder":
        return self

    def log_batch(self, run_id: str, metrics: list[Any]) -> None:
        self.calls.append((run_id, metrics))


def event(run_id: str, *numbers: int) -> dict[str, Any]:
    return {"run_id": run_id, "epochs": [[number, {"loss": number / 10, "accuracy": 0.5}, 1000 * number] for number in numbers]}


def test_epochs_are_logged_in_one_call_with_the_time_at_which_they_ended() -> None:
    log = EpochLog(store := Recorder())
    log.heard(event("a"))
    log.heard(event("a", 1, 2))
    log.heard(event("b", 1))
    assert store.calls == []
    log.flush("a")
    ((run_id, metrics),) = store.calls
    assert run_id == "a"
    assert [(each.key, each.value, each.step, each.timestamp) for each in metrics] == [
        ("loss", 0.1, 1, 1000),
        ("accuracy", 0.5, 1, 1000),
        ("loss", 0.2, 2, 2000),
        ("accuracy", 0.5, 2, 2000),
    ]
    log.flush("a")
    assert len(store.calls) == 1, "what was logged is logged once"


def test_the_epochs_of_a_run_that_began_anew_are_logged_once() -> None:
    log = EpochLog(store := Recorder())
    log.heard(event("a", 1, 2))
    log.flush("a")
    log.heard(event("a", 1))
    log.heard(event("a", 2, 3))
    log.flush("a")
    assert [each.step for _, metrics in store.calls for each in metrics if each.key == "loss"] == [1, 2, 3]


def test_what_trains_in_the_same_thread_has_its_epochs_logged_as_it_goes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tracking, "INTERVAL", 0.0)
    log = EpochLog(store := Recorder())
    log.heard(event("a", 1))
    assert len(store.calls) == 1
    monkeypatch.setattr(log, "_thread", -1)
    log.heard(event("a", 2))
    assert len(store.calls) == 1, "another thread may not wait for MLflow"
    log.flush_old()
    assert len(store.calls) == 2


def test_many_epochs_are_logged_in_calls_that_mlflow_takes() -> None:
    log = EpochLog(store := Recorder())
    log.heard(event("a", *range(1, 1001)))
    log.flush("a")
    assert sum(len(metrics) for _, metrics in store.calls) == 2000
    assert max(len(metrics) for _, metrics in store.calls) <= 1000
