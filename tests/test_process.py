"""A process that trains for one study takes only what that needs."""

import importlib
import subprocess
import sys
from pathlib import Path

import pytest
from command import environment

import ablation
from ablation.images.process import NEEDLESS, _hidden


def ended(program: str) -> str:
    """Run a program in a process of its own, which prints nothing of its frameworks, and return what it printed."""
    command = [sys.executable, "-W", "ignore", "-c", program]
    done = subprocess.run(command, cwd=Path(ablation.__file__).parents[1], env=environment(), capture_output=True, text=True, check=True)
    assert done.stderr == ""
    return done.stdout


def test_what_is_hidden_is_not_there_for_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "this", raising=False)
    with _hidden(["this", "pathlib"]):
        import pathlib  # imported before, so still there

        with pytest.raises(ModuleNotFoundError):
            importlib.import_module("this")
    assert sys.modules["pathlib"] is pathlib
    assert "this" not in sys.modules


def test_an_own_process_does_without_what_no_training_uses() -> None:
    program = (
        "import sys; from ablation.images.process import NEEDLESS, prepare; prepare('tensorflow', 1, own=True); "
        "import keras; keras.layers.Dense(2)(keras.ops.ones((1, 3))); print(*sorted({*NEEDLESS, 'mlflow'} & sys.modules.keys())); "
        "import sklearn, matplotlib; print('imported later')"
    )
    assert ended(program).splitlines() == ["", "imported later"]


def test_a_process_that_is_not_ours_alone_is_left_as_it_is() -> None:
    program = (
        "import gc; before = gc.get_threshold(); from ablation.quiet import quiet; quiet(); import keras; "  # as a file of the user's may
        "keras.config.set_floatx('float16'); from ablation.images.process import prepare; prepare('tensorflow', 1); "
        "assert keras.config.floatx() == 'float32', 'which the key of a run stands for'; "
        "from keras.src.trainers.data_adapters import array_slicing; "
        "print(gc.get_threshold() == before, gc.get_freeze_count() == 0, array_slicing.pandas is not None)"
    )
    assert ended(program).split() == ["True", "True", "True"]


def test_a_backend_is_never_hidden_from_itself() -> None:
    pytest.importorskip("jax")
    assert "jax" in NEEDLESS
    program = "from ablation.images.process import prepare; prepare('jax', 1, own=True); import keras; print(keras.backend.backend())"
    assert ended(program).split() == ["jax"]
