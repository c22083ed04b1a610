"""The slots that no feature of the package fills, or only one: what is put there is what happens, and nothing else."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from ablation.errors import InputError
from ablation.images.data import Images
from ablation.images.features import BatchNorm, Dropout
from ablation.images.models import CNN, Model
from ablation.images.recipe import Recipe

if TYPE_CHECKING:
    from ablation.images.training.fit import Fitted
    from ablation.images.training.program import Program

Build = Callable[..., "Program"]
Photos = Callable[..., Images]


@dataclass(frozen=True, eq=False)
class Put:
    """A feature that puts things into slots."""

    slots: dict[str, Any]

    def __call__(self, recipe: Recipe) -> Recipe:
        return replace(recipe, **self.slots)

    def verify(self, evidence: Any) -> bool:
        return True


def trained(program: "Program", images: Images, epochs: int = 1) -> "Fitted":
    from ablation.images.training.fit import train

    return train(program, 0, epochs, images, images, None)


def weights(program: "Program") -> list[np.ndarray]:
    from keras import ops

    return [np.array(ops.convert_to_numpy(weight)) for weight in program.network.trainable_weights]


def initial(program: "Program") -> list[np.ndarray]:
    program.start(0)
    return weights(program)


# The loss -----------------------------------------------------------------------------------------------------------------------


def doubled(logits: Any, targets: Any) -> Any:
    import keras

    return 2 * keras.losses.categorical_crossentropy(targets, logits, from_logits=True)


def test_training_minimises_the_loss_of_the_slot_and_validation_counts_cross_entropy(build: Build, plain: Model, photos: Photos) -> None:
    images = photos(16)
    own = trained(build({"loss": Put({"loss": doubled})}, plain, optimizer="sgd", learning_rate=0.05), images).history
    usual = trained(build({}, plain, optimizer="sgd", learning_rate=0.1), images).history
    assert own["loss"][0] == pytest.approx(2 * usual["loss"][0], rel=1e-5)
    assert own["val_loss"][0] == pytest.approx(usual["val_loss"][0], rel=1e-4), "half the rate and twice the loss are the same step"


# Gradients ----------------------------------------------------------------------------------------------------------------------


def test_the_optimiser_gets_what_the_slot_makes_of_the_gradients(build: Build, plain: Model, photos: Photos) -> None:
    def reversed_(gradients: list[Any], weights: list[Any], gradients_at: Any) -> list[Any]:
        return [-gradient for gradient in gradients]

    images, moved = photos(16), []
    for slots in ({}, {"gradients": (reversed_,)}, {"gradients": (reversed_, reversed_)}):
        program = build({"put": Put(slots)} if slots else {}, plain, optimizer="sgd", learning_rate=0.1)
        before = initial(program)
        trained(program, images)
        moved.append([after - start for after, start in zip(weights(program), before, strict=True)])
    for plainly, once, twice in zip(*moved, strict=True):
        np.testing.assert_allclose(once, -plainly, atol=1e-6)
        np.testing.assert_allclose(twice, plainly, atol=1e-6)
    assert max(np.abs(each).max() for each in moved[0]) > 1e-3


def test_gradients_elsewhere_are_those_of_the_same_batch_and_masks_and_leave_no_trace(build: Build, photos: Photos) -> None:
    def the_difference(gradients: list[Any], weights: list[Any], gradients_at: Any) -> list[Any]:
        return [gradient - again for gradient, again in zip(gradients, gradients_at(weights), strict=True)]

    def elsewhere(gradients: list[Any], weights: list[Any], gradients_at: Any) -> list[Any]:
        gradients_at([weight + 1 for weight in weights])
        return gradients

    features, images = {"batch_norm": BatchNorm(), "dropout": Dropout(0.5)}, photos(32)
    none = build({**features, "put": Put({"gradients": (the_difference,)})}, optimizer="sgd", learning_rate=1.0)
    before = initial(none)
    trained(none, images)
    for start, after in zip(before, weights(none), strict=True):
        np.testing.assert_allclose(after, start, atol=1e-6)
    looked, usual = build({**features, "put": Put({"gradients": (elsewhere,)})}), build(features)
    assert trained(looked, images, 2).history["val_loss"] == pytest.approx(trained(usual, images, 2).history["val_loss"], rel=1e-5)


# Averages -----------------------------------------------------------------------------------------------------------------------


def test_the_average_is_validated_and_kept(build: Build, plain: Model, photos: Photos) -> None:
    images = photos(32)

    def of(share: float) -> tuple[Any, list[np.ndarray], list[np.ndarray]]:
        program = build({"put": Put({"averaging": lambda step, steps: share})}, plain, optimizer="sgd", learning_rate=0.1, steps=4)
        before = initial(program)
        outcome = trained(program, images, 2)
        assert outcome.predictions.probabilities == pytest.approx(probabilities(program, images), abs=1e-5)
        return outcome.history, before, weights(program)

    program = build({}, plain, optimizer="sgd", learning_rate=0.1)
    history = trained(program, images, 2).history
    usual = weights(program)
    none, start, last = of(0.0)
    assert none == history
    for one, other in zip(last, usual, strict=True):
        np.testing.assert_array_equal(one, other)
    first, start, kept = of(1.0)
    assert first["loss"] == history["loss"], "training goes on with the weights themselves"
    for one, other in zip(kept, start, strict=True):
        np.testing.assert_array_equal(one, other)
    half, _, between = of(0.5)
    assert half["loss"] == history["loss"] and half["val_loss"] != history["val_loss"]
    assert any(np.abs(one - other).max() > 1e-4 for one, other in zip(between, usual, strict=True))


def probabilities(program: "Program", images: Images) -> np.ndarray:
    from ablation.images.held_out import softmax

    return softmax(np.asarray(program.network(images.x.astype(np.float32) / 255, training=False)))


def test_an_average_that_keeps_no_share_is_refused(build: Build, plain: Model) -> None:
    with pytest.raises(InputError, match="returns 2 at step 0 of 4; expected a share from 0 to 1"):
        build({"put": Put({"averaging": lambda step, steps: 2})}, plain, steps=4)


# Network and initialiser --------------------------------------------------------------------------------------------------------


def test_kernels_are_drawn_from_the_initialiser_of_the_slot(build: Build) -> None:
    import keras

    program = build({"put": Put({"initializer": lambda: keras.initializers.Constant(0.25)}), "batch_norm": BatchNorm()})
    program.start(0)
    kernels = [weight for weight in program.network.trainable_weights if weight.name == "kernel"]
    assert len(kernels) == 11
    assert all((np.asarray(kernel.value) == 0.25).all() for kernel in kernels)
    gamma = program.network.get_layer("stem_norm").gamma
    assert (np.asarray(gamma.value) == 1).all(), "nothing but kernels"


def test_a_network_may_be_changed_as_a_whole(build: Build, plain: Model, photos: Photos) -> None:
    import keras

    def noisy(network: keras.Model) -> keras.Model:
        inputs = keras.Input(network.input_shape[1:])
        return keras.Model(inputs, network(keras.layers.GaussianNoise(0.1, name="noise")(inputs)))

    program = build({"put": Put({"network": (noisy,)})}, plain)
    assert "noise" in [layer.name for layer in program.network.layers]
    assert np.isfinite(trained(program, photos(16)).history["loss"]).all()
    for change, words in (
        (lambda network: None, "returns None; expected a Keras model"),
        (lambda network: keras.Model(network.inputs, keras.layers.Dense(3)(network.outputs[0])), r"expected one from \(None, 16, 16, 1\)"),
    ):
        with pytest.raises(InputError, match=words):
            build({"put": Put({"network": (change,)})}, plain)


def test_a_block_of_ones_own_takes_the_place_of_the_networks(build: Build) -> None:
    import keras

    def single(x: Any, filters: int, strides: int, name: str, parts: Any) -> Any:
        return parts.finish(parts.convolve(x, filters, f"{name}_only", strides=strides, size=5), f"{name}_only")

    network = build({"put": Put({"block": single}), "batch_norm": BatchNorm()}, CNN(2)).network
    convolutions = [layer.name for layer in network.layers if isinstance(layer, keras.layers.Conv2D)]
    assert convolutions == ["stem", *(f"stage{stage}_{part}" for stage in (1, 2, 3) for part in ("only", "down"))]
    assert sum(isinstance(layer, keras.layers.BatchNormalization) for layer in network.layers) == 7


def test_what_follows_blocks_is_on_the_branch_where_there_is_one(build: Build) -> None:
    import keras

    from ablation.images.features import Residual, SqueezeExcite

    plainly = build({"se": SqueezeExcite()}, CNN(2)).network
    assert isinstance(plainly.get_layer("stage1_scale").input[0]._keras_history.operation, keras.layers.ReLU)
    residual = build({"residual": Residual(), "se": SqueezeExcite(), "batch_norm": BatchNorm()}, CNN(2)).network
    assert residual.get_layer("stage1_add").input[0]._keras_history.operation.name == "stage1_scale"
