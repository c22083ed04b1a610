"""Features: each fills its slot, takes effect in training only, and verifies it if and only if it did."""

import pickle
from collections.abc import Callable
from dataclasses import FrozenInstanceError, fields, is_dataclass, replace
from itertools import combinations, product
from typing import TYPE_CHECKING

import numpy as np
import pytest
from scipy import ndimage, stats

from ablation.errors import InputError
from ablation.images.data import Images
from ablation.images.features import (
    AMSGrad,
    BatchNorm,
    Dropout,
    Evidence,
    Feature,
    GlobalAveragePooling,
    Mixup,
    Placebo,
    RandomWarp,
    Residual,
)
from ablation.images.features.augmentation import warp
from ablation.images.recipe import Recipe, filled
from ablation.images.training.draws import Draws, draw_epoch

SLOTS = {
    "augmentation": "augmentations",
    "batch_norm": "normalization",
    "residual": "block",
    "gap": "pooling",
    "dropout": "dropout",
    "mixup": "mixing",
    "amsgrad": "optimizer",
}
OTHERS = [RandomWarp(10), RandomWarp(flip=0), BatchNorm(0.9), BatchNorm(epsilon=0.1), Residual("controlled"), Dropout(0.5), Mixup(1.0)]

if TYPE_CHECKING:
    from ablation.images.training.program import Program

EvidenceOf = Callable[..., Evidence]


@pytest.fixture(scope="session")
def evidence_of(
    article: dict[str, Feature], build: "Callable[..., Program]", photos: Callable[..., Images], shown: Callable[..., Evidence]
) -> EvidenceOf:
    """Return the evidence that features get in the arm in which these are on."""
    made: dict[frozenset[str], Evidence] = {}

    def evidence(*on: str) -> Evidence:
        arm = frozenset(on)
        if arm not in made:
            made[arm] = shown(build({name: article[name] for name in article if name in arm}), photos())
        return made[arm]

    return evidence


# The contract of a feature ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", SLOTS)
def test_a_feature_is_its_parameters(article: dict[str, Feature], name: str) -> None:
    feature = article[name]
    assert is_dataclass(feature)
    assert feature == type(feature)()
    assert hash(feature) == hash(type(feature)())
    with pytest.raises(FrozenInstanceError):
        setattr(feature, next((each.name for each in fields(feature)), "anything"), 1)


@pytest.mark.parametrize("other", OTHERS, ids=repr)
def test_other_parameters_are_another_feature(other: Feature) -> None:
    assert other != type(other)()


@pytest.mark.parametrize("name", SLOTS)
def test_a_feature_fills_its_slot_and_no_other(article: dict[str, Feature], name: str) -> None:
    empty = Recipe()
    assert filled(empty, article[name](empty)) == [SLOTS[name]]
    assert empty == Recipe(), "the recipe that it was given stays as it was"


@pytest.mark.parametrize("name", SLOTS)
def test_a_feature_reaches_a_worker_unchanged(article: dict[str, Feature], name: str) -> None:
    feature, recipe = pickle.loads(pickle.dumps((article[name], article[name](Recipe()))))
    assert feature == article[name]
    assert filled(Recipe(), recipe) == [SLOTS[name]]


@pytest.mark.parametrize("name", SLOTS)
def test_a_feature_proves_itself_where_it_is_on_and_only_there(article: dict[str, Feature], evidence_of: EvidenceOf, name: str) -> None:
    assert article[name].verify(evidence_of(*SLOTS))
    assert article[name].verify(evidence_of(name))
    assert not article[name].verify(evidence_of(*SLOTS.keys() - {name}))
    assert not article[name].verify(evidence_of())


@pytest.mark.parametrize("other", [BatchNorm(0.9), BatchNorm(epsilon=0.1), Dropout(0.5)], ids=repr)
def test_a_proof_is_of_these_parameters(evidence_of: EvidenceOf, other: Feature) -> None:
    assert not other.verify(evidence_of(*SLOTS))


@pytest.mark.parametrize("name", ["augmentation", "mixup"])
def test_what_reaches_evaluation_is_no_training_technique(article: dict[str, Feature], evidence_of: EvidenceOf, name: str) -> None:
    evidence = evidence_of(name)
    np.testing.assert_array_equal(evidence.evaluated, evidence.images)
    assert not article[name].verify(replace(evidence, evaluated=evidence.trained))


def test_pooling_must_take_the_place_of_flattening(evidence_of: EvidenceOf) -> None:
    import keras

    inputs = keras.Input((4, 4, 2))
    both = keras.layers.Concatenate()([keras.layers.GlobalAveragePooling2D()(inputs), keras.layers.Flatten()(inputs)])
    assert not GlobalAveragePooling().verify(replace(evidence_of("gap"), network=keras.Model(inputs, both)))


def test_mixup_must_mix_labels_as_well_as_pixels(evidence_of: EvidenceOf) -> None:
    evidence = evidence_of("mixup")
    assert not Mixup().verify(replace(evidence, targets=evidence.labels))
    assert not Mixup().verify(replace(evidence, mixed=evidence.images))
    assert not Mixup().verify(replace(evidence, targets=2 * evidence.targets))


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (lambda: Dropout(0), "dropout.rate must be a number above 0 and below 1, not 0"),
        (lambda: Dropout(1.0), "dropout.rate must be a number above 0 and below 1, not 1.0"),
        (lambda: Dropout("many"), "dropout.rate must be a number above 0 and below 1, not many"),
        (lambda: Mixup(0), "mixup.alpha must be a number above 0, not 0"),
        (lambda: Mixup(float("nan")), "mixup.alpha must be a number above 0, not nan"),
        (lambda: Mixup(float("inf")), "mixup.alpha must be a number above 0, not inf"),
        (lambda: RandomWarp(rotation=181), "augmentation.rotation must be a number from 0 to 180, not 181"),
        (lambda: RandomWarp(shift="far"), "augmentation.shift must be a number from 0 to 1, not far"),
        (lambda: RandomWarp(flip=True), "augmentation.flip must be a number from 0 to 1, not true"),
        (lambda: BatchNorm(momentum=1.0), "batch_norm.momentum must be a number of at least 0 and below 1, not 1.0"),
        (lambda: BatchNorm(epsilon=None), "batch_norm.epsilon must be a number above 0, not null"),
        (lambda: Residual("controled"), "residual.form=controled is not known; did you mean 'controlled'?"),
        (lambda: Placebo(5), "placebo.stream must be text of at least one character, not 5"),
    ],
)
def test_parameters_that_make_no_sense_are_refused(make: Callable[[], Feature], sentence: str) -> None:
    with pytest.raises(InputError) as error:
        make()
    assert sentence in str(error.value)


# Together -----------------------------------------------------------------------------------------------------------------------

# Eight arms in which every two features are on and off in all four ways: columns of the orthogonal array L8.
PAIRWISE = [tuple(bool(bit) for bit in (a, b, a ^ b, c, a ^ c, b ^ c, a ^ b ^ c)) for a, b, c in product((0, 1), repeat=3)]


def test_the_sample_of_arms_has_every_pair_of_features_in_all_four_ways() -> None:
    for one, other in combinations(range(len(SLOTS)), 2):
        assert {(arm[one], arm[other]) for arm in PAIRWISE} == set(product((False, True), repeat=2))


@pytest.mark.parametrize("arm", PAIRWISE, ids=lambda arm: "".join("-x"[on] for on in arm))
def test_features_train_together_and_each_takes_effect(
    article: dict[str, Feature], build: "Callable[..., Program]", photos: Callable[..., Images], arm: tuple[bool, ...]
) -> None:
    from ablation.images.training.fit import train

    features = {name: feature for (name, feature), on in zip(article.items(), arm, strict=True) if on}
    images, program = photos(16), build(features)
    program.verify(features, images, 0)
    program.start(0)
    before = [weight.copy() for weight in program.network.get_weights()]
    outcome = train(program, 0, 1, images, images, None)
    assert all(np.isfinite(values).all() and len(values) == 1 for values in outcome.history.values())
    assert not any(np.array_equal(one, other) for one, other in zip(before, program.network.get_weights(), strict=True))


# Augmentation -------------------------------------------------------------------------------------------------------------------


def warped_by_scipy(image: np.ndarray, angle: float, down: float, right: float, flipped: bool) -> np.ndarray:
    """Shift and rotate about the centre, as one bilinear warp that repeats the border; then mirror."""
    centre = (np.array(image.shape[:2]) - 1) / 2
    rotation = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    offset = centre + rotation @ ((down, right) - centre)
    channels = [ndimage.affine_transform(image[..., c], rotation, offset, order=1, mode="nearest") for c in range(image.shape[2])]
    result = np.stack(channels, axis=-1)
    return result[:, ::-1] if flipped else result


def warped(images: np.ndarray, numbers: np.ndarray) -> np.ndarray:
    from keras import ops

    return np.asarray(ops.convert_to_numpy(RandomWarp().apply(ops.convert_to_tensor(images), ops.convert_to_tensor(numbers))))


def one_warp(image: np.ndarray, angle: float = 0.0, down: float = 0.0, right: float = 0.0, flipped: bool = False) -> np.ndarray:
    numbers = warp(np.array([angle]), np.array([down]), np.array([right]), np.array([flipped]), *image.shape[:2])
    return np.asarray(warped(image[None], numbers)[0])


@pytest.mark.parametrize("shape", [(32, 32, 3), (15, 22, 1)])
def test_a_warp_is_that_of_scipy_up_to_the_border(shape: tuple[int, int, int]) -> None:
    rng, count = np.random.default_rng(0), 40
    images = rng.random((count, *shape)).astype(np.float32)
    angle, flipped = rng.uniform(-0.5, 0.5, count), rng.random(count) < 0.5
    down, right = rng.uniform(-8, 8, (2, count))
    expected = [warped_by_scipy(*each) for each in zip(images, angle, down, right, flipped, strict=True)]
    np.testing.assert_allclose(warped(images, warp(angle, down, right, flipped, *shape[:2])), expected, atol=1e-4)


def test_single_warps_are_what_numpy_does() -> None:
    image = np.random.default_rng(0).random((8, 8, 2)).astype(np.float32)
    np.testing.assert_array_equal(one_warp(image), image)
    np.testing.assert_allclose(one_warp(image, flipped=True), image[:, ::-1], atol=1e-5)
    np.testing.assert_allclose(one_warp(image, angle=np.pi / 2), np.rot90(image, -1), atol=1e-5)
    np.testing.assert_allclose(one_warp(image, down=2), image[[2, 3, 4, 5, 6, 7, 7, 7]], atol=1e-5)
    np.testing.assert_allclose(one_warp(image, right=-3), image[:, [0, 0, 0, 0, 1, 2, 3, 4]], atol=1e-5)


def drawn(feature: RandomWarp, height: int, width: int, count: int = 4000) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Read the angle in degrees, both shifts in pixels, and the flip back from drawn warps."""
    a0, a1, a2, b0, b1, b2, *rest = feature.draw(np.random.default_rng(0), count, height, width).T.astype(float)
    assert not np.any(rest)
    # Flipped or not, the middle of the result shows the middle of the image, but for the rotated shift.
    x, y, angle = (width - 1) / 2, (height - 1) / 2, np.arctan2(a1, b1)
    across, along = a0 * x + a1 * y + a2 - x, b0 * x + b1 * y + b2 - y
    down, right = np.sin(angle) * across + np.cos(angle) * along, np.cos(angle) * across - np.sin(angle) * along
    return np.rad2deg(angle), down, right, a0 < 0


def test_rotations_and_shifts_are_uniform_in_the_articles_ranges() -> None:
    angle, down, right, flipped = drawn(RandomWarp(), 20, 40)
    for values, most in ((angle, 20), (down, 0.2 * 20), (right, 0.2 * 40)):
        assert np.abs(values).max() <= most + 1e-4
        assert stats.kstest(values, stats.uniform(-most, 2 * most).cdf).pvalue > 0.01
    assert 0.47 < flipped.mean() < 0.53
    together = np.corrcoef([angle, down, right, flipped])
    assert np.abs(together - np.eye(4)).max() < 0.06, "each is drawn on its own"


def test_ranges_are_the_features_parameters() -> None:
    angle, down, right, flipped = drawn(RandomWarp(rotation=5, shift=0, flip=1), 16, 16)
    assert 4.9 < np.abs(angle).max() <= 5.001
    np.testing.assert_allclose([down, right], 0, atol=1e-4)
    assert flipped.all()
    assert not drawn(RandomWarp(flip=0), 16, 16)[3].any()


def test_images_are_mixed_first_and_warped_after(evidence_of: EvidenceOf, photos: Callable[..., Images]) -> None:
    evidence = evidence_of(*SLOTS)
    draws = draw_epoch(Recipe(mixing=Mixup(), augmentations=(RandomWarp(),)), 0, 0, photos().y, 4, 16, (16, 16))
    np.testing.assert_allclose(evidence.trained, warped(evidence.mixed, draws.augmentations[0][: len(evidence.mixed)]), atol=1e-6)


# Mixup --------------------------------------------------------------------------------------------------------------------------


def test_mixup_by_hand() -> None:
    from ablation.images.training.preprocessing import mix

    images = np.array([[0, 255], [51, 102], [204, 0]], np.uint8).reshape(3, 1, 2, 1)
    own, partners, weights = np.array([0, 2], np.int32), np.array([1, 1], np.int32), np.array([0.25, 1.0], np.float32)
    mixed = np.asarray(mix(images, Draws(own, partners, weights, (), np.zeros((2, 3), np.float32)), Mixup()))
    # A quarter of image 0 and three of image 1, pixels in units of 255; then image 2 alone.
    np.testing.assert_allclose(mixed.reshape(2, 2), [[0.75 * 0.2, 0.25 + 0.75 * 0.4], [0.8, 0.0]], atol=1e-6)


def test_labels_are_mixed_with_the_weights_of_the_pixels() -> None:
    labels = np.array([0, 1, 2, 0, 1, 2, 0, 1, 2, 0])
    draws = draw_epoch(Recipe(mixing=Mixup()), seed=3, epoch=1, labels=labels, classes=3, batch=4, shape=(1, 1))
    assert draws.partners is not None
    assert draws.mixing is not None
    assert len(draws.own) == len(draws.partners) == len(draws.mixing) == 8, "two whole batches of four"
    expected = np.zeros((8, 3))
    for row, (own, partner, weight) in enumerate(zip(draws.own, draws.partners, draws.mixing, strict=True)):
        expected[row, labels[own]] += weight
        expected[row, labels[partner]] += 1 - weight
    np.testing.assert_allclose(draws.targets, expected, atol=1e-6)
    assert len(set(draws.own)) == len(set(draws.partners)) == 8, "an epoch takes an image once on either side"
    assert not np.array_equal(draws.own, draws.partners)


def test_without_mixup_labels_are_one_hot() -> None:
    labels = np.array([0, 1, 2, 0])
    draws = draw_epoch(Recipe(), seed=3, epoch=1, labels=labels, classes=3, batch=2, shape=(1, 1))
    np.testing.assert_array_equal(draws.targets, np.eye(3)[labels[draws.own]])
    assert draws.partners is None


@pytest.mark.parametrize("alpha", [0.2, 1.0])
def test_weights_follow_the_beta_distribution_one_for_each_image(alpha: float) -> None:
    weights = Mixup(alpha).draw(np.random.default_rng(0), 4000, 1, 1)
    assert stats.kstest(weights.astype(float), stats.beta(alpha, alpha).cdf).pvalue > 0.01


def test_amsgrad_is_the_option_of_the_optimizer_by_that_name() -> None:
    options = AMSGrad()(Recipe()).optimizer.options
    assert options == (("amsgrad", True),)


def test_gap_gives_its_layer_the_name_that_it_is_asked_for() -> None:
    assert GlobalAveragePooling().layer("pool").name == "pool"
