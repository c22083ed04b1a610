"""Scores by epoch, one panel an arm."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, ScalarFormatter

from ablation.charts.drawing.caption import means, source
from ablation.charts.drawing.lettering import LINESPACING, height, upright, wrap
from ablation.charts.drawing.page import MARGIN, page
from ablation.charts.drawing.style import BODY, GAIN, INK, MUTED, SMALL, subtitle, tidy
from ablation.designs import BASELINE, Arm, arm_names, is_path
from ablation.effects import mean_and_sd
from ablation.study.findings import Findings

PANEL, HIGH, BETWEEN = 1.85, 1.25, 0.2
"""Inches: the width and height of a panel, and what is left free between two."""

MOST = 20
"""Panels that a page holds; of more arms, the baseline and all features are shown, and those that score worst and best."""

STYLES = (("#7A7A7A", "--"), ("#B0782D", ":"), (GAIN, "-"))
"""Colour and line of each curve; the last is that of the metric."""

Style = tuple[str, str, str, str]
"""A curve's name in histories, its label, its colour and its line."""


def learning_curves(findings: Findings) -> Figure:
    """Draw mean and range over seeds of the metric's curves for every arm of the study; an arm without a run says so."""
    shown, styles = _shown(findings), styled(findings)
    count = len(shown)
    columns = min(count, 4 if count <= 8 else 5)
    rows = -(-count // columns)
    panel = max(PANEL, (5.2 - BETWEEN * (columns - 1)) / columns)
    names = [wrap(name, panel, SMALL) for name in _names(findings, shown)]
    title, ticks = max(height(name, SMALL) for name in names) + 0.08, 0.24
    curves = [_curves(findings, arm, styles) for arm in shown]
    floor, top, longest = _extent(curves)
    marks = [mark for mark in MaxNLocator(5, steps=[1, 2, 5, 10]).tick_values(floor, top) if floor <= mark <= top]
    metric = findings.metric
    label = wrap(metric.short_axis, rows * (HIGH + title + ticks), BODY)
    left, low, legend = MARGIN + max(0.55, upright(label, _numbers(marks), BODY, SMALL)), 0.22, 0.3

    wide = left + columns * panel + (columns - 1) * BETWEEN + MARGIN
    body = low + rows * (HIGH + title + ticks) + legend
    lines = means(findings, "Lines")
    if len(findings.seeds) > 1:
        lines += f" Bands: from the lowest to the highest {findings.sample}."
    if any(is_path(design) for design in findings.designs):
        lines += " “+ x”: x and every feature before it are on."
    if count < len(findings.arms):
        lines += f" {count} of {len(findings.arms)} arms are shown: baseline, all features, and of the others the worst and the best."
    if any(not np.isfinite(values).all() for found in curves for values in found.values()):
        lines += " Values that are not finite are left out."
    caption = [lines, source(findings)]
    below_title = subtitle(f"{metric.short} by epoch, one panel an arm", findings)
    sheet = page(wide, body, "Learning curves", below_title, caption)

    for index, (name, found) in enumerate(zip(names, curves, strict=True)):
        row, column = divmod(index, columns)
        bottom = low + ticks + (rows - 1 - row) * (HIGH + title + ticks)
        axes = sheet.axes(left + column * (panel + BETWEEN), bottom, panel, HIGH)
        axes.set_xlim(0.5 if longest == 1 else 1, max(longest, 1.5))
        axes.set_ylim(floor, top)
        axes.set_yticks(marks)
        _panel(axes, found, styles)
        axes.set_title(name, size=SMALL, color=INK, loc="left", pad=3, linespacing=LINESPACING, parse_math=False)
        axes.set_xticks(sorted({1, longest}))
        if column:
            axes.tick_params(axis="y", labelleft=False)

    figure = sheet.figure
    across, up = figure.get_size_inches()
    figure.text((left + wide - MARGIN) / 2 / across, (sheet.floor + 0.02) / up, "epoch", size=BODY, color=INK, ha="center", va="bottom")
    middle = (sheet.floor + low + (body - low - legend) / 2) / up
    figure.text(
        MARGIN / across,
        middle,
        label,
        size=BODY,
        color=INK,
        rotation=90,
        ha="left",
        va="center",
        linespacing=LINESPACING,
        parse_math=False,
    )
    handles = [axes.plot([], [], color=color, linestyle=style, label=label)[0] for _, label, color, style in styles]
    place = ((left - 0.1) / across, (sheet.floor + body) / up)
    figure.legend(handles=handles, loc="upper left", bbox_to_anchor=place, ncols=3, frameon=False, fontsize=SMALL, borderaxespad=0)
    return figure


def _shown(findings: Findings) -> list[Arm]:
    """Return the arms that have a panel: all, or of too many the two ends, then the others with the worst and the best means."""
    if len(findings.arms) <= MOST:
        return list(findings.arms)
    ends = [arm for arm in (BASELINE, frozenset(findings.features)) if arm in findings.arms]
    means, _ = mean_and_sd(findings.scores)
    ranked = np.argsort(means if findings.metric.higher_is_better else -means).tolist()
    others = [findings.arms[index] for index in ranked if findings.arms[index] not in ends and not np.isnan(means[index])]
    left = MOST - len(ends)
    # Of a study in progress or with many failures, few of the others may have a result.
    return [*ends, *(others if len(others) <= left else [*others[: left // 2], *others[-(left - left // 2) :]])]


def _names(findings: Findings, shown: Sequence[Arm]) -> list[str]:
    """Name arms as the first design does that trains them."""
    names: dict[Arm, str] = {}
    for design in findings.designs:
        for arm, name in zip(design.arms, arm_names(design, findings.features), strict=True):
            names.setdefault(arm, name)
    return [names[arm] for arm in shown]


def styled(findings: Findings) -> list[Style]:
    """Return the curves that histories hold, each with its label, colour and line; none where no run has a history of the metric."""
    held = {name for run in findings.runs.values() for name, values in run.history.items() if values}
    if findings.metric.key not in held:
        return []
    curves = [curve for curve in findings.metric.curves if curve[0] in held][-len(STYLES) :]
    return [(*curve, *style) for curve, style in zip(curves, STYLES[-len(curves) :], strict=True)]


def _curves(findings: Findings, arm: Arm, styles: Sequence[Style]) -> dict[str, np.ndarray]:
    """Return each curve of an arm's finished runs, shape ``(runs, epochs)``; runs that ended early are filled up with NaN."""
    runs = [findings.runs[arm, seed] for seed in findings.seeds if (arm, seed) in findings.runs]
    found = {}
    for name, *_ in styles:
        histories = [run.history[name] for run in runs if run.history.get(name)]
        if histories:
            longest = max(map(len, histories))
            found[name] = findings.metric.scale * np.array([[*each, *[np.nan] * (longest - len(each))] for each in histories])
    return found


def _extent(curves: list[dict[str, np.ndarray]]) -> tuple[float, float, int]:
    """Return the ends of the shared axis of scores, and the last epoch."""
    drawn = [values for found in curves for values in found.values()]
    finite = [values[np.isfinite(values)] for values in drawn if np.isfinite(values).any()]
    lowest = min((float(values.min()) for values in finite), default=0.0)
    highest = max((float(values.max()) for values in finite), default=1.0)
    room = 0.05 * (highest - lowest) or 0.05 * abs(highest) or 0.05
    return lowest - room, highest + room, max((values.shape[1] for values in drawn), default=1)


def _numbers(marks: list[float]) -> list[str]:
    """Write the marks of an axis as it does."""
    formatter = ScalarFormatter(useOffset=False)
    formatter.set_scientific(False)
    formatter.create_dummy_axis()
    return formatter.format_ticks(marks)


def _panel(axes: Axes, found: dict[str, np.ndarray], styles: Sequence[Style]) -> None:
    tidy(axes, "y")
    if not found:
        axes.text(0.5, 0.5, "no finished run", size=SMALL, color=MUTED, ha="center", va="center", transform=axes.transAxes)
        axes.set_facecolor("#F4F4F4")
        axes.grid(visible=False)
        return
    for name, _, color, style in styles:
        if name not in found:
            continue
        # An epoch in which no seed has a finite value leaves a gap.
        values = np.ma.masked_invalid(found[name])
        epochs = np.arange(1, values.shape[1] + 1)
        axes.fill_between(epochs, values.min(axis=0), values.max(axis=0), color=color, alpha=0.22, linewidth=0)
        marker = "o" if len(epochs) == 1 else ""
        axes.plot(epochs, values.mean(axis=0), color=color, linestyle=style, linewidth=1.3, marker=marker, markersize=4)
