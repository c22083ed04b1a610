"""The tables hold the numbers of the study, and the notes say what a reader must know beside them."""

import csv
import dataclasses
import io
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from findings import FEATURES, GAINS, INTERVALS, LOG_LOSS, LONG, LONG_GAINS, PROTOCOL, SECONDS, enriched, synthetic
from rich.console import Console

from ablation import report
from ablation.designs import (
    BASELINE,
    Design,
    all_on,
    cumulative,
    factorial,
    fractional,
    lack_of_fit_rows,
    leave_one_out,
    none,
    one_at_a_time,
    only,
    shapley,
)
from ablation.report.prospects import prospects
from ablation.report.tables import design_table, tables
from ablation.report.terminal import console_table
from ablation.study.findings import Findings
from ablation.study.metric import Measure, Metric
from ablation.wording import human

FULL = frozenset(FEATURES)
FOURTH = frozenset(FEATURES[:4])
NO_FOURTH = [(FOURTH, seed) for seed in range(3)]


def records(findings: Findings) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(report.csv(findings))))


def printed(findings: Findings, design_index: int = 0, width: int = 100) -> str:
    console = Console(width=width, file=io.StringIO(), color_system=None)
    console.print(console_table(findings, design_index))
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def noted(findings: Findings, part: str) -> list[str]:
    return [note for note in report.notes(findings) if part in note]


def test_a_cumulative_row_is_an_arm_with_the_step_that_leads_to_it() -> None:
    findings = synthetic()
    table = report.rows(findings, 0)
    assert [row.step for row in table] == ["baseline", *(f"+ {feature}" for feature in FEATURES)]
    means = [row.measured.score for row in table if row.measured]
    assert means == pytest.approx(findings.scores.mean(axis=0))
    assert table[0].credit is None
    steps = [row.credit.effect for row in table if row.credit]
    assert steps == pytest.approx(np.diff(means))


def test_leave_one_out_shows_the_full_arm_first_and_credits_what_it_loses() -> None:
    findings = synthetic(leave_one_out(FEATURES))
    table = report.rows(findings, 0)
    assert [row.step for row in table] == ["all", *(f"all − {feature}" for feature in FEATURES)]
    full = table[0].measured
    assert full is not None
    for row in table[1:]:
        assert row.measured and row.credit and row.credit.effect == pytest.approx(full.score - row.measured.score)


def test_one_at_a_time_shows_the_baseline_and_each_feature_alone() -> None:
    table = report.rows(synthetic(one_at_a_time(FEATURES)), 0)
    assert [row.step for row in table] == ["baseline", *FEATURES]
    assert [row.credit.feature for row in table if row.credit] == list(FEATURES)


@pytest.mark.parametrize(("design", "step"), [(none(FEATURES), "baseline"), (all_on(FEATURES), "all"), (only(FEATURES, ["gap"]), "gap")])
def test_a_design_of_one_arm_has_one_row_and_no_columns_for_effects(design: Design, step: str) -> None:
    findings = synthetic(design)
    table = report.rows(findings, 0)
    assert [(row.step, row.credit) for row in table] == [(step, None)]
    assert "effect" not in printed(findings) and "verdict" not in report.markdown(findings)


def test_a_feature_credited_from_many_arms_follows_them_on_a_row_of_its_own() -> None:
    a, b = frozenset("a"), frozenset("b")
    contrasts = np.array([[-0.5, 0.5, -0.5, 0.5], [-0.5, -0.5, 0.5, 0.5]])
    findings = synthetic(Design("factorial", ("a", "b"), (BASELINE, a, b, a | b), contrasts), features=("a", "b"), gains=(0.1, 0.2))
    table = report.rows(findings, 0)
    assert [(row.step, row.measured is None, row.credit is None) for row in table[-3:]] == [
        ("all", False, True),
        ("a", True, False),
        ("b", True, False),
    ]
    assert next(line for line in printed(findings).splitlines() if line.startswith("b ")).endswith("3")


def test_of_many_arms_a_report_shows_the_ends_the_worst_and_the_best_and_says_so() -> None:
    findings = synthetic(factorial(FEATURES[:6]), features=FEATURES[:6], gains=GAINS[:6], seeds=3)
    arms = next(table for table in tables(findings) if table.title == "factorial: arms")
    every = [line[0] for line in design_table(findings, 0).lines[:64]]
    shown = [line[0] for line in arms.lines]
    assert "Of 64 arms" in arms.lead and len(shown) == 32
    assert {"baseline", "all", "dropout", "all − dropout"} <= set(shown), "the ends, the worst and the best"
    assert [name for name in every if name in shown] == shown


def test_the_seeds_that_an_open_effect_needs_stand_in_a_column_of_their_own() -> None:
    findings = synthetic(cumulative(FEATURES), seeds=6, noise=0.03)
    whole, effects = design_table(findings, 0), findings.effects[0]
    place, needed = whole.heads.index("seeds needed"), dict(zip(FEATURES, effects.seeds_needed.tolist(), strict=True))
    shown = {line[0].removeprefix("+ "): line[place] for line in whole.lines}
    assert shown.pop("baseline") == ""
    assert shown == {feature: f"{fewest} to {most}" if most else "" for feature, (fewest, most) in needed.items()} and any(shown.values())
    assert "Seeds needed: " in whole.foot and whole.foot.partition(":")[0] in printed(findings)
    written = {row["feature"]: (row["seeds_needed_low"], row["seeds_needed_high"]) for row in records(findings) if row["feature"]}
    assert written == {feature: (str(fewest or ""), str(most or "")) for feature, (fewest, most) in needed.items()}
    assert "seeds needed" not in design_table(synthetic(noise=0.001), 0).heads


def test_percentages_have_two_decimals_for_one_seed_and_one_where_seeds_spread() -> None:
    one, three = report.markdown(synthetic(seeds=1)), report.markdown(synthetic(noise=0.02))
    score = 100 * synthetic(seeds=1).scores[0, 0]
    assert f"| baseline | {score:.2f} |" in one
    scores = 100 * synthetic(noise=0.02).scores[:, 0]
    assert f"| baseline | {scores.mean():.1f} ± {scores.std(ddof=1):.1f} |" in three


def test_costs_stand_beside_every_effect() -> None:
    line = next(line for line in report.markdown(synthetic()).splitlines() if line.startswith("| + residual"))
    assert line.endswith("| 876,234 | 15.3 M | 0.19 | 3 |")


@pytest.mark.parametrize(("seeds", "noise"), [(1, 0.01), (3, 0.02), (3, 0.001), (10, 0.01)])
def test_the_console_table_fits_120_columns_with_its_numbers_whole(seeds: int, noise: float) -> None:
    findings = synthetic(leave_one_out(LONG), features=LONG, gains=LONG_GAINS, seeds=seeds, noise=noise, test_scores=True)
    shown = printed(findings, width=120)
    assert all(len(line) <= 120 for line in shown.splitlines())
    whole = design_table(findings, 0)
    for line in whole.lines:
        for head, cell in zip(whole.heads, line, strict=True):
            assert head in ("arm", "verdict") or cell.split(" ± ")[0] in shown, f"{head}: {cell}"
    last = [line.split()[-1] for line in shown.splitlines() if "1,978,442" in line]
    assert last == [str(seeds)] * len(last) and len(last) > 5
    assert "…" not in shown


def test_a_failed_arm_has_no_result_and_costs_both_its_steps() -> None:
    findings = synthetic(failed=[*NO_FOURTH, (BASELINE, 1)])
    shown = report.markdown(findings)
    assert "| + gap | no result |  |  | no estimate |" in shown
    assert "| 2/3 |" in next(line for line in shown.splitlines() if line.startswith("| baseline"))
    assert noted(findings, "gap or dropout") == [
        "cumulative: no seed finished every arm that the effect of gap or dropout needs, so it cannot be estimated."
    ]
    assert noted(findings, "rests on 2 of 3 seeds")
    assert noted(findings, "Arm “baseline”, seed 1, did not finish: ResourceExhaustedError: out of memory while allocating a tensor")


def test_many_failures_and_long_messages_are_cut_short() -> None:
    designs = (cumulative(FEATURES), leave_one_out(FEATURES), one_at_a_time(FEATURES))
    arms = synthetic(*designs).arms
    findings = synthetic(*designs, failed=[(arm, seed) for arm in arms for seed in range(3)])
    assert len(noted(findings, "seeds 0, 1 and 2, did not finish")) == 10 and noted(findings, "30 more runs did not finish.")
    endless = dataclasses.replace(findings, failures=(dataclasses.replace(findings.failures[0], message="word " * 1000),))
    assert len(noted(endless, "did not finish")[0]) < 300


def test_a_step_that_changes_the_size_of_the_network_is_noted() -> None:
    findings = synthetic(cumulative(FEATURES), leave_one_out(FEATURES))
    assert noted(findings, "the parameters by") == [
        "residual: the step also changes the parameters by −56 % (1,984,074 → 876,234); its effect mixes both.",
        "residual: turning it on (leave_one_out) also changes the parameters by −56 % (1,963,594 → 855,754); its effect mixes both.",
    ]


def test_few_seeds_are_called_few() -> None:
    assert noted(synthetic(seeds=1), "One seed an arm: differences between single runs carry no interval")
    assert noted(synthetic(seeds=2), "12.7 standard errors")
    (holm,) = noted(synthetic(seeds=3), "Holm")
    assert "3 seeds and 7 features" in holm and "|t| > 11.8" in holm and "|t| > 4.3" in holm
    assert not noted(synthetic(seeds=10), "Holm")
    assert not noted(synthetic(none(FEATURES), seeds=1), "One seed")


def test_a_score_that_is_reported_under_another_name_is_noted() -> None:
    words = "Runs report val_accuracy, which ends as their score: with val_accuracy as the name of the metric, it is logged once"
    findings = synthetic()
    assert words not in " ".join(report.notes(findings))
    assert words in " ".join(report.notes(dataclasses.replace(findings, metric=Metric("score"))))


def test_protocol_and_remarks_are_noted() -> None:
    findings = synthetic()
    assert report.notes(findings)[0] == f"{PROTOCOL} {INTERVALS}" and report.notes(synthetic(seeds=1))[0] == PROTOCOL
    remarked = dataclasses.replace(findings, remarks=("The data is synthetic.",))
    assert noted(remarked, "The data is synthetic") and not noted(findings, "synthetic")


def test_versions_and_threads_that_differ_between_runs_are_noted() -> None:
    reused = [{"threads": "1", "keras": "3.15.0"}] * 2 + [{"threads": "2", "keras": "3.15.0"}]
    assert noted(synthetic(environment=reused), "Not all runs agree") == ["Not all runs agree in threads: 1 (16 runs), 2 (8 runs)."]
    assert not noted(synthetic(), "Not all runs agree")


def test_the_csv_holds_raw_numbers_for_machines() -> None:
    findings = synthetic(cumulative(FEATURES), leave_one_out(FEATURES), failed=NO_FOURTH)
    table = records(findings)
    assert len(table) == 16 and {record["design"] for record in table} == {"cumulative", "leave_one_out"}
    effects = findings.effects[0]
    first = table[1]
    assert (first["feature"], first["arm"]) == ("augmentation", "augmentation")
    for column, expected in (("effect", effects.estimate), ("effect_low", effects.low), ("p", effects.p), ("p_holm", effects.p_holm)):
        assert float(first[column]) == pytest.approx(expected[0])
    assert float(table[0]["score_mean"]) == pytest.approx(findings.scores[:, 0].mean())
    assert (first["parameters"], first["flops"], first["seeds"]) == ("1978442", "13345678", "3")
    assert table[0]["effect"] == "" and table[0]["verdict"] == ""
    lost = table[4]
    assert (lost["feature"], lost["verdict"], lost["score_mean"], lost["parameters"]) == ("gap", "no estimate", "", "")
    assert "nan" not in report.csv(findings)


def test_test_accuracy_is_shown_where_it_was_logged() -> None:
    plain, tested = synthetic(noise=0), synthetic(noise=0, test_scores=True)
    assert "test %" not in report.markdown(plain) and "test images" not in printed(plain)
    assert "| baseline | 57.80 ± 0.00 | 56.80 |" in report.markdown(tested)
    assert "Accuracy on the test images: baseline 56.80 %," in printed(tested)
    assert float(records(tested)[0]["test_accuracy"]) == pytest.approx(0.568)


def test_markdown_has_a_well_formed_table_for_each_design_and_the_notes() -> None:
    features = ("a|b", "gap")
    findings = synthetic(cumulative(features), one_at_a_time(features), features=features, gains=(0.1, 0.2))
    text = report.markdown(findings)
    assert [line for line in text.splitlines() if line.startswith("#")] == [
        "# synthetic study",
        "## cumulative",
        "## one_at_a_time",
        "## Notes",
    ]
    tables = [line for line in text.splitlines() if line.startswith("|")]
    assert len(tables) == 2 * (2 + 3)
    assert len({line.replace("\\|", "").count("|") for line in tables}) == 1
    assert text.count("\n- ") == len(report.notes(findings))


def test_big_counts_are_short_for_people() -> None:
    assert [human(count) for count in (0, 950, 12_345_678, 999_600, 3.2e12)] == ["0", "950", "12.3 M", "1 M", "3.2 T"]


def test_a_feature_named_like_markup_is_shown_as_it_is() -> None:
    findings = synthetic(one_at_a_time(["[bold]x"]), features=["[bold]x"], gains=[0.1])
    assert "[bold]x" in printed(findings)


def test_the_report_needs_no_plotting_training_or_tracking_library() -> None:
    code = "import sys, ablation.report; sys.exit(any(name in sys.modules for name in ('matplotlib', 'keras', 'mlflow')))"
    assert subprocess.run([sys.executable, "-c", code], cwd=Path(__file__).parents[1], check=False).returncode == 0


# ---- any metric -------------------------------------------------------------------------------------------------------------

LOSSES = (-0.08, -0.03, 0.02, 0.0, 0.01, -0.01, 0.0)
"""What each feature does to a log loss of 0.34; lower is better."""


def losses(seeds: int = 3) -> Findings:
    return enriched(synthetic(gains=LOSSES, base=0.34, noise=0.004, metric=LOG_LOSS, measures=SECONDS, seeds=seeds))


def test_a_lower_loss_helps() -> None:
    findings = losses(seeds=10)
    verdicts = dict(zip(findings.designs[0].features, findings.effects[0].verdict, strict=True))
    assert (verdicts["augmentation"], verdicts["residual"]) == ("helps", "hurts")
    [first, *_] = report.answer(findings)
    assert first.startswith("augmentation helps: −0.0")
    assert any("With all 7 features the log_loss is 0." in line and "lower is better" in line for line in report.answer(findings))
    assert "lower scores being better" in dict(report.document(findings, []).protocol)["Verdicts"]


def test_two_features_are_both_and_none_is_neither_of_them() -> None:
    lines = report.answer(enriched(synthetic(features=("one", "two"), gains=(0.1, 0.02), seeds=3)))
    [ends] = [line for line in lines if line.startswith("With ")]
    assert ends.startswith("With both features the accuracy is ") and ends.endswith(" without either.")


def test_no_word_of_accuracy_where_the_metric_is_another() -> None:
    findings = dataclasses.replace(losses(), protocol="A score is the log_loss that train returns.")
    document = report.document(findings, [])
    for text in (report.markdown(findings), report.text(document), report.latex(document), printed(findings), report.csv(findings)):
        assert not [word for word in ("accuracy", "point", " %", "params") if word in text.replace("95 %", "").replace("90 %", "")]
    assert "| arm | log_loss | effect | 95 % interval | verdict | seeds needed | s/run | seeds |" in report.markdown(findings)
    assert "lower is better" in report.markdown(findings)


def test_numbers_of_a_metric_have_the_digits_that_its_spread_deserves() -> None:
    assert [metric_digits(scale, noise) for scale, noise in ((1.0, 0.02), (1.0, 0.0004), (1000.0, 0.02), (1.0, 60.0))] == [3, 5, 0, 0]


def metric_digits(scale: float, noise: float) -> int:
    scores = 0.3 + noise * np.array([[-1.0, 0.0], [0.0, 1.0], [1.0, -1.0]])
    return dataclasses.replace(
        synthetic(cumulative(["a"]), features=["a"], gains=[0.1]), scores=scores, metric=Metric("x", scale=scale)
    ).digits


def test_measures_of_ones_own_are_columns() -> None:
    own = (Measure("parameters", "weights", "short", "max"), Measure("flops"))
    findings = synthetic(cumulative(["gap"]), features=["gap"], gains=[0.1], measures=own)
    assert "| 1.98 M |" in report.markdown(findings) and "flops" not in report.markdown(findings)
    assert records(findings)[0]["flops"] == "12345678"


def test_a_measure_named_like_a_column_of_the_table_takes_nothing_away_from_it() -> None:
    own = tuple(Measure(key, key, "short") for key in ("effect", "seeds", "flops"))
    findings = synthetic(cumulative(["gap"]), features=["gap"], gains=[0.1], noise=0, measures=own)
    for run in findings.runs.values():
        run.measures.update(effect=7.0, seeds=8.0)
    last = records(findings)[-1]
    assert float(last["effect"]) == pytest.approx(0.1) and last["seeds"] == "3"
    assert (last["measured_effect"], last["measured_seeds"]) == ("7", "8")
    heads, _, *lines = [line.strip("| ").split(" | ") for line in report.markdown(findings).splitlines() if line.startswith("|")]
    row = dict(zip(heads, lines[-1], strict=True))
    assert (row["effect"], row["measured_effect"], row["seeds"], row["measured_seeds"]) == ("+10.00", "7", "3", "8")


def test_the_runs_table_has_no_column_twice() -> None:
    findings = synthetic(cumulative(["gap"]), features=["gap"], gains=[0.1], seeds=2, metric=Metric("score"))
    columns, runs = report.run_rows(findings)
    assert len(columns) == len(set(columns)) == len(runs[0])
    assert [run[columns.index("score")] for run in runs] == [run[columns.index("last_score")] for run in runs]


def test_scores_that_do_not_depend_on_the_seed_are_pointed_out() -> None:
    assert noted(synthetic(noise=0.0), "the runs do not seem to use their seed")
    assert not noted(synthetic(), "do not seem to use their seed")
    assert not noted(synthetic(noise=0.0, seeds=1), "do not seem to use their seed")


def test_a_study_in_progress_says_so_and_calls_nothing_failed() -> None:
    whole = synthetic(failed=NO_FOURTH)
    findings = dataclasses.replace(whole, failures=(), unfinished=True)
    for text in (report.markdown(findings), report.text(report.document(findings, [])), printed(findings)):
        assert "in progress: 21 of 24 runs" in text
    assert report.answer(findings)[0].startswith("In progress: 21 of 24 runs have finished")
    assert not any("did not finish" in line for line in report.answer(findings))


PERCENT = Metric("val_accuracy", unit="%", difference="points", scale=100)


def test_a_plan_says_how_small_an_effect_is_found_and_what_a_fraction_would_find() -> None:
    (unknown,) = prospects([cumulative(FEATURES)], 3, None, PERCENT)
    assert "where runs vary by 1, 2 or 4 points beside" in unknown
    assert "cumulative 12, 25 or 49 points; features=fractional, with 48 runs instead of 24, 1.3" in unknown
    (known,) = prospects([cumulative(FEATURES), fractional(FEATURES)], 5, 0.02, PERCENT)
    assert "where runs vary by 2 points, as the finished runs do, beside" in known
    assert "cumulative 8.1 points; fractional 1." in known
    assert "features=fractional" not in known


def test_without_effects_or_verdicts_a_plan_says_nothing_of_them() -> None:
    assert prospects([cumulative(FEATURES)], 2, None, PERCENT) == []
    assert prospects([none(FEATURES)], 5, None, PERCENT) == []


@pytest.mark.parametrize(("make", "biased"), [(fractional, True), (shapley, False), (factorial, False)])
def test_only_effects_that_rest_on_the_fit_are_called_biased_where_it_is_lacking(make: Callable[..., Design], biased: bool) -> None:
    features = FEATURES[:6] if make is fractional else FEATURES[:4]
    design = make(features)
    _, seen, _ = lack_of_fit_rows(design.arms, features)
    found = enriched(
        synthetic(design, features=features, gains=[0.01] * len(features), seeds=5, noise=0.001, together={seen[0]: 0.1}, base=0.3)
    )
    answer = " ".join(report.answer(found))
    assert ("may be biased" in answer) == biased
    assert ("three or more features act together" in answer) != biased


def test_the_effect_that_takes_its_own_error_is_named() -> None:
    findings = synthetic(fractional(FEATURES))
    own = np.array([feature == "dropout" for feature in FEATURES])
    varied = dataclasses.replace(findings, effects=(dataclasses.replace(findings.effects[0], varies=own),))
    steady = dataclasses.replace(findings, effects=(dataclasses.replace(findings.effects[0], varies=~own & own),))
    assert len(noted(varied, "the effect of dropout varies more from seed to seed than the others do")) == 1
    assert not noted(steady, "more from seed to seed")


def test_intervals_are_written_no_farther_than_an_effect_can_be() -> None:
    findings = synthetic(seeds=2, noise=0.1)
    assert findings.effects[0].low.min() < -1
    document = report.document(findings, [])
    assert "| −100.0, +" in report.markdown(findings) and "[−100.0, +" in " ".join(document.answer)
    assert "They are shown no farther than ± 100 points, the largest effect that there can be." in dict(document.protocol)["95 % intervals"]
    low = min(float(record["effect_low"]) for record in records(findings) if record["effect_low"])
    assert low == pytest.approx(findings.effects[0].low.min()), "machines read what was computed"
    assert "no farther" not in dict(report.document(synthetic(), []).protocol)["95 % intervals"]
