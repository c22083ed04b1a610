"""Effects: estimates, intervals and verdicts are those of a paired t test over seeds, and claim no more than the seeds allow."""

import gc
from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import stats
from statsmodels.stats.multitest import multipletests

from ablation import effects
from ablation.designs import cumulative, leave_one_out
from ablation.effects import Effects, describe, holm, mean_and_sd, paired, seeds_to_resolve, verdicts

NAN = float("nan")
STEPS = cumulative("abcdefg").contrasts
THREE_STEPS = cumulative("abc").contrasts
DIFFERENCE = np.array([[1.0, -1.0]])

some = settings(max_examples=30)

# Multiples of 1/1024, so that shifting and doubling them is exact, and so are verdicts.
dyadic = st.integers(0, 1024).map(lambda whole: whole / 1024)
score_arrays = st.integers(1, 6).flatmap(lambda seeds: arrays(float, (seeds, 4), elements=dyadic))
# Arms that differ by many times what seeds do, so that verdicts are of all kinds.
clear_arrays = st.builds(np.add, score_arrays, arrays(float, (1, 4), elements=st.sampled_from([0.0, 8.0, 64.0])))


@pytest.fixture(scope="module", autouse=True)
def _frozen_heap() -> Iterator[None]:
    # statsmodels collects garbage at each call, which takes long where Keras is loaded.
    gc.freeze()
    yield
    gc.unfreeze()


def noisy(seeds: int, seed: int = 0, spread: float = 0.01) -> np.ndarray:
    """Make scores of the arms of a cumulative design over seven features."""
    return np.linspace(0.5, 0.8, 8) + np.random.default_rng(seed).normal(0, spread, (seeds, 8))


def of_differences(*differences: float, smallest: float = 0.005) -> Effects:
    """Return the one effect whose contrast is ``differences``, seed by seed."""
    return paired(np.array([[difference, 0.0] for difference in differences]), DIFFERENCE, smallest)


def same(one: Effects, other: Effects) -> None:
    for name in ("estimate", "low", "high", "p", "p_holm", "seeds", "seeds_needed", "per_seed"):
        np.testing.assert_array_equal(getattr(one, name), getattr(other, name), err_msg=name)
    assert one.verdict == other.verdict


# The paired t test --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seeds", [2, 3, 10])
def test_estimates_are_those_of_a_paired_t_test(seeds: int) -> None:
    scores = noisy(seeds)
    found = paired(scores, STEPS, 0.005)
    for row in range(7):
        test = stats.ttest_rel(scores[:, row + 1], scores[:, row])
        interval = test.confidence_interval(0.95)
        assert found.estimate[row] == pytest.approx(np.mean(scores[:, row + 1] - scores[:, row]))
        assert found.p[row] == pytest.approx(test.pvalue)
        assert (found.low[row], found.high[row]) == pytest.approx((interval.low, interval.high))
    assert found.seeds.tolist() == [seeds] * 7
    assert found.per_seed.shape == (seeds, 7)


def test_contrasts_of_many_arms_are_tested_seed_by_seed() -> None:
    scores = noisy(4)
    weights = np.array([[0.25, -0.25] * 4])
    found = paired(scores, weights, 0.005)
    test = stats.ttest_1samp(scores @ weights[0], 0)
    assert found.estimate[0] == pytest.approx((scores @ weights[0]).mean())
    assert found.p[0] == pytest.approx(test.pvalue)


def test_pairing_takes_out_what_a_seed_does_to_all_arms() -> None:
    scores = noisy(3, spread=0.001)
    apart = paired(scores + np.array([[0.0], [0.1], [-0.2]]), STEPS, 0.005)
    np.testing.assert_allclose(apart.low, paired(scores, STEPS, 0.005).low)


def test_a_95_percent_interval_covers_the_truth_in_95_of_100_studies() -> None:
    studies, truth = 2000, 0.01
    rng = np.random.default_rng(11)
    contrasts = np.zeros((studies, studies + 1))
    contrasts[:, 0], contrasts[np.arange(studies), np.arange(studies) + 1] = -1, 1
    for seeds in (2, 3, 5):
        # Each study with its own difference; arm 0 scores 0, so that studies are independent.
        scores = np.hstack([np.zeros((seeds, 1)), rng.normal(truth, 0.02, (seeds, studies))])
        found = paired(scores, contrasts, np.inf)
        covered = np.mean((found.low <= truth) & (truth <= found.high))
        assert 0.935 < covered < 0.965, f"{seeds} seeds"


def test_without_any_effect_few_studies_claim_one() -> None:
    rng, studies = np.random.default_rng(3), 400
    claims = sum(
        any(verdict in ("helps", "hurts") for verdict in paired(rng.normal(0.5, 0.01, (5, 8)), STEPS, np.inf).verdict)
        for _ in range(studies)
    )
    # Holm keeps it below 5 %: 20 of 400, and by chance hardly ever more than 32.
    assert claims <= 32


# Holm ---------------------------------------------------------------------------------------------------------------------------


def test_holm_by_hand() -> None:
    # Sorted 0.01 0.03 0.04 times 3 2 1 is 0.03 0.06 0.04; none may be below one before it.
    np.testing.assert_allclose(holm(np.array([0.04, 0.01, 0.03])), [0.06, 0.03, 0.06])
    np.testing.assert_allclose(holm(np.array([0.6, 0.5])), [1.0, 1.0])


@given(arrays(float, st.integers(1, 12), elements=st.floats(0, 1)))
def test_holm_is_that_of_statsmodels(p: np.ndarray) -> None:
    np.testing.assert_allclose(holm(p), multipletests(p, method="holm")[1])


def test_what_cannot_be_tested_does_not_count_towards_the_family() -> None:
    np.testing.assert_allclose(holm(np.array([0.04, NAN, 0.01])), [0.04, NAN, 0.02])
    assert np.isnan(holm(np.array([NAN, NAN]))).all()
    assert holm(np.array([])).shape == (0,)


def test_verdicts_of_a_design_are_adjusted_for_its_number_of_features() -> None:
    scores = noisy(6, spread=0.02)
    alone, family = paired(scores[:, :2], STEPS[:1, :2], 0.005), paired(scores, STEPS, 0.005)
    assert family.p[0] == pytest.approx(alone.p[0])
    np.testing.assert_allclose(family.p_holm, multipletests(family.p, method="holm")[1])


# Verdicts -----------------------------------------------------------------------------------------------------------------------


def verdict(
    estimate: float = 0.01,
    low: float = -1.0,
    high: float = 1.0,
    p_holm: float = 0.5,
    within: bool = False,
    seeds: int = 3,
    higher_is_better: bool = True,
) -> str:
    one = np.array
    return verdicts(one([estimate]), one([low]), one([high]), one([p_holm]), one([within]), one([seeds]), higher_is_better)[0]


@pytest.mark.parametrize(
    ("known", "expected"),
    [
        ({"p_holm": 0.049, "low": 0.001, "within": True}, "helps"),
        ({"p_holm": 0.049, "high": -0.001, "estimate": -0.01, "within": True}, "hurts"),
        ({"p_holm": 0.05, "low": 0.001, "within": True}, "probably helps"),
        ({"p_holm": 0.05, "high": -0.001, "estimate": -0.01, "within": True}, "probably hurts"),
        ({"within": True}, "negligible"),
        ({}, "open"),
        ({"seeds": 2, "p_holm": 0.001, "low": 0.001, "within": True}, "no verdict"),
        ({"seeds": 1, "p_holm": NAN, "low": NAN, "high": NAN}, "no verdict"),
        ({"seeds": 0, "p_holm": NAN, "low": NAN, "high": NAN, "estimate": NAN}, "no estimate"),
    ],
)
def test_the_first_verdict_that_holds_is_given(known: dict[str, float], expected: str) -> None:
    assert verdict(**known) == expected


@pytest.mark.parametrize(
    ("known", "expected"),
    [
        ({"p_holm": 0.049, "low": 0.001}, "hurts"),
        ({"p_holm": 0.049, "high": -0.001, "estimate": -0.01}, "helps"),
        ({"p_holm": 0.05, "low": 0.001}, "probably hurts"),
        ({"p_holm": 0.05, "high": -0.001, "estimate": -0.01}, "probably helps"),
        ({"within": True}, "negligible"),
        ({}, "open"),
        ({"seeds": 0, "p_holm": NAN, "low": NAN, "high": NAN, "estimate": NAN}, "no estimate"),
    ],
)
def test_where_lower_is_better_an_effect_below_zero_helps(known: dict[str, float], expected: str) -> None:
    assert verdict(**known, higher_is_better=False) == expected


def test_one_seed_gives_numbers_only() -> None:
    found = of_differences(0.2)
    assert found.estimate[0] == pytest.approx(0.2)
    assert np.isnan([found.low[0], found.high[0], found.p[0], found.p_holm[0]]).all()
    assert found.verdict == ("no verdict",)


def test_two_seeds_give_an_interval_and_no_verdict_however_clear() -> None:
    found = of_differences(0.2, 0.2001)
    assert 0 < found.low[0] < 0.2 < found.high[0]
    assert found.verdict == ("no verdict",)


@pytest.mark.parametrize(
    ("differences", "expected"),
    [
        ((0.100, 0.101, 0.102), "helps"),
        ((-0.100, -0.101, -0.102), "hurts"),
        ((0.001, -0.001, 0.0), "negligible"),
        ((0.01, -0.02, 0.03), "open"),
        ((0.2, 0.2, 0.2), "helps"),
        ((0.0, 0.0, 0.0), "negligible"),
    ],
)
def test_three_seeds_give_a_verdict(differences: tuple[float, ...], expected: str) -> None:
    assert of_differences(*differences).verdict == (expected,)


def test_what_only_the_unadjusted_interval_tells_is_probable() -> None:
    # One difference with p = 0.02 among seven features: 0.14 after Holm.
    scores = np.zeros((3, 8))
    scores[:, 1:] = np.array([[0.02], [0.03], [0.025]])
    scores[:, 2:] += np.array([[0.2], [-0.1], [0.05]]) * np.arange(1, 7) ** 2
    found = paired(scores, STEPS, 0.005)
    assert found.p[0] < 0.05 < found.p_holm[0]
    assert found.verdict[0] == "probably helps"


def test_an_effect_of_exactly_zero_in_every_seed_is_no_evidence() -> None:
    found = of_differences(0.0, 0.0, 0.0)
    assert (found.low[0], found.high[0], found.p[0]) == (0, 0, 1)
    assert found.seeds_needed.tolist() == [[0, 0]]


def test_what_is_negligible_depends_on_the_smallest_effect_of_interest() -> None:
    differences = (0.01, -0.02, 0.03, 0.0)
    assert of_differences(*differences, smallest=0.01).verdict == ("open",)
    assert of_differences(*differences, smallest=0.10).verdict == ("negligible",)


@pytest.mark.parametrize(
    ("verdict", "needed", "words"),
    [
        ("open", (0, 0), "open"),
        ("open", (8, 40), "open; 8 to 40 seeds needed"),
        ("open", (8, 8), "open; 8 seeds needed"),
        ("open", (101, 101), "open; over 100 seeds needed"),
        ("probably helps", (0, 0), "probably helps"),
    ],
)
def test_a_reader_sees_how_many_seeds_would_settle_an_open_effect(verdict: str, needed: tuple[int, int], words: str) -> None:
    assert describe(verdict, needed) == words


# Missing runs -------------------------------------------------------------------------------------------------------------------


def test_a_missing_run_costs_its_own_contrasts_and_its_own_seed_only() -> None:
    scores = noisy(4)
    missing = scores.copy()
    missing[2, 3] = NAN
    whole, found = paired(scores, STEPS, 0.005), paired(missing, STEPS, 0.005)
    assert found.seeds.tolist() == [4, 4, 3, 3, 4, 4, 4]
    untouched = [0, 1, 4, 5, 6]
    np.testing.assert_array_equal(found.low[untouched], whole.low[untouched])
    without = paired(np.delete(scores, 2, axis=0), STEPS, 0.005)
    np.testing.assert_allclose(found.estimate[2:4], without.estimate[2:4])
    np.testing.assert_allclose(found.p[2:4], without.p[2:4])
    assert np.isnan(found.per_seed[2, 2:4]).all()
    assert np.isnan(found.per_seed).sum() == 2


def test_an_arm_that_never_finished_leaves_nothing_to_estimate_beside_it() -> None:
    scores = noisy(3)
    scores[:, 0] = NAN
    found = paired(scores, STEPS, 0.005)
    assert np.isnan([found.estimate[0], found.low[0], found.p[0], found.p_holm[0]]).all()
    assert found.verdict[0] == "no estimate"
    assert np.isfinite(found.estimate[1:]).all()
    np.testing.assert_allclose(found.p_holm[1:], multipletests(found.p[1:], method="holm")[1])


def test_the_full_arm_missing_costs_leave_one_out_a_seed_of_everything() -> None:
    design = leave_one_out("abc")
    scores = np.random.default_rng(1).normal(0.5, 0.1, (3, 4))
    scores[0, design.arms.index(frozenset("abc"))] = NAN
    assert paired(scores, design.contrasts, 0.005).seeds.tolist() == [2, 2, 2]


def test_no_contrasts_and_no_finished_run_are_no_error() -> None:
    assert paired(np.full((3, 1), 0.5), np.zeros((0, 1)), 0.005).verdict == ()
    assert paired(np.full((3, 2), NAN), DIFFERENCE, 0.005).verdict == ("no estimate",)


# Seeds that would resolve an effect -----------------------------------------------------------------------------------------------


def needed(size: float, spread: float, seeds: int = 3, smallest: float = 0.0, level: float = 0.05) -> tuple[int, int]:
    """Return the range for an effect whose contrast has this standard deviation between seeds."""
    return seeds_to_resolve(size, spread / np.sqrt(seeds), seeds - 1, seeds, smallest, level)


@some
@given(st.floats(0.001, 0.1), st.floats(0.01, 0.1), st.floats(1, 4))
def test_a_larger_effect_or_a_laxer_level_never_needs_more_seeds(size: float, spread: float, factor: float) -> None:
    for other in (needed(size * factor, spread), needed(size, spread, level=min(0.05 * factor, 0.9))):
        one = needed(size, spread)
        if one[1] and other[1]:
            assert other[0] <= one[0]
            assert other[1] <= one[1]


def test_the_range_holds_the_seeds_with_which_the_estimated_effect_has_80_percent_power() -> None:
    size, spread, level = 0.05, 0.03, 0.05 / 7
    fewest, most = needed(size, spread, level=level)

    def power(seeds: int) -> float:
        critical = stats.t.ppf(1 - level / 2, seeds - 1)
        return float(stats.nct.sf(critical, seeds - 1, size / spread * np.sqrt(seeds)))

    enough = next(seeds for seeds in range(3, 100) if power(seeds) >= 0.8)
    assert 3 < fewest < enough < most <= 100


def test_where_the_seeds_cannot_say_how_many_more_are_needed_nothing_is_said() -> None:
    assert needed(0.0, 0.03) == (0, 0)
    assert needed(0.003, 0.03) == needed(0.02, 0.03) == (0, 0)
    assert needed(0.0, 0.0) == (0, 0)


def test_a_small_effect_of_many_seeds_needs_more_than_anyone_has() -> None:
    fewest, most = needed(0.001, 0.03, seeds=40)
    assert min(fewest, most) > 100


def test_what_is_near_zero_resolves_as_negligible_where_the_band_is_wide_enough() -> None:
    fewest, most = needed(0.001, 0.03, seeds=10, smallest=0.05)
    assert 10 < fewest <= most <= 100
    assert needed(0.001, 0.03, seeds=10, smallest=0.001) == (0, 0)


def test_only_unresolved_effects_state_what_they_need_and_it_is_more_than_they_have() -> None:
    stated = 0
    for seed in range(20):
        found = paired(noisy(3, seed, spread=0.03), STEPS, 0.005)
        for word, seeds, (fewest, most) in zip(found.verdict, found.seeds, found.seeds_needed, strict=True):
            assert (most == 0 or seeds < fewest <= most) if word == effects.OPEN else (most == 0)
            stated += most > 0
    assert stated


# Units --------------------------------------------------------------------------------------------------------------------------


@some
@given(score_arrays, arrays(float, (6, 1), elements=dyadic))
def test_adding_to_all_scores_of_a_seed_changes_nothing(scores: np.ndarray, shift: np.ndarray) -> None:
    same(paired(scores + shift[: len(scores)], THREE_STEPS, 1 / 64), paired(scores, THREE_STEPS, 1 / 64))


@some
@given(score_arrays)
def test_in_other_units_everything_is_said_in_those_units(scores: np.ndarray) -> None:
    one, other = paired(scores, THREE_STEPS, 1 / 64), paired(128 * scores, THREE_STEPS, 2)
    for name in ("estimate", "low", "high", "per_seed"):
        np.testing.assert_array_equal(getattr(other, name), 128 * getattr(one, name))
    for name in ("p", "p_holm", "seeds", "seeds_needed"):
        np.testing.assert_array_equal(getattr(other, name), getattr(one, name))
    assert other.verdict == one.verdict


@some
@given(clear_arrays)
def test_turned_round_what_helps_hurts(scores: np.ndarray) -> None:
    one, other = paired(scores, THREE_STEPS, 1 / 64), paired(1 - scores, THREE_STEPS, 1 / 64)
    np.testing.assert_array_equal(other.estimate, -one.estimate)
    np.testing.assert_array_equal(other.low, -one.high)
    turned = [each.replace("helps", "HURTS").replace("hurts", "helps").lower() for each in one.verdict]
    assert list(other.verdict) == turned


@some
@given(clear_arrays)
def test_negated_scores_where_lower_is_better_give_the_same_verdicts(scores: np.ndarray) -> None:
    one, other = paired(scores, THREE_STEPS, 1 / 64), paired(-scores, THREE_STEPS, 1 / 64, higher_is_better=False)
    assert other.verdict == one.verdict
    np.testing.assert_array_equal(other.estimate, -one.estimate)
    np.testing.assert_array_equal(other.per_seed, -one.per_seed)
    np.testing.assert_array_equal((other.low, other.high), (-one.high, -one.low))
    np.testing.assert_array_equal((other.low_simultaneous, other.high_simultaneous), (-one.high_simultaneous, -one.low_simultaneous))
    for name in ("p", "p_holm", "seeds", "seeds_needed", "error", "freedom"):
        np.testing.assert_array_equal(getattr(other, name), getattr(one, name), err_msg=name)


@some
@given(clear_arrays)
def test_the_direction_changes_only_the_words(scores: np.ndarray) -> None:
    one, other = (paired(scores, THREE_STEPS, 1 / 64, higher_is_better=higher) for higher in (True, False))
    np.testing.assert_array_equal(other.estimate, one.estimate)
    np.testing.assert_array_equal(other.low, one.low)
    assert list(other.verdict) == [each.replace("helps", "HURTS").replace("hurts", "helps").lower() for each in one.verdict]


def test_means_and_deviations_skip_missing_runs() -> None:
    scores = np.array([[0.5, 0.6, NAN], [0.7, NAN, NAN]])
    mean, sd = mean_and_sd(scores)
    np.testing.assert_allclose(mean, [0.6, 0.6, NAN])
    np.testing.assert_allclose(sd, [np.sqrt(0.02), NAN, NAN])
