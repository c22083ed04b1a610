"""What the arms cost beside what they gain: parameters, operations and time next to accuracy."""

import statistics

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ablation.charts.drawing.lettering import LINESPACING, height, widest, wrap
from ablation.charts.drawing.page import MARGIN, page
from ablation.charts.drawing.style import BODY, GAIN, INK, SMALL, no_result, tidy
from ablation.designs import BASELINE, Arm, arm_names, is_path, label
from ablation.effects import mean_and_sd
from ablation.study.findings import Findings
from ablation.wording import human

NAMES, FIRST, PANEL, SPACE = 2.1, 2.3, 1.2, 0.14
"""Inches: at most the arms' names, the panel of accuracies, one of a cost, and between them."""

ABOVE, BELOW, MOST = 0.28, 0.3, 20
"""Inches above and below the panels; and the most arms that are shown where no design is a path."""

COST = "#9A9A9A"


def cost(findings: Findings) -> Figure:
    """Draw a line for each arm from the baseline to all features: its accuracy, and beside it what it costs.

    The arms are those of the first design that is a path; else all, from few features to many, or the two ends where there are too many.
    """
    shown = _shown(findings)
    names = [wrap(name, NAMES, BODY) for _, name in shown]
    scores = 100 * findings.scores[:, [findings.arms.index(arm) for arm, _ in shown]]
    runs = [[findings.runs[arm, seed] for seed in findings.seeds if (arm, seed) in findings.runs] for arm, _ in shown]
    costs = {
        "parameters": [float(found[0].parameters) if found else np.nan for found in runs],
        "FLOPs an image": [float(found[0].flops) if found else np.nan for found in runs],
        "seconds an epoch": [statistics.median(run.seconds_per_epoch for run in found) if found else np.nan for found in runs],
    }
    told = {name: [_cost(name, value) for value in values] for name, values in costs.items()}
    means, deviations = mean_and_sd(scores)
    accuracies = [_accuracy(mean, sd, findings.digits) for mean, sd in zip(means, deviations, strict=True)]

    slot = max(0.3, *(0.08 + height(name, BODY) for name in names)) if len(names) > 1 else 0.4
    start = MARGIN + widest(names, BODY) + SPACE
    beside = {"accuracy (%)": widest(accuracies, SMALL), **{name: widest(texts, SMALL) for name, texts in told.items()}}
    wide = start + FIRST + 3 * PANEL + sum(beside.values()) + 4 * 2 * SPACE
    high = slot * len(names)
    sheet = page(wide + MARGIN, ABOVE + high + BELOW, "What it gains and what it costs", _subtitle(findings), _caption(findings))

    left = start
    panels: list[Axes] = []
    for name, texts in (("accuracy (%)", accuracies), *told.items()):
        room = PANEL if panels else FIRST
        axes = sheet.axes(left, BELOW, room, high)
        axes.set_ylim(len(names) - 0.5, -0.5)
        tidy(axes, "x")
        axes.spines["left"].set_visible(bool(panels))
        axes.tick_params(axis="y", length=0, labelleft=not panels)
        axes.set_title(name, size=SMALL, weight="bold", color=INK, loc="left", pad=5)
        for row, text in enumerate(texts):
            axes.text(1 + SPACE / 2 / room, row, text, size=SMALL, color=INK, va="center_baseline", transform=axes.get_yaxis_transform())
        panels.append(axes)
        left += room + beside[name] + 2 * SPACE
    panels[0].set_yticks(range(len(names)), names, size=BODY, color=INK, linespacing=LINESPACING, parse_math=False)
    _accuracies(panels[0], scores, means, deviations, any(is_path(design) for design in findings.designs))
    for axes, values in zip(panels[1:], costs.values(), strict=True):
        _bars(axes, np.array(values))
    return sheet.figure


def _shown(findings: Findings) -> list[tuple[Arm, str]]:
    """Return the arms to show, each with its name."""
    for design in findings.designs:
        if is_path(design):
            return list(zip(design.arms, arm_names(design, findings.features), strict=True))
    arms = sorted(findings.arms, key=len)
    if len(arms) > MOST:
        arms = [arm for arm in arms if arm in (BASELINE, frozenset(findings.features))]
    return [(arm, label(arm, findings.features)) for arm in arms]


def _accuracy(mean: float, sd: float, digits: int) -> str:
    if np.isnan(mean):
        return "–"
    return f"{mean:.{digits}f}" + (f" ± {sd:.{digits}f}" if not np.isnan(sd) else "")


def _cost(name: str, value: float) -> str:
    if np.isnan(value):
        return "–"
    return (f"{value:.2f}" if value < 10 else f"{value:.1f}") if name.startswith("seconds") else human(value)


def _accuracies(axes: Axes, scores: np.ndarray, means: np.ndarray, deviations: np.ndarray, joined: bool) -> None:
    """Draw mean, standard deviation and seeds of each arm; along a path, what was gained is followed by a line."""
    rows = np.arange(len(means))
    axes.plot(means, rows, color=GAIN, marker="o", markersize=5.5, linewidth=1.2 if joined else 0, zorder=4)
    axes.hlines(rows, means - deviations, means + deviations, color=GAIN, linewidth=1.3, zorder=3)
    if len(scores) > 1:
        for row in range(len(means)):
            found = scores[~np.isnan(scores[:, row]), row]
            axes.scatter(found, np.full(len(found), row + 0.22), s=9, color="white", edgecolors=INK, linewidths=0.7, zorder=3.5)
    left, right = axes.get_xlim() if not np.isnan(means).all() else (0.0, 100.0)
    axes.set_xlim(left, right)
    for row in np.flatnonzero(np.isnan(means)).tolist():
        no_result(axes, left, row - 0.35, right - left, 0.7)


def _bars(axes: Axes, values: np.ndarray) -> None:
    known = np.flatnonzero(~np.isnan(values))
    axes.barh(known, values[known], height=0.62, color=COST, zorder=2)
    axes.set_xlim(0, 1.08 * float(np.nanmax(values, initial=1e-9)))
    axes.set_xticks([])


def _subtitle(findings: Findings) -> str:
    path = next((design for design in findings.designs if is_path(design)), None)
    return f"{path.name}: from the baseline to all features" if path else "arms from few features to many"


def _caption(findings: Findings) -> list[str]:
    seeds = len(findings.seeds)
    marks = "Dots: one run of each arm."
    if seeds > 1:
        marks = f"Filled dots: mean validation accuracy over {seeds} seeds. Lines across: ± 1 standard deviation. Rings: single seeds."
    bars = "Grey: parameters of the network, floating-point operations of one image's forward pass, and the median time of an epoch "
    bars += "with its evaluation, on the machine that trained it."
    return [f"{marks} {bars}", f"Study: {findings.name}. Data: {findings.data}. {findings.protocol}"]
