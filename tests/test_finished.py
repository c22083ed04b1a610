"""A finished study from Python: what is read back is what was found, and the tour through it runs."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nbformat
import pytest
from command import undrawn
from nbclient import NotebookClient
from traitlets.config import Config

import ablation
from ablation.errors import InputError

NOTEBOOKS = sorted((Path(__file__).parent.parent / "notebooks").glob("*.ipynb"))


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """A tiny study that was run from Python, in a folder of its own."""
    before = Path.cwd()
    os.chdir(tmp_path_factory.mktemp("finished"))
    try:
        with undrawn():
            made = ablation.run_study(
                *("features=[cumulative,leave_one_out]", "catalogue.order=[batch_norm,dropout]", "model=mlp", "model.hidden=[8]"),
                *("data=digits", "data.limit=100", "training.epochs=2", "training.batch_size=16", "seeds=3", "execution=inline"),
                "study.name=tiny",
            )
        yield made
    finally:
        os.chdir(before)


def test_a_study_is_read_back_as_it_was_found(study: Any) -> None:
    read = ablation.load_study("tiny")
    for frame in ("runs", "epochs", "effects", "table"):
        assert getattr(read, frame).equals(getattr(study, frame)), frame
    assert ablation.load_study().findings.name == "tiny", "the latest"
    assert read._repr_markdown_() == study._repr_markdown_()
    assert read._repr_markdown_() == Path("mlruns/studies/tiny/table.md").read_text()


def test_the_frames_agree_with_each_other(study: Any) -> None:
    runs, epochs, effects = study.runs, study.epochs, study.effects
    assert len(runs) == 4 * 3
    assert len(epochs) == 4 * 3 * 2
    last = epochs[epochs.epoch == 2].set_index(["arm", "seed"]).val_accuracy
    assert (runs.set_index(["arm", "seed"]).score == last).all()
    assert set(runs.arm[runs.batch_norm & ~runs.dropout]) == {"batch_norm"}
    scores = runs.pivot(index="seed", columns="arm", values="score")
    step = (scores["batch_norm"] - scores["baseline"]).mean()
    [reported] = effects[(effects.design == "cumulative") & (effects.feature == "batch_norm")].effect
    assert reported == pytest.approx(step)
    assert list(effects.design) == ["cumulative"] * 2 + ["leave_one_out"] * 2


def test_its_charts_are_figures(study: Any) -> None:
    for figure in (study.contribution(), study.contribution(1), study.climb(), study.learning_curves()):
        assert figure.get_axes()


def test_only_a_path_has_a_climb(study: Any) -> None:
    with pytest.raises(InputError, match=r"leave_one_out does not add one feature after the other.*in this study climb\(0\) does"):
        study.climb(1)


def test_a_study_that_is_not_there_is_named(study: Any) -> None:
    with pytest.raises(InputError, match="no study is called 'tyni'; did you mean 'tiny'?"):
        ablation.load_study("tyni")
    with pytest.raises(InputError, match="did you mean 'lenet'?"):
        ablation.run_study("model=lenett")


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda notebook: notebook.stem)
def test_a_notebook_runs_from_a_clean_state_and_shows_what_was_committed(notebook: Path) -> None:
    committed = nbformat.read(notebook, as_version=4)
    executed = nbformat.read(notebook, as_version=4)
    for cell in executed.cells:  # fewer seeds and epochs show the same kinds
        cell.source = cell.source.replace("seeds=10", "seeds=3").replace("training.epochs=8", "training.epochs=2")
    # Between processes of this machine, without a port.
    local = Config({"KernelManager": {"transport": "ipc"}})
    NotebookClient(executed, kernel_name="python3", config=local, timeout=300).execute(
        env={**os.environ, "PYTHONPATH": f"{notebook.parent.parent}"}
    )
    for cell, before in zip(executed.cells, committed.cells, strict=True):
        assert kinds(cell) == kinds(before), cell.source
    assert all("stderr" not in kinds(cell) for cell in executed.cells)


def kinds(cell: Any) -> list[str]:
    """Return what a cell shows: images, tables, Markdown, text of a stream; lines that come one by one are one text."""
    shown: list[str] = []
    for output in cell.get("outputs", []):
        kind = output.get("name") or next(kind for kind in ("image/png", "text/markdown", "text/html", "text/plain") if kind in output.data)
        shown += [kind] if shown[-1:] != [kind] else []
    return shown
