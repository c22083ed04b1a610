"""Charts of what a study found. The only folder that imports matplotlib; it needs no display and no pyplot."""

from collections.abc import Sequence
from pathlib import Path

from ablation.charts.class_accuracy import class_accuracy
from ablation.charts.climb import climb
from ablation.charts.confusion import confusion
from ablation.charts.contribution import contribution
from ablation.charts.learning_curves import learning_curves
from ablation.charts.predictions import predictions
from ablation.charts.saving import save
from ablation.designs import is_path
from ablation.predictions import ArmPredictions
from ablation.results import Findings

__all__ = ["class_accuracy", "climb", "confusion", "contribution", "draw", "draw_predictions", "learning_curves", "predictions", "save"]


def draw(findings: Findings, folder: Path) -> list[Path]:
    """Draw every chart that the findings allow, and return the files in the order in which they should be read.

    ``contribution`` shows the first design that credits features and ``contribution_<design>`` each later one; ``climb`` shows
    the first design that is a path, likewise. The learning curves of all arms are drawn once.
    """
    credited = [index for index, design in enumerate(findings.designs) if design.features]
    paths = [index for index in credited if is_path(findings.designs[index])]
    files: list[Path] = []
    for chart, name, indices in ((contribution, "contribution", credited), (climb, "climb", paths)):
        for index in indices:
            suffix = "" if index == indices[0] else f"_{findings.designs[index].name}"
            files += save(chart(findings, index), folder, name + suffix)
    return files + save(learning_curves(findings), folder, "learning_curves")


def draw_predictions(findings: Findings, classes: Sequence[str], arms: Sequence[ArmPredictions], folder: Path) -> list[Path]:
    """Draw what the networks of some arms said of held-out images, and return the files; none without arms."""
    files: list[Path] = []
    if arms:
        for chart in (predictions, confusion, class_accuracy):
            files += save(chart(findings, classes, arms), folder, chart.__name__)
    return files
