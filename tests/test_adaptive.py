"""Seeds that a study decides on, and arms that a model refuses."""

from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from command import TINY, ablation, logged

from ablation.designs import cumulative, factorial, fractional, one_at_a_time, only
from ablation.errors import InputError
from ablation.images.catalogue import Catalogue, fitted
from ablation.images.features import Dropout, Evidence, GlobalAveragePooling, Mixup
from ablation.images.models import CNN
from ablation.images.recipe import Recipe
from ablation.images.training.settings import Training
from ablation.study.study import Adaptive

START = Training(1, 1).recipe()
NAMES = ("gap", "mixup", "dropout", "stronger")
CATALOGUE = Catalogue({"gap": GlobalAveragePooling(), "mixup": Mixup(), "dropout": Dropout(), "stronger": Dropout(0.5)})
"""Two of its features fill the same slot, so no arm can have both."""


@dataclass(frozen=True)
class Unsuited:
    """Needs what the network does not have."""

    def __call__(self, recipe: Recipe) -> Recipe:
        return replace(recipe, residual="article")

    def verify(self, evidence: Evidence) -> bool:
        return True


def test_arms_with_two_features_that_exclude_each_other_are_left_out_with_a_message() -> None:
    left = fitted(factorial(NAMES), CATALOGUE, START, CNN(), "cnn")
    assert left.features == NAMES
    assert len(left.arms) == 12
    assert not any({"dropout", "stronger"} <= arm for arm in left.arms)
    [told] = left.lost
    assert told.startswith("factorial lacks “dropout + stronger”")
    assert "is the mean over the other subsets" in told


def test_a_path_is_cut_where_it_needs_both() -> None:
    left = fitted(cumulative(NAMES), CATALOGUE, START, CNN(), "cnn")
    assert left.features == NAMES[:3]
    assert left.lost == ("cumulative lacks “all”: the effect of stronger cannot be estimated.",)
    whole = one_at_a_time(NAMES)
    assert fitted(whole, CATALOGUE, START, CNN(), "cnn") is whole


@pytest.mark.parametrize("design", [fractional(NAMES), only(NAMES, ["dropout", "stronger"])])
def test_a_design_of_which_nothing_is_left_is_refused_with_the_reason(design: object) -> None:
    with pytest.raises(InputError, match="both fill the slot 'dropout'"):
        fitted(design, CATALOGUE, START, CNN(), "cnn")


def test_a_feature_that_the_model_does_not_have_a_place_for_is_refused_and_not_left_out(plain: CNN) -> None:
    catalogue = Catalogue({"mixup": Mixup(), "unsuited": Unsuited()})
    with pytest.raises(InputError, match="unsuited does not apply to model=mlp, which has no convolution blocks"):
        fitted(cumulative(["mixup", "unsuited"]), catalogue, START, plain, "mlp")


@pytest.mark.parametrize(
    ("precision", "most", "told"),
    [
        (0, 20, "effects.precision must be a number of accuracy points above 0, not 0"),
        ("narrow", 20, "effects.precision must be a number"),
        (1.0, 2, "effects.max_seeds must be a whole number of at least 3, the seeds of the pilot, not 2"),
        (1.0, 4.5, "effects.max_seeds must be a whole number"),
    ],
)
def test_a_precision_or_cap_without_sense_is_refused(precision: float, most: int, told: str) -> None:
    with pytest.raises(InputError, match=told):
        Adaptive(precision, most)


def test_a_study_decides_on_its_seeds_after_a_pilot_and_keeps_to_it(tmp_path: Path) -> None:
    asked = ("features=cumulative", "catalogue.order=[batch_norm]", "seeds=auto", "effects.precision=0.1", "effects.max_seeds=4")
    asked = (*asked, *TINY[:-1], "execution=inline")
    ended = ablation(tmp_path, *asked)
    assert ended.code == 0, ended.err
    store = logged(tmp_path)
    assert sorted({run.data.tags["ablation.seed"] for run in store.trained}) == ["0", "1", "2", "3"]
    assert len(store.trained) == 8
    assert len(store.parents) == 1
    assert "the cap of 4 binds" in ended.out
    after = ablation(tmp_path, *asked, "plan=true")
    assert "finished already: 8; to train: 0" in after.out
    assert "the cap of 4 binds" in after.out
