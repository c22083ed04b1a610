"""What pairs of features are worth together beyond what each is worth alone."""

from collections.abc import Sequence
from itertools import combinations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap, to_hex
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from ablation.charts.drawing.caption import source
from ablation.charts.drawing.form import SCREEN, Form
from ablation.charts.drawing.lettering import LINESPACING, height, widest, width, wrap
from ablation.charts.drawing.page import page
from ablation.charts.drawing.style import BODY, GAIN, INK, LOSS, SMALL, subtitle
from ablation.effects import ALPHA, Interactions
from ablation.study.findings import Findings

CELL, GAP = 0.62, 0.14
"""Inches: the side of a cell, and between the names and the cells."""

LEAST = 7.0
"""Points: the smallest type of a number in a column of a paper."""

NARROWEST = 5.6
"""Inches: the figure at least, so that its caption stays readable."""

FAINTEST = 2.5
"""Units of the last decimal shown that have the full colour at least, so that noise alone is not painted boldly."""

COLORS = LinearSegmentedColormap.from_list("loss to gain", [LOSS, "#FFFFFF", GAIN])
LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"


def interactions(findings: Findings, design_index: int, form: Form = SCREEN) -> Figure:
    """Draw a triangle of cells, one a pair.

    Cells of which only the sum is known are hatched, and carry that sum with the letter of their group. A pair of which nothing is
    known is left empty.
    """
    found = findings.interactions[design_index]
    assert found is not None, "drawn only where a design estimates pairs"
    design = findings.designs[design_index]
    features, count = design.known, len(design.known)
    faintest = FAINTEST * 10.0**-findings.digits / findings.metric.scale
    strongest = max(float(np.nanmax(np.abs(found.estimate), initial=0.0)), faintest)
    groups = [row for row, pairs in enumerate(found.pairs) if len(pairs) > 1]
    letters = {row: _letter(index) for index, row in enumerate(groups)}

    side, cell = _side(features, form)
    below = [wrap(feature, cell * 1.9, SMALL) for feature in features[:-1]]
    turned = any(widest([name], SMALL) > cell - 0.06 for name in below)
    below = [wrap(feature, form.names, SMALL) for feature in features[:-1]] if turned else below
    room = GAP + (widest(below, SMALL) if turned else max(height(name, SMALL) for name in below))
    square = cell * (count - 1)
    start = form.margin + widest(side, BODY) + GAP
    wide = max(start + square + form.margin, NARROWEST) if form.titled else form.width
    start += 0 if form.titled else (wide - start - square - form.margin) / 2
    caption = _caption(findings, design_index, found)
    below_title = subtitle(f"{design.name}: pair interactions", findings)
    sheet = page(wide, square + room, "What pairs of features are worth together", below_title, caption, form)
    axes = sheet.axes(start, room, square, square)
    axes.set_xlim(-0.5, count - 1.5)
    axes.set_ylim(count - 0.5, 0.5)

    for row, pairs in enumerate(found.pairs):
        for one, other in pairs:
            column, line = sorted((features.index(one), features.index(other)))
            sure = bool(found.p_holm[row] < ALPHA)
            _cell(axes, column, line, float(found.estimate[row]), strongest, letters.get(row, ""), sure, findings, cell)
    known = {frozenset(pair) for pairs in found.pairs for pair in pairs}
    for line in range(1, count):
        for column in range(line):
            if frozenset((features[column], features[line])) not in known:
                axes.add_patch(Rectangle((column - 0.5, line - 0.5), 1, 1, facecolor="white", edgecolor="#B0B0B0", linewidth=0.6))

    axes.spines[["top", "right", "left", "bottom"]].set_visible(False)
    axes.set_yticks(range(1, count), side, size=BODY, color=INK, linespacing=LINESPACING, parse_math=False)
    rotation = 90 if turned else 0
    axes.set_xticks(range(count - 1), below, size=SMALL, color=INK, linespacing=LINESPACING, rotation=rotation, parse_math=False)
    axes.tick_params(length=0)
    return sheet.figure


def fits(findings: Findings, design_index: int, form: Form) -> bool:
    """Say whether the numbers of the pairs fit the cells that a form has room for."""
    found = findings.interactions[design_index]
    numbers = [] if found is None else [findings.metric.signed(value, findings.digits) for value in found.estimate if not np.isnan(value)]
    _, cell = _side(findings.designs[design_index].known, form)
    return widest(numbers, LEAST) <= cell


def _side(features: Sequence[str], form: Form) -> tuple[list[str], float]:
    """Return the names beside the cells, and the side of a cell in inches."""
    names = [wrap(feature, form.names, BODY) for feature in features[1:]]
    if form.titled:
        return names, CELL
    return names, min(CELL, (form.width - 2 * form.margin - widest(names, BODY) - GAP) / (len(features) - 1))


def _letter(index: int) -> str:
    first, last = divmod(index, len(LETTERS))
    return (LETTERS[first - 1] if first else "") + LETTERS[last]


def _cell(
    axes: Axes, column: int, line: int, value: float, strongest: float, letter: str, sure: bool, findings: Findings, cell: float
) -> None:
    """Paint one pair: its colour by size, a hatch where it stands for a group, a frame where it is beyond noise."""
    lost = bool(np.isnan(value))
    face = "white" if lost else to_hex(COLORS(0.5 + (0.5 if findings.metric.higher_is_better else -0.5) * value / strongest))
    hatch = "xxxx" if lost else "////" if letter else None
    axes.add_patch(Rectangle((column - 0.5, line - 0.5), 1, 1, facecolor=face, edgecolor="#B8B8B8", hatch=hatch, linewidth=0.6, zorder=1))
    if sure:
        axes.add_patch(Rectangle((column - 0.455, line - 0.455), 0.91, 0.91, fill=False, edgecolor=INK, linewidth=1.8, zorder=3))
    text = "–" if lost else findings.metric.signed(value, findings.digits)
    plain = lost or bool(letter)
    color = "white" if abs(value) > 0.75 * strongest else INK
    box = {"facecolor": face, "edgecolor": "none", "pad": 1.5} if plain else None
    small = LEAST if cell < CELL else SMALL - 1
    size = SMALL + 0.5 if width(text, SMALL + 0.5) < cell - 0.1 else small
    shown = f"{letter}\n{text}" if letter else text
    weight = "bold" if sure else "normal"
    axes.text(column, line, shown, size=size, color=color, weight=weight, ha="center", va="center", bbox=box, zorder=4, linespacing=1.2)


def _caption(findings: Findings, design_index: int, found: Interactions) -> list[str]:
    what = (
        f"A number is what two features add together beyond what each adds without the other, in {findings.metric.effects_are}, averaged "
    )
    what += "over the other features. Blue: they help each other. Vermillion: they get in each other's way."
    marks = "Framed and bold: beyond noise (p < 0.05 after Holm's adjustment over all cells or groups)."
    if any(len(pairs) > 1 for pairs in found.pairs):
        marks += " Hatched: this design estimates only the sum over all cells of the same letter, and that is the number shown."
    if np.isnan(found.estimate).any():
        marks += " Crossed: a run that it needs did not finish."
    known = {frozenset(pair) for pairs in found.pairs for pair in pairs}
    if len(known) < len(list(combinations(findings.designs[design_index].known, 2))):
        marks += " Empty: this design says nothing of the pair."
    return [what, marks, source(findings, f"{findings.seeds_in_words}.")]
