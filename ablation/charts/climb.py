"""Scores along a cumulative path, from the baseline to the arm with every feature."""

import re

import numpy as np
from matplotlib.figure import Figure

from ablation.charts.drawing.caption import means, source
from ablation.charts.drawing.form import SCREEN, Form
from ablation.charts.drawing.lettering import LINESPACING, height, shorten, upright, widest, width, wrap
from ablation.charts.drawing.page import page
from ablation.charts.drawing.style import BODY, GAIN, INK, MUTED, SMALL, jitter, no_result, some, subtitle, tidy
from ablation.designs import arm_names
from ablation.effects import mean_and_sd
from ablation.study.findings import Findings

SLOT, WIDEST, HIGH, LOW = 0.86, 1.4, 3.1, 2.0
"""Inches: an arm, an arm at most where its name has a long word, and the height of the plot, also in a single column."""


def climb(findings: Findings, design_index: int, form: Form = SCREEN) -> Figure:
    """Draw the mean score of each arm of a path with its standard deviation and a dot a seed; a missing arm breaks the line."""
    design = findings.designs[design_index]
    metric = findings.metric
    scores = metric.scale * findings.scores_of(design)
    pooled = mean_and_sd(findings.scores_of(design))
    averages, deviations = (metric.scale * each for each in pooled)
    finished = (~np.isnan(scores)).sum(axis=0)
    asked = findings.asked_of(design).sum(axis=0)
    labels = [name.replace("+ ", "+\u00a0") for name in arm_names(design, findings.features)]
    words = [word for label in labels for word in re.split(r"(?<=_)", label)]
    values = [metric.mean(*each, findings.digits) for each in zip(*pooled, strict=True)]
    count, seeds = len(labels), len(findings.seeds)

    high = HIGH if form.columns else LOW
    label = wrap(metric.axis, high, BODY)
    levels = [value.partition(" ")[0] for value in values]
    start = form.margin + max(0.55, upright(label, levels, BODY, SMALL))
    if form.titled:
        slot = max(min(max(SLOT, *(width(word, SMALL) + 0.1 for word in words)), WIDEST), widest(values, SMALL) + 0.1)
        plot = max(slot * count, 4.5)
    else:
        plot = form.width - 2 * form.margin - start
        slot = plot / count
    # Only in a column of a paper there may be no room for names side by side, nor for numbers.
    turned = not form.titled and widest(words, SMALL) + 0.1 > slot
    numbered = form.titled or widest(values, SMALL) + 0.1 <= slot
    names = [shorten(each, form.names, SMALL) if turned else wrap(each, slot - 0.08, SMALL) for each in labels]
    above = 0.3 if numbered else 0.1
    below = 0.12 + (widest(names, SMALL) if turned else max(height(name, SMALL) for name in names))
    below_title = subtitle(f"{design.name}: mean {metric.name}, features added from left to right", findings)
    caption = _caption(findings, bool(((finished > 0) & (finished < asked)).any()))
    wide = start + plot + form.margin if form.titled else form.width
    sheet = page(wide, above + high + below, "From the baseline to all features", below_title, caption, form)
    axes = sheet.axes(start, below, plot, high)
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
    rotation = 90 if turned else 0
    axes.set_xticks(places, names, size=SMALL, linespacing=LINESPACING, rotation=rotation, parse_math=False)
    axes.tick_params(axis="x", length=0)
    axes.set_ylabel(label, size=BODY, color=INK, linespacing=LINESPACING, parse_math=False)
    for place in np.flatnonzero(finished).tolist() if numbered else []:
        color = INK if finished[place] == asked[place] else MUTED
        axes.text(place, 1.02, values[place], size=SMALL, color=color, ha="center", va="bottom", transform=axes.get_xaxis_transform())
    return sheet.figure


def _caption(findings: Findings, fewer: bool) -> list[str]:
    marks = means(findings, "Filled dots", "Vertical lines")
    if fewer:
        marks += f" A grey number rests on fewer {findings.sample}s than were asked for."
    return ["“+ x”: x and every feature before it are on.", marks, source(findings, findings.protocol)]
