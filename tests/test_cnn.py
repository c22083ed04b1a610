"""The network of the article: its counts at full width, and every combination of features on small images."""

from collections.abc import Mapping
from itertools import combinations

import pytest

from ablation.checks import shown
from ablation.errors import InputError
from ablation.images.catalogue import compose
from ablation.images.features import BatchNorm, Feature, GlobalAveragePooling, Residual
from ablation.images.models import CNN
from ablation.images.recipe import Recipe
from ablation.images.training.settings import Training

CIFAR, CLASSES = (32, 32, 3), 10
# 3×3 kernels of the ten convolutions have these many filters, in units of the width.
FILTERS = [1, 1, 1, 1, 2, 2, 2, 4, 4, 4]
ARTICLE_FILTERS = [1, 1, 1, 1, 1, 1, 2, 2, 2, 4]


def recipe_of(features: Mapping[str, Feature], width: int = 64) -> Recipe:
    return compose(Training(1, 1).recipe(), features, CNN(width), "cnn")


def count(
    features: Mapping[str, Feature], width: int = 64, shape: tuple[int, int, int] = CIFAR, classes: int = CLASSES
) -> tuple[int, int, int]:
    """Return the parameters, trainable parameters and convolutions of an arm."""
    from ablation.images.training.cost import cost

    counts = cost(CNN(width).build(recipe_of(features, width), shape, classes))
    return counts.parameters, counts.trainable, counts.convolutions


@pytest.mark.parametrize(
    ("steps", "parameters", "trainable"),
    [
        (0, 1_978_442, 1_978_442),
        (1, 1_978_442, 1_978_442),
        (2, 1_984_074, 1_981_258),
        (3, 876_234, 874_186),
        (4, 855_754, 853_706),
        (5, 855_754, 853_706),
        (6, 855_754, 853_706),
        (7, 855_754, 853_706),
    ],
)
def test_the_articles_steps_have_the_articles_counts(article: dict[str, Feature], steps: int, parameters: int, trainable: int) -> None:
    on = dict(list(article.items())[:steps])
    assert count(on) == (parameters, trainable, 10)


def test_controlled_residual_blocks_keep_the_base_widths_and_add_two_projections() -> None:
    controlled = {"residual": Residual("controlled")}
    # 1×1 convolutions, with biases, where a skip goes from 64 to 128 and from 128 to 256 channels.
    projections = (64 * 128 + 128) + (128 * 256 + 256)
    assert count(controlled) == (1_978_442 + projections, 1_978_442 + projections, 12)
    assert count({"batch_norm": BatchNorm(), **controlled}) == (1_984_074 + projections, 1_981_258 + projections, 12)


def test_a_residual_step_without_batch_norm_has_no_normalisation_left() -> None:
    parameters, trainable, convolutions = count({"residual": Residual()})
    assert parameters == trainable == 876_234 - 4 * 64 * sum(ARTICLE_FILTERS)
    assert convolutions == 10


def test_all_subsets_of_the_features_build_and_each_counts_what_it_adds(article: dict[str, Feature]) -> None:
    width, shape, classes = 2, (16, 16, 1), 4
    networks: dict[tuple[object, ...], tuple[int, int, int]] = {}

    def counted(*on: str) -> tuple[int, int, int]:
        features = {name: article[name] for name in article if name in on}
        recipe = recipe_of(features, width)
        # Subsets that differ in data and optimiser alone have one network: it is built once.
        slots = (bool(recipe.normalization), bool(recipe.block), bool(recipe.pooling), recipe.dropout)
        if slots not in networks:
            networks[slots] = count(features, width, shape, classes)
        return networks[slots]

    subsets = [on for size in range(8) for on in combinations(article, size)]
    assert len(subsets) == 128
    base = counted()[0]
    # 16 → 7 → 3 → 1: one position is left, so pooling and flattening give the same vector.
    thinner = base - counted("residual")[0]
    assert thinner > 0
    for on in subsets:
        filters = width * sum(ARTICLE_FILTERS if "residual" in on else FILTERS)
        norms = filters if "batch_norm" in on else 0
        parameters = base - ("residual" in on) * thinner + 4 * norms
        assert counted(*on) == (parameters, parameters - 2 * norms, 10), on
    assert len(networks) == 16


def test_pooling_takes_what_flattening_gave_the_dense_layer_for_each_position() -> None:
    # 32 → 15 → 7 → 3: nine positions of 4 × width channels become one.
    width = 2
    assert count({}, width)[0] - count({"gap": GlobalAveragePooling()}, width)[0] == (9 - 1) * 4 * width * CLASSES


def test_batch_norm_stands_between_each_convolution_and_its_activation() -> None:
    import keras

    network = CNN(1).build(recipe_of({"batch_norm": BatchNorm(momentum=0.8, epsilon=0.01)}), CIFAR, CLASSES)
    kinds = [type(layer) for layer in network.layers if not isinstance(layer, keras.layers.InputLayer)]
    assert kinds[:30] == [keras.layers.Conv2D, keras.layers.BatchNormalization, keras.layers.ReLU] * 10
    norms = [layer for layer in network.layers if isinstance(layer, keras.layers.BatchNormalization)]
    assert {(norm.momentum, norm.epsilon) for norm in norms} == {(0.8, 0.01)}


def test_dropout_stands_after_each_strided_convolution(article: dict[str, Feature]) -> None:
    import keras

    network = CNN(1).build(recipe_of({"dropout": article["dropout"]}), CIFAR, CLASSES)
    names = [layer.name for layer in network.layers]
    before = [names[index - 1] for index, layer in enumerate(network.layers) if isinstance(layer, keras.layers.Dropout)]
    assert before == ["stage1_down_relu", "stage2_down_relu", "stage3_down_relu"]


@pytest.mark.parametrize("shape", [(15, 15, 1), (16, 16, 1), (28, 28, 1), (32, 32, 3), (15, 40, 3), (40, 16, 2)])
def test_images_from_15_pixels_on_are_taken_square_or_not(article: dict[str, Feature], shape: tuple[int, int, int]) -> None:
    model = CNN(1)
    model.check(shape)
    for features in ({}, article):
        network = model.build(recipe_of(features, 1), shape, 3)
        assert network.input_shape == (None, *shape)
        assert network.output_shape == (None, 3)


@pytest.mark.parametrize("shape", [(14, 14, 1), (14, 32, 3), (32, 14, 3)])
def test_smaller_images_are_refused(shape: tuple[int, int, int]) -> None:
    with pytest.raises(InputError, match=rf"at least 15 × 15 pixels, and these have {shape[0]} × {shape[1]}"):
        CNN().check(shape)


@pytest.mark.parametrize("width", [0, -4, 1.5, True, "wide"])
def test_a_width_that_makes_no_sense_is_refused(width: object) -> None:
    with pytest.raises(InputError, match=f"model.width must be a whole number from 1 to 100000, not {shown(width)}"):
        CNN(width)


def test_every_layer_has_a_unique_name(article: dict[str, Feature]) -> None:
    # Initial weights are drawn by a layer's name: an unnamed layer would have other weights in each process.
    for form in ("article", "controlled"):
        on = {**article, "residual": Residual(form)}
        names = [[layer.name for layer in CNN(1).build(recipe_of(on, 1), CIFAR, CLASSES).layers] for _ in range(2)]
        assert names[0] == names[1]
        assert len(set(names[0])) == len(names[0])
