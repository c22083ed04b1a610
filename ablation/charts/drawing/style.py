"""What all charts share: colours that colour-blind readers can tell apart (Okabe and Ito 2008), type sizes, plain axes."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle

from ablation.study.findings import Findings
from ablation.study.metric import Metric

GAIN, LOSS = "#0072B2", "#D55E00"
SKY, YELLOW = "#56B4E9", "#F0E442"
INK, MUTED, GRID = "#1A1A1A", "#5A5A5A", "#DDDDDD"
BAND = "#E9E9E9"

TITLE, BODY, SMALL = 12.0, 9.0, 7.5
"""Type sizes in points: a title, what stands in the plot, and what explains it."""

MOST_DOTS = 300
"""Dots in one place, which more would only hide."""


def color_of(difference: float, metric: Metric) -> str:
    """Return the colour of an effect: that of a deterioration, or that of everything else."""
    return LOSS if metric.improves(-difference) else GAIN


def subtitle(text: str, findings: Findings) -> str:
    """Return a picture's subtitle with what a reader of the scores must know: their direction, and whether there are more to come."""
    better = "" if findings.metric.higher_is_better else "; lower is better"
    progress = f"; in progress: {len(findings.runs)} of {findings.total} runs" if findings.unfinished else ""
    return f"{text}{better}{progress}"


def tidy(axes: Axes, value_axis: str) -> None:
    """Leave the left and bottom spine, and a light grid on the axis that carries the values (``"x"`` or ``"y"``)."""
    axes.spines[["top", "right"]].set_visible(False)
    axes.spines[["left", "bottom"]].set_color(MUTED)
    axes.tick_params(colors=INK, labelsize=SMALL, length=3, color=MUTED)
    # A common factor or offset would stand apart from the numbers, where other texts are.
    axes.ticklabel_format(axis="x" if value_axis == "x" else "y", style="plain", useOffset=False)
    axes.grid(axis="x" if value_axis == "x" else "y", color=GRID, linewidth=0.6)
    axes.set_axisbelow(True)


def no_result(axes: Axes, left: float, bottom: float, width: float, height: float, rotation: float = 0) -> None:
    """Mark a rectangle, in data units, as a gap where a run did not finish."""
    slot = Rectangle((left, bottom), width, height, facecolor="white", edgecolor="#B0B0B0", hatch="////", linewidth=0, zorder=3)
    axes.add_patch(slot)
    box = {"facecolor": "white", "edgecolor": "none", "pad": 2.0}
    middle = (left + width / 2, bottom + height / 2)
    axes.text(*middle, "no result", size=SMALL, color=MUTED, ha="center", va="center", rotation=rotation, bbox=box, zorder=4)


def some(points: np.ndarray) -> np.ndarray:
    """Return the points that are drawn one by one, those that are there: of very many, some from the lowest to the highest."""
    known = points[~np.isnan(points)]
    return known if len(known) <= MOST_DOTS else np.sort(known)[np.linspace(0, len(known) - 1, MOST_DOTS).round().astype(int)]


def jitter(count: int, width: float) -> list[float]:
    """Return ``count`` offsets within ± ``width / 2``, the same at each call, neighbours far apart so that dots do not touch."""
    golden = 0.618034
    return [width * ((0.5 + index * golden) % 1 - 0.5) for index in range(count)]
