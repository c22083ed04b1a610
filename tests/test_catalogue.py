"""The catalogue refuses what cannot be studied, and makes the same recipe of an arm in every study."""

from collections.abc import Callable
from dataclasses import dataclass, is_dataclass, replace
from itertools import pairwise
from types import ModuleType

import numpy as np
import pytest

from ablation.designs import cumulative
from ablation.errors import InputError
from ablation.images import features, models
from ablation.images.catalogue import Catalogue, compose
from ablation.images.features import AMSGrad, BatchNorm, Dropout, Evidence, Feature, GlobalAveragePooling, Mixup, RandomWarp, Residual
from ablation.images.models import CNN, Model
from ablation.images.recipe import Recipe
from ablation.images.training.settings import OPTIMIZERS, Training
from ablation.study.key import described

START = Training(1, 1).recipe()


class Idle:
    """A feature that fills nothing."""

    def __call__(self, recipe: Recipe) -> Recipe:
        return recipe

    def verify(self, evidence: Evidence) -> bool:
        return True


@dataclass(frozen=True)
class Smooth:
    """Label smoothing: a slot that many may share."""

    amount: float

    def __call__(self, recipe: Recipe) -> Recipe:
        return replace(recipe, targets=(*recipe.targets, lambda targets: (1 - self.amount) * targets + self.amount / targets.shape[1]))

    def verify(self, evidence: Evidence) -> bool:
        return True


def refused(make: Callable[[], object]) -> str:
    with pytest.raises(InputError) as error:
        make()
    message = str(error.value)
    assert "\n" not in message
    return message


# The catalogue ------------------------------------------------------------------------------------------------------------------


def test_without_an_order_the_features_come_as_they_are_defined(article: dict[str, Feature]) -> None:
    assert Catalogue(article).names == tuple(article)


def test_an_order_chooses_and_arranges(article: dict[str, Feature]) -> None:
    assert Catalogue(article, ["mixup", "gap"]).names == ("mixup", "gap")


def test_a_wrong_name_in_the_order_is_refused_with_the_nearest_right_one(article: dict[str, Feature]) -> None:
    message = refused(lambda: Catalogue(article, ["gap", "batchnorm"]))
    assert message.startswith("catalogue.order names 'batchnorm', which the catalogue does not have; did you mean 'batch_norm'?")


@pytest.mark.parametrize(("order", "sentence"), [(["gap", "mixup", "gap"], "names 'gap' twice"), ([], "catalogue.order is empty")])
def test_an_order_that_makes_no_sense_is_refused(article: dict[str, Feature], order: list[str], sentence: str) -> None:
    assert sentence in refused(lambda: Catalogue(article, order))


def test_a_catalogue_without_features_is_refused() -> None:
    assert "empty" in refused(lambda: Catalogue({}))


@pytest.mark.parametrize("thing", ["gap", None, len, {"rate": 0.2}])
def test_what_is_not_a_feature_is_refused(article: dict[str, Feature], thing: object) -> None:
    message = refused(lambda: Catalogue({**article, "mine": thing}))
    assert message.startswith(f"catalogue feature 'mine' is {thing!r}, which is no feature")
    assert "verify" in message


def test_an_arm_is_the_same_training_whatever_the_studys_order(article: dict[str, Feature]) -> None:
    smoothing = {**article, "smooth": Smooth(0.1), "smooth_more": Smooth(0.2)}
    one, other = Catalogue(smoothing), Catalogue(smoothing, ["smooth_more", "amsgrad", "smooth", "augmentation", "gap"])
    arm = frozenset({"smooth", "smooth_more", "gap", "amsgrad", "augmentation"})
    assert list(one.of(arm)) == list(other.of(arm))
    targets = np.eye(4)
    made = [compose(START, catalogue.of(arm), CNN(), "cnn") for catalogue in (one, other)]
    assert made[0].optimizer == made[1].optimizer
    assert made[0].augmentations == made[1].augmentations
    one_way, other_way = (recipe.targets[1](recipe.targets[0](targets)) for recipe in made)
    np.testing.assert_array_equal(one_way, other_way)


# Recipes ------------------------------------------------------------------------------------------------------------------------


def test_the_baseline_is_what_training_starts_from(article: dict[str, Feature]) -> None:
    assert compose(START, Catalogue(article).of(frozenset()), CNN(), "cnn") == START


def test_every_arm_of_the_article_can_be_composed(article: dict[str, Feature]) -> None:
    catalogue = Catalogue(article)
    recipes = [compose(START, catalogue.of(arm), CNN(), "cnn") for arm in cumulative(catalogue.names).arms]
    assert all(before != after for before, after in pairwise(recipes))


def test_a_feature_that_changes_nothing_is_refused() -> None:
    assert (
        refused(lambda: compose(START, {"idle": Idle()}, CNN(), "cnn")) == "feature 'idle' changes nothing: it fills no slot of the recipe"
    )


@pytest.mark.parametrize(
    ("feature", "sentence"),
    [
        (Residual(), "residual does not apply to model=mlp, which has no convolution blocks"),
        (GlobalAveragePooling(), "gap does not apply to model=mlp, which has no feature maps left to pool"),
        (BatchNorm(), "batch_norm does not apply to model=mlp, which has no layers left to normalise"),
        (Dropout(), "dropout does not apply to model=mlp, which has no place for dropout"),
    ],
)
def test_a_feature_that_the_model_has_no_place_for_is_refused(plain: Model, feature: Feature, sentence: str) -> None:
    assert refused(lambda: compose(START, {sentence.split(" ", 1)[0]: feature}, plain, "mlp")) == sentence


def test_features_of_data_and_optimiser_apply_to_every_model(plain: Model) -> None:
    recipe = compose(START, {"augmentation": RandomWarp(), "mixup": Mixup(), "amsgrad": AMSGrad()}, plain, "mlp")
    assert recipe.mixing == Mixup()
    assert recipe.augmentations == (RandomWarp(),)


def test_amsgrad_is_refused_where_the_optimiser_does_not_have_it() -> None:
    start = Training(1, 1, optimizer="sgd").recipe()
    assert refused(lambda: compose(start, {"amsgrad": AMSGrad()}, CNN(), "cnn")) == (
        "amsgrad does not apply to training.optimizer=sgd, which has no amsgrad"
    )


def test_two_features_cannot_fill_the_same_slot() -> None:
    message = refused(lambda: compose(START, {"dropout": Dropout(), "stronger": Dropout(0.5)}, CNN(), "cnn"))
    assert message.startswith("'dropout' and 'stronger' both fill the slot 'dropout'")


def test_slots_that_hold_many_take_many() -> None:
    recipe = compose(START, {"warp": RandomWarp(), "again": RandomWarp(flip=0.0), "smooth": Smooth(0.1), "more": Smooth(0.1)}, CNN(), "cnn")
    assert [augmentation.flip for augmentation in recipe.augmentations] == [0.5, 0.0]
    assert len(recipe.targets) == 2


def test_the_optimisers_options_add_to_its_settings() -> None:
    start = Training(1, 1, optimizer="adamw", learning_rate=0.5).recipe()
    optimizer = compose(start, {"amsgrad": AMSGrad()}, CNN(), "cnn").optimizer
    assert (optimizer.name, optimizer.learning_rate, optimizer.options) == ("adamw", 0.5, (("amsgrad", True),))


# The settings of a training -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"epochs": 0}, "training.epochs must be a whole number of at least 1, not 0"),
        ({"epochs": 2.5}, "training.epochs"),
        ({"epochs": True}, "training.epochs"),
        ({"batch_size": -1}, "training.batch_size"),
        ({"learning_rate": 0}, "training.learning_rate must be a number above 0, not 0"),
        ({"learning_rate": float("nan")}, "training.learning_rate"),
        ({"learning_rate": "fast"}, "training.learning_rate must be a number above 0, not fast"),
        ({"optimizer": "adm"}, "training.optimizer=adm is not known; did you mean 'adam'?"),
    ],
)
def test_settings_that_make_no_sense_are_refused(settings: dict[str, object], sentence: str) -> None:
    assert sentence in refused(lambda: Training(**{"epochs": 1, "batch_size": 1, **settings}))


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_every_optimiser_exists_with_the_options_that_features_may_set(name: str) -> None:
    import keras

    options = {option: 0.5 if option == "momentum" else True for option in OPTIMIZERS[name]}
    optimizer = keras.optimizers.get({"class_name": name, "config": {"learning_rate": 0.5, **options}})
    assert float(optimizer.learning_rate) == 0.5
    assert {option: optimizer.get_config()[option] for option in options} == options


# Identity -----------------------------------------------------------------------------------------------------------------------


def shipped(package: ModuleType) -> list[type]:
    """Return the features or models that a package offers."""
    return [kind for kind in (getattr(package, name) for name in package.__all__) if is_dataclass(kind) and kind is not Evidence]


def test_every_feature_and_model_has_a_name_of_its_own_in_the_keys_of_runs() -> None:
    kinds = [*shipped(features), *shipped(models), Training]
    assert {RandomWarp, AMSGrad, CNN, models.ResNet50} < set(kinds)
    names = [vars(kind).get("known_as") for kind in kinds]
    assert all(names), [kind for kind, name in zip(kinds, names, strict=True) if not name]
    assert len(set(names)) == len(names)


def test_a_key_holds_the_declared_name_and_the_parameters() -> None:
    assert described(Dropout(0.5)) == {"kind": "dropout", "parameters": {"rate": 0.5}}
