"""Every design credits features by sound contrasts over few arms."""

from collections.abc import Callable, Mapping

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ablation.designs import (
    BASELINE,
    Arm,
    Design,
    all_on,
    arm_names,
    cumulative,
    is_path,
    label,
    leave_one_out,
    none,
    one_at_a_time,
    only,
    union,
)
from ablation.errors import InputError

SEVEN = ("augmentation", "batch_norm", "residual", "gap", "dropout", "mixup", "amsgrad")
FULL = frozenset(SEVEN)
CREDITING = (cumulative, leave_one_out, one_at_a_time)

Make = Callable[[list[str]], Design]
names = st.lists(st.text("abcdefghij", min_size=1, max_size=4), min_size=1, max_size=9, unique=True)
designs = st.sampled_from(CREDITING)
effect = st.floats(-1, 1)


def scored(design: Design, game: Callable[[Arm], float]) -> np.ndarray:
    """Return what the design credits to each feature when an arm scores what ``game`` says."""
    return np.asarray(design.contrasts @ np.array([game(arm) for arm in design.arms]))


@given(designs, names)
def test_every_contrast_sums_to_zero_and_its_positive_weights_to_one(make: Make, features: list[str]) -> None:
    contrasts = make(features).contrasts
    np.testing.assert_allclose(contrasts.sum(axis=1), 0, atol=1e-12)
    np.testing.assert_allclose(np.maximum(contrasts, 0).sum(axis=1), 1)


@given(designs, names)
def test_arms_are_distinct_known_and_one_more_than_the_features(make: Make, features: list[str]) -> None:
    design = make(features)
    assert design.features == tuple(features)
    assert design.contrasts.shape == (len(features), len(design.arms))
    assert len(set(design.arms)) == len(design.arms)
    assert len(design.arms) == len(features) + 1
    assert all(arm <= set(features) for arm in design.arms)
    assert {BASELINE, frozenset(features)} & set(design.arms)
    assert (design.contrasts != 0).any(axis=0).all(), "an arm that no contrast weighs need not be trained"


@given(designs, names, st.data())
def test_every_design_recovers_features_that_only_add(make: Make, features: list[str], data: st.DataObject) -> None:
    worth = {feature: data.draw(effect) for feature in features}
    base = data.draw(effect)
    credited = scored(make(features), lambda arm: base + sum(worth[feature] for feature in arm))
    np.testing.assert_allclose(credited, [worth[feature] for feature in features], atol=1e-9)


@given(names, st.data())
def test_cumulative_effects_sum_to_full_minus_baseline_whatever_the_scores(features: list[str], data: st.DataObject) -> None:
    design = cumulative(features)
    scores = {arm: data.draw(effect) for arm in design.arms}
    assert scored(design, scores.__getitem__).sum() == pytest.approx(scores[frozenset(features)] - scores[BASELINE], abs=1e-9)


def test_each_design_compares_the_arms_that_it_says() -> None:
    features, pairs_only = ["a", "b", "c"], {frozenset("ab"): 1.0, frozenset("abc"): 1.0}
    # a and b are worth something together and nothing alone: each design tells its own part of that.
    game: Mapping[Arm, float] = {arm: pairs_only.get(arm, 0.0) for make in CREDITING for arm in make(features).arms}
    assert scored(cumulative(features), game.__getitem__).tolist() == [0, 1, 0]
    assert scored(leave_one_out(features), game.__getitem__).tolist() == [1, 1, 0]
    assert scored(one_at_a_time(features), game.__getitem__).tolist() == [0, 0, 0]


def test_cumulative_climbs_in_the_order_given() -> None:
    assert cumulative(["c", "a", "b"]).arms == (BASELINE, frozenset("c"), frozenset("ca"), frozenset("cab"))


def test_three_designs_over_seven_features_share_all_but_twenty_arms() -> None:
    three = [make(SEVEN) for make in CREDITING]
    arms = union(three)
    assert len(arms) == len(set(arms)) == 20
    assert sum(len(design.arms) for design in three) == 24
    assert arms[: len(three[0].arms)] == three[0].arms, "the first design's arms come first"


@given(designs, names)
def test_an_arm_is_compared_with_one_that_differs_in_one_feature_and_is_trained_too(make: Make, features: list[str]) -> None:
    design = make(features)
    for arm, reference in design.references.items():
        assert {arm, reference} <= set(design.arms)
        assert len(arm ^ reference) == 1


def test_references_are_the_step_before_the_full_arm_or_the_baseline() -> None:
    assert cumulative("ab").references == {frozenset("a"): BASELINE, frozenset("ab"): frozenset("a")}
    assert leave_one_out("ab").references == {frozenset("b"): frozenset("ab"), frozenset("a"): frozenset("ab")}
    assert one_at_a_time("ab").references == {frozenset("a"): BASELINE, frozenset("b"): BASELINE}


@pytest.mark.parametrize(
    ("design", "arm"), [(none(SEVEN), BASELINE), (all_on(SEVEN), FULL), (only(SEVEN, ["gap", "mixup"]), frozenset({"gap", "mixup"}))]
)
def test_single_arms_credit_nothing(design: Design, arm: Arm) -> None:
    assert design.arms == (arm,)
    assert design.features == ()
    assert scored(design, lambda _: 0.7).shape == (0,)


@pytest.mark.parametrize(
    ("on", "told"),
    [
        (None, "features.on=[augmentation]"),
        (["mixupp"], "names 'mixupp', which the catalogue's order does not hold; did you mean 'mixup'?"),
        (["cutout"], f"known: {', '.join(SEVEN)}"),
        (["gap", "gap"], "names 'gap' twice"),
    ],
)
def test_only_tells_which_name_is_wrong(on: list[str] | None, told: str) -> None:
    with pytest.raises(InputError) as error:
        only(SEVEN, on)
    assert told in str(error.value)


@pytest.mark.parametrize(
    ("on", "told"),
    [
        ((), "baseline"),
        (("gap",), "gap"),
        (("mixup", "gap"), "gap + mixup"),
        (SEVEN[1:], "all − augmentation"),
        (SEVEN, "all"),
    ],
)
def test_an_arm_is_named_by_what_is_on_in_the_studys_order(on: tuple[str, ...], told: str) -> None:
    assert label(frozenset(on), SEVEN) == told


def test_a_single_feature_is_named_and_not_called_all() -> None:
    assert label(frozenset({"gap"}), ["gap"]) == "gap"
    assert label(frozenset({"gap", "mixup"}), ["gap", "mixup", "dropout"]) == "gap + mixup"


def test_a_path_names_its_steps_and_other_designs_their_arms() -> None:
    features = SEVEN[:3]
    assert arm_names(cumulative(features), features) == ("baseline", "+ augmentation", "+ batch_norm", "+ residual")
    assert arm_names(one_at_a_time(features), features) == ("baseline", *features)
    assert arm_names(leave_one_out(SEVEN), SEVEN)[:2] == ("all", "all − augmentation")
    assert arm_names(none(features), features) == ("baseline",)


@given(names)
def test_names_of_arms_are_distinct(features: list[str]) -> None:
    for make in CREDITING:
        names_of_arms = arm_names(make(features), features)
        assert len(set(names_of_arms)) == len(names_of_arms)


def test_only_what_climbs_is_a_path() -> None:
    assert is_path(cumulative(SEVEN))
    assert is_path(one_at_a_time(["gap"])), "with one feature every design is the same step"
    assert not is_path(leave_one_out(SEVEN))
    assert not is_path(one_at_a_time(SEVEN))
    assert not is_path(all_on(SEVEN))
