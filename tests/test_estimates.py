"""Estimates of balanced designs, pairs, fit, order, noise and seeds: right against oracles, by hand and in many made-up studies."""

from collections.abc import Collection
from dataclasses import replace
from functools import cache
from itertools import combinations

import numpy as np
import pytest
from benchmarks import simulation
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from ablation.designs import (
    BASELINE,
    Arm,
    Design,
    bookends,
    cumulative,
    factorial,
    fractional,
    interaction_rows,
    leave_one_out,
    none,
    one_at_a_time,
    pairs,
    restricted,
    shapley,
    union,
)
from ablation.effects import (
    detectable,
    estimate,
    interactions,
    lack_of_fit,
    order_dependence,
    residuals,
    stein,
)
from ablation.effects.layout import Complete, Incomplete, layout
from ablation.images.noise import noise

SEVEN = tuple("abcdefg")
SIX, FOUR = SEVEN[:6], SEVEN[:4]
NAN = float("nan")
SMALLEST = 0.005
STUDIES = 2000

fraction = fractional(SEVEN)
few = settings(max_examples=25)


def made(design: Design, seeds: int = 3, noise: float = 0.01, seed: int = 0) -> np.ndarray:
    """Make scores up: features add 1, 2, 3 … points, a and b together 5 more, and a seed shifts all arms."""
    rng = np.random.default_rng(seed)
    means = [0.5 + sum(0.01 * (1 + "abcdefghij".index(each)) for each in arm) + 0.05 * ({"a", "b"} <= arm) for arm in design.arms]
    return np.array(means) + rng.normal(0, 0.05, (seeds, 1)) + rng.normal(0, noise, (seeds, len(design.arms)))


def true_effects(features: Collection[str]) -> list[float]:
    return [0.01 * (1 + "abcdefghij".index(each)) + 0.025 * (each in "ab") for each in features]


def least_squares(scores: np.ndarray, contrasts: np.ndarray) -> np.ndarray:
    """Fit arms and seeds with numpy alone."""
    seeds, arms = scores.shape
    row, column = np.nonzero(~np.isnan(scores))
    columns = np.zeros((len(row), arms + seeds))
    columns[np.arange(len(row)), column] = columns[np.arange(len(row)), arms + row] = 1
    solved = np.linalg.lstsq(columns, scores[row, column], rcond=None)[0]
    return np.asarray(contrasts @ solved[:arms])


# Shapley values and pair interactions, against another implementation --------------------------------------------------------------


def test_shapley_values_and_pair_interactions_are_those_of_shapiq() -> None:
    from shapiq.game_theory.exact import ExactComputer

    rng = np.random.default_rng(0)
    for game in range(50):
        count = 3 + game % 5
        features, players = SEVEN[:count], range(count)
        design = shapley(features)
        worth = dict(zip(design.arms, rng.normal(size=len(design.arms)), strict=True))

        def value(coalitions: np.ndarray, features: tuple[str, ...] = features, worth: dict[Arm, float] = worth) -> np.ndarray:
            rows = np.atleast_2d(coalitions)
            return np.array([worth[frozenset(each for each, on in zip(features, row, strict=True) if on)] for row in rows])

        oracle, scores = ExactComputer(value, n_players=count), np.array(list(worth.values()))
        values, index = oracle("SV", 1), oracle("SII", 2)
        np.testing.assert_allclose(design.contrasts @ scores, [values[(player,)] for player in players], atol=1e-9)
        groups, rows = interaction_rows(design.arms, features)
        expected = [index[tuple(features.index(each) for each in group[0])] for group in groups]
        np.testing.assert_allclose(rows @ scores, expected, atol=1e-9)


# Balanced designs -----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("make", [fractional, factorial, shapley, pairs])
def test_a_balanced_estimate_is_the_contrast_of_the_arms_means(make: type) -> None:
    design = make(FOUR)
    scores = made(design)
    found = estimate(design, scores, SMALLEST)
    np.testing.assert_allclose(found.estimate, design.contrasts @ scores.mean(axis=0))
    np.testing.assert_allclose(found.per_seed, scores @ design.contrasts.T)
    assert found.lost == ()
    assert found.seeds.tolist() == [3] * 4


def test_with_equal_weights_its_error_is_that_of_an_analysis_of_variance() -> None:
    scores = made(fraction)
    left = scores - scores.mean(axis=0) - scores.mean(axis=1, keepdims=True) + scores.mean()
    mean_square = (left**2).sum() / (2 * 15)
    found = residuals(scores).moments(fraction.contrasts)
    # An arm whose variance comes out negative counts as zero, so the error may be larger by a little.
    plain = np.sqrt(mean_square * (fraction.contrasts[0] ** 2).sum() / 3)
    assert (found.error >= plain - 1e-12).all()
    assert (found.error < 1.1 * plain).all()
    assert ((found.freedom >= 2) & (found.freedom <= 30)).all()


@pytest.mark.parametrize("design", [fraction, factorial(FOUR), pairs(FOUR), shapley(SEVEN, 10)])
def test_errors_add_what_effects_vary_between_seeds_beyond_what_arms_predict(design: Design) -> None:
    more = fewer = 0
    for seed in range(20):
        scores = made(design, 4, noise=0.03, seed=seed)
        found, predicted = estimate(design, scores, SMALLEST), residuals(scores).moments(design.contrasts).error ** 2
        own = np.array([stats.ttest_1samp(scores @ row, 0).statistic for row in design.contrasts])
        own = (design.contrasts @ scores.mean(axis=0) / own) ** 2
        excess = (own - predicted).mean()
        if found.error[~found.varies].max(initial=0) ** 2 > 4 * own.mean():
            continue
        alike = np.flatnonzero(~found.varies)
        if excess > 0:
            more += 1
            np.testing.assert_allclose(found.error[alike] ** 2, predicted[alike] + excess, rtol=1e-9)
        else:
            fewer += 1
            assert (found.error[alike] ** 2 <= predicted[alike] + 1e-12).all()
        np.testing.assert_allclose(found.error[found.varies] ** 2, own[found.varies], rtol=1e-9)
        assert (found.freedom[found.varies] == pytest.approx(3)) or not found.varies.any()
    assert more
    assert fewer


def test_what_a_seed_does_to_all_arms_does_not_matter() -> None:
    scores = made(fraction)
    one, other = (estimate(fraction, each, SMALLEST) for each in (scores, scores + np.array([[1.0], [-2.0], [7.0]])))
    np.testing.assert_allclose(one.low, other.low, atol=1e-9)


def test_an_arm_that_varies_much_widens_the_intervals_and_takes_degrees_of_freedom() -> None:
    scores = made(fraction)
    wild = scores.copy()
    wild[:, 4] += [0.3, -0.3, 0.0]
    calm, found = estimate(fraction, scores, SMALLEST), estimate(fraction, wild, SMALLEST)
    assert (found.high - found.low > 3 * (calm.high - calm.low)).all()
    assert (residuals(wild).moments(fraction.contrasts).freedom < 4).all()


def test_simultaneous_intervals_are_wider_and_exclude_zero_where_the_smallest_p_is_clear() -> None:
    for seed in range(10):
        found = estimate(fraction, made(fraction, noise=0.03, seed=seed), SMALLEST)
        # They are equal where the feature's own differences between seeds are what makes an interval wide.
        assert (found.low_simultaneous <= found.low).all()
        assert (found.high_simultaneous >= found.high).all()
        assert (found.low_simultaneous < found.low).any()
        excludes = (found.low_simultaneous > 0) | (found.high_simultaneous < 0)
        assert not (excludes & (found.p >= 0.05)).any()
        assert all(word in ("helps", "hurts") for word, clear in zip(found.verdict, excludes, strict=True) if clear)


def test_one_seed_gives_numbers_without_errors_and_two_no_verdict() -> None:
    one, two = (estimate(fraction, made(fraction, seeds), SMALLEST) for seeds in (1, 2))
    assert np.isfinite(one.estimate).all()
    assert np.isnan(one.error).all()
    assert np.isfinite(two.low).all()
    assert set(one.verdict) == set(two.verdict) == {"no verdict"}


@pytest.mark.parametrize("design", [cumulative(FOUR), bookends(FOUR), fractional(FOUR), pairs(FOUR), shapley(FOUR, 2)])
@pytest.mark.parametrize("missing", [False, True])
@pytest.mark.parametrize("pilot", [None, 3])
def test_negated_scores_where_lower_is_better_give_the_same_verdicts(design: Design, missing: bool, pilot: int | None) -> None:
    scores = made(design, 6, noise=0.02) - [0.06 * ("c" in arm) for arm in design.arms]
    if missing:
        scores[0, 2] = NAN
        scores[:, -2] = NAN
    one = estimate(design, scores, SMALLEST, pilot, 0.001)
    other = estimate(design, -scores, SMALLEST, pilot, 0.001, higher_is_better=False)
    assert other.verdict == one.verdict
    np.testing.assert_allclose(other.estimate, -one.estimate, atol=1e-12)
    np.testing.assert_allclose((other.low, other.high), (-one.high, -one.low), atol=1e-12)
    np.testing.assert_allclose(other.p_holm, one.p_holm, atol=1e-9)


def test_the_verdicts_of_a_latency_by_hand() -> None:
    """Two caches save 20 and 0 ms, and a check costs 5 ms; scores are seconds."""
    design = leave_one_out(["cache", "idle", "check"])
    worth = {"cache": -0.020, "idle": 0.0, "check": 0.005}
    noise = np.random.default_rng(3).normal(0, 0.0002, (8, len(design.arms)))
    scores = 0.120 + np.array([sum(worth[each] for each in arm) for arm in design.arms]) + noise
    found = estimate(design, scores, 0.001, higher_is_better=False)
    np.testing.assert_allclose(found.estimate, [-0.020, 0.0, 0.005], atol=0.0005)
    assert found.verdict == ("helps", "negligible", "hurts")


# Missing runs -----------------------------------------------------------------------------------------------------------------------


@few
@given(st.integers(0, 10**6), st.sampled_from([fraction, pairs(FOUR), shapley(FOUR)]))
def test_with_runs_missing_estimates_are_least_squares_of_arms_and_seeds(seed: int, design: Design) -> None:
    rng = np.random.default_rng(seed)
    scores = made(design, 4, seed=seed)
    scores[rng.integers(0, 4, 5), rng.permutation(len(design.arms))[:5]] = NAN
    found = estimate(design, scores, SMALLEST)
    np.testing.assert_allclose(found.estimate, least_squares(scores, design.contrasts), atol=1e-9)
    assert np.isfinite(found.error).all()
    assert found.lost[0].startswith(f"{design.name}: {np.isnan(scores).sum()} of {scores.size} runs are missing")


def test_with_runs_missing_variances_and_errors_are_right_on_average() -> None:
    rng, spreads = np.random.default_rng(4), np.linspace(0.2, 2, 16)
    scores = rng.normal(size=(20_000, 4, 16)) * spreads
    scores[:, [0, 1, 2, 0], [3, 3, 7, 9]] = NAN
    fit = residuals(scores)
    np.testing.assert_allclose(fit.variance.mean(axis=0), spreads**2, rtol=0.05, atol=0.02)
    moments = fit.moments(fraction.contrasts)
    # Variances below zero count as zero, which makes errors a little larger.
    ratio = (moments.error**2).mean(axis=0) / moments.estimate.var(axis=0)
    assert ((ratio > 0.98) & (ratio < 1.05)).all()
    covered = (np.abs(moments.estimate) <= moments.half_width(0.95)).mean(axis=0)
    assert ((covered > 0.94) & (covered < 0.965)).all()


@pytest.mark.parametrize(("seeds", "arms", "absent"), [(2, 2, 0), (5, 2, 0), (4, 3, 1), (3, 16, 0), (6, 16, 2), (1, 4, 0), (4, 1, 0)])
def test_a_complete_table_s_closed_form_is_what_the_general_way_finds(seeds: int, arms: int, absent: int) -> None:
    rng = np.random.default_rng(seeds * arms)
    scores = rng.normal(size=(7, seeds + 1, arms + absent)) * rng.uniform(0.2, 2, arms + absent)
    scores[:, :, arms:] = scores[:, 1, :] = NAN
    closed, general = layout(~np.isnan(scores[0])), Incomplete.of(~np.isnan(scores[0]))
    assert isinstance(closed, Complete) and (closed.freedom, closed.runs.tolist()) == (general.freedom, general.runs.tolist())
    rows = rng.normal(size=(5, arms + absent))
    rows[:, arms:] = 0
    rows -= (np.arange(arms + absent) < arms) * rows.sum(axis=1, keepdims=True) / arms
    if absent:
        rows[0, -1] = rows[1, 0] = 1.0  # neither an absent arm's worth nor a sum over arms is known
    assert closed.estimable(rows).tolist() == general.estimable(rows).tolist()
    known = rows[closed.estimable(rows)]
    for one, other in zip(closed.fit(scores), general.fit(scores), strict=True):
        np.testing.assert_allclose(one, other, atol=1e-9)
    squares = (closed.fit(scores)[1] ** 2).sum(axis=-2)
    np.testing.assert_allclose(closed.variances(squares), general.variances(squares), atol=1e-9)
    np.testing.assert_allclose(closed.loads(known), general.loads(known), atol=1e-9)
    if seeds > 1 and arms > 1:
        np.testing.assert_allclose(closed.own(known), general.own(known), atol=1e-9)


def test_thousands_of_seeds_are_no_trouble_and_one_that_lacks_a_run_is_left_out() -> None:
    scores = made(fraction, seeds=6000)
    all_there = estimate(fraction, scores, SMALLEST)
    np.testing.assert_allclose(all_there.estimate, true_effects(SEVEN), atol=1e-3)
    scores[10, 3] = NAN
    found = estimate(fraction, scores, SMALLEST)
    assert found.lost == ("fractional: 1 of 96000 runs are missing; its effects are fitted to the 5999 seeds that lack none.",)
    assert set(found.seeds) == {5999}
    np.testing.assert_allclose(found.error, estimate(fraction, np.delete(scores, 10, axis=0), SMALLEST).error)


@settings(max_examples=60)
@given(st.lists(st.tuples(st.integers(0, 2), st.integers(0, 20)), min_size=3, max_size=3, unique=True))
def test_with_any_three_of_sixty_three_runs_failed_what_can_be_estimated_is(failed: list[tuple[int, int]]) -> None:
    path = cumulative(SEVEN)
    arms = union([path, fraction])
    scores = np.full((3, 21), NAN)
    for design in (path, fraction):
        scores[:, [arms.index(arm) for arm in design.arms]] = made(design, noise=0.0)
    for run in failed:
        scores[run] = NAN
    without = [arm for column, arm in enumerate(arms) if np.isnan(scores[:, column]).all()]
    stepwise, averaged = (estimate(each, scores[:, [arms.index(arm) for arm in each.arms]], SMALLEST) for each in (path, fraction))
    # A step needs a seed with both of its arms.
    for row, (before, after) in enumerate(zip(path.arms, path.arms[1:], strict=False)):
        both = ~np.isnan(scores[:, [arms.index(before), arms.index(after)]]).any(axis=1)
        assert np.isfinite(stepwise.estimate[row]) == both.any()
        assert stepwise.seeds[row] == both.sum()
    # Sixteen arms have one to spare. Interactions stop at pairs here, so nothing changes without it.
    np.testing.assert_allclose(averaged.estimate, true_effects(SEVEN), atol=1e-9)
    assert any("interactions that stop at pairs" in sentence for sentence in averaged.lost) == bool(set(without) & set(fraction.arms))


def test_with_two_arms_lost_the_fraction_says_which_effects_are_lost_with_them() -> None:
    scores = made(fraction, noise=0.0)
    scores[:, [2, 5]] = NAN
    found = estimate(fraction, scores, SMALLEST)
    lost = np.isnan(found.estimate)
    assert 0 < lost.sum() < 7
    np.testing.assert_allclose(found.estimate[~lost], np.array(true_effects(SEVEN))[~lost], atol=1e-9)
    assert [verdict == "no estimate" for verdict in found.verdict] == lost.tolist()
    sentences = [sentence for sentence in found.lost if "cannot be estimated" in sentence]
    assert len(sentences) == 1
    assert all(feature in sentences[0] for feature, gone in zip(SEVEN, lost, strict=True) if gone)


def test_runs_that_no_seed_connects_give_no_estimate() -> None:
    design = factorial("a")
    scores = np.array([[0.5, NAN], [NAN, 0.7], [0.4, NAN]])
    assert np.isnan(estimate(design, scores, SMALLEST).estimate).all()
    assert np.isnan(estimate(design, np.full((3, 2), NAN), SMALLEST).estimate).all()


# Pairs and lack of fit ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("make", [pairs, shapley, factorial])
def test_the_pair_that_interacts_is_found_and_the_others_are_not(make: type) -> None:
    design = make(SEVEN[:5])
    found = interactions(design, made(design, 5, noise=0.002))
    assert found is not None
    [row] = np.flatnonzero(found.p_holm < 0.001)
    assert found.pairs[row] == (("a", "b"),)
    assert found.low[row] < 0.05 < found.high[row]
    assert np.abs(np.delete(found.estimate, row)).max() < 0.01


def test_the_fraction_finds_its_alias_group() -> None:
    found = interactions(fraction, made(fraction, 5, noise=0.002))
    assert found is not None
    [row] = np.flatnonzero(found.p_holm < 0.001)
    assert ("a", "b") in found.pairs[row]
    assert len(found.pairs[row]) == 3
    assert sorted(pair for group in found.pairs for pair in group) == list(combinations(SEVEN, 2))


@pytest.mark.parametrize("design", [cumulative(SEVEN), none(SEVEN), bookends(SEVEN)])
def test_designs_that_do_not_resolve_pairs_say_nothing_of_them(design: Design) -> None:
    assert interactions(design, made(design)) is None


def test_without_an_arm_to_spare_or_a_variance_nothing_is_said_of_the_fit() -> None:
    for design in (cumulative(SEVEN), leave_one_out(SEVEN), none(SEVEN), fractional(FOUR)):
        assert lack_of_fit(design, made(design)) is None
    assert lack_of_fit(fraction, made(fraction, 1)) is None


def test_the_spare_column_is_tested_by_its_own_t() -> None:
    scores = made(fraction)
    found = lack_of_fit(fraction, scores)
    assert found is not None
    signs = np.array([[1 if feature in arm else -1 for feature in found.terms[0]] for arm in fraction.arms]).prod(axis=1)
    alone = residuals(scores).moments(signs[None, :] / 8)
    assert found.statistic == pytest.approx((alone.estimate[0] / alone.error[0]) ** 2)
    assert found.p == pytest.approx(alone.p[0])
    assert found.freedom == pytest.approx((1, alone.freedom[0]))
    assert (len(found.terms), found.hidden) == (7, 28)


def test_a_three_way_term_shows_where_arms_are_to_spare() -> None:
    for design in (pairs(SEVEN[:5]), shapley(SEVEN[:5]), factorial(FOUR)):
        scores = made(design, 5, noise=0.01)
        fits = lack_of_fit(design, scores)
        together = lack_of_fit(design, scores + 0.2 * np.array([{"a", "c", "d"} <= arm for arm in design.arms]))
        assert fits is not None
        assert together is not None
        assert together.p < 0.001 < fits.p
        assert fits.hidden == 0


# Order dependence ------------------------------------------------------------------------------------------------------------------


def in_one(designs: list[Design], seeds: int = 3, noise: float = 0.01) -> tuple[tuple[Arm, ...], np.ndarray]:
    arms = union(designs)
    return arms, made(replace(designs[0], arms=arms), seeds, noise)


def test_effects_stand_side_by_side_and_those_that_depend_on_the_order_are_marked() -> None:
    designs = [cumulative(FOUR), bookends(FOUR)]
    arms, scores = in_one(designs, 5, noise=0.0005)
    found = order_dependence(FOUR, arms, scores, designs)
    assert found is not None
    # a and b gain 5 points together: whichever comes last has them, and each half of them on average.
    near = {"atol": 0.002}
    np.testing.assert_allclose(found.first, [0.01, 0.02, 0.03, 0.04], **near)
    np.testing.assert_allclose(found.chosen, [0.01, 0.07, 0.03, 0.04], **near)
    np.testing.assert_allclose(found.last, [0.06, 0.07, 0.03, 0.04], **near)
    np.testing.assert_allclose(found.shapley, [0.035, 0.045, 0.03, 0.04], **near)
    assert found.differs.tolist() == [True, True, False, False]
    assert (found.last_error > 0).all()


def test_what_the_arms_do_not_tell_is_left_open() -> None:
    designs = [cumulative(SEVEN), fraction]
    found = order_dependence(SEVEN, *in_one(designs), designs)
    assert found is not None
    assert np.isfinite(found.chosen).all()
    assert np.isfinite(found.shapley).all()
    assert np.isfinite(found.first).tolist() == [True] + [False] * 6
    assert np.isnan(found.last_error).tolist() == [True] * 6 + [False]


def test_one_kind_of_effect_is_no_order_dependence() -> None:
    for design in (leave_one_out(FOUR), one_at_a_time(FOUR), cumulative(FOUR), fractional(FOUR), none(FOUR)):
        assert order_dependence(FOUR, *in_one([design]), [design]) is None
    assert order_dependence(("a",), (BASELINE, frozenset("a")), np.full((3, 2), 0.5), [cumulative("a")]) is None


@pytest.mark.parametrize(
    ("designs", "chosen"),
    [
        ([bookends(SIX), fractional(SIX), pairs(SIX)], 2),
        ([bookends(SIX), fractional(SIX)], 1),
        ([pairs(SIX), shapley(SIX, 2)], 1),
        ([pairs(SIX), replace(bookends(SIX), name="mine", averages="always")], 1),
    ],
)
def test_of_designs_that_average_over_orders_the_one_that_assumes_least_is_shown(designs: list[Design], chosen: int) -> None:
    designs = [cumulative(SIX), *designs]
    arms, scores = in_one(designs)
    found = order_dependence(SIX, arms, scores, designs)
    assert found is not None
    own = designs[1 + chosen]
    expected = estimate(own, scores[:, [arms.index(arm) for arm in own.arms]], SMALLEST)
    np.testing.assert_array_equal(found.shapley, expected.estimate)
    np.testing.assert_array_equal(found.shapley_error, expected.error)


def test_features_that_only_add_are_hardly_ever_marked() -> None:
    designs = [cumulative(FOUR), bookends(FOUR)]
    arms, rng = union(designs), np.random.default_rng(2)
    marked = sum(
        bool(found.differs.any())
        for _ in range(200)
        if (found := order_dependence(FOUR, arms, rng.normal(0.5, 0.01, (4, len(arms))), designs))
    )
    assert marked <= 20  # 5 % of 200 at most, and by chance hardly ever more than 20.


# Sources of noise ----------------------------------------------------------------------------------------------------------------------


def made_up(
    rng: np.random.Generator, skill: float, difficulty: float, taste: float, images: int = 500
) -> tuple[np.ndarray, tuple[float, float, float]]:
    """Return which images made-up runs get right, ``(6 seeds, 60 arms, images)``, and the variances from which they were drawn.

    The chance of a hit is 0.5 plus a uniform part of these widths for each seed, for each image, and for each seed with each image.
    """
    widths = ((skill, (6, 60, 1)), (difficulty, (1, 60, images)), (taste, (6, 60, images)))
    parts = [rng.uniform(-width, width, shape) for width, shape in widths]
    chance = 0.5 + parts[0] + parts[1] + parts[2]
    seed, image = skill**2 / 3, difficulty**2 / 3
    return rng.random(chance.shape) < chance, (seed, (0.25 - seed - image) / images, image / images)


@pytest.mark.parametrize(("skill", "difficulty", "taste"), [(0.1, 0.3, 0.1), (0.02, 0.4, 0.0), (0.1, 0.0, 0.3), (0.0, 0.2, 0.3)])
def test_three_sources_of_noise_are_found_as_they_were_made(skill: float, difficulty: float, taste: float) -> None:
    correct, made = made_up(np.random.default_rng(0), skill, difficulty, taste)
    found = noise(correct, np.ones(correct.shape[:2], dtype=bool), same_images=True)
    np.testing.assert_allclose([found.seed**2, found.seed_by_image**2, found.image**2], made, rtol=0.15, atol=5e-5)
    # What a reader gets by the binomial formula from one score.
    assert found.binomial == pytest.approx(0.5 / np.sqrt(500), rel=0.03)


def test_more_images_shrink_all_but_the_seeds_part_and_narrow_intervals() -> None:
    rng = np.random.default_rng(3)
    few, many = (noise(made_up(rng, 0.05, 0.3, 0.1, images)[0], np.ones((6, 60), dtype=bool), same_images=True) for images in (200, 3200))
    assert many.seed == pytest.approx(few.seed, rel=0.2)
    assert many.image == pytest.approx(few.image / 4, rel=0.1)
    assert many.seed_by_image == pytest.approx(few.seed_by_image / 4, rel=0.1)
    assert many.narrower < 0.1 < few.narrower


def test_with_images_of_its_own_a_seeds_spread_is_what_the_images_leave() -> None:
    rng = np.random.default_rng(1)
    correct = rng.random((8, 60, 500)) < (0.7 + rng.normal(0, 0.03, (8, 60, 1)))
    found = noise(correct, np.ones((8, 60), dtype=bool), same_images=False)
    assert found.image == found.binomial == pytest.approx(np.sqrt(0.7 * 0.3 / 500), rel=0.05)
    assert found.seed == pytest.approx(0.03, rel=0.15)
    assert found.seed_by_image is None


def test_runs_that_did_not_finish_and_single_seeds_count_for_what_they_are() -> None:
    rng = np.random.default_rng(2)
    correct = rng.random((3, 4, 200)) < 0.8
    finished = np.ones((3, 4), dtype=bool)
    finished[1, 2] = False
    garbled = correct.copy()
    garbled[1, 2] = ~garbled[1, 2]
    assert noise(correct, finished, True) == noise(garbled, finished, True)
    alone = noise(correct[:1], finished[:1], True)
    assert np.isnan(alone.seed)
    assert alone.image == pytest.approx(np.sqrt(0.8 * 0.2 / 200), rel=0.2)


# Stein's rule ---------------------------------------------------------------------------------------------------------------------------


def test_the_arithmetic_of_steins_rule_by_hand() -> None:
    design = cumulative("ab")
    scores = np.array([[0.50, 0.52, 0.60], [0.50, 0.53, 0.58], [0.50, 0.54, 0.62]])
    found = stein([estimate(design, scores, SMALLEST)], 0.01, 200)
    sd = np.array([[0.02, 0.03, 0.04], [0.08, 0.05, 0.08]]).std(axis=1, ddof=1)
    needed = np.ceil((stats.t.ppf(0.975, 2) * sd / 0.01) ** 2)
    np.testing.assert_allclose(found.pilot_sd, sd)
    assert found.needed.tolist() == needed.tolist()
    assert (found.total, found.met) == (needed.max(), True)
    assert (found.wanted, found.pilot_seeds, found.most) == (0.01, 3, 200)
    assert found.half_width.max() <= 0.01
    capped = stein([estimate(design, scores, SMALLEST)], 0.01, 20)
    assert (capped.total, capped.met) == (20, False)
    np.testing.assert_allclose(capped.half_width, stats.t.ppf(0.975, 2) * sd / np.sqrt(20))


def test_the_decision_looks_at_no_effect_and_asks_for_what_the_hungriest_feature_needs() -> None:
    scores = made(fraction, noise=0.02)
    shifted = scores + np.array([0.3 * len(arm) for arm in fraction.arms])
    one, other = (stein([estimate(fraction, each, SMALLEST)], 0.01, 100) for each in (scores, shifted))
    np.testing.assert_array_equal(one.needed, other.needed)
    assert one.total == one.needed.max() >= 3
    both = stein([estimate(cumulative(SEVEN), made(cumulative(SEVEN)), SMALLEST), estimate(fraction, scores, SMALLEST)], 0.01, 10**6)
    assert len(both.needed) == 14
    assert both.total == both.needed.max()


@pytest.mark.parametrize("design", [cumulative(SEVEN), fraction])
def test_after_a_pilot_the_interval_is_as_wide_as_the_pilot_says_and_centred_on_all_seeds(design: Design) -> None:
    scores = made(design, 12)
    pilot, found = estimate(design, scores[:3], SMALLEST), estimate(design, scores, SMALLEST, pilot=3)
    np.testing.assert_allclose(found.estimate, design.contrasts @ scores.mean(axis=0))
    np.testing.assert_allclose(found.error, pilot.error * np.sqrt(3 / 12))
    np.testing.assert_allclose(found.freedom, pilot.freedom)
    precision = stein([pilot], 0.01, 12)
    reached = precision.half_width * np.sqrt(precision.total / 12)
    np.testing.assert_allclose((found.high - found.low) / 2, reached)


# Many made-up studies: tolerances are three Monte-Carlo standard errors --------------------------------------------------------------

MONTE_CARLO = 3 * np.sqrt(0.05 * 0.95 / STUDIES)


@cache
def simulated(name: str) -> Design:
    return simulation.DESIGNS[name]()


@pytest.mark.parametrize("seeds", [3, 10])
@pytest.mark.parametrize("situation", simulation.SITUATIONS)
@pytest.mark.parametrize("name", ["cumulative", "fractional", "pairs", "shapley, 10 orders"])
def test_intervals_cover_and_few_studies_without_effects_claim_one(name: str, situation: str, seeds: int) -> None:
    found = simulation.coverage(simulated(name), seeds, simulation.SITUATIONS[situation], STUDIES, np.random.default_rng(1))
    assert found.covered.min() >= 0.945 - MONTE_CARLO
    assert situation != "as assumed" or found.covered.max() <= 0.98 + MONTE_CARLO
    assert found.claims <= 0.05 + MONTE_CARLO


@pytest.mark.parametrize("effects", ["one", "one, others have effects"])
@pytest.mark.parametrize("name", ["fractional", "pairs"])
def test_a_single_feature_that_varies_between_seeds_is_covered_and_makes_few_false_claims(name: str, effects: str) -> None:
    design, situation = simulated(name), simulation.VARYING[effects]
    for seeds in (3, 10):
        found = simulation.coverage(design, seeds, situation, STUDIES, np.random.default_rng(1))
        assert found.covered[situation.rows(design)].min() >= 0.90
        assert found.claims <= (0.085 if situation.effects else 0.07) + MONTE_CARLO


@pytest.mark.parametrize("spreads", [simulation.equal, simulation.unequal])
@pytest.mark.parametrize("name", ["cumulative", "fractional"])
def test_steins_rule_covers_and_meets_the_precision_where_its_cap_does_not_bind(name: str, spreads: type) -> None:
    design = simulated(name)
    for most in (20, 10**9):
        found = simulation.stein(design, 1.0, most, spreads(design), STUDIES, np.random.default_rng(2))
        assert found.covered >= 0.945 - MONTE_CARLO
        assert found.widest <= 1.0 + 1e-9
    assert found.met == 1.0


def test_the_lack_of_fit_test_has_its_rate_and_power_and_is_blind_to_what_it_cannot_see() -> None:
    rng = np.random.default_rng(3)
    found = lack_of_fit(fraction, made(fraction))
    assert found is not None
    seen = found.terms[0]
    hidden = next(triple for triple in combinations(SEVEN, 3) if triple not in found.terms)
    for seeds in (3, 5):
        assert simulation.misfit_rate(fraction, None, 0.0, seeds, STUDIES, rng) <= 0.05 + MONTE_CARLO
        assert simulation.misfit_rate(fraction, hidden, 1.0, seeds, STUDIES, rng) <= 0.05 + MONTE_CARLO
        power = simulation.computed_power(fraction, 0.25, seeds)
        assert simulation.misfit_rate(fraction, seen, 0.25, seeds, STUDIES, rng) == pytest.approx(power, abs=0.06)


def test_the_test_of_many_spare_arms_keeps_its_rate() -> None:
    design = simulated("pairs")
    rate = simulation.misfit_rate(design, None, 0.0, 3, STUDIES, np.random.default_rng(4))
    assert 0.02 < rate <= 0.05 + MONTE_CARLO


def test_a_fraction_needs_less_than_half_of_the_runs_of_a_path() -> None:
    rng = np.random.default_rng(5)
    runs = {
        name: len(simulated(name).arms) * simulation.seeds_until(simulated(name), 0.6, 500, rng) for name in ("cumulative", "fractional")
    }
    assert runs["fractional"] < 0.5 * runs["cumulative"]
    assert (
        simulation.power(simulated("fractional"), 3, 1.0, STUDIES, rng)
        > 0.5
        > 0.1
        > simulation.power(simulated("cumulative"), 3, 1.0, STUDIES, rng)
    )


def test_a_design_without_some_features_still_knows_that_its_arms_have_them() -> None:
    left = restricted(pairs(FOUR), lambda arm: not {"a", "b"} <= arm)
    without_c = replace(left, features=tuple("abd"), contrasts=left.contrasts[[0, 1, 3]])
    scores = np.array([[sum("abcd".index(each) + 1.0 for each in arm) for arm in left.arms]] * 3)
    scores[:, left.arms.index(frozenset("cd"))] = NAN
    found = estimate(without_c, scores, SMALLEST)
    known = ~np.isnan(found.estimate)
    np.testing.assert_allclose(found.estimate[known], np.array([1.0, 2.0, 4.0])[known], atol=1e-9)
    assert known.any()
    assert any("“d + c”" in sentence for sentence in found.lost)


@pytest.mark.parametrize("missing", [False, True])
@pytest.mark.parametrize("name", ["fractional", "pairs", "shapley, 10 orders"])
def test_the_feature_that_varies_between_seeds_takes_its_own_error_and_is_marked(name: str, missing: bool) -> None:
    design, seeds = simulated(name), 10
    scores = made(design, seeds) + 0.1 * np.random.default_rng(3).normal(size=(seeds, 1)) * [float("d" in arm) for arm in design.arms]
    if missing:
        scores[[0, 4], [2, 5]] = NAN
    found = estimate(design, scores, SMALLEST)
    assert found.varies[SEVEN.index("d")]
    assert found.varies.sum() <= 2
    assert found.error[SEVEN.index("d")] > 3 * np.median(found.error)
    if not missing:
        test = stats.ttest_1samp(found.per_seed[:, SEVEN.index("d")], 0)
        interval = test.confidence_interval(0.95)
        assert (found.low[SEVEN.index("d")], found.high[SEVEN.index("d")]) == pytest.approx((interval.low, interval.high), abs=1e-9)
        assert found.p[SEVEN.index("d")] == pytest.approx(test.pvalue, abs=1e-9)


def test_where_all_effects_vary_they_share_an_error_that_is_that_of_their_own_differences() -> None:
    scores = made(fraction, 10, noise=1e-6) + 0.1 * np.random.default_rng(3).normal(size=(10, 7)) @ np.array(
        [[float(feature in arm) for arm in fraction.arms] for feature in SEVEN]
    )
    found = estimate(fraction, scores, SMALLEST)
    own = found.per_seed.std(axis=0, ddof=1) / np.sqrt(10)
    shared = ~found.varies
    # The noise of single runs is nothing here, but seen through the arms it holds half of what the features do.
    np.testing.assert_allclose(found.error[shared], np.sqrt((own**2).mean()), rtol=1e-6)
    assert found.freedom[shared] == pytest.approx(7 * 9, rel=0.35)


@pytest.mark.parametrize("design", [fraction, pairs(FOUR), shapley(SEVEN, 10)])
def test_no_interval_is_narrower_than_the_feature_own_differences_allow(design: Design) -> None:
    for seed in range(10):
        found = estimate(design, made(design, 3, noise=0.03, seed=seed), SMALLEST)
        own = stats.t.ppf(0.95, 2) * found.per_seed.std(axis=0, ddof=1) / np.sqrt(3)
        assert (found.high - found.low >= 2 * own - 1e-9).all()
        excludes = (found.low > 0) | (found.high < 0)
        np.testing.assert_array_equal(excludes, found.p < 0.05)
        assert all(clear for clear, word in zip(excludes.tolist(), found.verdict, strict=True) if word in ("helps", "hurts"))


@pytest.mark.parametrize("name", ["cumulative", "bookends", "fractional", "pairs"])
def test_the_smallest_effect_that_is_found_with_80_percent_power_is(name: str) -> None:
    design, rng = simulated(name), np.random.default_rng(6)
    for seeds in (3, 5):
        found = simulation.power(design, seeds, detectable(design, seeds), STUDIES, rng)
        assert found == pytest.approx(0.8, abs=0.05)
    assert np.isnan(detectable(design, 2))


def test_equal_differences_of_whole_images_are_no_proof() -> None:
    """Three seeds that differ by the same two of 200 images, by chance."""
    scores = np.array([[0.80, 0.81], [0.82, 0.83], [0.79, 0.80]])
    sure, rounded = (estimate(cumulative(["a"]), scores, 0.0, step=step) for step in (0.0, 1 / 200))
    assert sure.high[0] - sure.low[0] < 1e-9
    assert rounded.high[0] - rounded.low[0] > 0.005
    assert rounded.estimate[0] == pytest.approx(0.01)
