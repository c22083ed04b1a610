"""Held-out images with what the networks of the first and the last arm predicted for them, mistakes first."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from ablation.charts.drawing.caption import source
from ablation.charts.drawing.lettering import drawable, shorten, width
from ablation.charts.drawing.page import MARGIN, page
from ablation.charts.drawing.style import BODY, GAIN, INK, LOSS, MUTED, SMALL
from ablation.images.held_out import ArmPredictions, Predictions
from ablation.study.findings import Findings

SHOWN, RIGHT = 8, 2
"""Images of an arm, and how many of them at least are classified rightly, where there are any."""

FEW_CLASSES, FIRST = 5, 3
"""Up to so many classes all have a bar; of more, the most probable ones, the true one, and one bar for the others together."""

PICTURE, NAMES, BARS, VALUES, SPACE = 0.95, 1.05, 1.0, 0.38, 0.1
"""Inches, from left to right, and between two of them."""

WIDE = PICTURE + NAMES + BARS + VALUES + 3 * SPACE
TALL, VERDICT, BETWEEN, HEAD = 0.95, 0.2, 0.16, 0.3
"""Inches from top to bottom: a picture, the line above it, between two images, and the arm's name."""

OTHER = "#A8A8A8"


def predictions(findings: Findings, classes: Sequence[str], arms: Sequence[ArmPredictions]) -> Figure:
    """Draw a column of images for each arm, from its first finished seed: picture, true and predicted class, probabilities as bars.

    Args:
        classes: their names.
        arms: at least one.
    """
    predicted = [next(iter(arm.by_seed.values())) for arm in arms]
    shown = [chosen(each) for each in predicted]
    rows = max(map(len, shown))
    slot = TALL + VERDICT + BETWEEN
    between = 0.35
    wide = max(2 * MARGIN + len(arms) * WIDE + (len(arms) - 1) * between, 5.0)
    names = drawable(classes)
    sheet = page(wide, HEAD + rows * slot, "Predictions", _subtitle(arms), _caption(findings, arms, names != list(classes)))
    for column, (arm, each, indices) in enumerate(zip(arms, predicted, shown, strict=True)):
        # The units of these axes are inches, with the origin at their upper left.
        axes = sheet.axes(MARGIN + column * (WIDE + between), 0, WIDE, HEAD + rows * slot)
        axes.set_axis_off()
        accuracy = f"{arm.name}: {100 * each.correct.mean():.{findings.digits}f} % of {len(each.labels):,} images are right"
        axes.text(0, 0.02, shorten(accuracy, WIDE, BODY), size=BODY, weight="bold", color=INK, va="top", parse_math=False)
        for row, index in enumerate(indices.tolist()):
            _image(axes, HEAD + row * slot, arm.images[index], each.probabilities[index], int(each.labels[index]), names)
        axes.set_xlim(0, WIDE)
        axes.set_ylim(HEAD + rows * slot, 0)
    return sheet.figure


def chosen(predicted: Predictions) -> np.ndarray:
    """Return which images are shown: mistakes, then some that are right, of every degree of confidence.

    Of the mistakes the most confident one of each pair of classes comes first, from the most confident pair down, and then the others so.
    """
    confidence = predicted.probabilities.max(axis=1)
    order = np.argsort(-confidence, kind="stable")
    wrong, right = order[~predicted.correct[order]], order[predicted.correct[order]]
    pairs = np.stack([predicted.labels[wrong], predicted.predicted[wrong]])
    first = np.isin(np.arange(len(wrong)), np.unique(pairs, axis=1, return_index=True)[1])
    wrong = np.concatenate([wrong[first], wrong[~first]])[: SHOWN - min(RIGHT, len(right))]
    spread = np.linspace(0, len(right) - 1, min(SHOWN - len(wrong), len(right))).round().astype(int)
    return np.concatenate([wrong, right[spread]])


def bars(probabilities: np.ndarray, label: int) -> tuple[list[int], float]:
    """Return the classes that have a bar of their own, and what the others have together."""
    if len(probabilities) <= FEW_CLASSES:
        return list(range(len(probabilities))), 0.0
    first = np.argsort(-probabilities, kind="stable")[:FIRST].tolist()
    own = first if label in first else [*first, label]
    return own, float(np.delete(probabilities, own).sum())


def _image(axes: Axes, top: float, image: np.ndarray, probabilities: np.ndarray, label: int, names: Sequence[str]) -> None:
    predicted = int(probabilities.argmax())
    right = predicted == label
    color = GAIN if right else LOSS
    _verdict(axes, top, names[label], "" if right else names[predicted], color)
    top += VERDICT
    _picture(axes, top, image, color)

    own, rest = bars(probabilities, label)
    lines = [
        (names[index], float(probabilities[index]), GAIN if index == label else LOSS if index == predicted else OTHER) for index in own
    ]
    if len(own) < len(names):
        others = len(names) - len(own)
        lines.append((f"{others:,} other{'s' if others > 1 else ''}", rest, OTHER))
    step = min(TALL / len(lines), 0.24)
    left = PICTURE + SPACE + NAMES + SPACE
    for place, (name, value, shade) in enumerate(lines):
        middle = top + (place + 0.5) * step
        written = shorten(name, NAMES, SMALL)
        axes.text(left - SPACE / 2, middle, written, size=SMALL, color=INK, ha="right", va="center_baseline", parse_math=False)
        axes.add_patch(Rectangle((left, middle - 0.3 * step), BARS * value, 0.6 * step, facecolor=shade, linewidth=0))
        axes.text(left + BARS * value + 0.04, middle, percent(value), size=SMALL, color=MUTED, va="center_baseline")
    axes.plot([left, left], [top, top + step * len(lines)], color=MUTED, linewidth=0.8)


def _verdict(axes: Axes, top: float, true: str, predicted: str, color: str) -> None:
    """Write the true class, and for a mistake the predicted one."""
    if predicted:
        room = WIDE - width("✗ true:  · predicted: ", SMALL)
        true = shorten(true, max(room / 2, room - width(predicted, SMALL)), SMALL)
        text = f"✗ true: {true} · predicted: {shorten(predicted, room - width(true, SMALL), SMALL)}"
    else:
        text = f"✓ true and predicted: {shorten(true, WIDE - width('✓ true and predicted: ', SMALL), SMALL)}"
    axes.text(0, top + VERDICT - 0.04, text, size=SMALL, color=color, va="baseline", parse_math=False)


def _picture(axes: Axes, top: float, image: np.ndarray, color: str) -> None:
    """Draw an image in its proportions within a square, in a frame."""
    height, width, channels = image.shape
    wide, tall = PICTURE * min(width / height, 1), TALL * min(height / width, 1)
    left = (PICTURE - wide) / 2
    middle = top + (TALL - tall) / 2
    colours = np.repeat(image, 3, axis=-1) if channels == 1 else image
    axes.imshow(colours, extent=(left, left + wide, middle + tall, middle), aspect="auto", interpolation="nearest")
    axes.add_patch(Rectangle((left, middle), wide, tall, fill=False, edgecolor=color, linewidth=1.6))


def percent(share: float) -> str:
    """Write a probability as a whole percentage that never says 0 or 100 of what is not quite that."""
    if 0 < share < 0.005:
        return "<1 %"
    if 0.995 <= share < 1:
        return ">99 %"
    return f"{100 * share:.0f} %"


def _subtitle(arms: Sequence[ArmPredictions]) -> str:
    seeds = {next(iter(arm.by_seed)) for arm in arms}
    which = f"seed {seeds.pop()}" if len(seeds) == 1 else "each arm's first finished seed"
    return f"{' and '.join(arm.name for arm in arms)}: images that the networks of {which} did not train on"


def _caption(findings: Findings, arms: Sequence[ArmPredictions], numbered: bool) -> list[str]:
    marks = (
        "Mistakes (✗, vermillion frame) come first, the most confident one of each two classes before others; then come some that are "
        "right (✓, blue frame). "
        "Bars: the probability of a class, together 100 %; blue for the true class, vermillion for another that was predicted."
    )
    if numbered:
        marks += " A class with letters that the chart's font lacks is shown by its number, in the order of the classes."
    return [marks, source(findings)]
