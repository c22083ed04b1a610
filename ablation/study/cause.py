"""The cause of an error for people: what it says in a line, and where in the user's own code it came up."""

import os
import re
import traceback
from pathlib import Path

from ablation.study.origin import is_own

MOST_CHARACTERS = 200
"""Of an error's own words that a line shows."""

_COLOUR = re.compile(r"\x1b\[[0-9;]*m")


def explained(error: BaseException) -> str:
    """Return an error in a line: ``ValueError: no such thing (train.py, line 12)``."""
    return placed(in_a_line(error), place(error))


def placed(words: str, where: str) -> str:
    """Return words with the place that they are about, where it is known."""
    return f"{words} ({where})" if where else words


def in_a_line(error: BaseException) -> str:
    """Return the kind of an error and what it says, in a line."""
    # The place is given in other words.
    text = str(error.msg) if isinstance(error, SyntaxError) else str(error)
    return f"{type(error).__name__}: {line(text) or 'no message'}"


def line(text: str) -> str:
    """Return a text in a line without colours, cut where it is long."""
    words = " ".join(_COLOUR.sub("", text).split())
    return words if len(words) <= MOST_CHARACTERS else f"{words[: MOST_CHARACTERS - 1]}…"


def place(error: BaseException) -> str:
    """Return where in the user's own code an error came up, such as ``train.py, line 12``; empty where that has no part in it."""
    if isinstance(error, SyntaxError) and error.filename and is_own(error.filename):
        return in_words(error.filename, error.lineno)
    frames = own_frames(error)
    return in_words(frames[-1].filename, frames[-1].lineno) if frames else ""


def own_frames(error: BaseException) -> list[traceback.FrameSummary]:
    """Return the frames of an error's traceback that are in the user's own code, the innermost last."""
    return [frame for frame in traceback.extract_tb(error.__traceback__) if _is_written(frame.filename)]


def in_words(file: str, number: int | None) -> str:
    """Return a file and a line of it as people read them."""
    if "ipykernel_" in file or file.startswith("<ipython"):
        name = "a cell of the notebook"
    else:
        relative = os.path.relpath(file) if Path(file).is_absolute() else file
        name = file if relative.startswith("..") else relative
    return f"{name}, line {number}" if number else name


def _is_written(file: str) -> bool:
    """Say whether the user has written a file; what Python calls such as ``<string>`` a program has."""
    return is_own(file) and (not file.startswith("<") or file.startswith(("<stdin", "<ipython")))
