"""The headline: each feature's effect with its own and its simultaneous interval, its verdict, and how well the design fits."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ablation.charts.drawing.caption import colors, source
from ablation.charts.drawing.form import SCREEN, Form
from ablation.charts.drawing.intervals import about_arrows, extent, interval
from ablation.charts.drawing.lettering import LINESPACING, height, widest, wrap
from ablation.charts.drawing.page import page, wrap_below
from ablation.charts.drawing.style import BAND, BODY, INK, MUTED, SMALL, color_of, no_result, subtitle, tidy
from ablation.effects import Effects, LackOfFit, describe
from ablation.study.findings import Findings
from ablation.study.metric import Metric
from ablation.wording import counted, probability

VERDICTS, SPACE = 1.75, 0.12
"""Inches: the verdicts, and between the columns."""

ABOVE, BELOW = 0.42, 0.5
"""Inches: for the heads of the columns above the plot, and for the axis below it."""

SURE = ("helps", "hurts")


def forest(findings: Findings, design_index: int, form: Form = SCREEN) -> Figure:
    """Draw a design's effects as points with two intervals each, over the band of no interest.

    The thick line is the feature's own 95 % interval, the thin one the interval that holds for all features at once. The last row, where
    the design has arms to spare, is the test of what main effects and pairs leave unexplained.
    """
    design, effects, metric = findings.designs[design_index], findings.effects[design_index], findings.metric
    fit = findings.lack_of_fit[design_index] if findings.lack_of_fit else None
    count = len(design.features)
    smallest = metric.scale * findings.smallest
    own = metric.scale * metric.possible(np.concatenate([effects.low, effects.high]))
    together = metric.scale * metric.possible(np.concatenate([effects.low_simultaneous, effects.high_simultaneous]))
    shown = np.concatenate([metric.scale * effects.estimate, own, [-1.2 * smallest, 1.2 * smallest]])
    left, right = extent(shown, together, 10.0 ** (1 - findings.digits))

    names = [wrap(feature, form.names, BODY) for feature in design.features]
    values = [_value(findings, effects, row) for row in range(count)]
    words = [describe(*each, findings.sample) for each in zip(effects.verdict, effects.seeds_needed.tolist(), strict=True)]
    if fit is not None:
        names.append("lack of fit")
        values.append(f"F = {fit.statistic:.2f}\np {probability(fit.p)}")
        words.append(_fit_words(fit))
    verdicts = [wrap(text, VERDICTS, SMALL) for text in words]
    heads = ("effect [95 % interval]\nall at once", "verdict")
    if not form.columns:
        values, verdicts, heads = [""] * len(names), [""] * len(names), ("", "")

    slot = max(0.44, *(0.1 + max(height(name, BODY), height(verdict, SMALL)) for name, verdict in zip(names, verdicts, strict=True)))
    start = form.margin + widest(names, BODY) + SPACE
    value_column = widest([heads[0], *values], BODY)
    beside_plot = SPACE + value_column + SPACE + VERDICTS if form.columns else SPACE
    plot = form.width - form.margin - beside_plot - start
    label, further = wrap_below(metric.effect_axis(), start, plot, form)
    below, above = BELOW + further, ABOVE if form.columns else SPACE
    rows = len(names)
    caption = _caption(findings, design_index, fit, (left, right))
    below_title = subtitle(f"{design.name}: {counted(len(design.arms), 'arm')}, {findings.seeds_in_words}", findings)
    title = "What each feature contributes, and how sure that is"
    sheet = page(form.width, above + slot * rows + below, title, below_title, caption, form)
    axes = sheet.axes(start, below, plot, slot * rows)
    axes.set_xlim(left, right)
    axes.set_ylim(rows - 0.5, -0.5)

    if smallest > 0:
        axes.axvspan(-smallest, smallest, color=BAND, linewidth=0, zorder=0.5)
    axes.axvline(0, color=INK, linewidth=0.9, zorder=1)
    for row in range(count):
        _mark(axes, effects, metric, row, left, right)
    if fit is not None:
        axes.axhline(count - 0.5, color=MUTED, linewidth=0.8, linestyle=(0, (4, 3)), zorder=2)

    tidy(axes, "x")
    axes.spines["left"].set_visible(False)
    axes.set_yticks(range(rows), names, size=BODY, linespacing=LINESPACING, parse_math=False)
    axes.tick_params(axis="y", length=0)
    axes.set_xlabel(label, size=BODY, color=INK, linespacing=LINESPACING, parse_math=False)
    beside = axes.get_yaxis_transform()
    first, second = 1 + SPACE / plot, 1 + (SPACE + value_column + SPACE) / plot
    for row, (value, verdict) in enumerate(zip(values, verdicts, strict=True)):
        main, _, more = value.partition("\n")
        shift = 0.5 * BODY * 1.3 / 72 / slot if more else 0.0
        axes.text(first, row - shift, main, size=BODY, color=INK, va="center_baseline", transform=beside)
        axes.text(first, row + shift, more, size=SMALL, color=MUTED, va="center_baseline", transform=beside)
        axes.text(second, row, verdict, size=SMALL, color=MUTED, va="center_baseline", transform=beside, linespacing=LINESPACING)
    for place, head in zip((first, second), heads, strict=True):
        top = -0.5 - 0.08 / slot
        axes.text(place, top, head, size=SMALL, weight="bold", color=INK, va="bottom", transform=beside, linespacing=LINESPACING)
    return sheet.figure


def _mark(axes: Axes, effects: Effects, metric: Metric, row: int, left: float, right: float) -> None:
    """Draw one effect: two intervals and a point, filled where the verdict is sure; or the gap."""
    estimate = metric.scale * effects.estimate[row]
    if np.isnan(estimate):
        no_result(axes, left, row - 0.3, right - left, 0.6)
        return
    color = color_of(estimate, metric)
    if not np.isnan(effects.low_simultaneous[row]):
        interval(axes, row, effects.low_simultaneous[row], effects.high_simultaneous[row], metric, color, 1.0, 5)
    if not np.isnan(effects.low[row]):
        interval(axes, row, effects.low[row], effects.high[row], metric, color, 3.4, 0)
    filled = effects.verdict[row] in SURE
    axes.plot(estimate, row, marker="o", markersize=7.5, color=color, markerfacecolor=color if filled else "white", mew=1.6, zorder=5)


def _value(findings: Findings, effects: Effects, row: int) -> str:
    if not effects.seeds[row]:
        return "–"
    metric, digits = findings.metric, findings.digits

    def ends(low: np.ndarray, high: np.ndarray) -> str:
        text = metric.ends(low[row], high[row], digits)
        return f"[{text}]" if text else ""

    own = f"{metric.signed(effects.estimate[row], digits)} {ends(effects.low, effects.high)}".strip()
    return f"{own}\n{ends(effects.low_simultaneous, effects.high_simultaneous)}".strip()


def _fit_words(fit: LackOfFit) -> str:
    if np.isnan(fit.p):
        return "cannot be tested"
    return "main effects and pairs do not explain the scores" if fit.p < 0.05 else "no sign of three-way effects among those it sees"


def _caption(findings: Findings, design_index: int, fit: LackOfFit | None, axis: tuple[float, float]) -> list[str]:
    design, effects = findings.designs[design_index], findings.effects[design_index]
    marks = f"Points: effects, filled where the verdict is helps or hurts. {colors(effects.estimate, findings.metric)} "
    marks += "Thick lines: the 95 % interval of each effect. Thin lines: intervals that hold for all effects at once, with 95 %."
    if findings.smallest > 0:
        smallest = findings.metric.with_difference(f"{findings.metric.shown(findings.smallest):g}")
        marks += f" Grey band: effects of at most ± {smallest}, too small to be of interest."
    if arrows := about_arrows(np.concatenate([effects.low_simultaneous, effects.high_simultaneous]), axis, findings.metric):
        marks += f" {arrows}"
    tested = ""
    if fit is not None and fit.terms:
        total = len(fit.terms) + fit.hidden
        seen = f"{len(fit.terms)} of the {total} three-way terms" if fit.hidden else "all three-way terms"
        tested = f"Lack of fit: the spare arms see {seen}."
        if fit.hidden:
            tested += f" The other {fit.hidden} are aliased with main effects."
    return [design.meaning, marks, tested, source(findings, findings.protocol, findings.intervals)]
