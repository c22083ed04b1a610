"""Scores along a cumulative path, from the baseline to the arm with every feature."""

import re

import numpy as np
from matplotlib.figure import Figure

from ablation.charts.drawing.caption import means, source
from ablation.charts.drawing.lettering import LINESPACING, height, upright, widest, width, wrap
from ablation.charts.drawing.page import MARGIN, page
from ablation.charts.drawing.style import BODY, GAIN, INK, MUTED, SMALL, jitter, no_result, some, subtitle, tidy
from ablation.designs import arm_names
from ablation.effects import mean_and_sd
from ablation.study.findings import Findings

SLOT, WIDEST, HIGH = 0.86, 1.4, 3.1
"""Inches: an arm, an arm at most where its name has a long word, and the height of the plot."""


def climb(findings: Findings, design_index: int) -> Figure:
    """Draw the mean score of each arm of a path with its standard deviation and a dot a seed; a missing arm breaks the line."""
    design = findings.designs[design_index]
    metric = findings.metric
    scores = metric.scale * findings.scores_of(design)
    averages, deviations = mean_and_sd(scores)
    finished = (~np.isnan(scores)).sum(axis=0)
    asked = findings.asked_of(design).sum(axis=0)
    labels = [name.replace("+ ", "+\u00a0") for name in arm_names(design, findings.features)]
    words = [word for label in labels for word in re.split(r"(?<=_)", label)]
    values = [_value(*each, findings.digits) for each in zip(averages, deviations, strict=True)]
    slot = max(min(max(SLOT, *(width(word, SMALL) + 0.1 for word in words)), WIDEST), widest(values, SMALL) + 0.1)
    names = [wrap(label, slot - 0.08, SMALL) for label in labels]
    count, seeds = len(names), len(findings.seeds)

    label = wrap(metric.axis, HIGH, BODY)
    levels = [value.partition(" ")[0] for value in values]
    start, plot = MARGIN + max(0.55, upright(label, levels, BODY, SMALL)), max(slot * count, 4.5)
    above, below = 0.3, 0.12 + max(height(name, SMALL) for name in names)
    below_title = subtitle(f"{design.name}: mean {metric.name}, features added from left to right", findings)
    caption = _caption(findings, bool(((finished > 0) & (finished < asked)).any()))
    sheet = page(start + plot + MARGIN, above + HIGH + below, "From the baseline to all features", below_title, caption)
    axes = sheet.axes(start, below, plot, HIGH)
    axes.set_xlim(-0.5, count - 0.5)

    places = list(range(count))
    axes.plot(places, averages, color=GAIN, linewidth=1.8, marker="o", markersize=5.5, zorder=3)
    axes.vlines(places, averages - deviations, averages + deviations, color=GAIN, linewidth=1.3, zorder=3)
    for place in places:
        found = some(scores[:, place])
        if seeds > 1 and len(found):
            across = place + 0.2 + np.array(jitter(len(found), 0.12))
            axes.scatter(across, found, s=13, color="white", edgecolors=INK, linewidths=0.9, zorder=4)

    bottom, top = axes.get_ylim() if finished.any() else (0.0, metric.scale)
    axes.set_ylim(bottom, top)
    for place in np.flatnonzero(finished == 0).tolist():
        no_result(axes, place - 0.3, bottom, 0.6, top - bottom, rotation=90)

    tidy(axes, "y")
    axes.set_xticks(places, names, size=SMALL, linespacing=LINESPACING, parse_math=False)
    axes.tick_params(axis="x", length=0)
    axes.set_ylabel(label, size=BODY, color=INK, linespacing=LINESPACING, parse_math=False)
    for place in np.flatnonzero(finished).tolist():
        color = INK if finished[place] == asked[place] else MUTED
        axes.text(place, 1.02, values[place], size=SMALL, color=color, ha="center", va="bottom", transform=axes.get_xaxis_transform())
    return sheet.figure


def _value(mean: float, sd: float, digits: int) -> str:
    if np.isnan(mean):
        return ""
    return f"{mean:.{digits}f}" + (f" ± {sd:.{digits}f}" if not np.isnan(sd) else "")


def _caption(findings: Findings, fewer: bool) -> list[str]:
    marks = means(findings, "Filled dots", "Vertical lines")
    if fewer:
        marks += f" A grey number rests on fewer {findings.sample}s than were asked for."
    return ["“+ x”: x and every feature before it are on.", marks, source(findings, findings.protocol)]
