"""A run that failed: what is kept of its error, in words and in files."""

import traceback
from collections.abc import Mapping
from dataclasses import dataclass, field

from ablation.errors import without_password
from ablation.store.names import ERROR
from ablation.study.cause import in_a_line, own_frames, place, placed
from ablation.study.outcome import RunError

FRAMES, LONGEST_BLOCK = 4, 2_000
"""The last frames of the traceback that the note of a run shows, and the characters of them: MLflow takes no note of any length."""


class WorkerDiedError(Exception):
    """The process of a run has gone, each time that it was tried."""


@dataclass(frozen=True)
class Failed:
    """What a failed run leaves, on its way to the log: strings alone, for an error need not survive the way from one process to another.

    Attributes:
        message: the error in a line.
        place: where in the user's own code it came up; empty where that is not known.
        note: what a reader of the run's page is shown first, as Markdown.
        texts: the files that are kept with the run, by name.
    """

    message: str
    place: str = ""
    note: str = ""
    texts: Mapping[str, str] = field(default_factory=dict)

    @property
    def words(self) -> str:
        """The error in a line, with its place."""
        return placed(self.message, self.place)


def failed(error: BaseException) -> Failed:
    """Return what is kept of an error, in the process in which it was raised."""
    if isinstance(error, RunError):
        message, *more = str(error).splitlines() or [""]
        words = placed(message, error.place)
        return Failed(message, error.place, _note(words, "\n".join(more)), {**error.texts, ERROR: "\n".join([words, *more, ""])})
    where = place(error)
    message = without_password(in_a_line(error))
    whole = without_password("".join(traceback.format_exception(error)))
    return Failed(message, where, _note(placed(message, where), _last_frames(error)), {ERROR: whole})


def died(error: BaseException) -> Failed:
    """Return what is kept of a run whose process has gone, by the error that was raised where it was waited for."""
    if isinstance(error, WorkerDiedError):
        message = "its worker process died each time it was tried (often for lack of memory)"
        return Failed(message, note=message)
    return failed(error)


def _last_frames(error: BaseException) -> str:
    """Return the last frames of a traceback from the user's own first one on, and the user's last one in any case."""
    frames, own = traceback.extract_tb(error.__traceback__), own_frames(error)
    last = frames[frames.index(own[0]) if own else 0 :][-FRAMES:]
    before = [*traceback.format_list(own[-1:]), "  …\n"] if own and own[-1] not in last else []
    return without_password("".join([*before, *traceback.format_list(last), *traceback.format_exception_only(error)]))


def _note(head: str, block: str) -> str:
    """Return a note of an error in a line and the end of what else is known of it."""
    more = f"\n\n```\n{block[-LONGEST_BLOCK:].rstrip()}\n```\n\nThe artifact `{ERROR}` holds all of it." if block.strip() else ""
    return head[:LONGEST_BLOCK] + more
