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
from ablation.charts.drawing.page import save
from ablation.charts.forest import forest
from ablation.charts.interactions import interactions
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
    "forest",
    "interactions",
    "learning_curves",
    "order",
    "save",
]


def draw(findings: Findings, folder: Path, part: int = 0, parts: int = 1) -> list[Path]:
    """Draw every chart that the findings allow, and return the files in the order in which they should be read.

    Several processes can share the work: the one with number ``part`` of ``parts`` draws every ``parts``-th chart.

    A chart of one design is named after its kind for the first design that it suits, and ``<kind>_<design>`` for each later one.
    """
    files: list[Path] = []
    for name, chart in pictures(findings)[part::parts]:
        files += save(chart(), folder, name)
    return files


def pictures(findings: Findings) -> list[tuple[str, Callable[[], Figure]]]:
    """Return the name of each chart, in order, with what draws it: first the effects of the design that answers for the study.

    Effects are drawn once for each design: as a forest where they are averages over many arms and have intervals, else as bars.
    """
    designs = findings.designs
    credited = [index for index, design in enumerate(designs) if design.features]
    credited.sort(key=lambda index: index != findings.headline)
    found: list[tuple[str, Callable[[], Figure]]] = []

    def add(name: str, chart: Callable[[Findings, int], Figure], index: int) -> None:
        taken = any(name == other for other, _ in found)
        found.append((f"{name}_{designs[index].name}" if taken else name, partial(chart, findings, index)))

    for index in credited:
        if _averages(findings, index):
            add("forest", forest, index)
        else:
            add("contribution", contribution, index)
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


def _averages(findings: Findings, index: int) -> bool:
    """Say whether the effects of a design are averages over many arms, and have intervals."""
    arms = np.count_nonzero(findings.designs[index].contrasts, axis=1)
    return bool(arms.max(initial=0) > 2) and not np.isnan(findings.effects[index].low).all()
