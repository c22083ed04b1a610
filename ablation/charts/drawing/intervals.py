"""Intervals on an axis: where it ends, and what an arrow at the end of an interval means."""

import numpy as np
from matplotlib.axes import Axes

from ablation.study.metric import Metric

ROOM = 0.5
"""How far wider intervals may widen an axis on either side, in units of the span of what it shows in any case."""


def extent(shown: np.ndarray, wider: np.ndarray, least: float) -> tuple[float, float]:
    """Return the ends of an axis that shows zero and all of some values, and, as far as there is room, the ends of wider intervals.

    ``least`` is the span that the axis has at least, so that rounding alone does not look like an effect.
    """
    seen = np.append(shown[~np.isnan(shown)], 0.0)
    first, last = float(seen.min()), float(seen.max())
    room, ends = ROOM * max(last - first, least), wider[~np.isnan(wider)]
    left = max(float(ends.min(initial=first)), first - room)
    right = min(float(ends.max(initial=last)), last + room)
    edge = max(0.04 * (right - left), (least - (right - left)) / 2)
    return left - edge, right + edge


def interval(axes: Axes, y: float, low: float, high: float, metric: Metric, color: str, thickness: float = 1.3, cap: float = 6) -> None:
    """Draw an interval at a height; an arrow ends it where it would go on beyond the axis, or beyond what an effect can be.

    Args:
        axes: with its limits set, in the metric's own scale.
        y: where it is drawn.
        low, high: its ends, in the units of the scores.
        metric: what the scores are.
        color, thickness, cap: of the line and of the marks at its ends, in points; no mark where ``cap`` is 0.
    """
    left, right = axes.get_xlim()
    inset = 0.008 * (right - left)  # keeps an arrow's head inside the axes
    low, high, most = metric.scale * low, metric.scale * high, metric.scale * metric.largest_effect
    first, last = max(low, left + inset, -most), min(high, right - inset, most)
    axes.plot([first, last], [y, y], color=color, linewidth=thickness, solid_capstyle="butt", zorder=4)
    for end, drawn, arrow in ((low, first, "<"), (high, last, ">")):
        axes.plot(drawn, y, marker="|" if end == drawn else arrow, color=color, markersize=cap if end == drawn else 6, zorder=4)


def about_arrows(ends: np.ndarray, axes_ends: tuple[float, float], metric: Metric) -> str:
    """Say what the arrows at the ends of some intervals mean; nothing where there are none.

    Args:
        ends: of all intervals, in the units of the scores.
        axes_ends: of the axis, in the metric's own scale.
        metric: what the scores are.
    """
    sentences = []
    if (np.abs(ends) > metric.largest_effect).any():
        most = metric.with_difference(f"{metric.shown(metric.largest_effect):g}")
        sentences.append(f"An arrow at ± {most}: no effect can be larger, and the interval ends there.")
    possible = metric.scale * metric.possible(ends[~np.isnan(ends)])
    if (possible < axes_ends[0]).any() or (possible > axes_ends[1]).any():
        sentences.append("An arrow at the edge: the interval goes on beyond the axis, to the number given.")
    return " ".join(sentences)
