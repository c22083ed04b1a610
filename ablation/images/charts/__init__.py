"""Pictures of image classification: what networks predicted for held-out images, and backends beside each other."""

from collections.abc import Sequence
from pathlib import Path

from ablation.charts.drawing.page import save
from ablation.images.charts.class_accuracy import class_accuracy
from ablation.images.charts.confusion import confusion
from ablation.images.charts.predictions import predictions
from ablation.images.held_out import ArmPredictions
from ablation.study.findings import Findings

__all__ = ["class_accuracy", "confusion", "draw_predictions", "predictions"]


def draw_predictions(findings: Findings, classes: Sequence[str], shown: Sequence[ArmPredictions], folder: Path) -> list[Path]:
    """Draw what the networks of some arms predicted for held-out images, and return the files; none without arms."""
    files: list[Path] = []
    if shown:
        for chart in (predictions, confusion, class_accuracy):
            files += save(chart(findings, classes, shown), folder, chart.__name__)
    return files
