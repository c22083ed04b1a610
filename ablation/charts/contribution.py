"""The chart that the study is for: what each feature contributes, with its interval, its seeds and its verdict."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ablation.charts.drawing.caption import colors, source
from ablation.charts.drawing.form import SCREEN, Form
from ablation.charts.drawing.intervals import about_arrows, extent, interval
from ablation.charts.drawing.lettering import LINESPACING, height, widest, wrap
from ablation.charts.drawing.page import page, wrap_below
from ablation.charts.drawing.style import BODY, INK, MUTED, SMALL, color_of, jitter, no_result, some, subtitle, tidy
from ablation.designs import BASELINE, Design
from ablation.effects import LOST, Effects, describe, mean_and_sd
from ablation.study.findings import Findings
from ablation.study.metric import Metric

VERDICTS, SPACE = 1.75, 0.12
"""Inches: the verdicts, and between the columns."""

ABOVE, BELOW = 0.28, 0.5
"""Inches: for the heads of the columns above the plot, and for the axis below it."""

BAR = 0.62
"""Height of a bar, in rows."""


def contribution(findings: Findings, design_index: int, form: Form = SCREEN) -> Figure:
    """Draw the effects of one design as bars, in the design's order from top to bottom.

    The axis holds all intervals, which go no farther than an effect can; one that would ends in an arrow. A feature whose effect cannot
    be estimated leaves a marked gap.
    """
    design, effects, metric = findings.designs[design_index], findings.effects[design_index], findings.metric
    count = len(design.features)
    ends = np.concatenate([effects.low, effects.high])
    seen = metric.scale * np.concatenate([effects.estimate, effects.per_seed.ravel(), metric.possible(ends)])
    left, right = extent(seen, np.array([]), 10.0 ** (1 - findings.digits))

    names = [wrap(feature, form.names, BODY) for feature in design.features]
    behind = findings.seeds_behind(design_index).tolist()
    values = [_value(findings, effects, row, seeds) for row, seeds in enumerate(behind)] if form.columns else [""] * count
    words = [describe(*each, findings.sample) for each in zip(effects.verdict, effects.seeds_needed.tolist(), strict=True)]
    verdicts = [wrap(text, VERDICTS, SMALL) for text in words] if form.columns else [""] * count
    heads = ("effect" if np.isnan(effects.low).all() else "effect [95 % interval]", "verdict") if form.columns else ("", "")

    slot = max(0.44, *(0.1 + max(height(name, BODY), height(verdict, SMALL)) for name, verdict in zip(names, verdicts, strict=True)))
    start = form.margin + widest(names, BODY) + SPACE
    value_column = widest([heads[0], *values], BODY)
    beside_plot = SPACE + value_column + SPACE + VERDICTS if form.columns else SPACE
    plot = form.width - form.margin - beside_plot - start
    label, more = wrap_below(metric.effect_axis(), start, plot, form)
    below, above = BELOW + more, ABOVE if form.columns else SPACE
    texts = (subtitle(_ends(findings, design), findings), _caption(findings, design_index))
    sheet = page(form.width, above + slot * count + below, "What each feature contributes", *texts, form)
    axes = sheet.axes(start, below, plot, slot * count)
    axes.set_xlim(left, right)
    axes.set_ylim(count - 0.5, -0.5)
    _marks(axes, effects, metric, left, right)

    tidy(axes, "x")
    axes.spines["left"].set_visible(False)
    axes.set_yticks(range(count), names, size=BODY, linespacing=LINESPACING, parse_math=False)
    axes.tick_params(axis="y", length=0)
    axes.set_xlabel(label, size=BODY, color=INK, linespacing=LINESPACING, parse_math=False)
    beside = axes.get_yaxis_transform()
    first, second = 1 + SPACE / plot, 1 + (SPACE + value_column + SPACE) / plot
    for row, (value, verdict) in enumerate(zip(values, verdicts, strict=True)):
        axes.text(first, row, value, size=BODY, color=INK, va="center_baseline", transform=beside, linespacing=LINESPACING)
        axes.text(second, row, verdict, size=SMALL, color=MUTED, va="center_baseline", transform=beside, linespacing=LINESPACING)
    for place, head in zip((first, second), heads, strict=True):
        axes.text(place, -0.5 - 0.08 / slot, head, size=SMALL, weight="bold", color=INK, va="bottom", transform=beside)
    return sheet.figure


def _marks(axes: Axes, effects: Effects, metric: Metric, left: float, right: float) -> None:
    """Draw the zero line, and in each row a bar, its seeds and its interval, or the gap."""
    points = metric.scale * effects.estimate
    known = np.flatnonzero(~np.isnan(points)).tolist()
    axes.barh(known, points[known], height=BAR, color=[color_of(point, metric) for point in points[known]], zorder=2)
    axes.axvline(0, color=INK, linewidth=0.9, zorder=2.5)
    for row in known:
        if len(effects.per_seed) > 1:
            _seeds(axes, row, metric.scale * effects.per_seed[:, row])
        if not np.isnan(effects.low[row]):
            interval(axes, row - 0.13, effects.low[row], effects.high[row], metric, INK)
    for row in np.flatnonzero(np.isnan(points)).tolist():
        no_result(axes, left, row - BAR / 2, right - left, BAR)


def _seeds(axes: Axes, row: int, points: np.ndarray) -> None:
    """Draw a dot a seed in the lower half of a bar, where the interval does not hide them."""
    points = some(points)
    heights = row + 0.15 + np.array(jitter(len(points), 0.18))
    axes.scatter(points, heights, s=13, color=INK, edgecolors="white", linewidths=0.5, zorder=5)


def _value(findings: Findings, effects: Effects, row: int, seeds: int) -> str:
    if not effects.seeds[row]:
        return "–"
    metric, digits = findings.metric, findings.digits
    text = metric.signed(effects.estimate[row], digits)
    if ends := metric.ends(effects.low[row], effects.high[row], digits):
        text += f" [{ends}]"
    return text if effects.seeds[row] == seeds else f"{text}\n{effects.seeds[row]} of {seeds} {findings.sample}s"


def _ends(findings: Findings, design: Design) -> str:
    """Return the scores of the baseline and of all features, where the design has them."""
    means, _ = mean_and_sd(findings.scores_of(design))
    ends = ((BASELINE, "baseline"), (frozenset(findings.features), "all features"))
    shown = []
    for arm, name in ends:
        if arm in design.arms:
            mean = means[design.arms.index(arm)]
            score = findings.metric.with_unit(findings.metric.level(mean, findings.digits))
            shown.append(f"{name} (no result)" if np.isnan(mean) else f"{name} {score}")
    return f"{design.name}: " + " → ".join(shown) if shown else design.name


def _caption(findings: Findings, design_index: int) -> list[str]:
    design, effects = findings.designs[design_index], findings.effects[design_index]
    several = len(findings.seeds) > 1
    bars = f"differences of means over {findings.seeds_in_words}" if several else "one run of each arm, so without intervals"
    marks = [f"Bars: {bars}.", colors(effects.estimate, findings.metric)]
    if several and not np.isnan(effects.per_seed).all():
        marks.append("Dots: single seeds.")
    if not np.isnan(effects.low).all():
        ends = np.concatenate([effects.low, effects.high])
        marks += ["Lines: 95 % intervals.", about_arrows(ends, (-np.inf, np.inf), findings.metric)]
    if LOST in effects.verdict:
        marks.append("Hatched: an arm that the effect needs has no finished run.")
    covered = "" if np.isnan(effects.low).all() else findings.intervals
    return [design.meaning, " ".join(filter(None, marks)), source(findings, findings.protocol, covered)]
