"""Seeds that a study decides on, and arms that a subject refuses."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from command import ASKED, in_this_process, logged, write_function

from ablation.designs import Arm, Design, cumulative, factorial, fractional, one_at_a_time, only
from ablation.errors import InputError
from ablation.images.catalogue import Catalogue, compose
from ablation.images.features import Dropout, Evidence, GlobalAveragePooling, Mixup
from ablation.images.models import CNN, Model
from ablation.images.recipe import Recipe
from ablation.images.training.settings import Training
from ablation.study.study import Adaptive, fitted

START = Training(1, 1).recipe()
NAMES = ("gap", "mixup", "dropout", "stronger")
CATALOGUE = Catalogue({"gap": GlobalAveragePooling(), "mixup": Mixup(), "dropout": Dropout(), "stronger": Dropout(0.5)})
"""Two of its features fill the same slot, so no arm can have both."""


@dataclass(frozen=True)
class Unsuited:
    """Needs what the network does not have."""

    def __call__(self, recipe: Recipe) -> Recipe:
        return replace(recipe, block=lambda x, filters, strides, name, parts: x)

    def verify(self, evidence: Evidence) -> bool:
        return True


def allows(catalogue: Catalogue, model: Model, name: str) -> Callable[[Arm], str | None]:
    """Say of an arm why the features of a catalogue cannot be on together in a network."""

    def of(arm: Arm) -> str | None:
        try:
            compose(START, catalogue.of(arm), model, name)
        except InputError as error:
            return str(error)
        return None

    return of


def left(design: Design) -> Design:
    return fitted(design, NAMES, allows(CATALOGUE, CNN(), "cnn"))


def test_arms_with_two_features_that_exclude_each_other_are_left_out_with_a_message() -> None:
    whole = left(factorial(NAMES))
    assert whole.features == NAMES
    assert len(whole.arms) == 12
    assert not any({"dropout", "stronger"} <= arm for arm in whole.arms)
    [sentence] = whole.lost
    assert sentence.startswith("factorial lacks “dropout + stronger”")
    why = "'dropout' and 'stronger' both fill the slot 'dropout'"
    assert f"“all” ({why}): the effects of gap, mixup, dropout and stronger are means over the other subsets" in sentence
    assert set(whole.reasons) == {why} and len(whole.reasons) == len(whole.excluded) == 4


def test_a_path_is_cut_where_it_needs_both() -> None:
    path = left(cumulative(NAMES))
    assert path.features == NAMES[:3]
    assert path.uncredited == ("stronger",)
    assert path.lost == (
        "cumulative lacks “all” ('dropout' and 'stronger' both fill the slot 'dropout'): the effect of stronger cannot be estimated.",
    )
    whole = one_at_a_time(NAMES)
    assert left(whole) is whole


@pytest.mark.parametrize("design", [fractional(NAMES), only(NAMES, ["dropout", "stronger"])])
def test_a_design_of_which_nothing_is_left_is_refused_with_the_reason(design: Design) -> None:
    with pytest.raises(InputError, match="both fill the slot 'dropout'"):
        left(design)


def test_a_feature_that_the_model_does_not_have_a_place_for_is_refused_and_not_left_out(plain: CNN) -> None:
    catalogue = Catalogue({"mixup": Mixup(), "unsuited": Unsuited()})
    with pytest.raises(InputError, match="unsuited does not apply to model=mlp, which has no convolution blocks"):
        fitted(cumulative(["mixup", "unsuited"]), ["mixup", "unsuited"], allows(catalogue, plain, "mlp"))


@pytest.mark.parametrize(
    ("precision", "most", "message"),
    [
        (0, 20, "effects.precision must be a number above 0, not 0"),
        ("narrow", 20, "effects.precision must be a number above 0, not narrow"),
        (1.0, 2, "effects.max_seeds must be a whole number from 3 to 1000, not 2"),
        (1.0, 4.5, "effects.max_seeds must be a whole number"),
    ],
)
def test_a_precision_or_cap_without_sense_is_refused(precision: float, most: int, message: str) -> None:
    with pytest.raises(InputError, match=message):
        Adaptive(precision, most)


def test_a_study_decides_on_its_seeds_after_a_pilot_and_keeps_to_it(tmp_path: Path) -> None:
    write_function(tmp_path)
    asked = (*ASKED, "seeds=auto", "effects.precision=0.0001", "effects.max_seeds=5")
    before = in_this_process(tmp_path, *asked, "plan=true")
    assert "Seeds: a pilot of 3, then as many as intervals of ± 0.0001 need" in before.out
    ended = in_this_process(tmp_path, *asked)
    assert ended.code == 0, ended.out
    store = logged(tmp_path)
    assert sorted({run.data.tags["ablation.seed"] for run in store.trained}) == ["0", "1", "2", "3", "4"]
    assert len(store.trained) == 15
    assert len(store.parents) == 1
    assert "the cap of 5 binds" in ended.out
    after = in_this_process(tmp_path, *asked, "plan=true")
    assert "finished already: 15; to run: 0" in after.out
    assert "the cap of 5 binds" in after.out
