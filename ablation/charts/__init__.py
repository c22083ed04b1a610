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

    A chart of one design is named after its kind for the first design that it suits, and ``<kind>_<design>`` for each later one; the
    headline's design comes first for ``forest``. Charts of the whole study are drawn once.
    """
    files: list[Path] = []
    for name, chart in pictures(findings)[part::parts]:
        files += save(chart(), folder, name)
    return files


def pictures(findings: Findings) -> list[tuple[str, Callable[[], Figure]]]:
    """Return the name of each chart, in order, with what draws it."""
    designs = findings.designs
    credited = [index for index, design in enumerate(designs) if design.features]
    sure = [index for index in credited if not np.isnan(findings.effects[index].low).all()]
    sure.sort(key=lambda index: index != findings.headline)
    paired = [index for index, found in enumerate(findings.interactions) if found is not None]
    paths = [index for index in credited if is_path(designs[index])]

    def each(chart: Callable[[Findings, int], Figure], name: str, indices: list[int]) -> list[tuple[str, Callable[[], Figure]]]:
        names = (name if index == indices[0] else f"{name}_{designs[index].name}" for index in indices)
        return [(name, partial(chart, findings, index)) for name, index in zip(names, indices, strict=True)]

    found = each(forest, "forest", sure)
    found += [("order", partial(order, findings))] if findings.order is not None else []
    found += each(interactions, "interactions", paired) + each(contribution, "contribution", credited) + each(climb, "climb", paths)
    found += [("arms", partial(arms, findings))] if len(findings.arms) > 2 else []
    found += [("cost", partial(cost, findings))] if len(findings.arms) > 1 and costs(findings) else []
    return [*found, *([("learning_curves", partial(learning_curves, findings))] if styled(findings) else [])]
