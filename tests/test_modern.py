"""The catalogue `modern`: each technique is there where it is on, changes one thing, and does what its paper says."""

import pickle
import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from conftest import Plain
from scipy import stats

from ablation.errors import InputError
from ablation.images import features as kinds
from ablation.images.catalogue import compose
from ablation.images.data import Images
from ablation.images.features import CutMix, Cutout, Evidence, Feature, RandomCrop, WeightAveraging
from ablation.images.models import ResNet, WideResNet
from ablation.images.recipe import Recipe, filled
from ablation.images.training.settings import Training

if TYPE_CHECKING:
    from ablation.images.training.program import Program

STEPS = 40

MODERN: dict[str, Feature] = {
    "random_crop": kinds.RandomCrop(),
    "cutout": kinds.Cutout(),
    "cutmix": kinds.CutMix(),
    "label_smoothing": kinds.LabelSmoothing(),
    "weight_decay": kinds.WeightDecay(),
    "cosine": kinds.CosineSchedule(),
    "warm_up": kinds.WarmUp(),
    "squeeze_excite": kinds.SqueezeExcite(),
    "stochastic_depth": kinds.StochasticDepth(),
    "ema": kinds.WeightAveraging(),
    "gelu": kinds.GELU(),
    "gradient_clipping": kinds.GradientClipping(),
    "momentum_sgd": kinds.MomentumSGD(),
}
CHANGES = {
    "random_crop": ("augmentations", {"trained"}),
    "cutout": ("augmentations", {"trained"}),
    "cutmix": ("mixing", {"mixed", "trained", "targets"}),
    "label_smoothing": ("targets", {"targets"}),
    "weight_decay": ("optimizer", {"optimizer"}),
    "cosine": ("optimizer", {"rates"}),
    "warm_up": ("optimizer", {"rates"}),
    "squeeze_excite": ("after_block", {"layers"}),
    "stochastic_depth": ("branch", {"layers"}),
    "ema": ("averaging", {"averaging"}),
    "gelu": ("activation", {"layers"}),
    "gradient_clipping": ("optimizer", {"optimizer"}),
    "momentum_sgd": ("optimizer", {"optimizer", "rates"}),
}
"""For each feature the slot that it fills, and what differs of the evidence with it alone."""

NETWORK = frozenset({"squeeze_excite", "stochastic_depth", "gelu"})
OTHERS = MODERN.keys() - NETWORK
"""What the network shows, and what the smallest network shows as well, which is built in a tenth of the time."""


def alike(name: str) -> frozenset[str]:
    """Return the features that are shown by the same network as this one."""
    return frozenset(NETWORK if name in NETWORK else OTHERS)


EvidenceOf = Callable[[str, frozenset[str]], Evidence]


@pytest.fixture(scope="module")
def evidence_of(
    build: "Callable[..., Program]", photos: Callable[..., Images], shown: "Callable[[Program, Images], Evidence]"
) -> EvidenceOf:
    """Return the evidence that features get where these are on, in the network that shows this one."""
    made: dict[tuple[bool, frozenset[str]], Evidence] = {}

    def evidence(shows: str, on: frozenset[str]) -> Evidence:
        place = (shows in NETWORK, on)
        if place not in made:
            features = {name: feature for name, feature in MODERN.items() if name in on}
            made[place] = shown(build(features, ResNet(8, 4) if place[0] else Plain(), steps=STEPS), photos())
        return made[place]

    return evidence


def facets(evidence: Evidence) -> dict[str, Any]:
    """Return all that a technique could change, each so that it compares."""
    settings = {name: value for name, value in evidence.optimizer.get_config().items() if name not in ("name", "learning_rate")}
    # Layers without a name of their own are counted on from network to network.
    names = [re.sub(r"_\d+$", "", layer.name) for layer in evidence.network.layers]
    settings_of = [tuple(map(layer.get_config().get, ("rate", "units", "filters"))) for layer in evidence.network.layers]
    layers = list(zip(names, map(type, evidence.network.layers), settings_of, strict=True))
    pixels = {name: getattr(evidence, name).tobytes() for name in ("images", "mixed", "trained", "evaluated", "targets", "order")}
    averaging = None if evidence.averaging is None else evidence.averaging.tobytes()
    return {**pixels, "layers": layers, "optimizer": settings, "rates": evidence.learning_rates.tobytes(), "averaging": averaging}


def test_the_catalogue_is_these_and_measures_schedules_against_a_constant_rate() -> None:
    from ablation.configuration import asked_in_words

    study = asked_in_words(["catalogue=modern", "model=resnet", "features=fractional"]).study
    subject: Any = study.subject
    assert len(study.arms) == 32 and not study.designs[0].excluded, "no arm is lost"
    assert subject.on(frozenset(subject.features)) == MODERN
    assert subject.training.schedule == "constant"
    with pytest.raises(InputError, match="'cosine' changes nothing"):
        asked_in_words(["catalogue=modern", "model=resnet", "training.schedule=cosine"])
    assert all(MODERN[name] == type(MODERN[name])() for name in MODERN), "the catalogue's parameters are the defaults"


@pytest.mark.parametrize("name", MODERN)
def test_a_feature_fills_its_slot_and_reaches_a_worker(name: str) -> None:
    feature, recipe = pickle.loads(pickle.dumps((MODERN[name], MODERN[name](Recipe()))))
    assert feature == MODERN[name]
    assert filled(Recipe(), recipe) == [CHANGES[name][0]]


@pytest.mark.parametrize("name", MODERN)
def test_a_feature_proves_itself_where_it_is_on_and_only_there(evidence_of: EvidenceOf, name: str) -> None:
    assert MODERN[name].verify(evidence_of(name, alike(name)))
    assert MODERN[name].verify(evidence_of(name, frozenset({name})))
    assert not MODERN[name].verify(evidence_of(name, alike(name) - {name}))
    assert not MODERN[name].verify(evidence_of(name, frozenset()))


@pytest.mark.parametrize("name", MODERN)
def test_a_feature_changes_what_it_says_and_nothing_else(evidence_of: EvidenceOf, name: str) -> None:
    without, with_it = facets(evidence_of(name, frozenset())), facets(evidence_of(name, frozenset({name})))
    assert {each for each in without if without[each] != with_it[each]} == CHANGES[name][1]


@pytest.mark.parametrize(
    "make",
    [
        lambda: kinds.RandomCrop(padding=0),
        lambda: kinds.Cutout(side=2),
        lambda: kinds.CutMix(alpha=0),
        lambda: kinds.LabelSmoothing(amount=1),
        lambda: kinds.WeightDecay(rate=0),
        lambda: kinds.WarmUp(share=5),
        lambda: kinds.SqueezeExcite(reduction=0),
        lambda: kinds.StochasticDepth(rate=1),
        lambda: kinds.WeightAveraging(decay="slow"),
        lambda: kinds.GradientClipping(norm=0),
        lambda: kinds.MomentumSGD(momentum=1),
    ],
)
def test_parameters_that_make_no_sense_are_refused(make: Callable[[], Feature]) -> None:
    with pytest.raises(InputError, match=r"^[a-z_]+\.[a-z_]+ must be "):
        make()


@pytest.mark.parametrize("model", [ResNet(8, 2, "paper"), WideResNet(10, 1)], ids=lambda model: type(model).known_as)
def test_the_residual_networks_train_with_the_whole_catalogue(model: Any, photos: Callable[..., Images]) -> None:
    from ablation.images.training.fit import train
    from ablation.images.training.program import Program

    program = Program.build(model, compose(Training(1, 16).recipe(), MODERN, model, "it"), (16, 16, 1), 4, 16, "float32", STEPS)
    images = photos(32)
    program.verify(MODERN, images, 0)
    first, other, again = (train(program, seed, 1, images, images, None).history for seed in (0, 1, 0))
    assert np.isfinite(list(first.values())).all()
    assert other != first and again == first, "another seed in between leaves no trace"


@pytest.mark.parametrize("name", ["stochastic_depth"])
def test_what_needs_residual_branches_is_refused_without(name: str) -> None:
    from ablation.images.models import CNN

    with pytest.raises(InputError, match="stochastic_depth does not apply to model=cnn, which has no residual branches of its own"):
        compose(Training(1, 1).recipe(), {name: MODERN[name]}, CNN(), "cnn")


# What each does -----------------------------------------------------------------------------------------------------------------


def applied(feature: Any, images: np.ndarray, numbers: np.ndarray) -> np.ndarray:
    from keras import ops

    return np.asarray(ops.convert_to_numpy(feature.apply(ops.convert_to_tensor(images), ops.convert_to_tensor(numbers))))


def test_a_crop_is_that_of_numpy() -> None:
    rng, feature = np.random.default_rng(0), RandomCrop(padding=3)
    images = rng.random((60, 9, 12, 2)).astype(np.float32)
    numbers = feature.draw(rng, 60, 9, 12)
    assert set(numbers[:, 0]) == set(numbers[:, 1]) == set(range(-3, 4)) and set(numbers[:, 2]) == {0, 1}
    expected = []
    for image, (down, right, mirrored) in zip(images, numbers.astype(int), strict=True):
        padded = np.pad(image[:, ::-1] if mirrored else image, [(3, 3), (3, 3), (0, 0)])
        expected.append(padded[3 - down : 12 - down, 3 - right : 15 - right])
    np.testing.assert_array_equal(applied(feature, images, numbers), expected)


def test_cutout_blacks_out_a_square_about_a_pixel_that_may_be_any() -> None:
    feature, images = Cutout(side=0.5), np.ones((4000, 8, 12, 1), np.float32)
    black = applied(feature, images, feature.draw(np.random.default_rng(0), 4000, 8, 12))[..., 0] == 0
    assert black.sum((1, 2)).max() == 4 * 6 and 0.6 < black.sum((1, 2)).mean() / (4 * 6) < 0.8, "it may reach beyond the border"
    assert black.any((0,)).all()
    rows, columns = black.any(2).sum(1), black.any(1).sum(1)
    np.testing.assert_array_equal(black.sum((1, 2)), rows * columns)


def test_cutmix_pastes_a_box_and_shares_the_label_by_its_area() -> None:
    feature, count = CutMix(), 4000
    numbers = feature.draw(np.random.default_rng(0), count, 10, 20)
    from keras import ops

    mixed = np.asarray(feature.apply(ops.zeros((count, 10, 20, 1)), ops.ones((count, 10, 20, 1)), ops.convert_to_tensor(numbers)))[..., 0]
    shares = feature.shares(numbers, 10, 20)
    np.testing.assert_allclose(1 - mixed.mean((1, 2)), shares, atol=1e-6)
    assert ((mixed == 0) | (mixed == 1)).all()
    assert shares.min() < 0.1 and shares.max() == 1 and 0.5 < shares.mean() < 0.75, "half of them, and more for boxes cut at the border"
    assert (CutMix(probability=0.5).shares(CutMix(probability=0.5).draw(np.random.default_rng(1), count, 32, 32), 32, 32) == 1).mean() > 0.4


def test_labels_of_an_epoch_are_mixed_by_the_shares_of_the_boxes() -> None:
    from ablation.images.training.draws import draw_epoch, one_hot

    labels = np.arange(12) % 3
    draws = draw_epoch(Recipe(mixing=CutMix()), 3, 1, labels, 3, 4, (8, 8))
    assert draws.mixing is not None and draws.partners is not None
    shares = CutMix().shares(draws.mixing, 8, 8)[:, None]
    np.testing.assert_allclose(
        draws.targets, shares * one_hot(labels[draws.own], 3) + (1 - shares) * one_hot(labels[draws.partners], 3), atol=1e-6
    )


def test_branches_are_left_out_at_the_rate_of_their_depth_and_scaled(evidence_of: EvidenceOf) -> None:
    from ablation.images.training.draws import survival
    from ablation.images.training.loops.survival import dropping

    rates = [(layer.name, layer.rate) for layer in dropping(evidence_of("gelu", frozenset({"stochastic_depth"})).network)]
    assert [rate for _, rate in rates] == pytest.approx([0.2 / 3, 0.4 / 3, 0.2])
    drawn = survival(rates, 0, 0, 20_000)
    np.testing.assert_allclose(drawn.mean(0), 1, atol=0.01)
    np.testing.assert_allclose((drawn == 0).mean(0), [rate for _, rate in rates], atol=0.01)
    assert np.abs(np.corrcoef(drawn.T) - np.eye(3)).max() < 0.03, "each is drawn on its own"
    np.testing.assert_array_equal(survival(rates[:1], 0, 0, 20_000)[:, 0], drawn[:, 0], "whatever else is dropped")


def test_in_evaluation_every_branch_is_there(build: "Callable[..., Program]", photos: Callable[..., Images]) -> None:
    features: Mapping[str, Feature] = {"stochastic_depth": MODERN["stochastic_depth"]}
    dropping, plain = (build(on, ResNet(8, 2), steps=STEPS) for on in (features, {}))
    images = photos(20)
    found = []
    for program in (dropping, plain):
        program.start(0)
        found.append(program.loop.evaluate(program.loop.place(images.x), np.eye(4, dtype=np.float32)[images.y])[1])
    np.testing.assert_array_equal(found[0], found[1])


def test_the_average_forgets_its_start_sooner_than_its_decay() -> None:
    kept = [WeightAveraging(0.99).kept(step, 10_000) for step in range(10_000)]
    assert kept[0] == 0.1 and kept[-1] == 0.99 and (np.diff(kept) >= 0).all()


def test_draws_are_uniform() -> None:
    numbers = RandomCrop(padding=4).draw(np.random.default_rng(0), 9000, 32, 32)
    assert stats.chisquare(np.unique(numbers[:, 0], return_counts=True)[1]).pvalue > 0.01


def test_a_feature_is_not_taken_for_another_of_its_kind(evidence_of: EvidenceOf) -> None:
    assert not kinds.StochasticDepth(0.5).verify(evidence_of("gelu", NETWORK))
    evidence = evidence_of("cutmix", frozenset(OTHERS))
    other: list[Feature] = [
        *(kinds.LabelSmoothing(0.5), kinds.WeightDecay(0.5), kinds.WarmUp(0.5), kinds.WeightAveraging(0.5)),
        *(kinds.GradientClipping(5), kinds.RandomCrop(2), kinds.Cutout(0.1)),
        *(kinds.MomentumSGD(momentum=0.5), kinds.MomentumSGD(learning_rate=0.5), kinds.MomentumSGD(nesterov=True)),
    ]
    assert not [each for each in other if each.verify(evidence)]


def test_a_feature_does_not_pass_for_whole_with_half_of_what_it_does(evidence_of: EvidenceOf) -> None:
    evidence = evidence_of("cutmix", frozenset(OTHERS))
    smoothed = 0.9 * evidence.labels + 0.1 / evidence.labels.shape[1]
    for mixing in (MODERN["cutmix"], kinds.Mixup()):
        assert not any(mixing.verify(replace(evidence, targets=targets)) for targets in (evidence.labels, smoothed))
        assert not mixing.verify(replace(evidence, mixed=evidence.images))
    crop = kinds.RandomCrop()
    before, mirrored = evidence.images, evidence.images.copy()
    mirrored[::2] = mirrored[::2, :, ::-1]
    assert not crop.verify(replace(evidence, augmented=[(crop, before, mirrored)]))
    assert crop.verify(replace(evidence, augmented=[(crop, before, np.roll(mirrored, 1, axis=1))]))


def test_stochastic_depth_at_one_rate_for_all_depths_does_not_pass(build: "Callable[..., Program]", evidence_of: EvidenceOf) -> None:
    class Constant(kinds.StochasticDepth):
        def drop(self, x: Any, depth: float, name: str) -> Any:
            return super().drop(x, 1.0, name)

    constant = build({"stochastic_depth": Constant()}, ResNet(8, 4)).network
    assert not MODERN["stochastic_depth"].verify(replace(evidence_of("gelu", NETWORK), network=constant))
