"""Measured text: how wide a line is, and where to break it so that it fits."""

import re
from collections.abc import Iterable, Sequence
from functools import cache

from matplotlib.font_manager import FontProperties, findfont, get_font
from matplotlib.ft2font import LoadFlags

LINE = 1.25
"""Height of a line of text, in units of its type size; see ``LINESPACING``."""

LINESPACING = 1.3
"""The value of matplotlib's ``linespacing`` at which lines are at most ``LINE`` apart."""

TICKS = 0.17
"""Inches that ticks take, with the room around them and around the label of their axis."""

_SLACK = 1.04  # Agg rounds glyphs to whole pixels, so a drawn line is a little wider than its outline


def width(text: str, size: float) -> float:
    """Return the width in inches of one line of text at ``size`` points."""
    return sum(map(_advance, text)) * size * _SLACK / 72


@cache
def _advance(letter: str) -> float:
    """Return how far a letter moves the pen, in units of the type size; pairs that stand closer together are not counted."""
    font = get_font(findfont(FontProperties()))
    font.set_size(100, 72)
    glyph = font.load_glyph(font.get_char_index(ord(letter)), flags=LoadFlags.NO_HINTING)
    return float(glyph.linearHoriAdvance) / 65536 / 100


def widest(texts: Iterable[str], size: float) -> float:
    """Return the width in inches of the widest line of several texts; none has no width."""
    return max((width(line, size) for text in texts for line in text.split("\n")), default=0.0)


def height(text: str, size: float) -> float:
    """Return the height in inches of some lines of text at ``size`` points; no text has none."""
    return (text.count("\n") + 1) * size * LINE / 72 if text else 0.0


def upright(label: str, numbers: Iterable[str], label_size: float, size: float) -> float:
    """Return the inches that an upright axis takes to its left: its label, of several lines perhaps, its numbers and its ticks."""
    return height(label, label_size) + widest((f"{number}0" for number in numbers), size) + TICKS


def wrap(text: str, inches: float, size: float) -> str:
    """Break text after spaces and underscores, and within a word only where it is too long for a line of its own.

    A no-break space holds its neighbours together.
    """
    lines = [""]
    for piece in re.split(r"(?<=[ _])", re.sub(r"[ \t\n]+", " ", text.strip())):
        fits_a_line = width(piece.rstrip(), size) <= inches
        for part in [piece] if fits_a_line else piece:
            if lines[-1] and width((lines[-1] + part).rstrip(), size) > inches:
                lines.append("")
            lines[-1] += part
    return "\n".join(line.rstrip() for line in lines)


def shorten(text: str, inches: float, size: float) -> str:
    """Return a text that fits one line, cut and ended with … where it must be."""
    if width(text, size) <= inches:
        return text
    kept = len(text)
    while kept and width(text[:kept].rstrip() + "…", size) > inches:
        kept -= 1
    return text[:kept].rstrip() + "…"


def drawable(names: Sequence[str]) -> list[str]:
    """Return names as the charts' font can draw them: one with a letter that it lacks becomes its number, from 1."""
    return [name if _letters().issuperset(map(ord, name)) else f"#{number}" for number, name in enumerate(names, 1)]


@cache
def _letters() -> frozenset[int]:
    return frozenset(get_font(findfont(FontProperties())).get_charmap())
