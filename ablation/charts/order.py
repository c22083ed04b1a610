"""How much a feature's effect depends on when it is added."""

from math import ceil
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ablation.charts.drawing.caption import source
from ablation.charts.drawing.form import SCREEN, Form
from ablation.charts.drawing.lettering import LINESPACING, height, widest, wrap
from ablation.charts.drawing.page import page, wrap_below
from ablation.charts.drawing.style import BODY, INK, MUTED, SKY, SMALL, YELLOW, subtitle, tidy
from ablation.effects import OrderDependence, averaging
from ablation.study.findings import Findings

SPACE = 0.14
"""Inches between the columns."""

ABOVE, BELOW, LEGEND = 0.28, 0.5, 0.3
"""Inches: for the heads of the columns, for the axis, and for the legend."""

MARKS = (("first", "o", "white", -0.21), ("chosen", "D", SKY, -0.07), ("last", "s", YELLOW, 0.07), ("shapley", "o", INK, 0.21))
"""Each effect with its marker, its filling and its height within a row, so that no mark hides another."""

LABELS = {"first": "added first", "chosen": "in the chosen order", "last": "added last", "shapley": "Shapley value"}
HEADS = {"first": "first", "chosen": "chosen", "last": "last", "shapley": "Shapley"}


def order(findings: Findings, form: Form = SCREEN) -> Figure:
    """Draw a feature's effects as marks on a bar from the least to the largest, with a flag where they differ beyond noise."""
    found = findings.order
    assert found is not None, "drawn only where order was looked at"
    count = len(found.features)
    shown = [mark for mark in MARKS if not np.isnan(getattr(found, mark[0])).all()]
    names = [wrap(feature, form.names, BODY) for feature in found.features]
    columns = [(HEADS[name], [_number(value, findings) for value in getattr(found, name)]) for name, *_ in shown]
    columns.append(("order", ["matters" if flag else "–" for flag in found.differs]))
    columns = columns if form.columns else []
    widths = [widest([head, *cells], BODY) + SPACE for head, cells in columns]

    slot = max(0.5, *(0.1 + height(name, BODY) for name in names))
    start = form.margin + widest(names, BODY) + SPACE
    plot = form.width - form.margin - (sum(widths) if form.columns else SPACE) - start
    label, more = wrap_below(findings.metric.effect_axis(), start, plot, form)
    below = BELOW + more
    across = 4 if form.columns else 2
    legend_lines = ceil(len(shown) / across)
    body = (ABOVE if form.columns else 0.0) + legend_lines * LEGEND + slot * count + below
    below_title = subtitle("effects by when a feature is added", findings)
    sheet = page(form.width, body, "Does the order of adding matter?", below_title, _caption(findings, found), form)
    axes = sheet.axes(start, below, plot, slot * count)
    axes.set_ylim(count - 0.5, -0.5)
    axes.axvline(0, color=INK, linewidth=0.9, zorder=1)
    for row in range(count):
        _row(axes, found, findings.metric.scale, row, shown)

    tidy(axes, "x")
    axes.spines["left"].set_visible(False)
    axes.set_yticks(range(count), names, size=BODY, linespacing=LINESPACING, parse_math=False)
    axes.tick_params(axis="y", length=0)
    axes.set_xlabel(label, size=BODY, color=INK, linespacing=LINESPACING, parse_math=False)
    beside = axes.get_yaxis_transform()
    edge = plot
    for (head, cells), room in zip(columns, widths, strict=True):
        edge += room
        axes.text(edge / plot, -0.5 - 0.08 / slot, head, size=SMALL, weight="bold", color=INK, ha="right", va="bottom", transform=beside)
        for row, cell in enumerate(cells):
            color = MUTED if cell == "–" else INK
            axes.text(edge / plot, row, cell, size=BODY, color=color, ha="right", va="center_baseline", transform=beside)
    handles = [axes.plot([], [], label=LABELS[name], **_style(marker, fill))[0] for name, marker, fill, _ in shown]
    wide, up = sheet.figure.get_size_inches()
    place = (form.margin / wide, (sheet.floor + body) / up)
    sheet.figure.legend(
        handles=handles,
        loc="upper left",
        bbox_to_anchor=place,
        ncols=across,
        frameon=False,
        fontsize=SMALL,
        borderaxespad=0,
        handletextpad=0.3,
    )
    return sheet.figure


def _style(marker: str, fill: str) -> dict[str, Any]:
    return {
        "marker": marker,
        "markerfacecolor": fill,
        "markeredgecolor": INK,
        "markersize": 6,
        "mew": 1.1,
        "linestyle": "none",
        "zorder": 4,
    }


def _row(axes: Axes, found: OrderDependence, scale: float, row: int, shown: list[tuple[str, str, str, float]]) -> None:
    """Draw one feature's effects, each with its standard error, on the bar that spans them."""
    effects = {name: float(scale * getattr(found, name)[row]) for name, *_ in shown}
    known = [effect for effect in effects.values() if not np.isnan(effect)]
    if len(known) > 1:
        color = "#9A9A9A" if found.differs[row] else "#E2E2E2"
        axes.plot([min(known), max(known)], [row, row], color=color, linewidth=5, solid_capstyle="round", zorder=2)
    for name, marker, fill, up in shown:
        error = float(scale * getattr(found, f"{name}_error")[row])
        if not np.isnan(effects[name]) and not np.isnan(error):
            axes.plot([effects[name] - error, effects[name] + error], [row + up, row + up], color=MUTED, linewidth=0.9, zorder=3)
        axes.plot(effects[name], row + up, **_style(marker, fill))


def _number(value: float, findings: Findings) -> str:
    return "–" if np.isnan(value) else findings.metric.signed(value, findings.digits)


def _caption(findings: Findings, found: OrderDependence) -> list[str]:
    return [
        "First: the feature alone on the baseline. Chosen: its step in the study's order, which runs from top to bottom. Last: what all "
        f"features lose without it. {_averaged(findings)}".strip(),
        "Bars: from the least to the largest effect, dark where two effects of a feature differ beyond noise (p < 0.05 after Holm's "
        "adjustment over all differences); the last column says so too. Lines: ± 1 standard error, where there is one.",
        source(findings, f"{findings.seeds_in_words}."),
    ]


def _averaged(findings: Findings) -> str:
    """Say what the marks of Shapley values are averages over, which depends on the design that gives them."""
    design = averaging(findings.features, findings.arms, findings.designs)
    if design is None:
        return ""
    if design.averages == "up to pairs":
        return f"Shapley: the effect of {design.name}, which is the step averaged over all orders where interactions stop at pairs. "
    which = f"{len(design.orders)} sampled orders" if design.orders else "all orders" if design.is_complete else "orders"
    return f"Shapley: its step, averaged over {which}. "
