"""The arms that may be the best one: they hold it, they shrink as evidence grows, and the report names them."""

import dataclasses

import numpy as np
import pytest
from findings import FEATURES, LOG_LOSS, SECONDS, enriched, synthetic

from ablation import report
from ablation.designs import BASELINE, cumulative, factorial
from ablation.effects import best_arms, contenders
from ablation.study.findings import Findings

FULL = frozenset(FEATURES)


def to_keep(findings: Findings) -> str:
    [sentence] = [each for each in report.answer(findings) if each.startswith("The best ")]
    return sentence


@pytest.mark.parametrize("seeds", [3, 5])
@pytest.mark.parametrize("steep", [1.0, 10.0])
def test_the_best_arm_is_among_the_contenders_in_95_percent(seeds: int, steep: float) -> None:
    random, arms, studies = np.random.default_rng(3), 6, 3000
    spreads = np.sqrt(np.where(np.arange(arms) % 2, steep, 1.0))
    scores = random.normal(0, 3, (studies, seeds, 1)) + random.normal(size=(studies, seeds, arms)) * spreads
    held = contenders(scores).mean(axis=0).min()
    assert held >= 0.95 - 3 * np.sqrt(0.05 * 0.95 / studies)
    apart = contenders(scores + 50.0 * np.arange(arms))
    assert apart[:, -1].all() and apart.sum(axis=1).mean() < 1.2


def test_an_arm_that_is_clearly_worse_is_left_out_whatever_seeds_do_to_all_arms() -> None:
    seeds = np.array([[0.0], [50.0], [-30.0], [7.0]])
    scores = seeds + np.array([[10.0, 9.9, 1.0], [10.2, 10.4, 1.1], [9.9, 10.0, 0.9], [10.1, 9.7, 1.2]])
    found = best_arms(scores)
    assert found is not None and found.contenders == (0, 1) and found.missing == ()
    assert found.difference[1] == pytest.approx(-0.05) and found.difference[0] == 0
    lower = best_arms(-scores, higher_is_better=False)
    assert lower is not None and lower.contenders == (0, 1) and lower.difference[1] == pytest.approx(0.05)


def test_arms_with_too_few_seeds_in_common_are_not_told_apart_and_those_without_a_result_are_named() -> None:
    nan = np.nan
    found = best_arms(np.array([[5.0, 4.0, nan, nan], [5.1, nan, nan, 2.0], [4.9, nan, nan, 2.1], [5.0, nan, nan, 1.9]]))
    assert found is not None and found.contenders == (0, 1) and found.missing == (2,)
    assert best_arms(np.array([[1.0, nan], [1.0, nan]])) is None


def test_an_arm_with_two_seeds_is_left_out_only_where_it_is_far_below() -> None:
    nan = np.nan
    scores = np.array([[5.0, 4.9, 1.0], [5.1, 4.8, 1.2], [4.9, nan, nan], [5.0, nan, nan]])
    found = best_arms(scores)
    assert found is not None and found.contenders == (0, 1)
    two = best_arms(np.array([[1.0, 1.4], [1.1, 1.2]]))
    assert two is not None and two.contenders == (1, 0) and two.seeds_needed is None


def test_differences_of_one_step_that_agree_by_chance_prove_nothing() -> None:
    scores = np.array([[0.90, 0.91], [0.80, 0.81], [0.85, 0.86]])
    exact, rounded = best_arms(scores), best_arms(scores, step=0.01)
    assert exact and exact.contenders == (1,)
    assert rounded and rounded.contenders == (1,)
    coarse = best_arms(scores, step=0.04)
    assert coarse and coarse.contenders == (1, 0)


def test_more_seeds_are_said_to_leave_fewer_arms() -> None:
    random = np.random.default_rng(0)
    found = best_arms(np.arange(8) * 0.5 + random.normal(size=(5, 8)))
    assert found is not None and found.seeds_needed is not None and len(found.contenders) >= 2
    fewest, most = found.seeds_needed
    assert fewest is not None and fewest > 5 and (most is None or most >= fewest)
    equal = best_arms(random.normal(size=(3, 2)) * 1e-3 + [[1, 1], [2, 2], [3, 3]])
    assert equal is not None and (equal.seeds_needed is None or equal.seeds_needed[1] is None)


def test_the_answer_names_the_best_arm_and_what_may_be_as_good_with_the_cheaper_ones_marked() -> None:
    findings = enriched(synthetic(factorial(FEATURES[:4]), features=FEATURES[:4], gains=(0.02, 0.02, -0.01, 0.0), noise=0.02))
    sentence = to_keep(findings)
    means = findings.scores.mean(axis=0)
    assert f": {100 * means.max():.1f} % (mean of 3 runs)" in sentence
    assert "other arms may be as good: “" in sentence and "; and " in sentence and "(cheaper: parameters −5" in sentence
    assert "seeds to leave at most" in sentence
    [table] = report.document(findings, []).candidates
    assert len(table.lines) == 8 and table.foot.startswith("And ") and table.foot.endswith("more arms with worse means.")
    scores = [float(line[table.heads.index("accuracy %")]) for line in table.lines]
    assert scores == sorted(scores, reverse=True) and table.lines[0][table.heads.index("difference")] == "best"


def test_a_best_arm_beyond_noise_stands_alone() -> None:
    findings = enriched(synthetic(cumulative(FEATURES), noise=0.001))
    assert to_keep(findings).endswith("Every other arm is worse beyond noise.")
    assert not report.document(findings, []).candidates


def test_one_seed_names_the_best_arm_and_says_that_it_proves_nothing() -> None:
    assert to_keep(synthetic(seeds=1)).endswith("(one run). It takes three seeds to say which arms are worse.")


def test_an_arm_without_a_result_may_be_better() -> None:
    lost = synthetic(failed=[(FULL, seed) for seed in range(3)])
    assert "“all” has no result and may be better." in to_keep(lost)
    assert "no result" not in to_keep(dataclasses.replace(lost, unfinished=True))


def test_the_lowest_loss_is_the_best() -> None:
    losses = (-0.08, 0.03, 0.02, 0.0, 0.01, 0.01, 0.0)
    findings = synthetic(gains=losses, base=0.34, noise=0.0005, metric=LOG_LOSS, measures=SECONDS)
    assert to_keep(findings).startswith("The best log_loss is that of “augmentation”: 0.26")
    assert BASELINE in findings.arms


def test_very_short_runs_do_not_differ_in_what_they_cost() -> None:
    findings = synthetic(gains=(0.0,) * 7, noise=0.03, measures=SECONDS)
    runs = {key: dataclasses.replace(run, seconds=0.0002 * (2 + len(key[0]))) for key, run in findings.runs.items()}
    assert "may be as good" in to_keep(dataclasses.replace(findings, runs=runs))
    assert "cheaper" not in to_keep(dataclasses.replace(findings, runs=runs))
    slower = {key: dataclasses.replace(run, seconds=2.0 + len(key[0])) for key, run in findings.runs.items()}
    assert "(cheaper: seconds a run −" in to_keep(dataclasses.replace(findings, runs=slower))
