"""The picture of a comparison: on the left the effects of both studies, on the right their differences."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ablation.charts.drawing.intervals import extent, interval
from ablation.charts.drawing.lettering import LINESPACING, widest, wrap
from ablation.charts.drawing.page import MARGIN, page
from ablation.charts.drawing.style import BODY, GAIN, INK, LOSS, MUTED, SMALL, tidy
from ablation.compare import Compared, Comparison
from ablation.compare.words import digits, notes
from ablation.study.metric import Metric

WIDTH, NAMES, BETWEEN, SLOT, HEAD, AXIS = 9.0, 2.2, 0.3, 0.42, 0.3, 0.62
"""Inches: the figure, at most the names, between the panels, a feature's row, the head of a design, and the axis below."""

COLORS = (GAIN, LOSS)


@dataclass(frozen=True, eq=False)
class _Side:
    """What one panel draws of the features, one value and interval each. Arrays have shape ``(features,)`` and the units of the scores."""

    values: np.ndarray
    low: np.ndarray
    high: np.ndarray
    color: str
    filled: np.ndarray
    shift: float = 0.0


def picture(comparison: Comparison) -> Figure:
    """Draw each design's effects with their 95 % intervals, A above B, and beside them the differences B − A."""
    names = [wrap(feature, NAMES, BODY) for each in comparison.designs for feature in each.features]
    start = MARGIN + widest(names, BODY) + 0.12
    panel = (WIDTH - MARGIN - start - BETWEEN) / 2
    body = sum(HEAD + AXIS + SLOT * len(each.features) for each in comparison.designs)
    said = f"A (blue): {comparison.first.name}. B (orange): {comparison.second.name}"
    caption = ["Lines: 95 % intervals. Filled differences: beyond noise, p < 0.05 after Holm's adjustment.", " ".join(notes(comparison))]
    sheet = page(WIDTH, body, "Two studies compared", said, caption)
    top, least, metric = body, 10.0 ** (1 - digits(comparison)), comparison.first.metric
    for each in comparison.designs:
        high = SLOT * len(each.features)
        top -= HEAD + high
        left = sheet.axes(start, top, panel, high)
        _panel(left, _effects(comparison, each), metric, least, f"{each.design}: effects", wrap(metric.effect_axis(), panel, SMALL), True)
        left.set_yticks(range(len(each.features)), [wrap(name, NAMES, BODY) for name in each.features], size=BODY, parse_math=False)
        right = sheet.axes(start + panel + BETWEEN, top, panel, high)
        label = wrap(metric.effect_axis("difference in effect on"), panel, SMALL)
        _panel(right, [_Side(each.difference, each.low, each.high, INK, each.differs)], metric, least, "difference B − A", label, False)
        right.set_yticks([])
        top -= AXIS
    return sheet.figure


def _effects(comparison: Comparison, each: Compared) -> list[_Side]:
    """Return the effects of both studies, the first above the second."""
    sides = []
    for findings, place, color, shift in zip((comparison.first, comparison.second), (0, 1), COLORS, (-0.16, 0.16), strict=True):
        effects, rows = findings.effects[each.indices[place]], [row[place] for row in each.rows]
        all_filled = np.ones(len(rows), dtype=bool)
        sides.append(_Side(effects.estimate[rows], effects.low[rows], effects.high[rows], color, all_filled, shift))
    return sides


def _panel(axes: Axes, sides: Sequence[_Side], metric: Metric, least: float, title: str, label: str, bounded: bool) -> None:
    """Draw values with their intervals about zero.

    Args:
        least: the narrowest axis, as people read scores.
        bounded: whether intervals end where no effect can be.
    """
    count = len(sides[0].values)
    ends = np.concatenate([end for side in sides for end in (side.low, side.high)])
    seen = np.concatenate([*(side.values for side in sides), metric.possible(ends) if bounded else ends])
    axes.set_xlim(*extent(metric.scale * seen, np.array([]), least))
    axes.set_ylim(count - 0.5, -0.5)
    axes.axvline(0, color=INK, linewidth=0.9, zorder=1)
    tidy(axes, "x")
    axes.spines["left"].set_visible(False)
    axes.tick_params(axis="y", length=0)
    axes.set_title(title, size=BODY, color=INK, loc="left", weight="bold", parse_math=False)
    axes.set_xlabel(label, size=SMALL, color=INK, linespacing=LINESPACING, parse_math=False)
    for side in sides:
        for row in range(count):
            _mark(axes, side, row, metric, bounded)


def _mark(axes: Axes, side: _Side, row: int, metric: Metric, bounded: bool) -> None:
    y, value, low, high = row + side.shift, side.values[row], side.low[row], side.high[row]
    if np.isnan(value):
        axes.text(0, y, " no result", size=SMALL, color=MUTED, va="center")
        return
    if not np.isnan(low) and bounded:
        interval(axes, y, low, high, metric, side.color, 2.0, 0)
    elif not np.isnan(low):
        axes.plot([metric.scale * low, metric.scale * high], [y, y], color=side.color, linewidth=2.0)
    face = side.color if side.filled[row] else "white"
    axes.plot(metric.scale * value, y, marker="o", markersize=6, color=side.color, markerfacecolor=face, mew=1.4, zorder=5)
