"""The comparison of backends: only what was trained alike is compared, and what is not one network is refused."""

from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest

from ablation.errors import InputError
from ablation.images.charts.backends import comparison
from ablation.images.compare import check_parameters, compare, main, markdown, notes
from ablation.store.connection import LoggedTraining, Store
from ablation.study.findings import Compared, RunResult

PARAMS = {"model": "MLP", "model.hidden": "[200]", "training.epochs": "2", "data.name": "digits"}


def result(**changes: Any) -> RunResult:
    history = {"loss": [2.0, 1.0], "accuracy": [0.1, 0.6], "val_loss": [2.1, 1.2], "val_accuracy": [0.2, 0.5]}
    values: dict[str, Any] = {"score": 0.5, "history": history, "test_score": None, "parameters": 1000, "trainable": 1000}
    values |= {"convolutions": 0, "flops": 2000, "seconds_per_epoch": 0.25, "seconds": 4.0, "peak_memory": 1_500_000_000}
    values |= {"first_epoch": 3.0, "processor_use": 1.5, "environment": {"python": "3.11", "threads": "2"}}
    return RunResult(**{**values, **changes})


def trained(backend: str, seed: int = 0, params: dict[str, str] | None = None, arm: frozenset[str] = frozenset(), **changes: Any) -> Any:
    settings = {**PARAMS, **(params or {}), "backend": backend, "seed": str(seed)}
    return LoggedTraining(arm, seed, settings, result(**changes))


def test_runs_that_share_all_but_the_backend_are_compared() -> None:
    rows = compare(
        [
            trained("jax", first_epoch=6.0),
            trained("tensorflow", seconds_per_epoch=1.0, peak_memory=1),
            trained("tensorflow", seed=1, seconds_per_epoch=3.0, peak_memory=5),
            trained("jax", seed=1),
            trained("jax", seed=2, peak_memory=10**12),
            LoggedTraining(frozenset(), 2, {**PARAMS, "backend": "tensorflow", "seed": "2"}, None),
        ]
    )
    tensorflow, jax = rows
    assert (tensorflow.backend, jax.backend) == ("tensorflow", "jax")
    assert (tensorflow.seeds, jax.seeds) == (2, 2), "only seeds that both finished"
    assert (tensorflow.seconds_per_epoch, tensorflow.peak_memory) == (2.0, 5)
    assert (jax.peak_memory, jax.first_epoch) == (1_500_000_000, 6.0)
    assert (jax.loss, jax.accuracy, jax.processor_use) == (1.2, 0.5, 1.5)


def test_networks_of_one_kind_are_told_apart_by_what_differs() -> None:
    wide, dropout = {"model.hidden": "[500]"}, frozenset({"dropout"})
    runs = [trained(backend, params=params) for backend in ("torch", "jax") for params in ({}, wide)]
    runs += [trained(backend, arm=dropout) for backend in ("torch", "jax")]
    runs += [trained("jax", params={"training.epochs": "9"}), trained("torch", params={"model": "CNN"})]
    names = {row.network for row in compare(runs)}
    assert names == {"MLP, arm=none, model.hidden=[200]", "MLP, arm=none, model.hidden=[500]", "MLP, arm=dropout, model.hidden=[200]"}


def test_what_no_two_backends_have_trained_cannot_be_compared() -> None:
    for runs in (
        [],
        [trained("jax")],
        [trained("jax"), trained("torch", seed=1)],
        [trained("jax"), trained("torch", params={"model": "CNN"})],
    ):
        with pytest.raises(InputError, match="no network was trained with the same settings and seeds on two backends"):
            compare(runs)


def test_other_parameters_on_another_backend_are_another_network() -> None:
    rows = compare([trained("jax"), trained("torch", parameters=1001)])
    with pytest.raises(InputError, match="MLP has 1,001 on torch, 1,000 on jax parameters"):
        check_parameters(rows)
    check_parameters(compare([trained("jax"), trained("torch")]))


def test_runs_from_before_it_was_measured_leave_gaps() -> None:
    rows = compare([trained("jax"), trained("torch", first_epoch=None, processor_use=None)])
    line = next(line for line in markdown(rows).splitlines() if "| torch |" in line)
    assert line == "| MLP | torch | 1,000 | 0.25 |  | 1.50 |  | 1.2000 | 50.00 | 1 |"
    assert "not measured" in texts(rows)


def test_the_chart_shows_every_value_once() -> None:
    rows = compare([trained("jax", seconds_per_epoch=0.125), trained("torch"), trained("tensorflow", processor_use=0.97)])
    shown = texts(rows)
    assert {"0.125", "97%", "150%", "1.50", "50.00", "1.2000", "tensorflow", "torch", "jax", "MLP, 1,000 parameters"} <= set(shown)


def texts(rows: list[Compared]) -> list[str]:
    """Return all words of the chart, after drawing it."""
    from matplotlib.text import Text

    figure = comparison(rows, notes(rows))
    figure.draw_without_rendering()
    return [text.get_text() for text in figure.findobj(Text)]


def test_the_command_reads_mlflow_and_leaves_a_table_and_a_chart(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    assert main([]) == 1
    assert "expected runs such as those of" in capsys.readouterr().err
    store = Store.of_environment("ablation")
    destination = store.open_study("key", "study", {})
    for backend in ("tensorflow", "jax"):
        data = {"name": "digits", "digest": "1", "description": "digits"}
        tags = {"ablation.arm": "", "ablation.seed": "0"}
        run = destination.start_run(f"{backend}", f"key of {backend}", tags, {**PARAMS, "backend": backend, "seed": 0}, data)
        destination.finish_run(run, replace(result(), run_id=run), {}, {})
    assert asdict(store.trainings()[0].result or result(score=-1))["score"] == 0.5
    assert main(["--folder", "compared"]) == 0
    told = capsys.readouterr().out
    assert "tensorflow" in told
    assert "jax" in told
    assert (tmp_path / "compared/table.md").read_text().count("| MLP |") == 2
    assert {path.name for path in (tmp_path / "compared").iterdir()} == {"table.md", "comparison.png", "comparison.svg"}
