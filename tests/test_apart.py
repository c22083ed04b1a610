"""Runs that stand far apart from the others of their arm are named, and none that merely vary."""

from dataclasses import replace

import pytest
from findings import FEATURES, enriched, synthetic

from ablation.designs import BASELINE, Arm, fractional, label
from ablation.report.apart import about_runs_apart
from ablation.report.notes import notes, warnings
from ablation.study.findings import Findings


def with_scores(findings: Findings, scores: dict[tuple[Arm, int], float]) -> Findings:
    """Return the findings with other scores of some runs."""
    changed, runs = findings.scores.copy(), dict(findings.runs)
    for (arm, seed), score in scores.items():
        changed[findings.seeds.index(seed), findings.arms.index(arm)] = score
        runs[arm, seed] = replace(runs[arm, seed], score=score)
    return replace(findings, scores=changed, runs=runs)


def test_a_run_that_never_learned_is_named_with_its_arm_seed_and_score_where_nobody_misses_it() -> None:
    whole = synthetic(fractional(FEATURES))
    arm = whole.arms[5]
    findings = enriched(with_scores(whole, {(arm, 1): 0.1}))
    [sentence] = [each for each in notes(findings) if "stands apart" in each]
    assert sentence in warnings(findings)
    assert sentence.startswith(f"“{label(arm, FEATURES)}”, seed 1, stands apart: 10.0 %, ")
    others = [whole.runs[arm, seed].score for seed in (0, 2)]
    assert f"10.0 %, {100 * (min(others) - 0.1):.1f} points from the nearest run of its arm" in sentence


@pytest.mark.parametrize("seeds", [2, 3, 8])
def test_runs_that_merely_vary_are_not_named(seeds: int) -> None:
    assert list(about_runs_apart(synthetic(fractional(FEATURES), seeds=seeds, noise=0.03))) == []
    assert list(about_runs_apart(synthetic(fractional(FEATURES), seeds=seeds, noise=0.0))) == []


def test_where_too_little_is_known_nothing_is_said() -> None:
    two_runs = with_scores(synthetic(seeds=2), {(BASELINE, 1): 0.1})
    assert list(about_runs_apart(two_runs)) == [], "of two runs either may be the odd one"
    few_arms = synthetic(features=FEATURES[:2], gains=(0.1, 0.1))
    assert len(few_arms.arms) == 3 and list(about_runs_apart(with_scores(few_arms, {(BASELINE, 1): 0.1}))) == []


def test_two_groups_of_runs_are_no_single_ones() -> None:
    findings = synthetic(fractional(FEATURES), seeds=4)
    assert list(about_runs_apart(with_scores(findings, {(BASELINE, 0): 0.1, (BASELINE, 1): 0.101}))) == []


def test_of_many_the_farthest_are_named_and_the_others_counted() -> None:
    findings = synthetic(fractional(FEATURES), seeds=4)
    far = {(arm, 2): 0.1 + 0.01 * place for place, arm in enumerate(findings.arms[:5])}
    *named, more = about_runs_apart(with_scores(findings, far))
    assert len(named) == 3 and more == "So do 2 more runs."
    *named, more = about_runs_apart(with_scores(findings, dict(list(far.items())[:4])))
    assert len(named) == 3 and more == "So does 1 more run."
