"""What the arms cost beside what they gain: parameters, operations and time next to accuracy."""

import statistics
from collections.abc import Callable

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ablation.charts.lettering import LINESPACING, height, widest, wrap
from ablation.charts.page import MARGIN, page
from ablation.charts.style import BODY, GAIN, INK, MUTED, SMALL, no_result, tidy
from ablation.designs import BASELINE, Arm, arm_names, is_path, label
from ablation.effects import mean_and_sd
from ablation.results import Findings, RunResult

NAMES, FIRST, PANEL, SPACE = 2.1, 2.1, 1.25, 0.12
"""Inches: at most the arms' names, the panel of accuracies, one of a cost, and between them."""

ABOVE, BELOW, MOST = 0.28, 0.45, 20
"""Inches above and below the panels; and the most arms that are shown where no design is a path."""

COST = "#8C8C8C"

COSTS: tuple[tuple[str, str, Callable[[RunResult], float], int], ...] = (
    ("parameters", "parameters", lambda run: run.parameters, 1),
    ("FLOPs", "FLOPs an image", lambda run: run.flops, 1),
    ("seconds", "seconds an epoch", lambda run: run.seconds_per_epoch, 1),
)


def cost(findings: Findings) -> Figure:
    """Draw a line for each arm from the baseline to all features: its accuracy, and beside it what it costs.

    The arms are those of the first design that is a path; else all, from few features to many, or the two ends where there are too many.
    """
    shown = _shown(findings)
    names = [wrap(name, NAMES, BODY) for _, name in shown]
    scores = 100 * findings.scores[:, [findings.arms.index(arm) for arm, _ in shown]]
    means, deviations = mean_and_sd(scores)
    accuracies = [_accuracy(mean, sd, findings.digits) for mean, sd in zip(means, deviations, strict=True)]
    ...
