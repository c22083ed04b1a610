"""Figures to files."""

from pathlib import Path

import matplotlib
from matplotlib.figure import Figure

DPI = 200


def save(figure: Figure, folder: Path, name: str) -> list[Path]:
    """Write ``name.png`` and ``name.svg`` into a folder, made where it is missing; the same figure gives the same bytes."""
    folder.mkdir(parents=True, exist_ok=True)
    picture, drawing = folder / f"{name}.png", folder / f"{name}.svg"
    figure.savefig(picture, dpi=DPI)
    # Without a salt the ids in an SVG are random, and its date is that of the drawing.
    with matplotlib.rc_context({"svg.hashsalt": "ablation"}):
        figure.savefig(drawing, metadata={"Date": None})
    return [picture, drawing]
