"""Training: reproducible to the bit, paired between arms, honest in its counts, and clear when something is wrong."""

import json
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from ablation.errors import InputError
from ablation.images.data import Images
from ablation.images.data.split import followed
from ablation.images.features import BatchNorm, Dropout, Evidence, Feature
from ablation.images.features.augmentation import bilinear, warp
from ablation.images.models import CNN, Model
from ablation.images.recipe import Recipe
from ablation.images.training.draws import ORDER, SPLIT, generator

if TYPE_CHECKING:
    import keras

    from ablation.images.training.fit import Fitted
    from ablation.images.training.program import Program

Build = Callable[..., "Program"]
Photos = Callable[..., Images]


def trained(program: "Program", images: Images, seed: int = 0, epochs: int = 2, **options: Any) -> "Fitted":
    from ablation.images.training.fit import train

    return train(program, seed, epochs, images, images, options.pop("test", None), **options)


def weights(network: "keras.Model") -> dict[str, np.ndarray]:
    """Return all of a network's weights by layer and name."""
    from keras import ops

    values = {f"{layer.name}/{weight.name}": weight.value for layer in network.layers for weight in layer.weights}
    return {name: np.array(ops.convert_to_numpy(value)) for name, value in values.items()}


def assert_same_weights(one: dict[str, np.ndarray], other: dict[str, np.ndarray]) -> None:
    assert one.keys() == other.keys()
    for name in one:
        np.testing.assert_array_equal(one[name], other[name], err_msg=name)


@pytest.fixture(scope="module")
def full(article: dict[str, Feature], build: Build) -> "Program":
    """The program of the arm with every feature on, which the tests of this file share as the seeds of an arm do."""
    return build(article)


# Reproducibility ----------------------------------------------------------------------------------------------------------------


def test_the_same_seed_gives_the_same_numbers_to_the_bit(full: "Program", photos: Photos) -> None:
    images = photos(48)
    first = trained(full, images, seed=0)
    after = weights(full.network)
    other = trained(full, images, seed=1)
    again = trained(full, images, seed=0)
    assert again.history == first.history, "training another seed in between leaves no trace"
    assert_same_weights(weights(full.network), after)
    for name in first.history:
        assert name.endswith("accuracy") or other.history[name] != first.history[name], "another seed is another training"


def test_a_fresh_program_gives_the_same_numbers_to_the_bit(
    full: "Program", article: dict[str, Feature], build: Build, photos: Photos
) -> None:
    images, fresh = photos(48), build(article)
    assert trained(fresh, images).history == trained(full, images).history
    assert_same_weights(weights(fresh.network), weights(full.network))


def test_training_starts_from_the_weights_of_its_seed(build: Build, plain: Model, photos: Photos) -> None:
    # With steps too small to change the weights.
    program = build(model=plain, optimizer="sgd", learning_rate=1e-30)
    trained(program, photos(), seed=3)
    after = weights(program.network)
    program.start(3)
    for name, initial in weights(program.network).items():
        np.testing.assert_allclose(after[name], initial, rtol=0, atol=1e-20, err_msg=name)


def test_an_optimiser_starts_afresh_with_each_seed(build: Build, plain: Model, photos: Photos) -> None:
    program = build(model=plain, optimizer="sgd", learning_rate=0.1)
    momentum = replace(program.recipe.optimizer, options=(("momentum", 0.9),))
    program = type(program).build(plain, replace(program.recipe, optimizer=momentum), (16, 16, 1), 4, 16)
    first = trained(program, photos())
    assert trained(program, photos()).history == first.history
    assert int(program.optimizer.iterations) == 2 * 4, "two epochs of four steps, counted from zero"


def test_one_cycle_rises_to_the_learning_rate_and_falls_to_nothing() -> None:
    from ablation.images.slots import Optimizer
    from ablation.images.training.learning_rate import learning_rate
    from ablation.images.training.schedule import RISE, SCHEDULES, START
    from ablation.images.training.schedule import rates as drawn

    assert learning_rate(Optimizer(learning_rate=0.1), 100) == 0.1
    optimizer = Optimizer(learning_rate=0.1, schedule=SCHEDULES["one_cycle"])
    rate = learning_rate(optimizer, 100)
    rates = [float(rate(step)) for step in range(101)]
    top = int(RISE * 100)
    assert rates[0] == pytest.approx(START * 0.1) and rates[top] == pytest.approx(0.1) and rates[100] == pytest.approx(0, abs=1e-9)
    assert (np.diff(rates[: top + 1]) > 0).all() and (np.diff(rates[top:]) < 0).all()
    np.testing.assert_allclose(rates[:100], drawn(optimizer, 100), rtol=1e-5, atol=1e-8)


@pytest.mark.parametrize(
    ("schedule", "expected"),
    [
        ("constant", [1, 1, 1, 1, 1, 1, 1, 1]),
        ("cosine", [1, 0.96194, 0.85355, 0.69134, 0.5, 0.30866, 0.14645, 0.03806]),
        ("step", [1, 1, 1, 1, 0.1, 0.1, 0.01, 0.01]),
    ],
)
def test_the_optimiser_takes_the_rates_of_its_schedule(build: Build, plain: Model, schedule: str, expected: list[float]) -> None:
    program = build(model=plain, optimizer="sgd", learning_rate=0.5, schedule=schedule, steps=8)
    rates = []
    for step in range(8):
        program.optimizer.iterations.assign(step)
        rates.append(float(program.optimizer.learning_rate))
    assert rates == pytest.approx([0.5 * share for share in expected], rel=1e-4)


def test_a_warm_up_rises_before_the_schedule() -> None:
    from ablation.images.slots import Optimizer
    from ablation.images.training.schedule import Cosine, rates

    warm = rates(Optimizer(learning_rate=2.0, schedule=Cosine(), warmup=0.3), 10)
    np.testing.assert_allclose(warm[:4], [0.5, 1.0, 1.5, 2.0])
    np.testing.assert_allclose(warm[3:], rates(Optimizer(learning_rate=2.0, schedule=Cosine()), 7))
    assert rates(Optimizer(warmup=0.001), 10)[0] < rates(Optimizer(warmup=0.001), 10)[1], "a short one is one step"


def test_an_exponential_schedule_keeps_its_share_from_one_epoch_to_the_next() -> None:
    from ablation.images.training.schedule import rates
    from ablation.images.training.settings import Training

    optimizer = Training(3, 16, learning_rate=0.1, schedule="exponential", decay=0.5).recipe().optimizer
    np.testing.assert_allclose(rates(optimizer, 6), [0.1, 0.1, 0.05, 0.05, 0.025, 0.025])
    warm = Training(3, 16, learning_rate=0.1, schedule="exponential", decay=0.5, warmup=1 / 3).recipe().optimizer
    np.testing.assert_allclose(rates(warm, 6)[2:], [0.1, 0.1, 0.05, 0.05], err_msg="epochs are those of the whole training")
    with pytest.raises(InputError, match=r"needs training\.decay, the share of the learning rate that is left after each epoch"):
        Training(3, 16, schedule="exponential")
    with pytest.raises(InputError, match=r"training\.decay goes with training\.schedule=exponential"):
        Training(3, 16, decay=0.95)


def test_an_l2_penalty_adds_the_kernel_to_the_gradient_and_leaves_biases_alone(build: Build, plain: Model, photos: Photos) -> None:
    images, after = photos(16), {}
    for l2 in (None, 0.5):
        program = build(model=plain, optimizer="sgd", learning_rate=0.1, l2=l2)
        program.start(0)
        before = [np.array(weight) for weight in program.network.trainable_weights]
        trained(program, images, epochs=1)
        after[l2] = [np.array(weight) for weight in program.network.trainable_weights]
    for start, without, with_it in zip(before, after[None], after[0.5], strict=True):
        np.testing.assert_allclose(with_it, without - (0.1 * 0.5 * start if start.ndim > 1 else 0), atol=1e-6)


def test_images_may_come_as_they_are_stored_in_every_epoch(build: Build, plain: Model, photos: Photos) -> None:
    images = photos(40)
    stored, shuffled = build(model=plain, shuffle=False), build(model=plain)
    for epoch in range(2):
        np.testing.assert_array_equal(stored.draw(images, 0, epoch).own, np.arange(32))
    first, second = (shuffled.draw(images, 0, epoch).own for epoch in range(2))
    assert not np.array_equal(first, second) and not np.array_equal(first, np.arange(32))


def test_a_schedule_that_gives_no_share_is_refused() -> None:
    from ablation.images.slots import Optimizer
    from ablation.images.training.schedule import rates

    with pytest.raises(InputError, match="returns nan at step 0 of 4; expected a share of the learning rate, such as 0.5"):
        rates(Optimizer(schedule=lambda step, steps: float("nan")), 4)


def test_weight_decay_momentum_and_clipping_are_the_optimisers(build: Build, plain: Model, photos: Photos) -> None:
    optimizer = build(model=plain, optimizer="sgd", weight_decay=0.01, momentum=0.9, clip=1.0).optimizer
    assert (optimizer.weight_decay, optimizer.momentum, optimizer.global_clipnorm) == (0.01, 0.9, 1.0)
    images, losses = photos(), []
    for settings in ({}, {"weight_decay": 10.0}, {"momentum": 0.9}, {"clip": 0.01}):
        losses.append(trained(build(model=plain, optimizer="sgd", learning_rate=0.01, **settings), images).history["loss"][-1])
    assert len(set(losses)) == 4, "each changes the training"


def test_each_seed_goes_through_the_whole_cycle(build: Build, plain: Model, photos: Photos) -> None:
    program = build(model=plain, optimizer="sgd", learning_rate=0.1, schedule="one_cycle", steps=8)
    first = trained(program, photos())
    assert float(program.optimizer.learning_rate) == pytest.approx(0, abs=1e-7), "after the last of two epochs of four steps"
    assert trained(program, photos()).history == first.history


def test_epochs_before_the_last_are_validated_on_half_as_many_images_as_are_trained_on(build: Build, plain: Model, photos: Photos) -> None:
    from ablation.images.training.fit import train

    # With steps too small to change the weights.
    program, images = build(model=plain, optimizer="sgd", learning_rate=1e-30), photos(64)
    few = images.take(np.arange(16))
    found = train(program, 0, 2, few, images, None)
    part = images.take(followed(64, 16))
    assert len(part) == 8 and len(set(followed(64, 16).tolist())) == 8
    alone = train(program, 0, 1, few, part, None)
    assert found.history["val_loss"][0] == pytest.approx(alone.history["val_loss"][0], rel=1e-6)
    assert found.history["val_loss"][1] == pytest.approx(train(program, 0, 1, few, images, None).history["val_loss"][0], rel=1e-6)
    assert found.score == found.predictions.correct.mean() and len(found.predictions.labels) == 64
    assert followed(16, 64).tolist() == list(range(16))


def test_an_epoch_cut_into_several_calls_is_the_same_training(
    build: Build, plain: Model, photos: Photos, monkeypatch: pytest.MonkeyPatch
) -> None:
    from ablation.images.training import fit

    program = build(model=plain, batch=8)
    whole = trained(program, photos())
    after = weights(program.network)
    monkeypatch.setattr(fit, "STEPS_PER_CALL", 3)
    cut = trained(program, photos())
    assert_same_weights(weights(program.network), after)
    assert cut.history["accuracy"] == whole.history["accuracy"]
    assert cut.history["val_loss"] == whole.history["val_loss"]
    assert cut.history["loss"] == pytest.approx(whole.history["loss"])


# Pairing ------------------------------------------------------------------------------------------------------------------------


def test_arms_that_share_a_seed_share_the_initial_weights_of_the_layers_they_share(full: "Program", build: Build) -> None:
    base = build()
    initial = {}
    for name, program in (("full", full), ("base", base)):
        program.start(7)
        initial[name] = weights(program.network)
    shared = [name for name in initial["base"] if name in initial["full"] and initial["base"][name].shape == initial["full"][name].shape]
    kernels = [name for name in shared if name.endswith("kernel")]
    assert {"stem/kernel", "stage1_conv1/kernel", "stage1_conv2/kernel", "stage1_down/kernel"} <= set(kernels)
    for name in shared:
        np.testing.assert_array_equal(initial["base"][name], initial["full"][name], err_msg=name)
    base.start(8)
    other = weights(base.network)
    assert not any(np.array_equal(other[name], initial["base"][name]) for name in kernels)
    first, second = (initial["base"][f"stage1_conv{index}/kernel"] for index in (1, 2))
    assert not np.array_equal(first, second), "layers of one shape have different weights"


def test_arms_that_share_a_seed_share_order_partners_and_warps(
    full: "Program", article: dict[str, Feature], build: Build, photos: Photos
) -> None:
    images = photos()
    mixed, warped, base = (build(features) for features in ({"mixup": article["mixup"]}, {"augmentation": article["augmentation"]}, {}))
    everything = full.draw(images, 5, 2)
    for program in (mixed, warped, base):
        np.testing.assert_array_equal(program.draw(images, 5, 2).own, everything.own)
    np.testing.assert_array_equal(mixed.draw(images, 5, 2).partners, everything.partners)
    np.testing.assert_array_equal(mixed.draw(images, 5, 2).targets, everything.targets)
    np.testing.assert_array_equal(warped.draw(images, 5, 2).augmentations[0], everything.augmentations[0])
    for seed, epoch in ((6, 2), (5, 3)):
        assert not np.array_equal(base.draw(images, seed, epoch).own, everything.own), "each seed and each epoch has a different order"


def test_streams_of_a_seed_are_independent() -> None:
    streams: list[tuple[Any, ...]] = [(0, SPLIT), (0, ORDER), (1, SPLIT), (0, ORDER, 1), (0, ORDER, "a"), (0, ORDER, "b")]
    drawn = [tuple(generator(*keys).integers(2**62, size=2)) for keys in streams]
    assert len(set(drawn)) == len(drawn)
    np.testing.assert_array_equal(generator(3, ORDER, "stem").random(4), generator(3, ORDER, "stem").random(4))


def test_initial_weights_are_of_the_kind_that_a_layer_declares() -> None:
    import keras

    from ablation.images.training.initial import draw

    shape, rng = (3, 3, 40, 50), np.random.default_rng(0)
    fan_in, fan_out = 9 * 40, 9 * 50
    limit = np.sqrt(6 / (fan_in + fan_out))
    glorot = draw(keras.initializers.GlorotUniform(), shape, rng)
    assert 0.99 * limit < np.abs(glorot).max() <= limit
    he = draw(keras.initializers.HeNormal(), shape, rng)
    assert he.std() == pytest.approx(np.sqrt(2 / fan_in), rel=0.02)
    lecun = draw(keras.initializers.VarianceScaling(1.0, "fan_out", "untruncated_normal"), shape, rng)
    assert lecun.std() == pytest.approx(np.sqrt(1 / fan_out), rel=0.02)
    assert np.all(draw(keras.initializers.Constant(0.5), (2, 2), rng) == 0.5)
    assert draw(keras.initializers.RandomNormal(stddev=3.0), (100, 100), rng).std() == pytest.approx(3, rel=0.05)


# What can go wrong --------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Steep:
    """Gradients so large that a single step leaves no finite weight."""

    def __call__(self, recipe: Recipe) -> Recipe:
        return replace(recipe, gradients=(lambda gradients, weights, at: [each * 1e38 for each in gradients],))

    def verify(self, evidence: Evidence) -> bool:
        return True


def test_a_diverging_training_stops_and_names_the_epoch(build: Build, plain: Model, photos: Photos) -> None:
    from ablation.images.training.fit import NotFiniteError

    seen = []
    with pytest.raises(NotFiniteError, match=r"loss became (nan|inf) in epoch 1 of 3; a smaller training.learning_rate may help"):
        trained(
            build({"steep": Steep()}, plain, learning_rate=1000, optimizer="sgd"),
            photos(),
            epochs=3,
            on_epoch=lambda *each: seen.append(each),
        )
    assert not seen


@dataclass(frozen=True)
class Poison:
    """Targets that are NaN, from the second epoch on."""

    seen: list[int]

    def __call__(self, recipe: Recipe) -> Recipe:
        def change(targets: np.ndarray) -> np.ndarray:
            self.seen.append(len(targets))
            return targets if len(self.seen) == 1 else targets * np.float32("nan")

        return replace(recipe, targets=(change,))

    def verify(self, evidence: Evidence) -> bool:
        return True


def test_epochs_before_the_one_that_diverges_were_reported(build: Build, plain: Model, photos: Photos) -> None:
    from ablation.images.training.fit import NotFiniteError

    seen = []
    with pytest.raises(NotFiniteError, match=r"^loss became nan in epoch 2 of 3"):
        trained(build({"poison": Poison([])}, plain), photos(), epochs=3, on_epoch=lambda *each: seen.append(each))
    assert [epoch for epoch, _ in seen] == [1]
    assert seen[0][1].keys() == {"loss", "accuracy", "val_loss", "val_accuracy"}


def test_a_feature_without_effect_is_refused_before_training(build: Build, photos: Photos) -> None:
    from ablation.images.training.program import NoEffectError

    program = build({"batch_norm": BatchNorm()})
    program.verify({"batch_norm": BatchNorm()}, photos(), 0)
    with pytest.raises(
        NoEffectError, match="feature 'dropout' is on but had no effect; expected: The network has dropout layers, all with this rate"
    ):
        program.verify({"batch_norm": BatchNorm(), "dropout": Dropout()}, photos(), 0)


def test_features_are_shown_the_first_images_that_the_seed_trains_on(
    article: dict[str, Feature], build: Build, photos: Photos, shown: Callable[..., Evidence]
) -> None:
    images, program = photos(), build({"mixup": article["mixup"]})
    evidence = shown(program, images, 4)
    first, count = program.draw(images, 4, 0), len(evidence.images)
    assert count >= 16
    np.testing.assert_allclose(evidence.images, images.x[first.own[:count]] / 255, atol=1e-6)
    np.testing.assert_array_equal(evidence.targets, first.targets[:count])
    assert first.mixing is not None
    assert first.partners is not None
    share = first.mixing[:count, None, None, None]
    mixed = share * images.x[first.own[:count]] + (1 - share) * images.x[first.partners[:count]]
    np.testing.assert_allclose(evidence.mixed, mixed / 255, atol=1e-6)


# Evaluation ---------------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Tilt:
    """A rotation, by an operation that XLA cannot compile on TensorFlow, or by one that it can."""

    known: bool

    def __call__(self, recipe: Recipe) -> Recipe:
        return replace(recipe, augmentations=(*recipe.augmentations, self))

    def draw(self, rng: np.random.Generator, count: int, height: int, width: int) -> np.ndarray:
        zeros = np.zeros(count)
        return warp(rng.uniform(-0.3, 0.3, count), zeros, zeros, zeros.astype(bool), height, width)

    def apply(self, images: Any, numbers: Any) -> Any:
        from keras import ops

        if self.known:
            return bilinear(images, numbers)
        return ops.image.affine_transform(images, numbers, interpolation="bilinear", fill_mode="nearest", data_format="channels_last")

    def verify(self, evidence: Evidence) -> bool:
        return True


def test_an_augmentation_that_cannot_be_compiled_trains_all_the_same(build: Build, plain: Model, photos: Photos) -> None:
    losses = [trained(build({"tilt": Tilt(known)}, plain), photos()).history["loss"] for known in (False, True)]
    np.testing.assert_allclose(losses[0], losses[1], rtol=1e-4)
    assert losses[0] != trained(build({}, plain), photos()).history["loss"]


def evaluated(program: "Program", images: Images) -> tuple[float, float]:
    """Return mean cross-entropy and accuracy, from one plain forward pass and numpy."""
    logits = np.asarray(program.network(images.x.astype(np.float32) / 255, training=False)).astype(float)
    log_probability = logits - np.log(np.exp(logits - logits.max(1, keepdims=True)).sum(1, keepdims=True)) - logits.max(1, keepdims=True)
    rows = np.arange(len(images))
    return float(-log_probability[rows, images.y].mean()), float((logits.argmax(1) == images.y).mean())


@pytest.mark.parametrize("count", [7, 250, 263])
def test_every_validation_image_counts_once_whatever_their_number(full: "Program", photos: Photos, count: int) -> None:
    from ablation.images.training.fit import train

    training, validation, test = photos(16), photos(count, seed=1), photos(count + 3, seed=2)
    outcome = train(full, 0, 1, training, validation, test)
    loss, accuracy = evaluated(full, validation)
    # Mixup, augmentation and dropout are all off here.
    assert outcome.history["val_loss"][-1] == pytest.approx(loss, rel=1e-4)
    assert outcome.history["val_accuracy"][-1] == outcome.score == pytest.approx(accuracy)
    assert outcome.test_score == pytest.approx(evaluated(full, test)[1])


def test_without_test_images_there_is_no_test_score(full: "Program", photos: Photos) -> None:
    assert trained(full, photos(16), epochs=1).test_score is None


def test_the_training_loss_is_the_mean_before_each_step(build: Build, plain: Model, photos: Photos) -> None:
    images, program = photos(16), build(model=plain)
    program.start(0)
    loss, accuracy = evaluated(program, images)
    history = trained(program, images, epochs=1).history
    assert (history["loss"][0], history["accuracy"][0]) == pytest.approx((loss, accuracy), rel=1e-4)


def test_images_beyond_the_last_whole_batch_wait_for_another_epoch(build: Build, plain: Model, photos: Photos) -> None:
    program, images = build(model=plain), photos(40)
    used = [set(program.draw(images, 0, epoch).own) for epoch in range(4)]
    assert [len(each) for each in used] == [32] * 4
    assert len(set.union(*used)) > 32


def test_a_network_learns_what_can_be_learned(build: Build, plain: Model) -> None:
    y = np.arange(64, dtype=np.int64) % 4
    x = np.zeros((64, 16, 16, 1), np.uint8)
    for row, label in enumerate(y):
        x[row, 8 * (label // 2) :, 8 * (label % 2) :] = 200
    outcome = trained(build(model=plain, learning_rate=0.02), Images(x, y), epochs=12)
    assert outcome.score == 1.0
    assert outcome.history["loss"][-1] < outcome.history["loss"][0] / 2


# Fused batch normalisation ------------------------------------------------------------------------------------------------------


def normalising(epsilon: float = 1e-3, momentum: float = 0.9) -> "keras.Model":
    """Make a network with batch normalisation of feature maps, in a nested network too, and of a vector."""
    import keras

    def norm(name: str) -> Any:
        return keras.layers.BatchNormalization(momentum=momentum, epsilon=epsilon, name=name)

    nested = keras.Input((6, 6, 5))
    inner = keras.Model(nested, norm("inner_norm")(keras.layers.Conv2D(4, 3, use_bias=False, name="inner_conv")(nested)), name="inner")
    inputs = keras.Input((8, 8, 3))
    x = keras.layers.ReLU()(norm("norm")(keras.layers.Conv2D(5, 3, use_bias=False, name="conv")(inputs)))
    x = keras.layers.Flatten()(keras.layers.ReLU()(inner(x)))
    x = norm("vector_norm")(keras.layers.Dense(6, name="dense")(x))
    return keras.Model(inputs, keras.layers.Dense(3, name="logits")(x))


def stepped(network: "keras.Model", images: np.ndarray, labels: np.ndarray) -> tuple[np.ndarray, list[np.ndarray]]:
    """Return the outputs in training and the gradients of all weights; moving averages are updated."""
    import tensorflow as tf

    with tf.GradientTape() as tape:
        logits = network(images, training=True)
        loss = tf.reduce_mean(tf.nn.softmax_cross_entropy_with_logits(labels, logits))
    return np.asarray(logits), [np.asarray(gradient) for gradient in tape.gradient(loss, network.trainable_variables)]


@pytest.mark.parametrize(("epsilon", "scale"), [(1e-3, 2.0), (1e-6, 1e-3)])
def test_fused_batch_norm_is_keras_batch_norm(epsilon: float, scale: float) -> None:
    from ablation.images.training.initial import initialize
    from ablation.images.training.loops.fused_batch_norm import fuse_batch_norm

    rng = np.random.default_rng(0)
    images, labels = rng.normal(scale / 2, scale, (10, 8, 8, 3)).astype(np.float32), np.eye(3, dtype=np.float32)[rng.integers(3, size=10)]
    ours, theirs = normalising(epsilon), normalising(epsilon)
    fuse_batch_norm(ours)
    for network in (ours, theirs):
        initialize(network, 0)
    for _ in range(3):
        (our_logits, our_gradients), (logits, gradients) = (stepped(network, images, labels) for network in (ours, theirs))
        np.testing.assert_allclose(our_logits, logits, atol=2e-4)
        for our_gradient, gradient, variable in zip(our_gradients, gradients, ours.trainable_variables, strict=True):
            # The bias before a normalisation has no gradient except rounding errors.
            atol = 1e-5 if variable.path == "dense/bias" else 1e-4
            np.testing.assert_allclose(our_gradient, gradient, rtol=1e-3, atol=atol, err_msg=variable.path)
    for ours_moving, moving in zip(ours.non_trainable_variables, theirs.non_trainable_variables, strict=True):
        assert not np.allclose(moving.value, 0) or "mean" in moving.path
        np.testing.assert_allclose(ours_moving.value, moving.value, rtol=1e-4, atol=1e-5, err_msg=moving.path)
    np.testing.assert_allclose(ours(images, training=False), theirs(images, training=False), atol=2e-4)


def test_fused_batch_norm_leaves_frozen_layers_as_they_are() -> None:
    from ablation.images.training.loops.fused_batch_norm import fuse_batch_norm

    network = normalising()
    fuse_batch_norm(network)
    network.get_layer("norm").trainable = False
    before = np.array(network.get_layer("norm").moving_mean.value)
    network(np.ones((4, 8, 8, 3), np.float32), training=True)
    np.testing.assert_array_equal(network.get_layer("norm").moving_mean.value, before)
    assert np.any(network.get_layer("inner").get_layer("inner_norm").moving_variance.value != 1)


# Fused Adam ---------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("kind", "options"), [("Adam", {}), ("Adam", {"amsgrad": True}), ("AdamW", {"weight_decay": 0.1}), ("SGD", {})])
def test_fused_adam_takes_the_steps_of_keras(kind: str, options: dict[str, Any]) -> None:
    import keras

    from ablation.images.training.loops.fused_adam import fuse_adam

    rng = np.random.default_rng(0)
    start = [rng.normal(size=shape).astype(np.float32) for shape in ((3, 4), (5,))]
    ours, theirs = [keras.Variable(value) for value in start], [keras.Variable(value) for value in start]
    optimizers = [getattr(keras.optimizers, kind)(0.01, clipnorm=1.0, **options) for _ in range(2)]
    for optimizer, variables in zip(optimizers, (ours, theirs), strict=True):
        optimizer.build(variables)
    fuse_adam(optimizers[0])
    for step in range(5):
        gradients = [rng.normal(scale=10.0**-step, size=value.shape).astype(np.float32) for value in start]
        for optimizer, variables in zip(optimizers, (ours, theirs), strict=True):
            optimizer.apply([keras.ops.convert_to_tensor(gradient) for gradient in gradients], variables)
    for one, other in zip([*ours, *optimizers[0].variables], [*theirs, *optimizers[1].variables], strict=True):
        np.testing.assert_allclose(one.value, other.value, rtol=2e-6, atol=1e-7, err_msg=one.path)
    for variable, value in zip(ours, start, strict=True):
        assert np.abs(variable.value - value).min() > 1e-5, "the check can fail: five steps moved every weight"


# Precision ----------------------------------------------------------------------------------------------------------------------


def test_in_bfloat16_layers_compute_in_it_and_weights_stay_float32(article: dict[str, Feature], build: Build) -> None:
    network = build(article, precision="bfloat16").network
    computed = {layer.name: layer.compute_dtype for layer in network.layers}
    assert computed.pop("logits") == "float32", "what the loss sees is exact"
    assert set(computed.values()) == {"bfloat16"}
    assert {weight.dtype for weight in network.weights if "seed" not in weight.path} == {"float32"}
    assert {layer.compute_dtype for layer in build(article).network.layers} == {"float32"}, "the choice leaves no trace"


def test_in_bfloat16_the_same_training_comes_out_but_for_rounding(article: dict[str, Feature], build: Build, photos: Photos) -> None:
    # Without dropout: its masks are drawn in the layers' precision, and are other masks.
    images, features = photos(48), {name: feature for name, feature in article.items() if name != "dropout"}
    exact = trained(build(features), images)
    program = build(features, precision="bfloat16")
    rounded = trained(program, images)
    assert trained(program, images).history == rounded.history, "to the bit again"
    assert rounded.history["loss"] != exact.history["loss"], "the choice is not without effect"
    assert rounded.history["loss"] == pytest.approx(exact.history["loss"], rel=0.03)
    assert rounded.predictions.probabilities.dtype == np.float32


# The network as a user keeps it -------------------------------------------------------------------------------------------------


def test_a_kept_network_takes_pixels_and_gives_probabilities(full: "Program", photos: Photos) -> None:
    from ablation.images.training.program import standalone

    images = photos(20)
    trained(full, images, epochs=1)
    kept = standalone(full.network)
    for pixels in (images.x, images.x.astype(np.float32)):
        probabilities = np.asarray(kept(pixels))
        np.testing.assert_allclose(probabilities.sum(1), 1, atol=1e-5)
        logits = np.asarray(full.network(images.x.astype(np.float32) / 255))
        np.testing.assert_allclose(probabilities, np.exp(logits) / np.exp(logits).sum(1, keepdims=True), atol=1e-5)


def modules_of(config: Any) -> Iterator[str]:
    """Walk the modules of all objects in a saved configuration."""
    if isinstance(config, dict) and "module" in config:
        yield config["module"]
    if isinstance(config, dict | list):
        for each in config.values() if isinstance(config, dict) else config:
            yield from modules_of(each)


def test_a_kept_network_is_plain_keras_after_saving_and_loading(full: "Program", photos: Photos, tmp_path: Path) -> None:
    import keras

    from ablation.images.training.program import standalone

    images, path = photos(20), tmp_path / "kept.keras"
    trained(full, images)
    kept = standalone(full.network)
    kept.save(path)
    with zipfile.ZipFile(path) as archive:
        modules = set(modules_of(json.loads(archive.read("config.json"))))
    assert {module.partition(".")[0] for module in modules} == {"keras"}, modules
    loaded = keras.saving.load_model(path)
    np.testing.assert_allclose(loaded(images.x), kept(images.x), atol=1e-5)
    assert any(type(layer) is keras.layers.BatchNormalization for layer in loaded._flatten_layers())


# Cost ---------------------------------------------------------------------------------------------------------------------------


def test_floating_point_operations_by_hand() -> None:
    import keras

    from ablation.images.training.cost import cost, layer_summary

    inner_inputs = keras.Input((4, 4, 5))
    inner = keras.Model(inner_inputs, keras.layers.Conv2D(6, 1)(inner_inputs))
    inputs = keras.Input((9, 9, 3))
    x = keras.layers.Conv2D(5, 3, strides=2, padding="valid")(inputs)
    x = keras.layers.BatchNormalization()(x)
    x = keras.layers.GlobalAveragePooling2D()(inner(x))
    counts = cost(keras.Model(inputs, keras.layers.Dense(7)(x)))
    # 9 → 4; each of 16 positions takes 3·3·3 products for each of 5 filters, then 5 for each of 6; then 6 for each of 7 classes.
    assert counts.flops == 2 * (16 * 27 * 5 + 16 * 5 * 6 + 6 * 7)
    assert counts.parameters == (27 * 5 + 5) + 4 * 5 + (5 * 6 + 6) + (6 * 7 + 7)
    assert counts.trainable == counts.parameters - 2 * 5
    assert counts.convolutions == 2
    lines = layer_summary(inner)
    assert "Conv2D" in lines
    assert "36" in lines


def test_the_articles_base_network_costs_what_its_convolutions_do() -> None:
    from ablation.images.training.cost import cost

    # Positions, kernel size, channels in and out.
    convolutions = [(32, 1, 3, 64), *[(32, 3, 64, 64)] * 2, (15, 3, 64, 64), (15, 3, 64, 128), (15, 3, 128, 128), (7, 3, 128, 128)]
    convolutions += [(7, 3, 128, 256), (7, 3, 256, 256), (3, 3, 256, 256)]
    products = sum(side**2 * size**2 * before * after for side, size, before, after in convolutions)
    assert cost(CNN(64).build(Recipe(), (32, 32, 3), 10)).flops == 2 * (products + 9 * 256 * 10)
