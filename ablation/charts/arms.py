"""Every arm of a study: which features are on, and what it scores."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ablation.charts.drawing import caption
from ablation.charts.drawing.lettering import LINESPACING, height, upright, widest, wrap
from ablation.charts.drawing.page import MARGIN, page
from ablation.charts.drawing.style import BODY, GAIN, INK, MUTED, SMALL, jitter, no_result, some, subtitle, tidy
from ablation.designs import BASELINE, Arm
from ablation.effects import mean_and_sd
from ablation.study.findings import Findings

MOST = 64
"""Arms that a page holds; of more, the worst and the best are shown."""

NARROWEST, WIDEST, PLOT, FROM = 0.135, 0.42, 6.4, 0.17
"""Inches: a column at least and at most, all columns together if they may, and the column from which on it carries its number."""

NAMES, HIGH, LINE = 1.7, 2.3, 0.27
"""Inches: at most the feature names, the scores, and a line of the matrix at least."""


def arms(findings: Findings) -> Figure:
    """Draw the arms from the worst to the best mean score, above a matrix of the features that each has on."""
    shown, left_out = _shown(findings)
    metric = findings.metric
    count, features = len(shown), findings.features
    columns = [findings.arms.index(arm) for arm in shown]
    scores = findings.scores[:, columns]
    means, _ = mean_and_sd(scores)
    slot = float(np.clip(PLOT / count, NARROWEST, WIDEST))
    names = [wrap(feature, NAMES, BODY) for feature in features]
    line = max(LINE, *(0.06 + height(name, BODY) for name in names))
    values = [metric.mean(mean, np.nan, findings.digits) for mean in means]
    numbered = slot >= FROM
    above = 0.1 + widest(values, SMALL) if numbered else 0.05

    label = wrap(metric.axis, HIGH, BODY)
    start = MARGIN + max(widest(names, BODY) + 0.14, 0.64, upright(label, values, BODY, SMALL))
    plot = max(slot * count, 3.4)
    matrix = line * len(features)
    sheet = page(
        max(start + plot + MARGIN, 5.6),
        matrix + 0.12 + HIGH + above,
        f"Every arm and its {metric.short}",
        subtitle(f"{metric.name} above, the features that are on below", findings),
        _caption(findings, left_out),
    )
    upper = sheet.axes(start, matrix + 0.12, plot, HIGH)
    lower = sheet.axes(start, 0.0, plot, matrix)
    for axes in (upper, lower):
        axes.set_xlim(-0.5, plot / slot - 0.5)
    _scores(upper, metric.scale * scores, metric.scale)
    tidy(upper, "y")
    upper.tick_params(axis="x", length=0, labelbottom=False)
    upper.set_ylabel(label, size=BODY, color=INK, linespacing=LINESPACING, parse_math=False)
    if numbered:
        for place, value in enumerate(values):
            where = upper.get_xaxis_transform()
            upper.text(place, 1.02, value, size=SMALL, color=INK, rotation=90, ha="center", va="bottom", transform=where)
    _matrix(lower, shown, features)
    lower.set_yticks(range(len(features)), names, size=BODY, color=INK, linespacing=LINESPACING, parse_math=False)
    return sheet.figure


def _shown(findings: Findings) -> tuple[list[Arm], int]:
    """Return the arms from the worst mean to the best, and how many have no room: first those without a result, which else come last."""
    means, _ = mean_and_sd(findings.scores)
    order = np.argsort(means if findings.metric.higher_is_better else -means).tolist()  # NaN goes last
    if len(order) > MOST:
        order = [index for index in order if not np.isnan(means[index])] or order[:MOST]
    if len(order) > MOST:
        order = order[: MOST // 2] + order[-MOST // 2 :]
    return [findings.arms[index] for index in order], len(findings.arms) - len(order)


def _scores(axes: Axes, scores: np.ndarray, scale: float) -> None:
    means, deviations = mean_and_sd(scores)
    places = np.arange(len(means))
    axes.vlines(places, means - deviations, means + deviations, color=GAIN, linewidth=1.3, zorder=3)
    if len(scores) > 1:
        found = [some(column) for column in scores.T]
        across = np.concatenate([place + np.array(jitter(len(each), 0.45)) for place, each in enumerate(found)])
        axes.scatter(across, np.concatenate(found), s=9, color="white", edgecolors=INK, linewidths=0.7, zorder=3.5)
    axes.plot(places, means, color=GAIN, marker="o", markersize=5, linestyle="none", zorder=4)
    bottom, top = axes.get_ylim() if not np.isnan(means).all() else (0.0, scale)
    axes.set_ylim(bottom, top)
    for place in np.flatnonzero(np.isnan(means)).tolist():
        no_result(axes, place - 0.4, bottom, 0.8, top - bottom, rotation=90)


def _matrix(axes: Axes, shown: list[Arm], features: tuple[str, ...]) -> None:
    """Draw a dot where a feature is on, a faint one where it is off, and a line that joins those of an arm."""
    axes.set_ylim(len(features) - 0.5, -0.5)
    for row in range(0, len(features), 2):
        axes.axhspan(row - 0.5, row + 0.5, color="#F4F4F4", linewidth=0, zorder=0)
    points = [(place, row, feature in arm) for place, arm in enumerate(shown) for row, feature in enumerate(features)]
    for state, color, layer in ((False, "#D5D5D5", 2), (True, INK, 3)):
        chosen = [(place, row) for place, row, on in points if on is state]
        axes.plot([place for place, _ in chosen], [row for _, row in chosen], "o", color=color, markersize=4.5, zorder=layer)
    rows = [[row for row, feature in enumerate(features) if feature in arm] or [0] for arm in shown]
    axes.vlines(range(len(shown)), [on[0] for on in rows], [on[-1] for on in rows], color=INK, linewidth=1.2, zorder=2.5)
    for place, arm in enumerate(shown):
        if arm in (BASELINE, frozenset(features)):
            axes.axvspan(place - 0.5, place + 0.5, color=GAIN, alpha=0.13, linewidth=0, zorder=1)
    axes.spines[:].set_visible(False)
    axes.tick_params(length=0, labelbottom=False, color=MUTED)


def _caption(findings: Findings, left_out: int) -> list[str]:
    marks = caption.means(findings, "Filled dots", "Vertical lines")
    marks += " Below: black where a feature is on. Blue columns: baseline and all features."
    finished = int((~np.isnan(findings.scores)).any(axis=0).sum())
    if left_out and finished > MOST:
        marks += f" Only the {MOST // 2} worst and the {MOST // 2} best of {len(findings.arms)} arms are shown."
    elif left_out and finished:
        marks += f" Only the {finished} of {len(findings.arms)} arms that have a result are shown."
    elif left_out:
        marks += f" No arm has a result; {MOST} of {len(findings.arms)} are shown."
    return [marks, caption.source(findings, findings.protocol)]
