"""Features that exclude each other, and features that are toggled as one, in every design."""

import re
from collections.abc import Callable, Sequence
from functools import partial
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from command import ASKED, in_this_process, write_function

from ablation.designs import DESIGNS, Design, all_on, bookends, excluded, only, restricted
from ablation.designs import one_of_each as designed
from ablation.errors import InputError
from ablation.images.catalogue import Catalogue
from ablation.images.features import Feature

FEATURES = ("crop", "sgd", "lion", "se", "ema")
ONE = (("sgd", "lion"),)
Make = Callable[[Sequence[str]], Design]
MAKES: dict[str, Make] = {name: partial(make, orders=4) if name == "shapley" else make for name, make in DESIGNS.items()}


def scores(design: Design, pairs: bool) -> np.ndarray:
    """Make up scores of which each feature has a part and, if asked, each pair of features."""
    return np.array(
        [
            sum(1.7 ** FEATURES.index(feature) for feature in arm)
            + pairs * sum(0.3 * FEATURES.index(one) - 0.1 * FEATURES.index(other) for one, other in combinations(sorted(arm), 2))
            for arm in design.arms
        ]
    )


@pytest.mark.parametrize("name", MAKES)
def test_no_arm_has_two_and_every_feature_is_credited_with_what_it_is_worth(name: str) -> None:
    design = designed(MAKES[name], FEATURES, ONE)
    assert not [arm for arm in design.arms if excluded(ONE, arm)]
    assert set(design.features) == set(FEATURES) and len(set(design.arms)) == len(design.arms)
    assert {feature for arm in design.arms for feature in arm} == set(FEATURES)
    np.testing.assert_allclose(design.contrasts.sum(axis=1), 0, atol=1e-12)
    np.testing.assert_allclose(design.contrasts @ scores(design, False), [1.7 ** FEATURES.index(each) for each in design.features])


@pytest.mark.parametrize("name", MAKES)
def test_an_effect_is_the_mean_over_which_of_them_stands_in_the_group(name: str) -> None:
    design = designed(MAKES[name], FEATURES, ONE)
    alone = [MAKES[name]([each for each in FEATURES if each != left_out]) for left_out in ("lion", "sgd")]
    effects = [dict(zip(each.features, each.contrasts @ scores(each, True), strict=True)) for each in (design, *alone)]
    whole, with_sgd, with_lion = effects
    for feature in ("crop", "se", "ema"):
        assert whole[feature] == pytest.approx((with_sgd[feature] + with_lion[feature]) / 2)
    assert whole["sgd"] == pytest.approx(with_sgd["sgd"]) and whole["lion"] == pytest.approx(with_lion["lion"])


def test_a_fraction_of_three_that_exclude_each_other_has_no_more_than_it_needs() -> None:
    design = designed(DESIGNS["fractional"], ("a", "b", "c", "x", "y", "z"), (("x", "y", "z"),))
    # Eight subsets of four columns: the four without the group's column, and the four with it for each of the three.
    assert len(design.arms) == 4 + 3 * 4
    assert "Of features that exclude each other (x or y or z) an arm has one at most" in design.meaning


def test_groups_that_overlap_lose_no_feature_and_weigh_each_choice_once() -> None:
    """Of a, b and c, where b goes with neither, the choices are a with c, and b."""
    overlapping = (("a", "b"), ("b", "c"))
    design = designed(DESIGNS["factorial"], tuple("abcd"), overlapping)
    assert set(design.features) == set("abcd") and len(design.arms) == 8 + 4 - 2
    alone = [DESIGNS["factorial"](list(chosen)) for chosen in ("acd", "bd")]
    worth = {arm: len(arm) ** 2 + 3 * ("a" in arm and "d" in arm) for arm in design.arms}
    of_d = [each.contrasts[each.features.index("d")] @ [worth[arm] for arm in each.arms] for each in alone]
    assert (design.contrasts @ [worth[arm] for arm in design.arms])[design.features.index("d")] == pytest.approx(np.mean(of_d))
    with pytest.raises(InputError, match="counting one feature of each exclusive group, features=fractional takes 3 to 15 features"):
        designed(DESIGNS["fractional"], tuple("abcd"), overlapping)


def test_bookends_credit_what_each_choice_has_of_those_asked_for() -> None:
    design = designed(partial(bookends, of=["crop", "lion"]), FEATURES, ONE)
    assert design.features == ("crop", "lion")
    assert {frozenset(), frozenset({"crop"})} < set(design.arms)
    assert any({"crop", "sgd"} <= arm for arm in design.arms) and any({"crop", "lion"} <= arm for arm in design.arms)


def test_averages_over_all_that_can_be_hold_whatever_interacts_and_those_that_lack_an_arm_do_not() -> None:
    complete, part = (designed(DESIGNS[name], FEATURES, ONE) for name in ("factorial", "fractional"))
    assert not complete.assumes_pairs and part.assumes_pairs
    assert restricted(complete, lambda arm: not arm >= {"crop", "se"}).assumes_pairs
    assert complete.averages == "up to pairs", "it is no Shapley value"
    exact, sampled = (designed(MAKES[name] if name == "shapley" else DESIGNS["shapley"], FEATURES, ONE) for name in ("exact", "shapley"))
    assert exact.is_complete and not sampled.is_complete, "of which the chart of orders says that it has all"


def test_many_groups_leave_few_choices() -> None:
    ones, others = (tuple(f"{name}{number}" for number in range(5)) for name in "ab")
    pairs = tuple((one, other) for one in ones for other in others)
    arms = set(designed(DESIGNS["one_at_a_time"], (*ones, *others), pairs).arms)
    assert len(arms) == 11
    full = designed(DESIGNS["leave_one_out"], (*ones, *others), pairs)
    assert frozenset(ones) in full.arms and frozenset(others) in full.arms


def test_what_needs_no_choice_is_left_as_it_is() -> None:
    assert designed(DESIGNS["one_at_a_time"], FEATURES, ONE).arms == DESIGNS["one_at_a_time"](FEATURES).arms
    assert designed(all_on, FEATURES, ONE).arms == (frozenset(FEATURES),), "it cannot be built, and is refused with the reason"
    assert designed(partial(only, on=["sgd"]), FEATURES, ONE).arms == (frozenset({"sgd"}),)
    assert designed(partial(bookends, of=["sgd"]), FEATURES, ONE).features == ("sgd",)
    with pytest.raises(
        InputError, match="counting one feature of each exclusive group, features=fractional takes 3 to 15 features, and the study has 2"
    ):
        designed(DESIGNS["fractional"], ("a", "x", "y"), (("x", "y"),))


def test_a_design_counts_one_feature_of_each_group() -> None:
    eight = tuple("abcdefgh")
    with pytest.raises(InputError, match="up to 7 features"):
        designed(DESIGNS["shapley"], eight, ())
    assert len(designed(DESIGNS["shapley"], eight, (("g", "h"),)).arms) == 64 + 2 * 64
    assert "over 8 of the 8 subsets" in designed(DESIGNS["fractional"], ("a", "b", "x", "y"), (("x", "y"),)).meaning


def test_a_study_reports_them(tmp_path: Path) -> None:
    write_function(tmp_path)
    words = (*ASKED, "subject.features=[one,two,three]", "subject.exclusive=[[one,two]]", "seeds=3", "study.name=first")
    ended = in_this_process(tmp_path, *words)
    assert ended.code == 0, ended.err
    # One that is credited from more than two arms stands among those that have an arm of their own.
    of_effects = ended.out.partition("cumulative: effects")[2]
    assert all(re.search(rf"^{name} .*(helps|hurts|open)", of_effects, re.MULTILINE) for name in ("one", "two", "three"))
    table = (tmp_path / "mlruns/studies/first/table.csv").read_text()
    assert "cumulative,one," in table and "cumulative,two," in table
    assert "one or two" in (tmp_path / "mlruns/studies/first/report.md").read_text()


# Groups -------------------------------------------------------------------------------------------------------------------------

GROUPS = {"regularisation": ["mixup", "dropout"]}


def test_a_group_takes_the_place_of_its_first_feature_and_is_the_same_arm(article: dict[str, Feature]) -> None:
    catalogue = Catalogue(article, None, GROUPS)
    assert catalogue.names == ("augmentation", "batch_norm", "residual", "gap", "regularisation", "amsgrad")
    together = catalogue.of(frozenset({"gap", "regularisation"}))
    assert together == Catalogue(article).of(frozenset({"gap", "dropout", "mixup"})), "so its runs are the same"
    assert list(together) == ["gap", "dropout", "mixup"]
    assert Catalogue(article, ["mixup", "gap"], GROUPS).names == ("mixup", "gap"), "without the group, its features stand for themselves"
    assert Catalogue(article, None, GROUPS, [["regularisation", "gap"]]).excluding == (("regularisation", "gap"),)
    assert Catalogue(article, None, GROUPS, [["dropout", "gap"]]).excluding == (("regularisation", "gap"),), "and so for its features"
    assert Catalogue(article, None, GROUPS, [["dropout", "gap"], ["mixup", "gap"]]).excluding == (("regularisation", "gap"),)
    assert Catalogue(article, ["mixup", "gap"], GROUPS, [["regularisation", "gap"]]).excluding == (("mixup", "gap"),)
    assert Catalogue(article, ["mixup", "gap"], {}, [["gap", "dropout"]]).excluding == ()


@pytest.mark.parametrize(
    ("parts", "sentence"),
    [
        ({"groups": {"gap": ["mixup"]}}, "catalogue.groups has 'gap', which is the name of a feature"),
        ({"groups": {"both": "mixup"}}, "catalogue.groups.both must be a list of features, such as [dropout,mixup], not mixup"),
        ({"groups": {"both": ["mixpu"]}}, "catalogue.groups.both names 'mixpu', which is no feature; did you mean 'mixup'?"),
        ({"groups": {"a": ["mixup"], "b": ["mixup"]}}, "catalogue.groups has 'mixup' in 'a' and in 'b'; expected it in one of them"),
        ({"groups": GROUPS, "order": ["regularisation", "mixup"]}, "names 'mixup' and 'regularisation', the group that it is in"),
        ({"exclusive": [["mixup", "gpa"]]}, "catalogue.exclusive has 'gpa', which is no feature; did you mean 'gap'?"),
        ({"exclusive": [["mixup", "dropout"]], "groups": GROUPS}, "has 'mixup' and 'dropout', which 'regularisation' toggles together"),
        ({"exclusive": [["gap", "residual"]], "always": ["gap", "residual"]}, "and 'residual', which catalogue.always gives to every arm"),
        ({"exclusive": [["mixup", "gap"]], "always": ["gap"]}, "has 'gap', which catalogue.always gives to every arm, and 'mixup'"),
        ({"exclusive": [["mixup"]]}, "catalogue.exclusive has the group ['mixup']; expected at least two features in it"),
    ],
)
def test_groups_that_make_no_sense_are_refused(article: dict[str, Feature], parts: dict[str, Any], sentence: str) -> None:
    with pytest.raises(InputError) as error:
        Catalogue(article, **parts)
    assert sentence in str(error.value)


def test_a_study_of_images_takes_groups_and_exclusions() -> None:
    from ablation.configuration import asked_in_words

    words = ["catalogue.groups={regularisation:[dropout,mixup]}", "catalogue.exclusive=[[batch_norm,regularisation]]"]
    study = asked_in_words(["features=fractional", *words]).study
    assert "regularisation" in study.features and "dropout" not in study.features
    assert not [arm for arm in study.arms if {"batch_norm", "regularisation"} <= arm]
    assert not study.designs[0].lost
    as_one = asked_in_words(["features=only", "features.on=[regularisation]", words[0]]).study
    apart = asked_in_words(["features=only", "features.on=[dropout,mixup]"]).study
    assert [trial.key for trial in as_one.trials] == [trial.key for trial in apart.trials], "the same runs"
