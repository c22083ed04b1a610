"""The comparison of backends: only what was trained alike is compared, and what is not one network is refused."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from ablation.errors import InputError
from ablation.images.charts.backends import comparison
from ablation.images.compare import Compared, check_parameters, compare, markdown, notes
from ablation.images.compare.__main__ import main
from ablation.store.connection import Store
from ablation.store.reading import LoggedTrial
from ablation.store.study_log import StudyLog
from ablation.study.outcome import Result
from ablation.study.subject import Trial

PARAMS = {"model": "MLP", "model.hidden": "[200]", "training.epochs": "2", "data.name": "digits"}


def result(**changes: Any) -> Result:
    """Make a result up; a measure that is None is not there."""
    history = {"loss": [2.0, 1.0], "accuracy": [0.1, 0.6], "val_loss": [2.1, 1.2], "val_accuracy": [0.2, 0.5]}
    measures: dict[str, Any] = {"parameters": 1000.0, "seconds_per_epoch": 0.25, "peak_memory_mb": 1500.0}
    measures |= {"seconds_to_first_epoch": 3.0, "processor_use": 1.5, **changes}
    known = {name: value for name, value in measures.items() if value is not None}
    return Result(0.5, history, known, {"python": "3.11", "threads": "2"}, seconds=4.0)


def trained(backend: str, seed: int = 0, params: dict[str, str] | None = None, arm: frozenset[str] = frozenset(), **changes: Any) -> Any:
    settings = {**PARAMS, **(params or {}), "backend": backend, "seed": str(seed)}
    return LoggedTrial(arm, seed, settings, result(**changes))


def test_runs_that_share_all_but_the_backend_are_compared() -> None:
    rows = compare(
        [
            trained("jax", seconds_to_first_epoch=6.0),
            trained("tensorflow", seconds_per_epoch=1.0, peak_memory_mb=1.0),
            trained("tensorflow", seed=1, seconds_per_epoch=3.0, peak_memory_mb=5.0),
            trained("jax", seed=1),
            trained("jax", seed=2, peak_memory_mb=1e6),
            LoggedTrial(frozenset(), 2, {**PARAMS, "backend": "tensorflow", "seed": "2"}, None),
        ]
    )
    tensorflow, jax = rows
    assert (tensorflow.backend, jax.backend) == ("tensorflow", "jax")
    assert (tensorflow.seeds, jax.seeds) == (2, 2), "only seeds that both finished"
    assert (tensorflow.seconds_per_epoch, tensorflow.peak_memory) == (2.0, 5e6)
    assert (jax.peak_memory, jax.first_epoch) == (1.5e9, 6.0)
    assert (jax.loss, jax.accuracy, jax.processor_use) == (1.2, 0.5, 1.5)


def test_networks_of_one_kind_are_told_apart_by_what_differs() -> None:
    wide, dropout = {"model.hidden": "[500]"}, frozenset({"dropout"})
    runs = [trained(backend, params=params) for backend in ("torch", "jax") for params in ({}, wide)]
    runs += [trained(backend, arm=dropout) for backend in ("torch", "jax")]
    runs += [trained("jax", params={"training.epochs": "9"}), trained("torch", params={"model": "CNN"})]
    names = {row.network for row in compare(runs)}
    assert names == {"MLP, arm=none, model.hidden=[200]", "MLP, arm=none, model.hidden=[500]", "MLP, arm=dropout, model.hidden=[200]"}


def test_runs_of_other_subjects_are_passed_over_and_settings_of_the_data_told_apart() -> None:
    function = LoggedTrial(frozenset(), 0, {"alpha": "1"}, result())
    noisy = [trained(backend, params={"data.identity": identity}) for backend in ("jax", "torch") for identity in ("one", "two")]
    names = {row.network for row in compare([function, *noisy])}
    assert len(names) == 2 and all(name.startswith("MLP, data ") for name in names)


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
    rows = compare([trained("jax"), trained("torch", seconds_to_first_epoch=None, processor_use=None)])
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
    log = StudyLog.open(store, "key", "asked", "study", "val_accuracy", {})
    for backend in ("tensorflow", "jax"):
        params = {**PARAMS, "backend": backend, "seed": "0"}
        run = log.start_run(Trial(frozenset(), 0, f"key of {backend}", "group", backend, (), params), None)
        log.finish_run(run, replace(result(), run_id=run), {}, {})
    assert main(["--folder", "compared"]) == 0
    printed = capsys.readouterr().out
    assert "tensorflow" in printed
    assert "jax" in printed
    assert (tmp_path / "compared/table.md").read_text().count("| MLP |") == 2
    assert {path.name for path in (tmp_path / "compared").iterdir()} == {"table.md", "comparison.png", "comparison.svg"}
