"""What the arms cost beside what they score."""

from dataclasses import replace

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ablation.charts.drawing import caption
from ablation.charts.drawing.lettering import LINESPACING, height, widest, wrap
from ablation.charts.drawing.page import MARGIN, page
from ablation.charts.drawing.style import BODY, GAIN, INK, SMALL, no_result, subtitle, tidy
from ablation.designs import BASELINE, Arm, arm_names, is_path, label
from ablation.effects import mean_and_sd
from ablation.study.findings import Findings
from ablation.study.measured import measured, written
from ablation.study.metric import Measure
from ablation.wording import listed

NAMES, FIRST, PANEL, SPACE = 2.1, 2.3, 1.2, 0.14
"""Inches: at most the arms' names, the panel of scores, at least one of a cost, and between them."""

ABOVE, BELOW, MOST = 0.28, 0.3, 20
"""Inches above and below the panels; and the most arms that are shown where no design is a path."""

COST = "#9A9A9A"


def costs(findings: Findings) -> list[Measure]:
    """Return the measures that are costs, as far as any run has them."""
    return [
        measure
        for measure in findings.measures
        if measure.words and any(measure.key in measured(findings, arm).measures for arm in findings.arms)
    ]


def cost(findings: Findings) -> Figure:
    """Draw a line for each arm from the baseline to all features: its score, and beside it what it costs.

    The arms are those of the first design that is a path; else all, from few features to many. Where these are too many, they are the two
    ends, or without these the arms with the fewest features.
    """
    shown, metric = _shown(findings), findings.metric
    names = [wrap(name, NAMES, BODY) for _, name in shown]
    scores = findings.scores[:, [findings.arms.index(arm) for arm, _ in shown]]
    measures = [measured(findings, arm).measures for arm, _ in shown]
    panels = {each.words: (each, [known.get(each.key, np.nan) for known in measures]) for each in costs(findings)}
    texts = {
        words: ["–" if np.isnan(value) else _written(each, value, findings) for value in values] for words, (each, values) in panels.items()
    }
    levels = [metric.mean(*each, findings.digits) or "–" for each in zip(*mean_and_sd(scores), strict=True)]

    slot = max(0.3, *(0.08 + height(name, BODY) for name in names)) if len(names) > 1 else 0.4
    start = MARGIN + widest(names, BODY) + SPACE
    columns = {metric.short_axis: levels, **texts}
    beside = {name: widest(cells, SMALL) for name, cells in columns.items()}
    room = {name: max(PANEL if index else FIRST, widest([name], SMALL) * 1.1) for index, name in enumerate(columns)}
    wide = start + sum(room.values()) + sum(beside.values()) + len(columns) * 2 * SPACE
    high = slot * len(names)
    below_title = subtitle(_arms_shown(findings), findings)
    sheet = page(wide + MARGIN, ABOVE + high + BELOW, "What it costs beside what it scores", below_title, _caption(findings))

    left = start
    drawn: list[Axes] = []
    for name, cells in columns.items():
        axes = sheet.axes(left, BELOW, room[name], high)
        axes.set_ylim(len(names) - 0.5, -0.5)
        tidy(axes, "x")
        axes.spines["left"].set_visible(bool(drawn))
        axes.tick_params(axis="y", length=0, labelleft=not drawn)
        axes.set_title(name, size=SMALL, weight="bold", color=INK, loc="left", pad=5)
        for row, text in enumerate(cells):
            place = 1 + SPACE / 2 / room[name]
            axes.text(place, row, text, size=SMALL, color=INK, va="center_baseline", transform=axes.get_yaxis_transform())
        drawn.append(axes)
        left += room[name] + beside[name] + 2 * SPACE
    drawn[0].set_yticks(range(len(names)), names, size=BODY, color=INK, linespacing=LINESPACING, parse_math=False)
    _scores(drawn[0], metric.scale * scores, any(is_path(design) for design in findings.designs), metric.scale)
    for axes, (_, values) in zip(drawn[1:], panels.values(), strict=True):
        _bars(axes, np.array(values))
    return sheet.figure


def _shown(findings: Findings) -> list[tuple[Arm, str]]:
    """Return the arms to show, each with its name."""
    for design in findings.designs:
        if is_path(design):
            return list(zip(design.arms, arm_names(design, findings.features), strict=True))
    arms = sorted(findings.arms, key=len)
    if len(arms) > MOST:
        arms = _ends(findings) or arms[:MOST]
    return [(arm, label(arm, findings.features)) for arm in arms]


def _ends(findings: Findings) -> list[Arm]:
    return [arm for arm in (BASELINE, frozenset(findings.features)) if arm in findings.arms]


def _written(measure: Measure, value: float, findings: Findings) -> str:
    # A chart has no room for all digits of a count.
    short = replace(measure, format="short") if measure.format == "count" else measure
    return written(short, value, findings.metric, findings.digits)


def _scores(axes: Axes, scores: np.ndarray, joined: bool, scale: float) -> None:
    """Draw mean, standard deviation and seeds of each arm; along a path, a line from arm to arm."""
    means, deviations = mean_and_sd(scores)
    rows = np.arange(len(means))
    axes.plot(means, rows, color=GAIN, marker="o", markersize=5.5, linewidth=1.2 if joined else 0, zorder=4)
    axes.hlines(rows, means - deviations, means + deviations, color=GAIN, linewidth=1.3, zorder=3)
    if len(scores) > 1:
        for row in range(len(means)):
            found = scores[~np.isnan(scores[:, row]), row]
            axes.scatter(found, np.full(len(found), row + 0.22), s=9, color="white", edgecolors=INK, linewidths=0.7, zorder=3.5)
    left, right = axes.get_xlim() if not np.isnan(means).all() else (0.0, scale)
    axes.set_xlim(left, right)
    for row in np.flatnonzero(np.isnan(means)).tolist():
        no_result(axes, left, row - 0.35, right - left, 0.7)


def _bars(axes: Axes, values: np.ndarray) -> None:
    known = np.flatnonzero(~np.isnan(values))
    axes.barh(known, values[known], height=0.62, color=COST, zorder=2)
    axes.set_xlim(0, 1.08 * float(np.nanmax(values, initial=1e-9)))
    axes.set_xticks([])


def _arms_shown(findings: Findings) -> str:
    path = next((design for design in findings.designs if is_path(design)), None)
    if path:
        return f"{path.name}: from the baseline to all features"
    if len(findings.arms) <= MOST:
        return "arms from few features to many"
    which = listed([label(arm, findings.features) for arm in _ends(findings)] or [f"the {MOST} arms with the fewest features"], "and")
    return f"{which}, of {len(findings.arms)} arms"


def _caption(findings: Findings) -> list[str]:
    marks = caption.means(findings, "Filled dots", "Lines across")
    bars = f"Grey: {listed([measure.words for measure in costs(findings)], 'and')}."
    return [f"{marks} {bars}", caption.source(findings, findings.protocol)]
