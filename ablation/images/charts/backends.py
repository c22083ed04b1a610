"""Backends beside each other: one row of panels a network, one panel a measurement."""

from collections.abc import Callable, Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ablation.charts.drawing.lettering import height, wrap
from ablation.charts.drawing.page import MARGIN, page
from ablation.charts.drawing.style import BODY, INK, MUTED, SMALL
from ablation.images.compare import Compared

COLORS = {"tensorflow": "#D55E00", "torch": "#0072B2", "jax": "#009E73"}
"""One each, distinct to colour-blind readers (Okabe and Ito 2008); the names stand beside the bars."""

PANEL, BETWEEN, BAR, NAMES = 1.2, 0.12, 0.24, 0.85
"""Inches: the width of a panel, what is left free between two, the height of a bar's row, and room for the backends' names."""

MEASURED: tuple[tuple[str, Callable[[Compared], float | None], Callable[[float], str]], ...] = (
    ("s / epoch\nafter the first", lambda row: row.seconds_per_epoch, lambda value: f"{value:.3g}"),
    ("s to the end\nof the first", lambda row: row.first_epoch, lambda value: f"{value:.3g}"),
    ("peak memory\nGB", lambda row: row.peak_memory / 1e9, lambda value: f"{value:.2f}"),
    ("processor use\n100 % = one core", lambda row: row.processor_use, lambda value: f"{value:.0%}"),
    ("final loss\nvalidation", lambda row: row.loss, lambda value: f"{value:.4f}"),
    ("accuracy %\nvalidation", lambda row: 100 * row.accuracy, lambda value: f"{value:.2f}"),
)


def comparison(rows: Sequence[Compared], notes: Sequence[str]) -> Figure:
    """Draw every measurement of every network and backend as a bar with its value; what was not measured is left empty."""
    networks = list(dict.fromkeys(row.network for row in rows))
    counts = [sum(row.network == network for row in rows) for network in networks]
    wide = MARGIN + NAMES + len(MEASURED) * (PANEL + BETWEEN) + MARGIN
    titles = [wrap(f"{network}, {_parameters(rows, network)} parameters", wide - 2 * MARGIN, BODY) for network in networks]
    heads = 2 * height("x", SMALL) + 0.1
    body = heads + sum(count * BAR + height(title, BODY) + 0.22 for count, title in zip(counts, titles, strict=True))
    seeds = sorted({row.seeds for row in rows})
    below_title = f"{' or '.join(map(str, seeds))} {'run' if seeds == [1] else 'runs'} a bar; the same initial weights, order and draws"
    sheet = page(wide, body, "Backends compared", below_title, notes)
    across, up = sheet.figure.get_size_inches()

    def write(left: float, bottom: float, text: str, size: float, color: str, weight: str = "normal") -> None:
        place = (left / across, (sheet.floor + bottom) / up)
        sheet.figure.text(*place, text, size=size, color=color, weight=weight, va="bottom", parse_math=False)

    top = body - heads
    for column, (head, _, _) in enumerate(MEASURED):
        write(MARGIN + NAMES + column * (PANEL + BETWEEN), top, head, SMALL, MUTED)
    for network, count, title in zip(networks, counts, titles, strict=True):
        top -= height(title, BODY) + 0.14
        write(MARGIN, top, title, BODY, INK, "bold")
        top -= count * BAR + 0.04
        own = [row for row in rows if row.network == network]
        for place, row in enumerate(own):
            write(MARGIN, top + (count - place - 0.75) * BAR, row.backend, SMALL, INK)
        for column, (_, measure, tell) in enumerate(MEASURED):
            axes = sheet.axes(MARGIN + NAMES + column * (PANEL + BETWEEN), top, PANEL, count * BAR)
            _panel(axes, own, [measure(row) for row in own], tell)
        top -= 0.04
    return sheet.figure


def _parameters(rows: Sequence[Compared], network: str) -> str:
    return f"{next(row.parameters for row in rows if row.network == network):,}"


def _panel(axes: Axes, rows: Sequence[Compared], values: Sequence[float | None], tell: Callable[[float], str]) -> None:
    """Draw one bar a row from zero, with its value at its end."""
    largest = max((value for value in values if value is not None), default=0.0) or 1.0
    axes.set_xlim(0, largest * 1.75)  # room for the values
    axes.set_ylim(len(rows) - 0.5, -0.5)
    axes.set_axis_off()
    for place, (row, value) in enumerate(zip(rows, values, strict=True)):
        if value is None:
            axes.text(0, place, "not measured", size=SMALL, color=MUTED, va="center")
            continue
        axes.barh(place, value, height=0.66, color=COLORS.get(row.backend, MUTED))
        axes.text(value + largest * 0.05, place, tell(value), size=SMALL, color=INK, va="center")
