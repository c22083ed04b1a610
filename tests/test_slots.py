"""The slots that no feature of the package fills, or only one: what is put there is what happens, and nothing else."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from ablation.errors import InputError
from ablation.images.data import Images
from ablation.images.features import BatchNorm, Dropout, GlobalAveragePooling
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


def test_a_change_that_looks_elsewhere_sees_there_what_those_before_it_make_of_gradients() -> None:
    from keras import ops

    from ablation.images.training.loops.contract import transformed
    from ablation.images.training.penalty import L2

    def ahead(gradients: list[Any], weights: list[Any], gradients_at: Any) -> list[Any]:
        return gradients_at([weight + 1 for weight in weights])

    def bowl(weights: list[Any]) -> list[Any]:
        return [2 * weights[0], None]

    here = [ops.full((2, 2), 3.0), ops.full((2, 2), 5.0)]
    for changes, expected in (
        ((ahead,), (2 * 4, 0)),
        ((L2(0.5), ahead), (2 * 4 + 0.5 * 4, 0.5 * 6)),
        ((ahead, L2(0.5)), (2 * 4 + 0.5 * 3, 0.5 * 5)),
        ((L2(0.5), ahead, ahead), (2 * 5 + 0.5 * 5, 0.5 * 7)),
    ):
        found = transformed(bowl(here), here, Recipe(gradients=changes), bowl)
        assert [float(ops.convert_to_numpy(each)[0, 0]) for each in found] == list(expected)


def test_what_slots_give_is_checked(build: Build, plain: Model, photos: Photos) -> None:
    import keras

    def mean(logits: Any, targets: Any) -> Any:
        return keras.ops.mean(doubled(logits, targets))

    with pytest.raises(InputError, match="returns an array of 0 axes; expected the loss of each image"):
        trained(build({"loss": Put({"loss": mean})}, plain), photos(16))
    for order in (lambda rng, count: np.arange(count - 1), lambda rng, count: np.zeros(count, int)):
        with pytest.raises(InputError, match="does not take each of the 16 images once"):
            trained(build({"order": Put({"order": order})}, plain), photos(16))


# Averages -----------------------------------------------------------------------------------------------------------------------


def test_averages_count_batches_also_where_gradients_are_gathered_over_several(build: Build, plain: Model, photos: Photos) -> None:
    """Three batches of which the first two make one step: an average that begins with the third is the weights at the end."""
    gathered = {"gradient_accumulation_steps": 2}

    def from_the_third(step: int, steps: int) -> float:
        return 1.0 if step < 2 else 0.0

    programs = []
    for slots in ({}, {"averaging": from_the_third}):

        class Gathers(Put):
            def __call__(self, recipe: Recipe) -> Recipe:
                return replace(recipe, **self.slots, optimizer=recipe.optimizer.with_options(**gathered))

        programs.append(build({"put": Gathers(slots)}, plain, optimizer="sgd", learning_rate=0.1, steps=3))
        trained(programs[-1], photos(48))
    for usual, average in zip(*map(weights, programs), strict=True):
        np.testing.assert_array_equal(average, usual)


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


def test_an_initialiser_of_ones_own_draws_itself_from_the_seed_of_the_run(build: Build) -> None:
    import keras

    class Unseeded(keras.initializers.Initializer):
        def __init__(self, scale: float = 1.0) -> None:
            self.scale = scale

        def __call__(self, shape: Any, dtype: Any = None, **_: Any) -> Any:
            return self.scale * (2 + keras.random.uniform(shape))

    def shifted(self: Any, shape: Any, dtype: Any = None, **options: Any) -> Any:
        return keras.initializers.HeNormal.__call__(self, shape, dtype, **options) + 100

    kind = type("Shifted", (keras.initializers.HeNormal,), {"__call__": shifted})

    def stem(program: "Program", seed: int) -> np.ndarray:
        program.start(seed)
        return np.asarray(keras.ops.convert_to_numpy(program.network.get_layer("stem").kernel.value)).copy()

    unseeded, moved = (build({"put": Put({"initializer": make})}) for make in (lambda: Unseeded(0.5), kind))
    first, other, again = (stem(unseeded, seed) for seed in (0, 1, 0))
    assert ((first >= 1) & (first < 1.5)).all(), "its parameter is kept, though its configuration does not name it"
    assert (first == again).all() and (first != other).all()
    assert (stem(moved, 0) > 50).all() and (stem(moved, 0) == stem(moved, 0)).all()


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


@pytest.mark.parametrize("kind", ["RandomFlip", "RandomRotation", "GaussianNoise"])
def test_random_layers_of_keras_draw_from_the_seed_of_the_run(kind: str, build: Build, plain: Model, photos: Photos) -> None:
    import keras

    def ahead(network: keras.Model) -> keras.Model:
        inputs = keras.Input(network.input_shape[1:])
        layer = getattr(keras.layers, kind)(**({} if kind == "RandomFlip" else {"stddev" if kind == "GaussianNoise" else "factor": 0.4}))
        return keras.Model(inputs, network(layer(inputs)))

    program = build({"put": Put({"network": (ahead,)})}, plain)
    images = photos(32).x.astype(np.float32) / 255

    def seen(seed: int) -> np.ndarray:
        program.start(seed)
        return np.asarray(keras.ops.convert_to_numpy(program.network.layers[1](images, training=True)))

    first, other, again = seen(0), seen(1), seen(0)
    assert (first == again).all() and not np.array_equal(first, other)


def test_a_feature_shows_itself_in_a_network_within_another_one(build: Build, photos: Photos) -> None:
    import keras

    def wrapped(network: keras.Model) -> keras.Model:
        inputs = keras.Input(network.input_shape[1:])
        return keras.Model(inputs, network(keras.layers.GaussianNoise(0.1, name="noise")(inputs)))

    features: dict[str, Any] = {"batch_norm": BatchNorm(), "dropout": Dropout()}
    program = build({**features, "put": Put({"network": (wrapped,)})})
    program.verify(features, photos(16), 0)
    from ablation.images.training.program import NoEffectError

    with pytest.raises(NoEffectError, match="'gap' is on but had no effect"):
        program.verify({"gap": GlobalAveragePooling()}, photos(16), 0)


def test_features_show_themselves_on_the_initial_weights_of_the_seed(build: Build, plain: Model, photos: Photos, shown: Any) -> None:
    program = build({}, plain)
    start = initial(program)
    trained(program, photos(16))
    kernel, *_ = shown(program, photos(16), 0).network.get_weights()
    np.testing.assert_array_equal(kernel, start[0])


def test_frozen_layers_and_weights_without_an_initialiser_keep_their_values(build: Build, photos: Photos) -> None:
    import keras

    def given(network: keras.Model) -> keras.Model:
        frozen, kept = network.get_layer("stem"), network.get_layer("stage1_conv1")
        frozen.trainable, kept.kernel_initializer = False, None
        for layer in (frozen, kept):
            layer.kernel.assign(keras.ops.full(layer.kernel.shape, 0.25))
        return network

    program = build({"put": Put({"network": (given,)})})
    for seed in (0, 1):
        program.start(seed)
        assert all((np.asarray(program.network.get_layer(name).kernel) == 0.25).all() for name in ("stem", "stage1_conv1"))
        assert not (np.asarray(program.network.get_layer("logits").kernel) == 0.25).any()
    trained(program, photos(16))
    assert (np.asarray(program.network.get_layer("stem").kernel) == 0.25).all()
    assert not (np.asarray(program.network.get_layer("stage1_conv1").kernel) == 0.25).any()


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
    both = build({"se": SqueezeExcite(2), "hard": SqueezeExcite(4)}, CNN(8)).network
    assert both.get_layer("stage1_2_scale").input[0]._keras_history.operation.name == "stage1_scale", "one after the other"
    residual = build({"residual": Residual(), "se": SqueezeExcite(), "batch_norm": BatchNorm()}, CNN(2)).network
    assert residual.get_layer("stage1_add").input[0]._keras_history.operation.name == "stage1_scale"


def test_residual_blocks_keep_the_widths_of_a_network_that_projects_its_skips_itself(build: Build, photos: Photos) -> None:
    from ablation.images.features import Residual
    from ablation.images.models import ResNet
    from ablation.images.training.cost import cost
    from ablation.images.training.program import NoEffectError

    own = build({}, ResNet(8, 4))
    with pytest.raises(NoEffectError, match="'residual' is on but had no effect"):
        own.verify({"residual": Residual()}, photos(16), 0)
    for form in ("article", "controlled"):
        features = {"residual": Residual(form)}
        program = build(features, ResNet(8, 4))
        program.verify(features, photos(16), 0)
        assert cost(program.network).parameters == cost(own.network).parameters


def test_numbers_of_an_augmentation_may_be_drawn_as_numpy_draws_them(build: Build, plain: Model, photos: Photos) -> None:
    program = build({"brighter": Brighter()}, plain)
    assert np.isfinite(trained(program, photos(16)).history["loss"]).all()


@dataclass(frozen=True)
class Brighter:
    """Make images brighter by numbers that are drawn in double precision."""

    def __call__(self, recipe: Recipe) -> Recipe:
        return replace(recipe, augmentations=(*recipe.augmentations, self))

    def draw(self, rng: np.random.Generator, count: int, height: int, width: int) -> np.ndarray:
        return rng.random((count, 1))

    def apply(self, images: Any, numbers: Any) -> Any:
        return images + numbers[:, :, None, None]

    def verify(self, evidence: Any) -> bool:
        return True


def test_a_technique_that_is_rare_shows_itself_in_later_images(build: Build, photos: Photos) -> None:
    from ablation.images.features import CutMix

    features = {"cutmix": CutMix(probability=0.02)}
    program = build(features)
    for seed in range(20):
        program.verify(features, photos(640), seed)
