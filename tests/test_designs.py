"""Every design credits features by sound contrasts over few arms."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from functools import cache, partial
from itertools import combinations
from typing import Any

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
    bookends,
    cumulative,
    factorial,
    fractional,
    interaction_rows,
    is_path,
    label,
    lack_of_fit_rows,
    leave_one_out,
    none,
    one_at_a_time,
    only,
    pairs,
    restricted,
    shapley,
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
    ("on", "expected"),
    [
        (None, "features.on=[augmentation]"),
        (["mixupp"], "names 'mixupp', which the catalogue's order does not hold; did you mean 'mixup'?"),
        (["cutout"], f"known: {', '.join(SEVEN)}"),
        (["gap", "gap"], "names 'gap' twice"),
    ],
)
def test_only_names_which_name_is_wrong(on: list[str] | None, expected: str) -> None:
    with pytest.raises(InputError) as error:
        only(SEVEN, on)
    assert expected in str(error.value)


@pytest.mark.parametrize(
    ("on", "expected"),
    [
        ((), "baseline"),
        (("gap",), "gap"),
        (("mixup", "gap"), "gap + mixup"),
        (SEVEN[1:], "all − augmentation"),
        (SEVEN, "all"),
    ],
)
def test_an_arm_is_named_by_what_is_on_in_the_studys_order(on: tuple[str, ...], expected: str) -> None:
    assert label(frozenset(on), SEVEN) == expected


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


# Designs that average over orders -----------------------------------------------------------------------------------------------

Game = Callable[[Arm], float]
LETTERS = tuple("abcdefghijklmno")
AVERAGING: tuple[Callable[[Sequence[str]], Design], ...] = (bookends, fractional, factorial, shapley, partial(shapley, orders=6), pairs)
EXACT_FOR_PAIRS = (bookends, fractional, factorial, shapley, pairs)
counts = st.integers(3, 7)


@cache
def over(make: Callable[[Sequence[str]], Design], count: int) -> Design:
    """Return the design over the first letters, made once."""
    return make(LETTERS[:count])


def random_game(count: int, order: int, seed: int) -> tuple[Game, dict[frozenset[str], float]]:
    """Return a game on the first letters in which groups of up to ``order`` features are worth something together, and what each is."""
    rng = np.random.default_rng(seed)
    groups = [frozenset(group) for size in range(order + 1) for group in combinations(LETTERS[:count], size)]
    worth = {group: float(rng.normal()) for group in groups}
    return lambda arm: sum(value for group, value in worth.items() if group <= arm), worth


def shapley_of(worth: Mapping[frozenset[str], float], feature: str) -> float:
    """Each group shares what it is worth equally."""
    return sum(value / len(group) for group, value in worth.items() if feature in group)


@given(st.sampled_from(AVERAGING), counts)
def test_averaging_designs_weigh_distinct_arms_that_hold_baseline_and_full(make: Make, count: int) -> None:
    design = over(make, count)
    assert len(set(design.arms)) == len(design.arms)
    assert {BASELINE, frozenset(LETTERS[:count])} <= set(design.arms)
    assert (design.contrasts != 0).any(axis=0).all()
    np.testing.assert_allclose(design.contrasts.sum(axis=1), 0, atol=1e-9)
    assert all({arm, reference} <= set(design.arms) for arm, reference in design.references.items())


@given(st.sampled_from([bookends, fractional, factorial, shapley, partial(shapley, orders=6)]), counts)
def test_averaging_designs_but_least_squares_weigh_one_side_to_one(make: Make, count: int) -> None:
    np.testing.assert_allclose(np.maximum(over(make, count).contrasts, 0).sum(axis=1), 1)


@given(st.sampled_from(EXACT_FOR_PAIRS), counts, st.integers(0, 1000))
def test_where_interactions_stop_at_pairs_effects_are_shapley_values(make: Make, count: int, seed: int) -> None:
    game, worth = random_game(count, 2, seed)
    np.testing.assert_allclose(scored(over(make, count), game), [shapley_of(worth, each) for each in LETTERS[:count]], atol=1e-9)


@given(counts, st.integers(0, 1000), st.data())
def test_shapley_values_are_exact_in_any_game_and_share_out_what_the_full_arm_gains(count: int, seed: int, data: st.DataObject) -> None:
    game, worth = random_game(count, count, seed)
    order = data.draw(st.permutations(LETTERS[:count]))
    credited = scored(shapley(order), game)
    np.testing.assert_allclose(credited, [shapley_of(worth, each) for each in order], atol=1e-9)
    assert credited.sum() == pytest.approx(game(frozenset(order)) - game(BASELINE))


@pytest.mark.parametrize("make", [*CREDITING, *EXACT_FOR_PAIRS])
def test_a_design_states_in_which_games_its_effects_are_shapley_values(make: Make) -> None:
    design = make(list("abcde"))
    exact = [
        np.allclose(scored(design, game), [shapley_of(worth, each) for each in design.features])
        for game, worth in (random_game(5, order, 1) for order in (1, 2, 5))
    ]
    assert exact == [True, design.averages is not None, design.averages == "always"]


def test_a_step_or_a_leave_out_is_wrong_already_where_pairs_interact() -> None:
    game, worth = random_game(4, 2, 1)
    true = [shapley_of(worth, each) for each in "abcd"]
    for make in CREDITING:
        assert np.abs(scored(make(list("abcd")), game) - true).max() > 0.1


@pytest.mark.parametrize("make", EXACT_FOR_PAIRS)
def test_unanimity_dummies_and_xor(make: Make) -> None:
    features = list("abcd")
    together = scored(make(features), lambda arm: float({"a", "b"} <= arm))
    np.testing.assert_allclose(together, [0.5, 0.5, 0, 0], atol=1e-9)  # Two share equally, and dummies get nothing.
    either = scored(make(features), lambda arm: float(("a" in arm) != ("b" in arm)))
    np.testing.assert_allclose(either, 0, atol=1e-9)


def test_three_that_are_worth_something_only_together_share_it_in_the_exact_design_alone() -> None:
    def game(arm: Arm) -> float:
        return float({"a", "b", "c"} <= arm)

    np.testing.assert_allclose(scored(shapley("abcde"), game), [1 / 3] * 3 + [0] * 2, atol=1e-9)
    assert np.abs(scored(bookends("abcde"), game) - ([1 / 3] * 3 + [0] * 2)).max() > 0.1


@given(st.sampled_from(EXACT_FOR_PAIRS), counts, st.floats(-2, 2))
def test_what_is_credited_is_linear_in_the_game(make: Make, count: int, factor: float) -> None:
    (one, _), (other, _) = random_game(count, count, 1), random_game(count, count, 2)
    design = over(make, count)
    both = scored(design, lambda arm: one(arm) + factor * other(arm))
    np.testing.assert_allclose(both, scored(design, one) + factor * scored(design, other), atol=1e-9)


# Fractional ---------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("count", range(3, 16))
def test_the_fraction_holds_each_arms_complement_and_confuses_no_pair_with_a_feature(count: int) -> None:
    features = LETTERS[:count]
    design = fractional(features)
    assert len(design.arms) == (8 if count <= 4 else 16 if count <= 8 else 32)
    assert {frozenset(features) - arm for arm in design.arms} == set(design.arms)
    signs = np.array([[1 if feature in arm else -1 for feature in features] for arm in design.arms])
    products = np.array([signs[:, one] * signs[:, other] for one, other in combinations(range(count), 2)])
    assert not (products @ signs).any(), "a pair is aliased with a feature"
    np.testing.assert_array_equal(signs.T @ signs, len(design.arms) * np.eye(count))


@pytest.mark.parametrize("count", range(5, 16))
def test_no_other_such_fraction_confuses_fewer_pairs_with_each_other(count: int) -> None:
    letters = 4 if count <= 8 else 5
    odd = [sum(1 << letter for letter in word) for size in (3, 5) for word in combinations(range(letters), size)]

    def confused(columns: Sequence[int]) -> int:
        alike = Counter(one ^ other for one, other in combinations(columns, 2))
        return sum(many * (many - 1) // 2 for many in alike.values())

    basic = [1 << letter for letter in range(letters)]
    least = min(confused([*basic, *words]) for words in combinations(odd, count - letters))
    groups, _ = interaction_rows(fractional(LETTERS[:count]).arms, LETTERS[:count])
    assert sum(len(group) * (len(group) - 1) // 2 for group in groups) == least


def test_with_a_cumulative_path_over_seven_features_it_makes_twenty_one_arms_which_are_the_fewest() -> None:
    design = fractional(SEVEN)
    assert len(union([cumulative(SEVEN), design])) == 21
    # A third shared arm is all there can be: arms of the fraction that lie on one path differ in three features or more.
    nested = [(one, other) for one, other in combinations(design.arms, 2) if one < other]
    assert min(len(other - one) for one, other in nested) == 3


@pytest.mark.parametrize("count", [2, 16])
def test_too_few_or_too_many_features_for_a_fraction_are_refused(count: int) -> None:
    with pytest.raises(InputError, match=f"takes 3 to 15 features, and the study has {count}; features="):
        fractional([f"f{index}" for index in range(count)])


def test_seven_features_in_sixteen_arms_see_seven_three_way_terms_and_hide_the_others_behind_features() -> None:
    design = fractional(SEVEN)
    spare, seen, hidden = lack_of_fit_rows(design.arms, SEVEN)
    assert spare.shape == (1, 16)
    assert (len(seen), hidden) == (7, 28)
    for triple in combinations(SEVEN, 3):
        # A three-way term of ±1 moves the spare contrast or an effect, and not both.
        def game(arm: Arm, triple: tuple[str, ...] = triple) -> float:
            return float(np.prod([1 if feature in arm else -1 for feature in triple]))

        moved = abs((spare @ [game(arm) for arm in design.arms])[0]) > 1e-9
        assert moved == (triple in seen)
        assert (np.abs(scored(design, game)).max() > 1e-9) != moved


# Sampled orders -----------------------------------------------------------------------------------------------------------------


def test_more_orders_reuse_the_arms_of_fewer_and_none_is_drawn_anew() -> None:
    few, more = shapley(LETTERS[:9], 4), shapley(LETTERS[:9], 8)
    assert set(few.arms) < set(more.arms)
    assert shapley(LETTERS[:9], 4).arms == few.arms
    assert len(few.arms) <= 4 * 8 + 2


def test_two_orders_are_one_and_its_reverse() -> None:
    design = shapley("abc", 2)
    path = [arm for arm in design.arms if len(arm) == 1]
    assert len(path) == 2, "the first of an order and the first of its reverse"
    assert {frozenset("abc") - arm for arm in design.arms} == set(design.arms)


def test_many_orders_come_near_the_exact_value() -> None:
    game, worth = random_game(6, 6, 3)
    true = np.array([shapley_of(worth, each) for each in LETTERS[:6]])
    far, near = (np.abs(scored(shapley(LETTERS[:6], orders), game) - true).mean() for orders in (4, 400))
    assert near < far / 3


@pytest.mark.parametrize("orders", [1, 3, 0, -2, 2.0, True, "4"])
def test_orders_come_in_pairs(orders: Any) -> None:
    with pytest.raises(InputError, match="features.orders must be an even number"):
        shapley("abc", orders)


def test_designs_that_would_take_too_many_arms_name_another_way() -> None:
    with pytest.raises(InputError, match=r"has 8; sample some orders of adding them, for instance features.orders=10"):
        shapley(LETTERS[:8])
    with pytest.raises(InputError, match=r"2,048 subsets; features=fractional"):
        factorial(LETTERS[:11])
    with pytest.raises(InputError, match="takes 2 to 10 features, and the study has 1"):
        pairs("a")


# Pairs of features --------------------------------------------------------------------------------------------------------------


@given(st.sampled_from([factorial, shapley, pairs]), counts, st.integers(0, 1000))
def test_designs_that_resolve_pairs_tell_what_each_is_worth(make: Make, count: int, seed: int) -> None:
    game, worth = random_game(count, 2, seed)
    design = over(make, count)
    groups, rows = interaction_rows(design.arms, design.features)
    assert groups == tuple(((one, other),) for one, other in combinations(LETTERS[:count], 2))
    estimated = rows @ [game(arm) for arm in design.arms]
    np.testing.assert_allclose(estimated, [worth[frozenset(group[0])] for group in groups], atol=1e-8)


@pytest.mark.parametrize("count", [5, 7, 12])
def test_a_fraction_tells_the_sum_over_an_alias_group(count: int) -> None:
    game, worth = random_game(count, 2, 5)
    design = fractional(LETTERS[:count])
    groups, rows = interaction_rows(design.arms, design.features)
    assert sorted(pair for group in groups for pair in group) == list(combinations(LETTERS[:count], 2))
    estimated = rows @ [game(arm) for arm in design.arms]
    np.testing.assert_allclose(estimated, [sum(worth[frozenset(pair)] for pair in group) for group in groups], atol=1e-9)


@pytest.mark.parametrize("make", [cumulative, leave_one_out, one_at_a_time, bookends, none, all_on])
def test_designs_with_too_few_arms_say_nothing_of_pairs(make: Make) -> None:
    design = make(list("abcdef"))
    groups, rows = interaction_rows(design.arms, tuple("abcdef"))
    assert groups == ()
    assert len(rows) == 0


def test_forty_arms_resolve_seven_features_and_twenty_one_pairs_evenly() -> None:
    design = pairs(SEVEN)
    assert len(design.arms) == 40
    groups, rows = interaction_rows(design.arms, SEVEN)
    assert len(groups) == 21
    # At most so much more than the 4 σ² / arms of an effect, and 16 σ² / arms of a pair, that no 40 arms can go below.
    assert (design.contrasts**2).sum(axis=1).max() < 1.3 * 4 / 40
    assert (rows**2).sum(axis=1).max() < 1.3 * 16 / 40
    assert pairs(SEVEN).arms == design.arms


# Arms that cannot be --------------------------------------------------------------------------------------------------------------


def not_both(arm: Arm) -> bool:
    return not {"a", "b"} <= arm


@pytest.mark.parametrize("make", [factorial, shapley, partial(shapley, orders=8), pairs])
def test_without_some_arms_designs_of_many_still_credit_features_that_only_add(make: Make) -> None:
    left = restricted(make(list("abcde")), not_both)
    assert left.features == tuple("abcde")
    assert all(not_both(arm) for arm in left.arms)
    assert left.excluded
    assert not any(not_both(arm) for arm in left.excluded)
    np.testing.assert_allclose(scored(left, lambda arm: sum("abcde".index(each) + 1.0 for each in arm)), [1, 2, 3, 4, 5], atol=1e-9)
    assert len(left.lost) == 1
    assert left.lost[0].startswith(f"{left.name} lacks “a + b”")


def test_without_some_arms_a_path_stops_crediting_what_needs_them() -> None:
    left = restricted(cumulative("cadb"), lambda arm: arm != frozenset("cad"))
    assert left.features == ("c", "a")
    assert left.arms == (BASELINE, frozenset("c"), frozenset("ca"))
    assert left.lost == ("cumulative lacks “all − b”: the effects of d and b cannot be estimated.",)
    assert set(left.references) == {frozenset("c"), frozenset("ca")}


def test_a_design_whose_arms_can_all_be_stays_as_it_is() -> None:
    design = fractional(SEVEN)
    assert restricted(design, lambda arm: True) is design
