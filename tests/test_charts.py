"""The charts show the numbers they are given, leave gaps where there are none, and keep every text legible."""

import math
import re
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from itertools import combinations
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
from findings import FEATURES, GAINS, INTERVALS, LOG_LOSS, LONG, LONG_GAINS, enriched, synthetic
from matplotlib.axes import Axes
from matplotlib.backend_bases import RendererBase
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.collections import PathCollection
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from matplotlib.text import Text
from matplotlib.transforms import Bbox

from ablation import charts
from ablation.api import FinishedStudy
from ablation.charts import arms, climb, contribution, cost, draw, forest, interactions, learning_curves, order, save
from ablation.charts.drawing.lettering import width, wrap
from ablation.charts.drawing.style import GAIN, LOSS
from ablation.designs import (
    BASELINE,
    Design,
    cumulative,
    factorial,
    fractional,
    is_path,
    leave_one_out,
    none,
    one_at_a_time,
    pairs,
    shapley,
)
from ablation.study.findings import Findings
from ablation.study.metric import Metric

FOURTH = frozenset(FEATURES[:4])
NO_FOURTH = [(FOURTH, seed) for seed in range(3)]

TOGETHER = {("augmentation", "batch_norm"): -0.06, ("mixup", "dropout", "gap"): 0.05}

LATENCY = Metric(
    "p99_latency",
    "99th percentile of the time between request and answer over all endpoints and regions, retries included",
    unit="ms",
    scale=1e7,
)


def diverging(findings: Findings) -> Findings:
    """Let one seed of the first arm report no finite score in its first epochs, and no seed of the second arm in its second epoch."""
    first, second = findings.arms[:2]
    runs = dict(findings.runs)
    for (arm, seed), result in findings.runs.items():
        values = list(result.history[findings.metric.key])
        if (arm, seed) == (first, 0):
            values[:3] = [math.inf, math.nan, -math.inf]
        if arm == second:
            values[1] = math.nan
        runs[arm, seed] = replace(result, history={**result.history, findings.metric.key: values})
    return replace(findings, runs=runs)


CASES: dict[str, Callable[[], Findings]] = {
    "one seed": lambda: synthetic(seeds=1, epochs=100),
    "two seeds": lambda: synthetic(seeds=2),
    "ten seeds": lambda: synthetic(seeds=10, noise=0.03),
    "a failed arm": lambda: synthetic(failed=[*NO_FOURTH, (BASELINE, 1)]),
    "every run failed": lambda: synthetic(failed=[(frozenset(FEATURES[:n]), seed) for n in range(8) for seed in range(3)]),
    "wide intervals": lambda: synthetic(gains=[0.002, -0.001, 0.003, 0, 0.001, 0, 0], seeds=2, noise=0.02),
    "no noise, one epoch": lambda: synthetic(one_at_a_time(FEATURES[:1]), gains=[0] * 7, noise=0, epochs=1),
    "nothing credited": lambda: synthetic(none(FEATURES)),
    "fractional and a path": lambda: enriched(synthetic(cumulative(FEATURES), fractional(FEATURES), together=TOGETHER)),
    "fractional, one seed": lambda: enriched(synthetic(fractional(FEATURES), seeds=1)),
    "three features": lambda: enriched(synthetic(factorial(FEATURES[:3]), features=FEATURES[:3], gains=GAINS[:3])),
    "twelve features": lambda: enriched(synthetic(cumulative(LONG), fractional(LONG), features=LONG, gains=LONG_GAINS, seeds=10)),
    "all pairs": lambda: enriched(synthetic(pairs(FEATURES), together=TOGETHER)),
    "a hundred arms": lambda: enriched(synthetic(factorial(FEATURES), seeds=2, epochs=3)),
    "a metric with a long name and large numbers": lambda: enriched(synthetic(cumulative(FEATURES), metric=LATENCY)),
    "epochs that are not finite": lambda: diverging(synthetic()),
    "fractional with failures": lambda: enriched(synthetic(fractional(FEATURES), cumulative(FEATURES), failed=[*NO_FOURTH, (BASELINE, 1)])),
}


def pictures(findings: Findings) -> list[tuple[str, Figure]]:
    """Draw every chart that ``draw`` would; those of many panels say the same of each, and one study with them is enough."""
    few = len(findings.arms) <= 21
    return [(name, chart()) for name, chart in charts.pictures(findings) if few or name != "learning_curves"]


def texts(figure: Figure, monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, Bbox]]:
    """Return the texts that are really drawn, with their boxes in pixels; tick labels outside the axis are never drawn."""
    drawn: list[Text] = []
    original = Text.draw

    def record(self: Text, renderer: RendererBase) -> None:
        if self.get_visible() and self.get_text():
            drawn.append(self)
        original(self, renderer)

    monkeypatch.setattr(Text, "draw", record)
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    monkeypatch.undo()
    return [(text.get_text(), text.get_window_extent(canvas.get_renderer())) for text in drawn]


def overlap(one: Bbox, other: Bbox) -> bool:
    """Say whether two boxes share more than a pixel's edge."""
    return min(one.x1, other.x1) - max(one.x0, other.x0) > 1 and min(one.y1, other.y1) - max(one.y0, other.y0) > 1


@pytest.mark.parametrize("case", CASES)
def test_every_text_is_legible(case: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """No text leaves the figure or overlaps another, and none but that of a gap stands in the plot, where the marks are."""
    for name, figure in pictures(CASES[case]()):
        found = texts(figure, monkeypatch)
        assert len(found) > 5
        plots = [] if name.startswith("interactions") else [axes.get_window_extent() for axes in figure.axes]
        for text, box in found:
            assert box.x0 >= 0 and box.y0 >= 0 and box.x1 <= figure.bbox.x1 and box.y1 <= figure.bbox.y1, f"{name}: {text!r} is cut"
            in_a_gap = text in ("no result", "no finished run")
            assert in_a_gap or not any(overlap(box, plot) for plot in plots), f"{name}: {text!r} stands among the marks"
        for (first, one), (second, other) in combinations(found, 2):
            assert not overlap(one, other), f"{name}: {first!r} overlaps {second!r}"


def bars_of(axes: Axes) -> list[Rectangle]:
    """Return the bars from top to bottom, without the slots of gaps."""
    return [patch for patch in axes.patches if isinstance(patch, Rectangle) and not patch.get_hatch()]


def test_bars_are_the_effects_in_points_and_in_order() -> None:
    findings = synthetic()
    axes = contribution(findings, 0).axes[0]
    bars = bars_of(axes)
    assert [bar.get_width() for bar in bars] == pytest.approx(100 * findings.effects[0].estimate)
    labels = [label.get_text() for label in axes.get_yticklabels()]
    assert labels == list(FEATURES)
    centres = [axes.transData.transform((0, bar.get_y() + bar.get_height() / 2))[1] for bar in bars]
    assert centres == sorted(centres, reverse=True), "the first feature stands on top"


def test_gains_and_losses_differ_in_colour() -> None:
    from matplotlib.colors import to_hex

    bars = bars_of(contribution(synthetic(), 0).axes[0])
    for bar in bars:
        assert to_hex(bar.get_facecolor()).upper() == (LOSS if bar.get_width() < 0 else GAIN)
    assert {bar.get_width() < 0 for bar in bars} == {True, False}


@pytest.mark.parametrize("seeds", [3, 10])
def test_a_dot_for_each_seed_at_its_own_effect(seeds: int) -> None:
    findings = synthetic(seeds=seeds)
    axes = contribution(findings, 0).axes[0]
    dots = [each for each in axes.collections if isinstance(each, PathCollection)]
    drawn = np.array([np.sort(np.asarray(dot.get_offsets())[:, 0]) for dot in dots])
    assert drawn.shape == (7, seeds)
    assert drawn == pytest.approx(np.sort(100 * findings.effects[0].per_seed.T))


def test_an_interval_needs_two_seeds(monkeypatch: pytest.MonkeyPatch) -> None:
    heads = {seeds: [text for text, _ in texts(contribution(synthetic(seeds=seeds), 0), monkeypatch)] for seeds in (1, 2)}
    assert "effect" in heads[1] and "effect [95 % interval]" in heads[2]
    assert not any("[" in text for text in heads[1])


def test_a_missing_effect_is_a_marked_gap_without_a_bar(monkeypatch: pytest.MonkeyPatch) -> None:
    figure = contribution(synthetic(failed=NO_FOURTH), 0)
    axes = figure.axes[0]
    rows = [round(bar.get_y() + bar.get_height() / 2) for bar in bars_of(axes)]
    assert rows == [0, 1, 2, 5, 6], "the steps to and from the failed arm have no bar"
    slots = [patch for patch in axes.patches if isinstance(patch, Rectangle) and patch.get_hatch()]
    assert [round(slot.get_y() + slot.get_height() / 2) for slot in slots] == [3, 4]
    words = [text for text, _ in texts(figure, monkeypatch)]
    assert words.count("no result") == 2 and words.count("no estimate") == 2


def lines_of(axes: Axes) -> set[tuple[float, float]]:
    """Return the ends of all lines that run from one point to another."""
    return {(float(line.get_xdata()[0]), float(line.get_xdata()[1])) for line in axes.lines if len(line.get_xdata()) == 2}


def arrows_of(axes: Axes) -> list[float]:
    """Return where arrows end intervals."""
    return sorted(float(line.get_xdata()[0]) for line in axes.lines if line.get_marker() in ("<", ">"))


@pytest.mark.parametrize("draw_one", [contribution, forest])
def test_no_interval_of_an_effect_is_cut(draw_one: Callable[[Findings, int], Figure]) -> None:
    findings = CASES["wide intervals"]()
    axes, effects = draw_one(findings, 0).axes[0], findings.effects[0]
    left, right = axes.get_xlim()
    assert left < 100 * effects.low.min() and right > 100 * effects.high.max()
    drawn = np.array(sorted(lines_of(axes)))
    for ends in zip(100 * effects.low, 100 * effects.high, strict=True):
        assert np.isclose(drawn, ends).all(axis=1).any()


def test_an_interval_ends_where_the_metric_does_and_an_arrow_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    findings = synthetic(seeds=2, noise=0.1)
    effects = findings.effects[0]
    beyond = int((effects.low < -1).sum() + (effects.high > 1).sum())
    assert beyond and not (effects.low_simultaneous > -1).any()
    for figure, count in ((contribution(findings, 0), beyond), (forest(findings, 0), beyond + 14)):
        axes = figure.axes[0]
        assert np.abs(arrows_of(axes)) == pytest.approx(100) and len(arrows_of(axes)) == count
        words = " ".join(" ".join(text.split()) for text, _ in texts(figure, monkeypatch))
        assert "An arrow at ± 100 points: no effect can be larger, and the interval ends there." in words
        assert "−100.0, +100.0]" in words and not re.search(r"[−+]1[0-9][1-9]", words)


def test_an_effect_on_a_loss_has_no_bound() -> None:
    findings = replace(synthetic(seeds=2, noise=0.1), metric=LOG_LOSS)
    assert not arrows_of(contribution(findings, 0).axes[0])


def test_baseline_and_final_accuracy_are_stated_where_the_design_has_them(monkeypatch: pytest.MonkeyPatch) -> None:
    findings = synthetic(cumulative(FEATURES), leave_one_out(FEATURES), one_at_a_time(FEATURES), noise=0)
    path, left_out, alone = ([text for text, _ in texts(contribution(findings, index), monkeypatch)] for index in range(3))
    assert "cumulative: baseline 57.80 % → all features 86.00 %" in path
    assert "leave_one_out: all features 86.00 %" in left_out
    assert "one_at_a_time: baseline 57.80 %" in alone


def test_the_caption_names_data_seeds_and_score(monkeypatch: pytest.MonkeyPatch) -> None:
    words = " ".join(" ".join(text for text, _ in texts(contribution(synthetic(), 0), monkeypatch)).split())
    for part in ("sprites (synthetic)", "3 seeds", "validation accuracy after the last epoch"):
        assert part in words


def test_the_climb_breaks_at_a_missing_arm(monkeypatch: pytest.MonkeyPatch) -> None:
    findings = synthetic(failed=NO_FOURTH)
    figure = climb(findings, 0)
    line = figure.axes[0].lines[0]
    means = np.asarray(line.get_ydata())
    assert np.flatnonzero(np.isnan(means)).tolist() == [4]
    assert means[[0, 7]] == pytest.approx(100 * findings.scores[:, [0, 7]].mean(axis=0))
    words = [text for text, _ in texts(figure, monkeypatch)]
    assert "no result" in words and "baseline" in words and "+\u00a0augmentation" in words


def test_charts_round_a_mean_as_the_table_does(monkeypatch: pytest.MonkeyPatch) -> None:
    findings = synthetic(seeds=2)
    scores = findings.scores.copy()
    scores[:, 0] = 0.967, 0.962  # their mean lies between two printed values
    findings = replace(findings, scores=scores)
    assert findings.digits == 1
    shown = findings.metric.level(scores[:, 0].mean(), 1)
    for figure in (climb(findings, 0), arms(findings), cost(findings)):
        levels = [text.partition(" ")[0] for text, _ in texts(figure, monkeypatch)]
        assert shown in levels


def test_learning_curves_have_a_panel_for_each_arm_on_one_scale(monkeypatch: pytest.MonkeyPatch) -> None:
    findings = synthetic(cumulative(FEATURES), leave_one_out(FEATURES), one_at_a_time(FEATURES), failed=NO_FOURTH)
    figure = learning_curves(findings)
    assert len(figure.axes) == len(findings.arms) == 20
    assert len({axes.get_ylim() for axes in figure.axes}) == 1
    assert len(figure.legends) == 1 and not any(axes.get_legend() for axes in figure.axes)
    words = [text for text, _ in texts(figure, monkeypatch)]
    assert words.count("no finished run") == 1
    last = [np.asarray(axes.lines[1].get_ydata())[-1] for axes in figure.axes if axes.lines]
    means = findings.scores.mean(axis=0)
    assert last == pytest.approx(100 * means[~np.isnan(means)]), "a validation curve ends at the arm's score"


@pytest.fixture(scope="module")
def two_designs() -> Findings:
    """A study of two designs in which augmentation and batch norm are worth less together."""
    return CASES["fractional and a path"]()


def test_a_forest_fills_the_points_of_sure_effects_and_draws_both_intervals(two_designs: Findings) -> None:
    sure = set()
    for index, effects in enumerate(two_designs.effects):
        axes = forest(two_designs, index).axes[0]
        points = [line for line in axes.lines if line.get_marker() == "o"]
        assert [float(line.get_xdata()[0]) for line in points] == pytest.approx(100 * effects.estimate)
        filled = [line.get_markerfacecolor() != "white" for line in points]
        assert filled == [verdict in ("helps", "hurts") for verdict in effects.verdict]
        sure |= set(filled)
    assert sure == {True, False}
    spans = {tuple(np.round(line.get_xdata(), 6)) for line in axes.lines if len(line.get_xdata()) == 2}
    left, right = axes.get_xlim()
    for low, high in ((effects.low, effects.high), (effects.low_simultaneous, effects.high_simultaneous)):
        for ends in zip(100 * low, 100 * high, strict=True):
            assert left < ends[0] < ends[1] < right and tuple(np.round(ends, 6)) in spans


def test_a_forest_states_the_lack_of_fit_and_what_it_cannot_see(two_designs: Findings, monkeypatch: pytest.MonkeyPatch) -> None:
    fit = two_designs.lack_of_fit[1]
    assert fit is not None
    words = [text for text, _ in texts(forest(two_designs, 1), monkeypatch)]
    assert "lack of fit" in words and f"p = {fit.p:.2g}" in words
    assert "7 of the 35 three-way terms. The other 28 are aliased" in " ".join(" ".join(words).split())
    assert "lack of fit" not in [text for text, _ in texts(forest(two_designs, 0), monkeypatch)], "a path has no arm to spare"


def test_interactions_known_only_in_sum_are_hatched_and_lettered(two_designs: Findings, monkeypatch: pytest.MonkeyPatch) -> None:
    found = two_designs.interactions[1]
    assert found is not None
    figure = interactions(two_designs, 1)
    cells = [patch for patch in figure.axes[0].patches if isinstance(patch, Rectangle) and patch.get_fill()]
    assert len(cells) == 21 and all(cell.get_hatch() for cell in cells)
    frames = [patch for patch in figure.axes[0].patches if isinstance(patch, Rectangle) and not patch.get_fill()]
    assert len(frames) == sum(len(pairs) for pairs, p in zip(found.pairs, found.p_holm, strict=True) if p < 0.05) > 0
    letters = [text.split("\n")[0] for text, _ in texts(figure, monkeypatch) if "\n" in text and len(text.split("\n")[0]) == 1]
    assert sorted(set(letters)) == list("ABCDEFG") and len(letters) == 21


def test_interactions_that_are_known_alone_are_not_hatched() -> None:
    findings = CASES["all pairs"]()
    found = findings.interactions[0]
    assert found is not None
    cells = [patch for patch in interactions(findings, 0).axes[0].patches if isinstance(patch, Rectangle) and patch.get_fill()]
    assert len(cells) == 21 and not any(cell.get_hatch() for cell in cells)


def test_order_marks_each_gain_and_flags_what_differs(monkeypatch: pytest.MonkeyPatch) -> None:
    both = (cumulative(FEATURES), leave_one_out(FEATURES), one_at_a_time(FEATURES))
    findings = enriched(synthetic(*both, together={("augmentation", "batch_norm"): -0.15}, noise=0.003))
    found = findings.order
    assert found is not None and found.differs.any() and not found.differs.all()
    figure = order(findings)
    drawn = sorted(
        float(line.get_xdata()[0]) for line in figure.axes[0].lines if line.get_marker() in ("o", "D", "s") and len(line.get_xdata())
    )
    gains = 100 * np.concatenate([found.first, found.chosen, found.last])
    assert drawn == pytest.approx(np.sort(gains))
    words = [text for text, _ in texts(figure, monkeypatch)]
    assert words.count("matters") == found.differs.sum()
    assert "Shapley value" not in words, "no design estimates it"


@pytest.mark.parametrize(
    ("design", "averaged"),
    [
        (
            fractional(FEATURES),
            "Shapley: the effect of fractional, which is the step averaged over all orders where interactions stop at pairs.",
        ),
        (shapley(FEATURES, 4), "Shapley: its step, averaged over 4 sampled orders."),
        (shapley(FEATURES), "Shapley: its step, averaged over all orders."),
    ],
)
def test_the_order_says_what_a_shapley_value_is_an_average_over(design: Design, averaged: str, monkeypatch: pytest.MonkeyPatch) -> None:
    figure = order(enriched(synthetic(cumulative(FEATURES), design)))
    caption = " ".join(" ".join(text.split()) for text, _ in texts(figure, monkeypatch))
    assert averaged in caption


def test_what_intervals_cover_stands_only_under_pictures_that_have_some(two_designs: Findings) -> None:
    def says(figure: Figure) -> bool:
        return INTERVALS in " ".join(" ".join(text.get_text().split()) for text in figure.findobj(Text))

    path = next(index for index, design in enumerate(two_designs.designs) if is_path(design))
    assert says(forest(two_designs, 0)) and says(contribution(two_designs, path))
    for figure in (
        climb(two_designs, path),
        arms(two_designs),
        cost(two_designs),
        order(two_designs),
        interactions(two_designs, 1),
        learning_curves(two_designs),
    ):
        assert not says(figure)


def test_arms_stand_from_low_to_high_over_their_features(two_designs: Findings) -> None:
    upper, lower = arms(two_designs).axes
    means = np.concatenate([line.get_ydata() for line in upper.lines if line.get_marker() == "o"])
    assert means == pytest.approx(100 * np.sort(two_designs.scores.mean(axis=0)))
    on = [line for line in lower.lines if line.get_marker() == "o"][1]
    marked = set(zip(map(int, on.get_xdata()), map(int, on.get_ydata()), strict=True))
    ranked = [two_designs.arms[index] for index in np.argsort(two_designs.scores.mean(axis=0))]
    assert marked == {(place, row) for place, arm in enumerate(ranked) for row, name in enumerate(FEATURES) if name in arm}


def test_learning_curves_of_many_arms_are_those_of_both_ends_and_of_the_worst_and_the_best() -> None:
    findings = CASES["a hundred arms"]()
    ends = [float(np.asarray(axes.lines[1].get_ydata())[-1]) for axes in learning_curves(findings).axes]
    means = 100 * findings.scores.mean(axis=0)
    assert ends[:2] == pytest.approx([means[findings.arms.index(arm)] for arm in (BASELINE, frozenset(FEATURES))])
    assert ends[2:] == sorted(ends[2:]) and min(ends) == pytest.approx(means.min()) and max(ends) == pytest.approx(means.max())


def test_no_arm_has_two_panels_where_few_of_many_arms_have_a_result() -> None:
    whole = synthetic(factorial(FEATURES))
    few = {*whole.arms[:3], frozenset(FEATURES)}
    findings = synthetic(factorial(FEATURES), failed=[(arm, seed) for arm in whole.arms if arm not in few for seed in range(3)])
    assert len(learning_curves(findings).axes) == len(few)


def test_more_arms_than_a_page_holds_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    findings = CASES["a hundred arms"]()
    for figure, words in ((arms(findings), "32 worst and the 32 best of 128"), (learning_curves(findings), "20 of 128 arms are shown")):
        assert words in " ".join(" ".join(text for text, _ in texts(figure, monkeypatch)).split())
        assert max(figure.get_size_inches()) < 16


def test_of_too_many_arms_those_without_a_result_go_first(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = synthetic(factorial(FEATURES), seeds=1)
    finished = set(whole.arms[40:90])
    findings = synthetic(factorial(FEATURES), seeds=1, failed=[(arm, 0) for arm in whole.arms if arm not in finished])
    figure = arms(findings)
    means = np.concatenate([line.get_ydata() for line in figure.axes[0].lines if line.get_marker() == "o"])
    assert len(means) == 50 and np.isfinite(means).all()
    none = synthetic(factorial(FEATURES), seeds=1, failed=[(arm, 0) for arm in whole.arms])
    assert "No arm has a result; 64 of 128" in " ".join(" ".join(text for text, _ in texts(arms(none), monkeypatch)).split())
    assert "50 of 128 arms that have a result" in " ".join(" ".join(text for text, _ in texts(figure, monkeypatch)).split())


def test_an_arm_is_called_all_features_only_where_it_has_all(monkeypatch: pytest.MonkeyPatch) -> None:
    findings = replace(synthetic(one_at_a_time(FEATURES[:1]), features=FEATURES[:1], gains=GAINS[:1]), features=FEATURES)
    assert not [text for text, _ in texts(contribution(findings, 0), monkeypatch) if "all features" in text]


def test_costs_of_many_arms_without_either_end_are_those_of_some() -> None:
    without_ends = replace(synthetic(leave_one_out(FEATURES), factorial(FEATURES)), designs=())
    arms_left = tuple(arm for arm in without_ends.arms if 0 < len(arm) < len(FEATURES))
    columns = [without_ends.arms.index(arm) for arm in arms_left]
    findings = replace(without_ends, arms=arms_left, scores=without_ends.scores[:, columns])
    assert len(cost(findings).axes[0].get_yticks()) == 20


def test_costs_are_bars_beside_the_accuracies_of_the_path(two_designs: Findings) -> None:
    accuracy, parameters, _, seconds = cost(two_designs).axes
    path = two_designs.designs[0].arms
    assert np.asarray(accuracy.lines[0].get_xdata()) == pytest.approx(100 * two_designs.scores_of(two_designs.designs[0]).mean(axis=0))
    assert [bar.get_width() for bar in bars_of(parameters)] == [two_designs.runs[arm, 0].measures["parameters"] for arm in path]
    assert [bar.get_width() for bar in bars_of(seconds)] == pytest.approx(
        [two_designs.runs[arm, 0].measures["seconds_per_epoch"] for arm in path]
    )


def test_from_python_effects_are_drawn_as_in_the_report(two_designs: Findings, monkeypatch: pytest.MonkeyPatch) -> None:
    def words(figure: Figure) -> list[str]:
        return [text for text, _ in texts(figure, monkeypatch)]

    finished = FinishedStudy(two_designs)
    drawn = [words(finished.contribution(index)) for index in range(2)]
    assert drawn == [words(contribution(two_designs, 0)), words(forest(two_designs, 1))]


def test_each_chart_is_drawn_where_its_data_is_there(two_designs: Findings) -> None:
    names = [name for name, _ in charts.pictures(two_designs)]
    assert names == ["forest", "contribution", "order", "interactions", "climb", "arms", "cost", "learning_curves"], "each effect once"
    path = [name for name, _ in charts.pictures(synthetic())]
    assert path == ["contribution", "climb", "arms", "cost", "learning_curves"], "a path's bars say all that a forest would"
    one = [name for name, _ in charts.pictures(synthetic(seeds=1))]
    assert one == ["contribution", "climb", "arms", "cost", "learning_curves"], "one run of each arm has no interval"


def test_files_are_named_after_the_designs_and_open(tmp_path: Path) -> None:
    three = FEATURES[:3]
    findings = synthetic(leave_one_out(three), cumulative(three), none(three), features=three, gains=GAINS[:3])
    files = draw(findings, tmp_path / "new" / "folder")
    names = ["contribution", "contribution_cumulative", "climb", "arms", "cost", "learning_curves"]
    assert [file.name for file in files] == [f"{name}{ending}" for name in names for ending in (".png", ".svg")]
    for file in files:
        if file.suffix == ".png":
            assert file.read_bytes().startswith(b"\x89PNG") and file.stat().st_size > 10_000
        else:
            assert ElementTree.parse(file).getroot().tag.endswith("svg")


def test_a_study_that_credits_nothing_still_has_learning_curves(tmp_path: Path) -> None:
    assert [file.name for file in draw(synthetic(none(FEATURES)), tmp_path)] == ["learning_curves.png", "learning_curves.svg"]


def test_drawing_again_gives_the_same_bytes_also_where_processes_share_the_charts(tmp_path: Path) -> None:
    three = FEATURES[:3]
    findings = enriched(synthetic(cumulative(three), factorial(three), features=three, gains=GAINS[:3], epochs=3))
    whole = draw(findings, tmp_path / "whole")
    shares = [draw(findings, tmp_path / "shared", part, 2) for part in range(2)]
    assert sorted(file.name for share in shares for file in share) == sorted(file.name for file in whole)
    assert all((tmp_path / "shared" / file.name).read_bytes() == file.read_bytes() for file in whole)


def test_a_picture_is_fine_enough_to_print(tmp_path: Path) -> None:
    from matplotlib.image import imread

    figure = contribution(synthetic(), 0)
    picture, _ = save(figure, tmp_path, "contribution")
    assert imread(picture).shape[1] >= 150 * figure.get_figwidth()


def test_text_wraps_at_spaces_and_underscores_and_long_words_anywhere() -> None:
    assert wrap("global_average_pooling", width("global_average_", 9), 9) == "global_average_\npooling"
    assert wrap("cannot be two_designs from zero", width("cannot be two_designs", 9), 9) == "cannot be two_designs\nfrom zero"
    broken = wrap("m" * 40, 1.0, 9)
    assert broken.replace("\n", "") == "m" * 40
    assert all(width(line, 9) <= 1.0 for line in broken.split("\n"))


def test_charts_need_neither_pyplot_nor_a_display() -> None:
    code = "import sys, ablation.charts; sys.exit('matplotlib.pyplot' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=Path(__file__).parents[1], check=False).returncode == 0
