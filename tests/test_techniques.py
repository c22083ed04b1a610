"""The techniques of docs/examples/techniques, written from the documents alone: short, provable, and the same as what is known of them."""

import importlib.util
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from ablation.images.data import Images
from ablation.images.models import CNN, Model, ResNet

if TYPE_CHECKING:
    from ablation.images.training.program import Program

FOLDER = Path(__file__).parent.parent / "docs/examples/techniques"
KINDS = {
    "squeeze_excite": "SqueezeExcite",
    "restarts": "WarmRestarts",
    "focal_loss": "FocalLoss",
    "bottleneck": "InvertedBottleneck",
    "sharpness": "SharpnessAware",
}


def module(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"technique_{name}", FOLDER / f"{name}.py")
    assert spec is not None and spec.loader is not None
    made = importlib.util.module_from_spec(spec)
    sys.modules[made.__name__] = made
    spec.loader.exec_module(made)
    return made


def technique(name: str, **parameters: Any) -> Any:
    return getattr(module(name), KINDS[name])(**parameters)


def test_these_are_all_and_each_is_short_and_knows_nothing_of_the_package() -> None:
    files = {file.stem: file.read_text() for file in FOLDER.glob("*.py")}
    assert files.keys() == KINDS.keys()
    for text in files.values():
        assert len(text.splitlines()) <= 40
        assert "ablation" not in text


@pytest.mark.parametrize("model", [CNN(2), ResNet(8, 2)], ids=lambda model: type(model).known_as)
def test_all_together_prove_themselves(model: Any, build: "Callable[..., Program]", photos: Callable[..., Images]) -> None:
    import tensorflow as tf

    from ablation.images.training.fit import train
    from ablation.images.training.program import NoEffectError

    features = {name: technique(name) for name in KINDS}
    images = photos(32)
    program, without = build(features, model, steps=40), build({}, model, steps=40)
    program.verify(features, images, 0)
    for feature in features.values():
        with pytest.raises(NoEffectError):
            without.verify({"it": feature}, images, 0)
    # Compiling takes longer than one step without.
    tf.config.run_functions_eagerly(True)
    try:
        assert np.isfinite(train(program, 0, 1, photos(16), photos(16), None).history["loss"]).all()
    finally:
        tf.config.run_functions_eagerly(False)


def test_restarts_fall_from_the_height_to_nothing_in_each_cycle() -> None:
    shares = np.array([technique("restarts", cycles=3).share(step, 70) for step in range(70)])
    assert np.flatnonzero(np.diff(shares) > 0.5).tolist() == [9, 29], "after one and after three sevenths"
    np.testing.assert_allclose(shares[[0, 10, 30]], 1)
    assert shares[[9, 29, 69]].max() < 0.03


def test_without_focus_focal_loss_is_cross_entropy(build: "Callable[..., Program]", plain: Model, photos: Callable[..., Images]) -> None:
    assert loss_after(build({"focal": technique("focal_loss", gamma=0.0)}, plain), photos) == pytest.approx(
        loss_after(build({}, plain), photos), rel=1e-5
    )


def test_a_radius_of_nothing_is_plain_descent(build: "Callable[..., Program]", plain: Model, photos: Callable[..., Images]) -> None:
    settings = {"optimizer": "sgd", "learning_rate": 0.1}
    usual = loss_after(build({}, plain, **settings), photos)
    near, far = (loss_after(build({"sharp": technique("sharpness", radius=each)}, plain, **settings), photos) for each in (0.0, 1.0))
    assert near == pytest.approx(usual, rel=1e-5)
    assert far != pytest.approx(usual, rel=1e-3)


def loss_after(program: "Program", photos: Callable[..., Images]) -> float:
    """Return the mean loss of two steps."""
    from ablation.images.training.fit import train

    return train(program, 0, 1, photos(32), photos(16), None).history["loss"][0]
