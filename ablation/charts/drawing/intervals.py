"""Intervals on an axis that they may not fit: where the axis ends, and an arrow where an interval goes on beyond it."""

import numpy as np
from matplotlib.axes import Axes

ROOM = 0.5
"""How far intervals may widen an axis on either side, in units of the span of the values."""


def extent(values: np.ndarray, ends: np.ndarray, least: float) -> tuple[float, float, bool]:
    """Return the ends of an axis that shows zero, all values and, where there is room, the ends of intervals; and whether one is cut.

    ``least`` is the span that the axis has at least, so that rounding alone does not look like an effect.
    """
    seen = np.append(values[~np.isnan(values)], 0.0)
    first, last = float(seen.min()), float(seen.max())
    span = max(last - first, least)
    ends = ends[~np.isnan(ends)]
    lowest, highest = float(ends.min(initial=first)), float(ends.max(initial=last))
    left, right = max(lowest, first - ROOM * span), min(highest, last + ROOM * span)
    cut = lowest < left or highest > right
    edge = max(0.04 * (right - left), (least - (right - left)) / 2)
    return left - edge, right + edge, cut


def interval(axes: Axes, y: float, low: float, high: float, color: str, thickness: float = 1.3, cap: float = 6) -> None:
    """Draw an interval at a height; an end beyond the axis becomes an arrow at its edge."""
    left, right = axes.get_xlim()
    inset = 0.008 * (right - left)  # keeps an arrow's head inside the axes
    first, last = max(low, left + inset), min(high, right - inset)
    axes.plot([first, last], [y, y], color=color, linewidth=thickness, solid_capstyle="butt", zorder=4)
    for end, drawn, arrow in ((low, first, "<"), (high, last, ">")):
        axes.plot(drawn, y, marker="|" if end == drawn else arrow, color=color, markersize=cap, zorder=4)
