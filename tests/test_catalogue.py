"""The catalogue refuses what cannot be studied, and makes the same recipe of an arm in every study."""

from collections.abc import Callable
from dataclasses import dataclass, is_dataclass, replace
from itertools import pairwise
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from ablation.designs import cumulative
from ablation.errors import InputError
from ablation.images import features, models
from ablation.images.catalogue import Catalogue, compose
from ablation.images.features import (
    AMSGrad,
    BatchNorm,
    Dropout,
    Evidence,
    Feature,
    GlobalAveragePooling,
    Mixup,
    RandomWarp,
    Residual,
    WeightDecay,
)
from ablation.images.models import CNN, Model
from ablation.images.optimizers import optimizers
from ablation.images.recipe import Recipe
from ablation.images.slots import Optimizer
from ablation.images.training.schedule import Cosine
from ablation.images.training.settings import Training
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


def test_what_every_arm_has_is_on_in_the_baseline_too_and_is_not_studied(article: dict[str, Feature]) -> None:
    catalogue = Catalogue(article, always=["batch_norm", "augmentation"])
    assert catalogue.names == tuple(name for name in article if name not in ("batch_norm", "augmentation"))
    assert list(catalogue.of(frozenset())) == ["augmentation", "batch_norm"], "in the order in which they are defined"
    assert catalogue.of(frozenset({"gap"})) == Catalogue(article).of(frozenset({"augmentation", "batch_norm", "gap"}))
    message = refused(lambda: Catalogue(article, ["gap"], always=["batchnorm"]))
    assert message.startswith("catalogue.always names 'batchnorm', which the catalogue does not have; did you mean 'batch_norm'?")
    message = refused(lambda: Catalogue(article, ["gap"], always=["gap"]))
    assert message == "catalogue.order names 'gap', which catalogue.always gives to every arm; expected it in one of them"
    assert "must be a list of names" in refused(lambda: Catalogue(article, ["gap"], always="mixup"))
    grouped = Catalogue(article, None, {"regularisation": ["dropout", "mixup"]}, always=["regularisation"])
    assert grouped.names == tuple(name for name in article if name not in ("dropout", "mixup"))
    assert list(grouped.of(frozenset())) == ["dropout", "mixup"]


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
        refused(lambda: compose(START, {"idle": Idle()}, CNN(), "cnn"))
        == "feature 'idle' changes nothing: the recipe's slots hold the same with and without it"
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


def test_weight_decay_is_refused_where_the_baseline_decays_anyway() -> None:
    def composed(**settings: Any) -> Recipe:
        return compose(Training(1, 1, "adamw", **settings).recipe(), {"decay": WeightDecay(0.01)}, CNN(), "cnn")

    chosen = "decay does not apply to training.optimizer=adamw"
    assert refused(composed) == f"{chosen}, which decays weights by 0.004 of its own; training.weight_decay=0 takes that away"
    assert composed(weight_decay=0).optimizer.options == (("weight_decay", 0.01),)


# The settings of a training -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"epochs": 0}, "training.epochs must be a whole number from 1 to 1000000, not 0"),
        ({"epochs": 2.5}, "training.epochs"),
        ({"epochs": True}, "training.epochs"),
        ({"batch_size": -1}, "training.batch_size"),
        ({"learning_rate": 0}, "training.learning_rate must be a number above 0 and at most 1000, not 0"),
        ({"learning_rate": float("nan")}, "training.learning_rate"),
        ({"learning_rate": "fast"}, "training.learning_rate must be a number above 0 and at most 1000, not fast"),
        ({"optimizer": "adm"}, "training.optimizer=adm is not known; did you mean 'adam'?"),
        ({"schedule": "cosin"}, "training.schedule=cosin is not known; did you mean 'cosine'?"),
        ({"warmup": 0.1, "schedule": "one_cycle"}, "training.warmup does not go with training.schedule=one_cycle, which rises by itself"),
        ({"warmup": 1.5}, "training.warmup must be a number of at least 0 and below 1, not 1.5"),
        (
            {"warmup": 5, "epochs": 50},
            "that rise, below 1, not 5; for 5 epochs of 50: training.warmup=0.1",
        ),
        ({"weight_decay": -1}, "training.weight_decay must be a number of at least 0, or null, not -1"),
        ({"momentum": 1, "optimizer": "sgd"}, "training.momentum must be a number of at least 0 and below 1, or null, not 1"),
        (
            {"momentum": 0.9},
            "does not go with training.optimizer=adam, which has none; training.optimizer can be one of: ",
        ),
        ({"clip": 0}, "training.clip must be a number above 0, or null, not 0"),
    ],
)
def test_settings_that_make_no_sense_are_refused(settings: dict[str, object], sentence: str) -> None:
    assert sentence in refused(lambda: Training(**{"epochs": 1, "batch_size": 1, **settings}))


def test_the_optimisers_are_those_of_keras_with_their_own_options() -> None:
    from inspect import signature

    import keras

    kinds = {name.lower(): kind for name, kind in vars(keras.optimizers).items() if isinstance(kind, type)}
    assert {"adam", "adamw", "sgd", "rmsprop", "nadam", "adagrad", "lion"} <= optimizers().keys() <= kinds.keys()
    for name, options in optimizers().items():
        parameters = signature(kinds[name]).parameters
        assert options.keys() <= parameters.keys() and options["weight_decay"] == parameters["weight_decay"].default
        assert {"weight_decay", "global_clipnorm"} <= options.keys() and "learning_rate" not in options
        assert float(keras.optimizers.get({"class_name": name, "config": {"learning_rate": 0.5}}).learning_rate) == 0.5
    assert {"amsgrad", "beta_1"} <= optimizers()["adam"].keys() and {"momentum", "nesterov"} <= optimizers()["sgd"].keys()
    assert "amsgrad" not in optimizers()["sgd"] and "momentum" not in optimizers()["adam"]


@dataclass(frozen=True)
class Sets:
    """A feature that sets parts of the optimiser."""

    parts: tuple[tuple[str, object], ...] = ()
    options: tuple[tuple[str, object], ...] = ()

    def __call__(self, recipe: Recipe) -> Recipe:
        return replace(recipe, optimizer=replace(recipe.optimizer, **dict(self.parts)).with_options(**dict(self.options)))

    def verify(self, evidence: Evidence) -> bool:
        return True


def test_features_may_set_different_parts_of_the_optimiser_and_not_the_same() -> None:
    cosine, decay = Sets((("schedule", Cosine()),)), Sets(options=(("weight_decay", 0.1),))
    lion, sgd = Sets((("name", "lion"),)), Sets((("name", "sgd"),), (("momentum", 0.9),))
    made = compose(START, {"cosine": cosine, "decay": decay, "sgd": sgd}, CNN(), "cnn").optimizer
    assert made == Optimizer("sgd", schedule=Cosine(), options=(("weight_decay", 0.1), ("momentum", 0.9)))
    constant, more = Sets((("schedule", None),)), Sets(options=(("weight_decay", 0.2),))
    for one, other, part in ((lion, sgd, "optimiser"), (cosine, constant, "schedule"), (decay, more, "optimiser's weight_decay")):
        message = refused(lambda both={"one": one, "other": other}: compose(START, both, CNN(), "cnn"))
        assert message == f"'one' and 'other' both set the {part}"
    assert refused(lambda: compose(START, {"amsgrad": AMSGrad(), "lion": lion}, CNN(), "cnn")) == (
        "amsgrad does not apply to lion, the optimiser of 'lion', which has no amsgrad"
    )
    assert "with sgd); did you mean 'lion'?" in refused(lambda: compose(START, {"lino": Sets((("name", "lino"),))}, CNN(), "cnn"))


class Made:
    """A feature that makes of the recipe what a function makes of it."""

    def __init__(self, make: Callable[[Recipe], Recipe]) -> None:
        self.make = make

    def __call__(self, recipe: Recipe) -> Recipe:
        return self.make(recipe)

    def verify(self, evidence: Any) -> bool:
        return True


STARTS = {"clip": Training(1, 1, clip=1.0), "decay": Training(1, 1, weight_decay=0.1), "cycle": Training(1, 1, schedule="one_cycle")}
MOMENTUM = Training(1, 1, optimizer="sgd", momentum=0.9)


@pytest.mark.parametrize(
    ("training", "make", "words"),
    [
        (Training(1, 1, l2=0.1), lambda recipe: replace(recipe, gradients=(len,)), "takes away what the slot 'gradients' had"),
        (
            STARTS["clip"],
            lambda recipe: replace(recipe, optimizer=Optimizer("lion", 1e-4)),
            "takes the global_clipnorm of the optimiser away",
        ),
        (
            STARTS["decay"],
            lambda recipe: replace(recipe, optimizer=Optimizer("lion", 1e-4)),
            "takes the weight_decay of the optimiser away",
        ),
        (STARTS["cycle"], lambda recipe: replace(recipe, optimizer=Optimizer("lion", 1e-4)), "takes the schedule of the optimiser away"),
        (
            STARTS["clip"],
            lambda recipe: replace(recipe, optimizer=recipe.optimizer.with_options(clipnorm=1.0)),
            "with mine gradients are clipped by global_clipnorm and by clipnorm; expected one of them",
        ),
        (
            Training(1, 1),
            lambda recipe: replace(recipe, optimizer=recipe.optimizer.with_options(use_ema=True)),
            "mine sets use_ema of the optimiser; averages of weights go into the slot averaging",
        ),
        (
            Training(1, 1),
            lambda recipe: replace(recipe, optimizer=replace(recipe.optimizer, name="lars")),
            "lars, is none of Keras'",
        ),
        (
            MOMENTUM,
            lambda recipe: replace(recipe, optimizer=replace(recipe.optimizer, name="lion")),
            "which has no momentum; recipe.optimizer.without_options('momentum') takes it away",
        ),
        (
            STARTS["cycle"],
            lambda recipe: replace(recipe, optimizer=replace(recipe.optimizer, warmup=0.1)),
            "mine does not apply to a one-cycle schedule, which has a rise of its own; training.schedule=constant has none",
        ),
    ],
)
def test_what_a_feature_may_not_do_to_what_is_there(training: Training, make: Callable[[Recipe], Recipe], words: str) -> None:
    with pytest.raises(InputError) as error:
        compose(training.recipe(), {"mine": Made(make)}, CNN(), "cnn")
    assert words in str(error.value)


def test_another_optimiser_goes_without_the_options_that_it_does_not_have() -> None:
    lion = Made(lambda recipe: replace(recipe, optimizer=replace(recipe.optimizer.without_options("momentum"), name="lion")))
    assert compose(MOMENTUM.recipe(), {"lion": lion}, CNN(), "cnn").optimizer == Optimizer("lion", 1e-3)


def test_a_slot_that_the_baseline_fills_is_refused_with_the_setting_that_leaves_it_empty() -> None:
    from ablation.images.training.settings import SCALINGS

    mine = Made(lambda recipe: replace(recipe, scaling=SCALINGS["per_image"]))
    start = replace(Training(1, 1).recipe(), scaling=SCALINGS["symmetric"])
    with pytest.raises(InputError, match="the slot 'scaling'; data.normalise=unit leaves it empty"):
        compose(start, {"mine": mine}, CNN(), "cnn")


def test_what_the_baseline_has_already_changes_nothing() -> None:
    start = Training(1, 1, schedule="cosine").recipe()
    assert "'cosine' changes nothing" in refused(lambda: compose(start, {"cosine": Sets((("schedule", Cosine()),))}, CNN(), "cnn"))


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
