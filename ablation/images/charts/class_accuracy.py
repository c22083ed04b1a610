"""The accuracy of each class, in the first and in the last arm."""

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure

from ablation.charts.drawing.caption import source
from ablation.charts.drawing.lettering import drawable, shorten, width
from ablation.charts.drawing.page import MARGIN, page
from ablation.charts.drawing.style import BODY, GAIN, GRID, INK, MUTED, SMALL, tidy
from ablation.images.held_out import ArmPredictions
from ablation.study.findings import Findings

MOST, ROW, WIDE, NAME = 40, 0.22, 6.5, 1.7
"""Classes that are shown at most; inches: the height of a class, the figure's width, and at most the name of a class."""


STYLES = (("white", INK), (GAIN, GAIN))
"""Face and edge of the dots of the first and of the last arm."""


def class_accuracy(findings: Findings, classes: Sequence[str], arms: Sequence[ArmPredictions]) -> Figure:
    """Draw a dot an arm for each class: the share of its images that are right, mean over the finished seeds.

    Classes stand in their order; of very many, those with the lowest and the highest accuracy in the last arm are shown, sorted by it.

    Args:
        classes: their names.
        arms: at least one.
    """
    accuracies = [100 * by_class(arm) for arm in arms]
    shown = picked(accuracies[-1])
    cut = len(shown) < int(np.isfinite(accuracies[-1]).sum())
    names = drawable(classes)
    labels = [shorten(names[index], NAME, SMALL) for index in shown]
    start = MARGIN + max(width(label, SMALL) for label in labels) + 0.12
    tall, below, above = max(ROW * len(shown), 0.6), 0.5, 0.3
    sheet = page(
        WIDE,
        below + tall + above,
        "Accuracy of each class",
        _subtitle(shown, classes, cut),
        _caption(findings, arms, names != list(classes)),
    )
    axes = sheet.axes(start, below, WIDE - start - MARGIN - 0.1, tall)
    axes.set_xlim(-2, 102)
    axes.set_ylim(len(shown) - 0.5, -0.5)
    tidy(axes, "x")
    axes.set_yticks(range(len(shown)), labels, size=SMALL, parse_math=False)
    axes.tick_params(axis="y", length=0)
    axes.set_xlabel("images of the class that are right (%)", size=BODY, color=INK)

    rows = np.arange(len(shown))
    values = np.array([each[shown] for each in accuracies])
    axes.hlines(rows, values.min(axis=0), values.max(axis=0), color=MUTED, linewidth=1.0, zorder=2)
    for arm, each, (face, edge) in zip(arms, values, STYLES[-len(arms) :], strict=True):
        axes.scatter(each, rows, s=28, linewidths=1.1, color=face, edgecolors=edge, zorder=3, label=arm.name, clip_on=False)
    if cut:
        axes.axhline(len(shown) // 2 - 0.5, color=GRID, linewidth=3, zorder=1)
    axes.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=2, frameon=False, fontsize=SMALL, borderaxespad=0.2, handletextpad=0.2)
    return sheet.figure


def by_class(arm: ArmPredictions) -> np.ndarray:
    """Return the share of each class's images that are right, mean over seeds, shape ``(classes,)``; NaN for a class without images."""
    counts = np.array([each.confusion() for each in arm.by_seed.values()])
    images = counts.sum(axis=2)
    right = np.diagonal(counts, axis1=1, axis2=2)
    each = np.divide(right, images, out=np.zeros(images.shape), where=images > 0)
    seeds = (images > 0).sum(axis=0)
    return np.where(seeds > 0, each.sum(axis=0) / np.maximum(seeds, 1), np.nan)


def picked(accuracy: np.ndarray) -> list[int]:
    """Return the classes that are shown, from top to bottom; of many, those that have images."""
    if len(accuracy) <= MOST:
        return list(range(len(accuracy)))
    order = [index for index in np.argsort(accuracy, kind="stable").tolist() if not np.isnan(accuracy[index])]
    return order if len(order) <= MOST else [*order[: MOST // 2], *order[-MOST // 2 :]]


def _subtitle(shown: Sequence[int], classes: Sequence[str], cut: bool) -> str:
    if not cut:
        some = "" if len(shown) == len(classes) else f"{len(shown)} of {len(classes):,} classes, the others have no "
        return f"{some}images that the networks did not train on"
    half = len(shown) // 2
    return f"the {half} classes with the lowest and the {half} with the highest accuracy in the last arm, of {len(classes):,}"


def _caption(findings: Findings, arms: Sequence[ArmPredictions], numbered: bool) -> list[str]:
    seeds = [len(arm.by_seed) for arm in arms]
    many = (
        f"mean over {seeds[0]} seeds"
        if len(set(seeds)) == 1 and seeds[0] > 1
        else "mean over the finished seeds"
        if max(seeds) > 1
        else "one run"
    )
    marks = f"Dots: {many} of an arm."
    if numbered:
        marks += " A class with letters that the chart's font lacks is shown by its number, in the order of the classes."
    return [marks, source(findings)]
