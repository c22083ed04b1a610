"""Charts of what a study found. The only folder that imports matplotlib; it needs no display and no pyplot."""

from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

from ablation.charts.arms import arms
from ablation.charts.climb import climb
from ablation.charts.contribution import contribution
from ablation.charts.cost import cost, costs
from ablation.charts.drawing.form import DOUBLE_COLUMN, SINGLE_COLUMN
from ablation.charts.drawing.page import save, save_pdf
from ablation.charts.forest import forest
from ablation.charts.interactions import fits, interactions
from ablation.charts.learning_curves import learning_curves, styled
from ablation.charts.order import order
from ablation.designs import is_path
from ablation.study.findings import Findings

__all__ = [
    "arms",
    "climb",
    "contribution",
    "cost",
    "draw",
    "draw_for_paper",
    "effects",
    "forest",
    "interactions",
    "learning_curves",
    "order",
    "save",
]

FOR_PAPERS = (contribution, forest, order, interactions, climb)
"""The charts that papers show."""


def draw(findings: Findings, folder: Path, part: int = 0, parts: int = 1) -> list[Path]:
    """Draw every chart that the findings allow, and return the files in the order in which they should be read.

    Several processes can share the work: the one with number ``part`` of ``parts`` draws every ``parts``-th chart.

    A chart of one design is named after its kind for the first design that it suits, and ``<kind>_<design>`` for each later one.
    """
    files: list[Path] = []
    for name, chart in pictures(findings)[part::parts]:
        files += save(chart(), folder, name)
    return files


def draw_for_paper(findings: Findings, folder: Path) -> list[Path]:
    """Draw the charts of effects and scores as PDF files for a single and a double column of a paper, and return the files.

    Pairs whose numbers do not fit a single column are drawn for a double one alone.
    """
    files = []
    for name, chart in pictures(findings):
        if chart.func in FOR_PAPERS:
            for column, form in (("single", SINGLE_COLUMN), ("double", DOUBLE_COLUMN)):
                if chart.func is not interactions or fits(findings, chart.args[1], form):
                    files.append(save_pdf(chart(form=form), folder, f"{name}_{column}"))
    return files


def pictures(findings: Findings) -> list[tuple[str, "partial[Figure]"]]:
    """Return the name of each chart, in order, with what draws it: first the effects of the design that answers for the study.

    Effects are drawn once for each design.
    """
    designs = findings.designs
    credited = [index for index, design in enumerate(designs) if design.features]
    credited.sort(key=lambda index: index != findings.headline)
    found: list[tuple[str, partial[Figure]]] = []

    def add(name: str, chart: Callable[..., Figure], index: int) -> None:
        taken = any(name == other for other, _ in found)
        found.append((f"{name}_{designs[index].name}" if taken else name, partial(chart, findings, index)))

    for index in credited:
        chart = _suiting(findings, index)
        add(chart.__name__, chart, index)
    if findings.order is not None:
        found.append(("order", partial(order, findings)))
    for index, pairs in enumerate(findings.interactions):
        if pairs is not None:
            add("interactions", interactions, index)
    for index in credited:
        if is_path(designs[index]):
            add("climb", climb, index)
    whole = (
        ("arms", arms, len(findings.arms) > 2),
        ("cost", cost, len(findings.arms) > 1 and bool(costs(findings))),
        ("learning_curves", learning_curves, bool(styled(findings))),
    )
    return [*found, *((name, partial(chart, findings)) for name, chart, allowed in whole if allowed)]


def effects(findings: Findings, design_index: int) -> Figure:
    """Draw the effects of one design: as a forest where they are averages over many arms and have intervals, else as bars."""
    return _suiting(findings, design_index)(findings, design_index)


def _suiting(findings: Findings, index: int) -> Callable[..., Figure]:
    arms = np.count_nonzero(findings.designs[index].contrasts, axis=1)
    averages = arms.max(initial=0) > 2 and not np.isnan(findings.effects[index].low).all()
    return forest if averages else contribution
