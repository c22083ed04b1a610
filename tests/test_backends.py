"""JAX and PyTorch: the same training as on TensorFlow, to the bit again, and without TensorFlow."""

import importlib.util
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

HERE = Path(__file__).parent
SHAPE, CLASSES, BATCH = (16, 16, 1), 4, 16


def baseline() -> dict[str, Any]:
    """Train the baseline for one epoch on the backend that Keras runs on; return its history, initial weights, and some warped images."""
    from keras import ops

    from ablation.images.features import RandomWarp

    program = _program({})
    program.start(1)
    kernels = {name: ops.convert_to_numpy(program.network.get_layer(name).kernel.value).tolist() for name in ("stem", "logits")}
    outcome, other = _outcome(program, 1, seed=1), _history(program, 1, seed=2)
    predicted = outcome.predictions
    surprise = float(-np.log(predicted.probabilities[np.arange(len(predicted.labels)), predicted.labels]).mean())
    feature, images = RandomWarp(), np.random.default_rng(1).random((6, 12, 9, 1)).astype(np.float32)
    numbers = feature.draw(np.random.default_rng(2), len(images), *images.shape[1:3])
    warped = ops.convert_to_numpy(feature.apply(ops.convert_to_tensor(images), ops.convert_to_tensor(numbers)))
    return {
        "kernels": kernels,
        "history": outcome.history,
        "history of another seed": other,
        "warped": warped.tolist(),
        "predictions": {"val_loss": [surprise], "val_accuracy": [float(predicted.correct.mean())]},
    }


def one_step() -> dict[str, float]:
    """Take one step of the base network, the MLP and LeNet from equal weights, without dropout; return the losses after it."""
    from ablation.images.catalogue import compose
    from ablation.images.features import BatchNorm
    from ablation.images.models import CNN, MLP, LeNet
    from ablation.images.training.draws import one_hot
    from ablation.images.training.fit import train
    from ablation.images.training.program import Program
    from ablation.images.training.settings import Training

    losses = {}
    for name, model, features in (("cnn", CNN(4), {}), ("mlp", MLP([20]), {}), ("lenet", LeNet(), {"batch_norm": BatchNorm()})):
        recipe = compose(Training(1, BATCH, learning_rate=0.003).recipe(), features, model, name)
        program = Program.build(model, recipe, SHAPE, CLASSES, BATCH)
        program.start(0)
        # Without one of the classes, so that a single step moves the loss of even a network that hardly tells the images apart yet.
        images = _images()
        images = images.take(np.flatnonzero(images.y))
        batch, held_out = images.take(np.arange(BATCH)), images.take(np.arange(BATCH, 48))
        before, _ = program.loop.evaluate(program.loop.place(held_out.x), one_hot(held_out.y, CLASSES))
        losses[f"{name}, before"] = before.loss / before.images
        losses[name] = train(program, 0, 1, batch, held_out, None).history["val_loss"][0]
    return losses


def modern() -> dict[str, float]:
    """Take four steps of the arm with the whole catalogue ``modern``; return the losses.

    Each is strong enough to be seen: without any one of them a loss differs by 0.0006 or more.
    """
    from ablation.images import features

    kinds = ("RandomCrop", "Cutout", "CutMix", "LabelSmoothing", "CosineSchedule", "SqueezeExcite", "StochasticDepth", "WeightAveraging")
    strong = (features.WeightDecay(0.1), features.WarmUp(0.5), features.GradientClipping(0.5), features.MomentumSGD(1), features.GELU())
    return _four_steps({**{kind: getattr(features, kind)() for kind in kinds}, **{type(each).__name__: each for each in strong}})


def slots() -> dict[str, float]:
    """Take four steps with a loss, a transformation of gradients and an initialiser of one's own; return the losses."""
    return _four_steps({"own": Own()})


def claims() -> dict[str, float]:
    """Take four steps of a multilayer perceptron trained as the study of weight decay trains it, as stored; return the losses."""
    from ablation.images.features import L2Penalty
    from ablation.images.models import MLP
    from ablation.images.training.settings import SCALINGS, Training

    training = Training(1, BATCH, "sgd", 0.01, "exponential", decay=0.95, momentum=0.9, l2=0.1, shuffle=False)
    return _four_steps({"l2": L2Penalty(0.1)}, MLP([20]), replace(training.recipe(), scaling=SCALINGS["per_image"]))


class Own:
    """Focal loss, a step from where the gradient leads (Foret et al. 2021), and narrow kernels."""

    def __call__(self, recipe: Any) -> Any:
        import keras

        return replace(
            recipe, loss=self.focal, gradients=(self.ahead,), initializer=lambda: keras.initializers.HeNormal(), averaging=lambda *_: 0.5
        )

    def focal(self, logits: Any, targets: Any) -> Any:
        from keras import ops

        chances = ops.softmax(logits)
        return -ops.sum(targets * (1 - chances) ** 2 * ops.log_softmax(logits), axis=-1)

    def ahead(self, gradients: list[Any], weights: list[Any], gradients_at: Any) -> list[Any]:
        return list(gradients_at([weight + 0.5 * gradient for weight, gradient in zip(weights, gradients, strict=True)]))

    def verify(self, evidence: Any) -> bool:
        return True


def _four_steps(features: dict[str, Any], model: Any = None, start: Any = None) -> dict[str, float]:
    from ablation.images.catalogue import compose
    from ablation.images.models import ResNet
    from ablation.images.training.draws import one_hot
    from ablation.images.training.fit import train
    from ablation.images.training.program import Program
    from ablation.images.training.settings import Training

    # Without biases: batch norm takes them away again, and Adam makes large steps of the rounding errors that are their gradients.
    model = model or ResNet(8, 4, "paper")
    recipe = compose(start or Training(1, BATCH).recipe(), features, model, "it")
    program = Program.build(model, recipe, SHAPE, CLASSES, BATCH, steps=4)
    program.verify(features, _images(), 0)
    program.start(0)
    before, _ = program.loop.evaluate(program.loop.place(_images(48).x), one_hot(_images(48).y, CLASSES))
    history = train(program, 0, 1, _images(4 * BATCH), _images(48), None).history
    return {"before": before.loss / before.images, "loss": history["loss"][0], "val_loss": history["val_loss"][0]}


def everything() -> dict[str, Any]:
    """Train the arm with all features for two epochs, and again after another seed; say whether TensorFlow was imported."""
    from ablation.images import features

    kinds = ("RandomWarp", "BatchNorm", "Residual", "GlobalAveragePooling", "Dropout", "Mixup", "AMSGrad")
    on = {kind: getattr(features, kind)() for kind in kinds}
    program = _program(on)
    program.verify(on, _images(), 0)
    first, other, again = (_history(program, 2, seed) for seed in (0, 1, 0))
    return {"first": first, "other": other, "again": again, "tensorflow": "tensorflow" in sys.modules}


def _program(features: dict[str, Any]) -> Any:
    from ablation.images.catalogue import compose
    from ablation.images.models import CNN
    from ablation.images.training.program import Program
    from ablation.images.training.settings import Training

    model = CNN(4)
    return Program.build(model, compose(Training(1, BATCH, learning_rate=0.01).recipe(), features, model, "cnn"), SHAPE, CLASSES, BATCH)


def _images(count: int = 64) -> Any:
    """Make noisy images, each class with a bright quarter of its own: an epoch then moves the loss far more than the tolerance."""
    from ablation.images.data import Images

    y = np.arange(count, dtype=np.int64) % CLASSES
    x = np.random.default_rng(0).integers(0, 100, (count, *SHAPE), dtype=np.uint8)
    for image, label in zip(x, y, strict=True):
        image[8 * (label // 2) :, 8 * (label % 2) :] += 150
    return Images(x, y)


def _history(program: Any, epochs: int, seed: int = 0) -> dict[str, list[float]]:
    return dict(_outcome(program, epochs, seed).history)


def _outcome(program: Any, epochs: int, seed: int) -> Any:
    from ablation.images.training.fit import train

    return train(program, seed, epochs, _images(), _images(20), None)


BACKENDS = ("jax", "torch")


@pytest.fixture(scope="module")
def told() -> Iterator[dict[str, "Future[subprocess.CompletedProcess[str]]"]]:
    """What processes of their own tell of the backends that are installed; all at work at the same time."""
    program = (
        "import json, test_backends as b; "
        "few = {'one step': b.one_step(), 'modern': b.modern(), 'slots': b.slots(), 'claims': b.claims()}; "
        "print(json.dumps({**b.baseline(), **few, **b.everything()}))"
    )

    def tell(backend: str) -> "subprocess.CompletedProcess[str]":
        environment = {**os.environ, "KERAS_BACKEND": backend, "PYTHONPATH": f"{HERE.parent}"}
        return subprocess.run([sys.executable, "-c", program], cwd=HERE, env=environment, capture_output=True, text=True, check=False)

    with ThreadPoolExecutor() as pool:
        yield {backend: pool.submit(tell, backend) for backend in BACKENDS if importlib.util.find_spec(backend)}


@pytest.fixture(scope="module", params=BACKENDS)
def results(request: pytest.FixtureRequest, told: dict[str, "Future[subprocess.CompletedProcess[str]]"]) -> dict[str, Any]:
    """What is told of one of them."""
    if request.param not in told:
        pytest.skip(f"{request.param} is not installed")
    ended = told[request.param].result()
    assert ended.returncode == 0, ended.stderr
    result: dict[str, Any] = json.loads(ended.stdout.splitlines()[-1])
    return result


@pytest.fixture(scope="module")
def tensorflow() -> dict[str, Any]:
    return {**baseline(), "one step": one_step(), "modern": modern(), "slots": slots(), "claims": claims()}


def test_evaluation_losses_after_one_step_agree(results: dict[str, Any], tensorflow: dict[str, Any]) -> None:
    assert results["one step"] == pytest.approx(tensorflow["one step"], abs=1e-4)
    for name in ("cnn", "mlp", "lenet"):
        moved = tensorflow["one step"][name] - tensorflow["one step"][f"{name}, before"]
        assert abs(moved) > 1e-3, "the check can fail: a step moves the loss far more than the tolerance"


@pytest.mark.parametrize("arm", ["modern", "slots", "claims"])
def test_every_slot_does_the_same_on_every_backend(results: dict[str, Any], tensorflow: dict[str, Any], arm: str) -> None:
    assert results[arm] == pytest.approx(tensorflow[arm], abs=1e-4)
    assert abs(tensorflow[arm]["val_loss"] - tensorflow[arm]["before"]) > 1e-3, "the check can fail"


def test_every_feature_trains_and_the_same_seed_gives_the_same_numbers_to_the_bit(results: dict[str, Any]) -> None:
    assert all(np.isfinite(values).all() and len(values) == 2 for values in results["first"].values())
    assert results["again"] == results["first"]
    assert results["other"]["loss"] != results["first"]["loss"]


def test_training_does_not_import_tensorflow(results: dict[str, Any]) -> None:
    assert results["tensorflow"] is False


def test_the_baseline_trains_as_on_tensorflow(results: dict[str, Any], tensorflow: dict[str, Any]) -> None:
    assert results["kernels"] == tensorflow["kernels"], "initial weights are equal to the bit"
    for name in ("loss", "val_loss"):
        assert tensorflow["history of another seed"][name] != pytest.approx(tensorflow["history"][name], rel=1e-2), "the check can fail"
        assert results["history"][name] == pytest.approx(tensorflow["history"][name], rel=1e-3)


def test_predictions_are_those_of_the_last_validation(results: dict[str, Any]) -> None:
    for name, value in results["predictions"].items():
        assert value == pytest.approx(results["history"][name], rel=1e-5)


def test_images_are_warped_as_on_tensorflow(results: dict[str, Any], tensorflow: dict[str, Any]) -> None:
    np.testing.assert_allclose(results["warped"], tensorflow["warped"], atol=1e-4)


def test_what_jax_compiles_is_kept_for_other_processes_of_as_many_threads(tmp_path: Path) -> None:
    if importlib.util.find_spec("jax") is None:
        pytest.skip("jax is not installed")
    program = (
        "from ablation.images.process import prepare; prepare('jax', 1)\n"
        "import jax, keras; from ablation.images.training.loops import building\n"
        "from ablation.images.training.loops.jax_compilation import jit_options; assert jit_options() or jax.default_backend() != 'cpu'\n"
        "with building(): keras.initializers.GlorotUniform(1)((2, 3))"
    )
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("KERAS", "JAX"))}
    set_now = {"ABLATION_DATA_DIR": str(tmp_path), "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0", "PYTHONPATH": f"{HERE.parent}"}
    ended = subprocess.run([sys.executable, "-c", program], env={**kept, **set_now}, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr
    assert list((tmp_path / "jax" / "threads-1").glob("jit__uniform*-cache"))
