"""The networks but the article's: published counts, every slot that they declare, pretrained weights, one batch of training each."""

from collections.abc import Mapping
from dataclasses import replace
from itertools import combinations
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from ablation.errors import InputError
from ablation.images.catalogue import compose
from ablation.images.data import Images
from ablation.images.features import GELU, BatchNorm, Dropout, Feature, GlobalAveragePooling, Residual, SqueezeExcite
from ablation.images.models import CNN, MLP, VGG16, LeNet, MobileNet, Model, ResNet, ResNet50, WideResNet, idle
from ablation.images.recipe import NETWORK_SLOTS, Recipe
from ablation.images.training.settings import SCALINGS, Training

if TYPE_CHECKING:
    import keras

SHAPE, CLASSES, BATCH = (32, 32, 3), 4, 4
SMALL: dict[str, Model] = {
    "vgg16": VGG16(width=1, hidden=[6, 5]),
    "lenet": LeNet(),
    "mlp": MLP(hidden=[7, 5]),
    "mobilenet": MobileNet(),
    "resnet50": ResNet50(),
}
FILLING: dict[str, Feature] = {
    "normalization": BatchNorm(),
    "block": Residual("controlled"),
    "after_block": SqueezeExcite(),
    "activation": GELU(),
    "pooling": GlobalAveragePooling(),
    "dropout": Dropout(0.5),
}


def recipe_of(model: Model, features: Mapping[str, Feature], **start: Any) -> Recipe:
    return compose(replace(Training(1, BATCH).recipe(), **start), features, model, "it")


def allowed(model: Model, article: dict[str, Feature]) -> dict[str, Feature]:
    """Return the article's features that a model takes."""
    taken = {}
    for name, feature in article.items():
        try:
            recipe_of(model, {name: feature})
        except InputError:
            continue
        taken[name] = feature
    return taken


def outputs(network: "keras.Model", images: np.ndarray, training: bool = False) -> np.ndarray:
    from keras import ops

    return np.array(ops.convert_to_numpy(network(images, training=training)))


def pixels(count: int, shape: tuple[int, int, int], seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).random((count, *shape)).astype(np.float32)


# Counts -------------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("model", "features", "shape", "classes", "parameters", "trainable", "convolutions"),
    [
        (VGG16(), {"batch_norm": BatchNorm()}, (32, 32, 3), 10, 33_655_114, 33_646_666, 13),
        (LeNet(), {"batch_norm": BatchNorm()}, (32, 32, 3), 10, 62_050 + 2 * (6 + 16), 62_050, 2),
        (MLP(), {}, (28, 28, 3), 2, 471_002, 471_002, 0),
        (ResNet(), {}, (32, 32, 3), 10, 274_442, 273_066, 21),
        (ResNet(form="paper"), {}, (32, 32, 3), 10, 271_098, 269_722, 19),
        (ResNet(110, form="paper"), {}, (32, 32, 3), 10, 1_736_058, 1_727_962, 109),
        (WideResNet(28, 10), {}, (32, 32, 3), 10, 36_497_146, 36_479_194, 28),
        (MLP([512]), {}, (28, 28, 3), 10, 1_209_866, 1_209_866, 0),
        (MLP([512, 512, 512]), {}, (28, 28, 3), 10, 1_735_178, 1_735_178, 0),
        (MLP([500]), {}, (28, 28, 3), 2, 2352 * 500 + 500 + 1002, 2352 * 500 + 500 + 1002, 0),
    ],
    ids=lambda value: type(value).__name__ if hasattr(value, "slots") else None,
)
def test_networks_have_the_published_counts(
    model: Model,
    features: dict[str, Feature],
    shape: tuple[int, int, int],
    classes: int,
    parameters: int,
    trainable: int,
    convolutions: int,
) -> None:
    from ablation.images.training.cost import cost

    counts = cost(model.build(recipe_of(model, features), shape, classes))
    assert (counts.parameters, counts.trainable, counts.convolutions) == (parameters, trainable, convolutions)


def test_the_layer_summary_counts_every_parameter_however_narrow_the_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    from ablation.images.training.cost import layer_summary

    monkeypatch.setenv("COLUMNS", "40")
    network = LeNet().build(recipe_of(LeNet(), {"batch_norm": BatchNorm()}), (32, 32, 3), 10)
    lines = layer_summary(network).splitlines()
    table = {line.split()[0]: line for line in lines[2:] if line and not line.startswith("lenet:")}
    assert sum(int(line.split()[-1].replace(",", "")) for line in table.values()) == 62_094
    assert "batch × 28 × 28 × 6" in table["conv1"]
    assert "62,050 of them trainable" in lines[-1]


# Combinations -------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["lenet", "mlp"])
def test_every_combination_of_allowed_features_builds(name: str, article: dict[str, Feature]) -> None:
    model = SMALL[name]
    taken = allowed(model, article)
    assert len(taken) == {"lenet": 6, "mlp": 5}[name]
    for size in range(len(taken) + 1):
        for on in combinations(taken, size):
            _builds(model, {feature: taken[feature] for feature in on})


@pytest.mark.parametrize("name", ["vgg16", "mobilenet", "resnet50"])
def test_a_sample_that_has_every_pair_of_allowed_features_builds(name: str, article: dict[str, Feature]) -> None:
    model = SMALL[name]
    taken = list(allowed(model, article).items())
    assert len(taken) == {"vgg16": 6, "mobilenet": 4, "resnet50": 4}[name]
    # An orthogonal array: eight rows, in which any two columns show each of on/on, on/off, off/on and off/off twice.
    rows = [[(row & (column + 1)).bit_count() % 2 for column in range(len(taken))] for row in range(8)]
    for one, other in combinations(range(len(taken)), 2):
        assert {(row[one], row[other]) for row in rows} == {(0, 0), (0, 1), (1, 0), (1, 1)}
    built: set[object] = set()
    for row in rows:
        on = dict(feature for feature, is_on in zip(taken, row, strict=True) if is_on)
        network_slots = frozenset(on) & {"batch_norm", "gap", "dropout"}
        # What differs in data and optimiser alone has the same network.
        if network_slots not in built:
            _builds(model, on)
        built.add(network_slots)


def _builds(model: Model, on: dict[str, Feature]) -> None:
    import keras

    network = model.build(recipe_of(model, on), SHAPE, CLASSES)
    assert network.input_shape == (None, *SHAPE)
    assert network.output_shape == (None, CLASSES)
    kinds = [type(layer) for layer in network.layers]
    assert (keras.layers.Dropout in kinds) == ("dropout" in on)
    if "normalization" in model.slots:
        assert (keras.layers.BatchNormalization in kinds) == ("batch_norm" in on)
    if "pooling" in model.slots:
        assert (keras.layers.GlobalAveragePooling2D in kinds) == ("gap" in on)


@pytest.mark.parametrize("name", SMALL)
def test_an_arm_trains_one_batch(name: str, article: dict[str, Feature], monkeypatch: pytest.MonkeyPatch) -> None:
    import tensorflow as tf

    from ablation.images.training.fit import train
    from ablation.images.training.program import Program

    model = SMALL[name]
    features = allowed(model, article)
    images = Images(np.random.default_rng(0).integers(0, 256, (16, *SHAPE), dtype=np.uint8), np.arange(16) % CLASSES)
    program = Program.build(model, recipe_of(model, features), SHAPE, CLASSES, BATCH)
    program.verify(features, images, 0)
    before = outputs(program.network, pixels(2, SHAPE))
    # Compiling the two large networks takes longer than to take their one step without.
    tf.config.run_functions_eagerly(name in ("mobilenet", "resnet50"))
    try:
        outcome = train(program, 0, 1, images.take(np.arange(BATCH)), images.take(np.arange(4)), None)
    finally:
        tf.config.run_functions_eagerly(False)
    assert np.isfinite(outcome.history["loss"]).all()
    assert not np.array_equal(outputs(program.network, pixels(2, SHAPE)), before)


@pytest.mark.parametrize("name", SMALL)
@pytest.mark.parametrize("channels", [1, 3])
def test_grey_and_colour_are_taken_at_the_smallest_size_and_no_smaller(name: str, channels: int) -> None:
    model, smallest = SMALL[name], {"vgg16": 1, "mlp": 1, "lenet": 16}.get(name, 32)
    model.check((smallest, smallest + 3, channels))
    network = model.build(recipe_of(model, {}), (smallest, smallest + 3, channels), 2)
    assert outputs(network, pixels(1, (smallest, smallest + 3, channels))).shape == (1, 2)
    if smallest > 1:
        with pytest.raises(InputError, match=f"model={name} takes images of at least {smallest} × {smallest} pixels"):
            model.check((smallest + 3, smallest - 1, channels))


@pytest.mark.parametrize(
    "make",
    [
        lambda: MLP([]),
        lambda: MLP([200, 0]),
        lambda: MLP(200),
        lambda: VGG16(width=0),
        lambda: VGG16(hidden=["many"]),
        lambda: MobileNet(weights="imagnet"),
        lambda: ResNet50(weights="imagenet", trainable="heads"),
        lambda: ResNet50(trainable="head"),
        lambda: ResNet(depth=21),
        lambda: ResNet(form="his"),
        lambda: WideResNet(depth=20),
        lambda: WideResNet(factor=0),
    ],
)
def test_parameters_that_make_no_sense_are_refused(make: Any) -> None:
    with pytest.raises(InputError, match=r"model\.(hidden|width|weights|trainable|depth|form|factor)"):
        make()


# What changes nothing -----------------------------------------------------------------------------------------------------------

SIZES = {
    "cnn": (CNN(1), [(15, 15), (16, 22), (16, 23), (32, 32)]),
    "vgg16": (SMALL["vgg16"], [(1, 1), (32, 32), (32, 33), (20, 64)]),
    "lenet": (SMALL["lenet"], [(16, 19), (16, 20), (32, 32)]),
    "mlp": (SMALL["mlp"], [(1, 1), (8, 8)]),
}


@pytest.mark.parametrize(("name", "size"), [(name, size) for name, (_, sizes) in SIZES.items() for size in sizes])
def test_a_slot_is_called_idle_where_filling_it_changes_nothing_and_only_there(name: str, size: tuple[int, int]) -> None:
    from ablation.images.training.initial import initialize

    model, shape = SIZES[name][0], (*size, 1)
    images = pixels(3, shape)

    def computed(features: dict[str, Feature]) -> np.ndarray:
        network = model.build(recipe_of(model, features), shape, CLASSES)
        initialize(network, 0)
        # Some small networks are dead in all their units; offsets in the first layers keep them alive.
        for variable in network.trainable_variables:
            if variable.name == "bias":
                variable.assign(np.linspace(0.5, 1, variable.shape[0]))
        return outputs(network, images, training=True)

    plain = computed({})
    found = idle(model, shape)
    assert found <= model.slots
    for slot in model.slots & FILLING.keys():
        assert (slot in found) == np.allclose(computed({slot: FILLING[slot]}), plain, rtol=1e-6, atol=1e-7), slot


def test_a_model_without_idle_has_no_idle_slot(plain: Model) -> None:
    assert idle(plain, (1, 1, 1)) == frozenset()


# Scaling ------------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["cnn", *sorted(SMALL.keys() - {"resnet50"})])
def test_symmetric_pixels_are_those_from_minus_one_to_one(name: str) -> None:
    from ablation.images.training.initial import initialize

    model = {"cnn": CNN(2), **SMALL}[name]
    images = pixels(2, SHAPE)
    unit, symmetric = (model.build(recipe_of(model, {}, scaling=SCALINGS[kind]), SHAPE, CLASSES) for kind in ("unit", "symmetric"))
    for network in (unit, symmetric):
        initialize(network, 0)
    np.testing.assert_allclose(outputs(symmetric, images), outputs(unit, (images - np.float32(0.5)) / np.float32(0.5)), atol=1e-5)
    assert len(symmetric.layers) == len(unit.layers) + 1


def test_standardised_pixels_have_mean_0_and_deviation_1_in_each_image() -> None:
    images = np.concatenate([pixels(2, SHAPE) / 10, np.full((1, *SHAPE), 0.3, np.float32)])
    layer = SCALINGS["per_image"]
    assert layer is not None
    standardised = np.asarray(layer("scale")(images))
    np.testing.assert_allclose(standardised[:2].mean((1, 2, 3)), 0, atol=1e-5)
    np.testing.assert_allclose(standardised[:2].std((1, 2, 3)), 1, atol=1e-2)
    np.testing.assert_allclose(standardised[2], 0, atol=1e-3)


# Weights ------------------------------------------------------------------------------------------------------------------------


def test_every_weight_of_every_network_is_drawn_from_the_seed() -> None:
    from ablation.images.training.initial import given, initialize

    for name in SMALL.keys() - {"resnet50"}:
        network = SMALL[name].build(recipe_of(SMALL[name], {}), SHAPE, CLASSES)
        assert given(network) == [], name
        drawn = []
        for seed in (1, 2, 1):
            initialize(network, seed)
            drawn.append([np.array(weight) for weight in network.get_weights() if weight.ndim > 1])
        assert all(np.array_equal(one, again) for one, again in zip(drawn[0], drawn[2], strict=True))
        assert not any(np.array_equal(one, other) for one, other in zip(drawn[0], drawn[1], strict=True))


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A cache of Keras that holds weights of both networks, in the form in which they are published."""
    import logging

    import keras

    home = tmp_path_factory.mktemp("keras")
    (home / "models").mkdir()
    for seed, model in enumerate((MobileNet, ResNet50)):
        keras.utils.set_random_seed(seed)
        body = getattr(keras.applications, model.kind)(include_top=False, weights=None, input_shape=SHAPE)
        logging.getLogger("absl").setLevel(logging.ERROR)
        body.save(home / "models" / model.imagenet.file)
    return home


@pytest.mark.parametrize("model", [MobileNet("imagenet"), ResNet50("imagenet")], ids=["mobilenet", "resnet50"])
def test_pretrained_weights_see_what_they_were_trained_on(
    model: MobileNet | ResNet50, published: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import keras

    monkeypatch.setenv("KERAS_HOME", str(published))
    model.check(SHAPE)
    network = model.build(recipe_of(model, {}), SHAPE, CLASSES)
    body = getattr(keras.applications, model.kind)(include_top=False, weights=None, pooling="avg", input_shape=SHAPE)
    body.load_weights(published / "models" / model.imagenet.file)
    images = pixels(2, SHAPE)
    ready = getattr(keras.applications, model.name).preprocess_input(images * 255)
    ours = keras.Model(network.input, network.get_layer("pool").output)
    np.testing.assert_allclose(outputs(ours, images), outputs(body, ready), rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("trainable", ["head", "all"])
def test_each_seed_starts_from_the_pretrained_weights_and_a_frozen_body_keeps_them(
    trainable: Any, published: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import tensorflow as tf

    from ablation.images.training.fit import train
    from ablation.images.training.program import Program

    monkeypatch.setenv("KERAS_HOME", str(published))
    model, grey = MobileNet("imagenet", trainable), (32, 32, 1)
    program = Program.build(model, recipe_of(model, {}), grey, CLASSES, BATCH)
    images = Images(np.random.default_rng(0).integers(0, 256, (BATCH, *grey), dtype=np.uint8), np.array([0, 0, 0, 1]))

    def body() -> list[np.ndarray]:
        return [np.array(weight) for weight in program.network.get_weights()[:-2]]

    program.start(0)
    given, head = body(), np.array(program.network.get_weights()[-2])
    tf.config.run_functions_eagerly(True)
    try:
        train(program, 0, 1, images, images, None)
    finally:
        tf.config.run_functions_eagerly(False)
    kept = all(np.array_equal(one, other) for one, other in zip(body(), given, strict=True))
    assert kept == (trainable == "head")
    assert program.network.get_weights()[-1].any(), "the head was trained, at least its bias, which starts from zero"
    program.start(1)
    assert all(np.array_equal(one, other) for one, other in zip(body(), given, strict=True))
    assert not np.array_equal(program.network.get_weights()[-2], head), "the head is drawn from the seed"


def test_an_error_names_the_weights_that_cannot_be_fetched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    monkeypatch.setattr("ablation.images.models.imagenet.ADDRESS", "http://127.0.0.1:9")
    file = tmp_path / "models" / "mobilenet_1_0_224_tf_no_top.h5"
    with pytest.raises(InputError, match=f"needs '{file}', which is not there and cannot be fetched"):
        MobileNet("imagenet").check(SHAPE)
    assert list((tmp_path / "models").iterdir()) == []
    file.write_bytes(b"not a weights file")
    with pytest.raises(InputError, match="does not hold the weights that Keras publishes"):
        MobileNet("imagenet").build(Recipe(), SHAPE, CLASSES)


def test_pretrained_weights_come_with_their_own_scaling() -> None:
    assert "scaling" in MobileNet().slots
    assert "scaling" not in MobileNet("imagenet").slots
    assert all(model.slots <= NETWORK_SLOTS.keys() for model in SMALL.values())
