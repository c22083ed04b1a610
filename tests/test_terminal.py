"""What a person sees in a terminal: tables that fit, a live display that survives resizing, and the end of a study in a few lines."""

import io
import re
from dataclasses import replace
from pathlib import Path

import pytest
from findings import FEATURES, LONG, LONG_GAINS, enriched, synthetic
from rich.console import Console

from ablation.designs import BASELINE, cumulative, fractional, leave_one_out, none, restricted
from ablation.report.pace import Pace
from ablation.report.screen import WIDTH, Screen, show_findings
from ablation.report.summary import found, kept, short_label, shortfall
from ablation.report.tables import design_table
from ablation.report.terminal import console_table, lines_of
from ablation.study.findings import Findings
from ablation.study.metric import Metric
from ablation.study.outcome import Result
from ablation.study.subject import Trial

PAGE = Path("mlruns/studies/name/report.html")


def console(width: int = 80, height: int = 24, colours: bool = False) -> Console:
    colour_system = "standard" if colours else None
    return Console(width=width, height=height, file=io.StringIO(), force_terminal=True, color_system=colour_system, highlight=False)


def text_of(console: Console) -> str:
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def end_of(findings: Findings, width: int = 80) -> str:
    screen = console(width)
    show_findings(findings, [PAGE.with_name("forest.png"), PAGE, PAGE.with_name("table.md")], screen)
    return text_of(screen)


def long_study(seeds: int = 6) -> Findings:
    return synthetic(cumulative(LONG), features=LONG, gains=LONG_GAINS, seeds=seeds, noise=0.02)


@pytest.mark.parametrize("width", [60, 80, 120])
def test_a_table_of_long_names_fits_and_breaks_no_word_and_no_number(width: int) -> None:
    screen, findings = console(width), long_study()
    screen.print(console_table(findings, 0))
    shown = text_of(screen)
    assert max(map(len, shown.splitlines())) <= width
    whole = design_table(findings, 0)
    for head in ("effect", "95 % interval", "verdict"):
        assert all(line[whole.heads.index(head)] in shown for line in whole.lines)
    body = shown.partition("─\n")[2].partition("Seeds needed")[0].partition("No room")[0]
    names = " ".join(re.split(r"  +", line)[0].removeprefix("+ ") for line in body.splitlines()).split("baseline ")[-1]
    # Without spaces and underscores a name stands there in one piece, or its beginning and its end do, each of whole words.
    words = {word for name in LONG for word in name.split("_")}
    assert set(re.findall(r"[a-z]+", names)) <= words
    joined = names.replace("_ ", "_").replace(" …", "…")
    for name in LONG:
        assert name in joined or re.search(f"{name.split('_')[0]}_[a-z_]*…[a-z_]*{name.split('_')[-1]}", joined), name


def test_columns_are_left_out_in_one_order_and_named() -> None:
    findings, gone = long_study(), []
    for width in range(140, 40, -4):
        screen = console(width)
        screen.print(console_table(findings, 0))
        found = re.search(r"No room for: (.*)\. The report has every column\.", " ".join(text_of(screen).split()))
        gone.append(found[1].split(", ") if found else [])
        assert ("Seeds needed: " in text_of(screen)) == ("seeds needed" not in gone[-1]), "the legend goes with its column"
    order = ["seeds", "s/epoch", "FLOPs", "params", "accuracy %", "seeds needed", "95 % interval"]
    assert not gone[0] and all(set(left) == set(order[: len(left)]) for left in gone)
    assert [len(left) for left in gone] == sorted(len(left) for left in gone) and len(gone[-1]) > 5


@pytest.mark.parametrize(
    ("name", "width", "lines"),
    [
        ("mixup", 16, ["mixup"]),
        ("+ residual_blocks_with_projection", 20, ["+ residual_blocks_", "with_projection"]),
        ("+ exponential_moving_average_of_weights", 16, ["+ exponential_", "…of_weights"]),
        ("a + b + c + d", 6, ["a + b", "…c + d"]),
        ("Donaudampfschifffahrt", 10, ["Donau…ahrt"]),
    ],
)
def test_a_name_breaks_after_underscores_or_loses_its_middle(name: str, width: int, lines: list[str]) -> None:
    assert lines_of(name, width) == lines


def test_verdicts_have_colours_in_a_terminal_and_none_where_they_are_not_wanted(monkeypatch: pytest.MonkeyPatch) -> None:
    findings = synthetic(noise=0.003)
    assert {"helps", "hurts"} <= set(findings.effects[0].verdict)
    screen = console(colours=True)
    screen.print(console_table(findings, 0))
    assert "\x1b[1;32mhelps" in text_of(screen) and "\x1b[1;31mhurts" in text_of(screen)
    monkeypatch.setenv("NO_COLOR", "1")
    plain = console(colours=True)
    plain.print(console_table(findings, 0))
    assert not re.search(r"\x1b\[[0-9;]*3\dm", text_of(plain))
    file = Console(file=io.StringIO(), width=80)
    file.print(console_table(findings, 0))
    assert "\x1b" not in text_of(file)


@pytest.mark.parametrize(("width", "height", "slots"), [(60, 20, 3), (80, 24, 12), (120, 40, 40), (80, 8, 12)])
def test_the_live_display_has_as_many_lines_each_time_and_none_that_a_narrower_terminal_breaks(width: int, height: int, slots: int) -> None:
    terminal = console(width, height)
    screen, heights = Screen(terminal), set()
    trials = [Trial(frozenset(LONG[:n]), 3, f"key{n}", "group", f"+ {name}", LONG[:n], {}) for n, name in enumerate(LONG, start=1)]
    metric = Metric("val_accuracy", "validation accuracy", "accuracy", "%", "points", 100.0)
    with screen.watching(metric, 120, {}, lambda: slots, 60):
        for running in range(min(slots + 1, len(trials))):
            lines = terminal.render_lines(screen._render(), pad=False)
            heights.add(len(lines))
            assert all(sum(segment.cell_length for segment in line) <= WIDTH for line in lines)
            screen.started(trials[running])
            screen.progressed(
                {"run": trials[running].key, "epoch": 12, "stage": "compiling the network", "metrics": {"val_accuracy": 0.71}}
            )
        words = "".join(segment.text for line in lines for segment in line)
    assert len(heights) == 1 and heights.pop() <= min(height, 10)
    assert "0 of 120 runs" in words and "seed 3" in words and "epoch 12 of 60" in words


@pytest.mark.parametrize(
    ("seconds", "apart", "slots", "left"),
    [
        ((10, 10, 10, 10), 5, 2, 30),  # two at once: one ends every five seconds
        ((10, 30, 10, 30), 10, 2, 60),
        ((0, 0, 0, 0), 2, 2, 12),  # runs that take nothing, each of them two seconds on its way
        ((10, 10, 10, 10), 0, 100, 10),  # more slots than runs
        ((10, 10, 10, 10), 30, 1, 180),  # one after the other, and each waits
    ],
)
def test_the_time_left_is_that_of_the_runs_and_of_what_lies_between(
    seconds: tuple[float, ...], apart: float, slots: int, left: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    pace = Pace()
    assert pace.left(6, slots) is None
    for number, each in enumerate(seconds):
        monkeypatch.setattr("time.monotonic", lambda number=number: 1000 + apart * number)
        pace.ended(each)
    assert pace.left(6, slots) == pytest.approx(left)


@pytest.mark.parametrize(
    ("there", "slots", "line"),
    [
        (0, 2, "[0/5]  5 runs to make, 2 at once\n"),
        (3, 4, "[3/5]  2 runs to make, 2 at once; about 1 min 00 s left\n"),
        (4, 4, "[4/5]  1 run to make; about 1 min 00 s left\n"),
    ],
)
def test_a_file_says_at_the_beginning_what_is_to_come(there: int, slots: int, line: str) -> None:
    file = Console(file=io.StringIO(), width=80)
    with Screen(file).watching(Metric("score"), 5, {str(n): Result(0.5, seconds=60) for n in range(there)}, lambda: slots, None):
        assert text_of(file) == line


def test_the_end_says_what_was_found_and_what_to_keep_then_the_table_then_where_all_is() -> None:
    findings = synthetic(noise=0.003)
    lines = [line.rstrip() for line in end_of(findings).splitlines()]
    assert lines[1].startswith("Found   helps: augmentation +2") and lines[2].startswith("        dropout −1")
    keep = next(index for index, line in enumerate(lines) if line.startswith("Keep    "))
    assert keep <= 3
    assert lines[-2:] == [f"Report  {PAGE}", f"Folder  {PAGE.parent}"]
    table = next(index for index, line in enumerate(lines) if line.startswith("cumulative: effects in percentage points"))
    assert keep < table < len(lines) - 3
    assert "forest.png" not in end_of(findings) and "table.md" not in end_of(findings)


def test_what_failed_is_said_at_the_end_and_what_only_explains_is_left_to_the_report() -> None:
    good, bad = (" ".join(end_of(synthetic(failed=failed), 120).split()) for failed in ((), [(BASELINE, seed) for seed in range(3)]))
    assert "•" not in good and "Holm" not in good
    assert "• Arm “baseline”, seeds 0, 1 and 2, did not finish: " in bad
    assert "• cumulative: no seed finished every arm that the effect of augmentation needs" in bad


def test_an_exit_status_of_one_has_its_reason() -> None:
    assert shortfall(synthetic()) == ""
    assert shortfall(synthetic(failed=((BASELINE, 0), (BASELINE, 1)))) == "2 runs failed"
    lost = restricted(cumulative(FEATURES), lambda arm: arm != frozenset(FEATURES[:3]), {frozenset(FEATURES[:3]): "it cannot be built"})
    words = "1 run failed, and the effects of residual and gap could not be estimated"
    assert shortfall(synthetic(lost, failed=((BASELINE, 0),))) == words


def test_several_designs_have_a_line_and_a_table_each() -> None:
    findings = enriched(synthetic(cumulative(FEATURES), fractional(FEATURES), noise=0.003))
    assert [line.split(": ")[0] for line in found(findings)] == ["cumulative", "fractional"]
    shown = end_of(findings)
    assert shown.count("Found") == shown.count("Keep") == 1
    table = shown.partition("fractional: effects")[2]
    assert "augmentation + " not in table and "The report has its 16 arms with their scores." in table


def test_the_legend_counts_runs_where_the_column_does() -> None:
    for design, what in ((cumulative(FEATURES), "seeds"), (replace(cumulative(FEATURES), kind="independent"), "runs")):
        table = design_table(synthetic(design, noise=0.02, seeds=6), 0)
        assert f"{what} needed" in table.heads and table.foot.startswith(f"{what.capitalize()} needed: about how many")


def test_what_was_found_counts_what_is_not_claimed() -> None:
    assert found(synthetic(seeds=1)) == ["no verdict: all 7 (with fewer than 3 seeds)"]
    assert found(synthetic(none(FEATURES))) == []
    apart = synthetic(replace(cumulative(FEATURES), kind="independent"), seeds=2)
    assert found(apart) == ["no verdict: all 7 (with fewer than 3 runs)"]
    unclear = synthetic(gains=(0.003,) * 7, noise=0.02)
    assert unclear.effects[0].verdict == ("open",) * 7 and found(unclear) == ["open: all 7"]
    lost = synthetic(failed=[(frozenset(FEATURES[:4]), seed) for seed in range(3)])
    assert found(lost)[0].endswith("; no estimate: 2 of 7")


def test_what_to_keep_is_the_best_arm_with_its_rivals_and_the_cheapest_of_them() -> None:
    [clear] = kept(synthetic(noise=0.001))
    assert re.match(
        r"augmentation \+ batch_norm \+ residual \+ gap: 9\d\.\d+ % \(mean of 3 runs\); every other arm is worse beyond noise", clear
    )
    [unclear] = kept(synthetic(leave_one_out(FEATURES), gains=(0.0,) * 7, noise=0.03))
    assert re.search(r"; \d other arms may be as good", unclear)
    [single] = kept(synthetic(seeds=1))
    assert single.endswith("(one run), the best so far; it takes 3 seeds to say which arms are worse")


def test_an_arm_of_many_features_has_a_short_name() -> None:
    assert short_label(BASELINE, LONG) == "baseline" and short_label(frozenset(LONG), LONG) == "all"
    assert short_label(frozenset(LONG[:3]), LONG) == " + ".join(LONG[:3])
    assert short_label(frozenset(LONG[2:]), LONG) == f"all − {LONG[0]} − {LONG[1]}"
    assert short_label(frozenset(LONG[:7]), LONG) == f"{' + '.join(LONG[:3])} + 4 more"
