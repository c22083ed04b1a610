"""The picture of a comparison: on the left the effects of both studies, on the right their differences."""

import numpy as np
from matplotlib.figure import Figure

from ablation.charts.drawing.intervals import extent, interval
from ablation.charts.drawing.lettering import LINESPACING, widest, wrap
from ablation.charts.drawing.page import MARGIN, page
from ablation.charts.drawing.style import BODY, GAIN, INK, LOSS, MUTED, SMALL, tidy
from ablation.compare import Comparison
from ablation.compare.words import digits, notes

WIDTH, NAMES, BETWEEN, SLOT, HEAD, AXIS = 9.0, 2.2, 0.3, 0.42, 0.3, 0.62
"""Inches: the figure, at most the names, between the panels, a feature's row, the head of a design, and the axis below."""

COLORS = (GAIN, LOSS)


def picture(comparison: Comparison) -> Figure:
    """Draw each design's effects with their 95 % intervals, A above B, and beside them the differences B − A."""
    metric = comparison.first.metric
    names = [wrap(feature, NAMES, BODY) for each in comparison.designs for feature in each.features]
    start = MARGIN + widest(names, BODY) + 0.12
    panel = (WIDTH - MARGIN - start - BETWEEN) / 2
    body = sum(HEAD + AXIS + SLOT * len(each.features) for each in comparison.designs)
    said = f"A (blue): {comparison.first.name}. B (orange): {comparison.second.name}"
    caption = ["Lines: 95 % intervals. Filled differences: beyond noise, p < 0.05 after Holm's adjustment.", " ".join(notes(comparison))]
    sheet = page(WIDTH, body, "Two studies compared", said, caption)
    top = body
    for each in comparison.designs:
        count = len(each.features)
        top -= HEAD + SLOT * count
        sides = [comparison.first.effects[each.indices[0]], comparison.second.effects[each.indices[1]]]
        rows = np.array(each.rows).T
        ends = np.concatenate([np.concatenate([side.low[own], side.high[own]]) for side, own in zip(sides, rows, strict=True)])
        points = np.concatenate([side.estimate[own] for side, own in zip(sides, rows, strict=True)])
        least = 10.0 ** (1 - digits(comparison))
        drawn = (
            (points, metric.possible(ends), start, f"{each.design}: effects", "effect on"),
            (
                each.difference,
                np.concatenate([each.low, each.high]),
                start + panel + BETWEEN,
                "difference B − A",
                "difference in effect on",
            ),
        )
        for place, (values, bounds, left, title, what) in enumerate(drawn):
            axes = sheet.axes(left, top, panel, SLOT * count)
            axes.set_xlim(*extent(metric.scale * np.concatenate([values, bounds]), np.array([]), least))
            axes.set_ylim(count - 0.5, -0.5)
            axes.axvline(0, color=INK, linewidth=0.9, zorder=1)
            tidy(axes, "x")
            axes.spines["left"].set_visible(False)
            axes.set_yticks(
                range(count), [wrap(name, NAMES, BODY) if not place else "" for name in each.features], size=BODY, parse_math=False
            )
            axes.tick_params(axis="y", length=0)
            axes.set_title(title, size=BODY, color=INK, loc="left", weight="bold", parse_math=False)
            label = wrap(metric.effect_axis(what), panel, SMALL)
            axes.set_xlabel(label, size=SMALL, color=INK, linespacing=LINESPACING, parse_math=False)
            for row in range(count):
                if place:
                    marks = [(float(row), each.difference[row], each.low[row], each.high[row], INK, bool(each.differs[row]))]
                else:
                    marks = [
                        (row + shift, side.estimate[own[row]], side.low[own[row]], side.high[own[row]], color, True)
                        for shift, side, own, color in zip((-0.16, 0.16), sides, rows, COLORS, strict=True)
                    ]
                for y, value, low, high, color, filled in marks:
                    if np.isnan(value):
                        axes.text(0, y, " no result", size=SMALL, color=MUTED, va="center")
                        continue
                    if not np.isnan(low) and not place:
                        interval(axes, y, low, high, metric, color, 2.0, 0)
                    elif not np.isnan(low):
                        axes.plot([metric.scale * low, metric.scale * high], [y, y], color=color, linewidth=2.0)
                    face = color if filled else "white"
                    axes.plot(metric.scale * value, y, marker="o", markersize=6, color=color, markerfacecolor=face, mew=1.4, zorder=5)
        top -= AXIS
    return sheet.figure
