"""A page: title and subtitle above, a caption below, between them room for axes that is measured in inches; and its files."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import matplotlib
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure

from ablation.charts.drawing.form import SCREEN, Form
from ablation.charts.drawing.lettering import LINESPACING, height, wrap
from ablation.charts.drawing.style import BODY, INK, MUTED, SMALL, TITLE

MARGIN = SCREEN.margin
GAP = 0.1
DPI = 200
COMPRESSION = 3
"""Of zlib's nine levels one that is faster than the usual one, for a few per cent more bytes."""


@dataclass(frozen=True, eq=False)
class Page:
    """A figure with its texts in place.

    Attributes:
        figure: the figure.
        floor: inches from the figure's bottom to the body's.
    """

    figure: Figure
    floor: float

    def axes(self, left: float, bottom: float, width: float, height: float) -> Axes:
        """Add axes; all four in inches, ``left`` from the figure's edge and ``bottom`` from the body's."""
        across, up = self.figure.get_size_inches()
        return self.figure.add_axes((left / across, (self.floor + bottom) / up, width / across, height / up))


def page(width: float, body: float, title: str, subtitle: str, caption: Sequence[str], form: Form = SCREEN) -> Page:
    """Lay out a page that is as high as its texts need.

    Args:
        width: of the figure, in inches.
        body: height in inches that is kept free for axes and their labels.
        title, subtitle: shown above the body; broken into lines where they are too long.
        caption: paragraphs shown below it.
        form: where it is read; of an untitled one the texts are left out.
    """
    if not form.titled:
        whole = body + 2 * form.margin
        return Page(Figure(figsize=(width, whole), facecolor="white"), form.margin)
    room = width - 2 * MARGIN
    title = wrap(title, room * 0.85, TITLE)  # bold is wider than what is measured
    subtitle = wrap(subtitle, room, BODY)
    notes = "\n".join(wrap(paragraph, room, SMALL) for paragraph in caption if paragraph)
    floor = MARGIN + height(notes, SMALL) + GAP
    top = floor + body + GAP
    whole = top + height(subtitle, BODY) + 0.04 + height(title, TITLE) + MARGIN
    figure = Figure(figsize=(width, whole), facecolor="white")

    def write(y: float, text: str, size: float, color: str, weight: str = "normal") -> None:
        place = (MARGIN / width, y / whole)
        figure.text(*place, text, size=size, color=color, weight=weight, va="bottom", linespacing=LINESPACING, parse_math=False)

    write(MARGIN, notes, SMALL, MUTED)
    write(top, subtitle, BODY, INK)
    write(top + height(subtitle, BODY) + 0.04, title, TITLE, INK, "bold")
    return Page(figure, floor)


def wrap_below(label: str, left: float, plot: float, form: Form = SCREEN) -> tuple[str, float]:
    """Break the label of an axis that is centred below a plot so that it stays on the page; return it and the inches that it adds.

    Args:
        label: of the axis.
        left, plot: where the plot begins, and its width, in inches.
        form: of the figure.
    """
    middle = left + plot / 2
    wrapped = wrap(label, 2 * min(middle, form.width - middle) - 2 * form.margin, BODY)
    return wrapped, height(wrapped, BODY) - height(label, BODY)


def save(figure: Figure, folder: Path, name: str) -> list[Path]:
    """Write ``name.png`` and ``name.svg`` into a folder, made where it is missing; the same figure gives the same bytes."""
    folder.mkdir(parents=True, exist_ok=True)
    picture, drawing = folder / f"{name}.png", folder / f"{name}.svg"
    figure.dpi = DPI
    # Figure.savefig would draw everything once more for a layout that these figures do not need.
    FigureCanvasAgg(figure).print_png(picture, pil_kwargs={"compress_level": COMPRESSION})
    # Without a salt the ids in an SVG are random, and its date is that of the drawing.
    with matplotlib.rc_context({"svg.hashsalt": "ablation"}):
        FigureCanvasSVG(figure).print_svg(drawing, metadata={"Date": None})
    return [picture, drawing]


def save_pdf(figure: Figure, folder: Path, name: str) -> Path:
    """Write ``name.pdf`` into a folder that is there, with its fonts inside; the same figure gives the same bytes."""
    # A quarter of a second that only papers need.
    from matplotlib.backends.backend_pdf import FigureCanvasPdf

    file = folder / f"{name}.pdf"
    # Type 42 embeds TrueType as it is; many journals refuse matplotlib's usual Type 3.
    with matplotlib.rc_context({"pdf.fonttype": 42}):
        FigureCanvasPdf(figure).print_pdf(file, metadata={"CreationDate": None})
    return file
