"""True against predicted classes: one matrix for each of the first and the last arm."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap, PowerNorm
from matplotlib.figure import Figure

from ablation.charts.drawing.caption import source
from ablation.charts.drawing.lettering import LINESPACING, drawable, height, shorten, width
from ablation.charts.drawing.page import MARGIN, page
from ablation.charts.drawing.style import BODY, GAIN, INK, MUTED, SMALL
from ablation.images.held_out import ArmPredictions
from ablation.study.findings import Findings

NUMBERED, NAMED = 12, 30
"""Up to so many classes a cell holds its number, and an axis the names of the classes."""

CELL, SIDE, NAME = 0.34, 3.6, 1.0
"""Inches: a numbered cell, the side of a matrix without numbers, and at most the name of a class."""

WORST = 8
"""How many pairs of classes are named under a matrix."""

SHADES = LinearSegmentedColormap.from_list("shades", ["white", GAIN])


def confusion(findings: Findings, classes: Sequence[str], arms: Sequence[ArmPredictions]) -> Figure:
    """Draw the share of each true class (row) that was predicted as each class (column), over all finished seeds.

    Args:
        classes: their names.
        arms: at least one.
    """
    count = len(classes)
    side = max(CELL * count, 1.9) if count <= NUMBERED else SIDE
    names = drawable(classes)
    labels = [shorten(name, NAME, SMALL) for name in names] if count <= NAMED else []
    room = max((width(label, SMALL) for label in labels), default=0.0) + 0.1
    shares = [share(arm) for arm in arms]
    below = room + 0.25
    worst = [_worst(each, names, room + side) for each in shares]
    under, head = max(height(text, SMALL) for text in worst) + 0.1, 0.3
    left, between = MARGIN + 0.25 + room, 0.36 + room
    wide = max(left + len(arms) * side + (len(arms) - 1) * between + MARGIN, 5.6)
    subtitle = "share of the images of each true class (row) that were predicted as each class (column), in %"
    caption = _caption(findings, arms, names != list(classes))
    sheet = page(wide, under + below + side + head, "Confusion of classes", subtitle, caption)
    figure = sheet.figure
    across, up = figure.get_size_inches()
    for column, (arm, each, text) in enumerate(zip(arms, shares, worst, strict=True)):
        start = left + column * (side + between)
        axes = sheet.axes(start, under + below, side, side)
        _matrix(axes, each, labels)
        title = shorten(f"{arm.name}: {100 * _accuracy(arm):.{findings.digits}f} %", side, BODY)
        place = (start / across, (sheet.floor + under + below + side + 0.08) / up)
        figure.text(*place, title, size=BODY, weight="bold", color=INK, va="bottom", parse_math=False)
        middle = (start + side / 2) / across
        figure.text(middle, (sheet.floor + under + 0.06) / up, "predicted class", size=BODY, color=INK, ha="center", va="bottom")
        edge = ((start - room - 0.2) / across, (sheet.floor + under + below + side / 2) / up)
        figure.text(*edge, "true class", size=BODY, color=INK, rotation=90, va="center")
        place = ((start - room) / across, (sheet.floor + under - 0.04) / up)
        figure.text(*place, text, size=SMALL, color=MUTED, va="top", linespacing=LINESPACING, parse_math=False)
    return figure


def share(arm: ArmPredictions) -> np.ndarray:
    """Return the share of each true class that was predicted as each class, shape ``(classes, classes)``; 0 for a class without images."""
    counts = sum((each.confusion() for each in arm.by_seed.values()), start=np.zeros((), dtype=int))
    return np.asarray(counts / np.maximum(counts.sum(axis=1, keepdims=True), 1))


def _accuracy(arm: ArmPredictions) -> float:
    return float(np.mean([each.correct.mean() for each in arm.by_seed.values()]))


def _matrix(axes: Axes, shares: np.ndarray, labels: Sequence[str]) -> None:
    count = len(shares)
    # Without numbers, a few mistakes among many classes must still be seen.
    norm = PowerNorm(1.0 if count <= NUMBERED else 0.5, vmin=0, vmax=1)
    axes.imshow(shares, cmap=SHADES, norm=norm, interpolation="nearest", aspect="equal")
    axes.spines[:].set_color(MUTED)
    axes.tick_params(length=0, colors=INK, labelsize=SMALL, pad=3)
    places = range(count) if labels else []
    axes.set_xticks(places, labels, rotation=90, parse_math=False)
    axes.set_yticks(places, labels, parse_math=False)
    if count <= NUMBERED:
        for row, column in np.argwhere(shares >= 0.005).tolist():
            value = shares[row, column]
            color = "white" if value > 0.65 else INK
            axes.text(column, row, f"{100 * value:.0f}", size=SMALL, color=color, ha="center", va="center")


def _worst(shares: np.ndarray, names: Sequence[str], inches: float) -> str:
    """Name the pairs of classes that are confused most often, where there are more than the eye finds by itself."""
    if len(shares) <= NUMBERED:
        return ""
    mistakes = np.where(np.eye(len(shares), dtype=bool), 0, shares)
    order = np.argsort(-mistakes, axis=None, kind="stable")[:WORST]
    lines = []
    for row, column in zip(*np.unravel_index(order, shares.shape), strict=True):
        if mistakes[row, column] > 0:
            number = f"{100 * mistakes[row, column]:.0f} %  "
            room = (inches - width(f"{number} → ", SMALL)) / 2
            lines.append(f"{number}{shorten(names[row], room, SMALL)} → {shorten(names[column], room, SMALL)}")
    return "\n".join(["Confused most often:", *lines]) if lines else ""


def _caption(findings: Findings, arms: Sequence[ArmPredictions], numbered: bool) -> list[str]:
    seeds = [len(arm.by_seed) for arm in arms]
    many = f"All {seeds[0]} seeds together. " if len(set(seeds)) == 1 and seeds[0] > 1 else ""
    marks = f"{many}White: none; blue: every image of the class. On the diagonal stand those that are right."
    if numbered:
        marks += " A class with letters that the chart's font lacks is shown by its number, in the order of the classes."
    return [marks, source(findings, findings.protocol)]
