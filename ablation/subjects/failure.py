"""A command that failed, or left no score, in words."""

import re
import signal
from collections.abc import Mapping

from ablation.study.cause import in_words
from ablation.study.origin import is_own
from ablation.study.outcome import RunError
from ablation.subjects.guarded import Ended, Stream
from ablation.subjects.output import Printed

STDOUT, STDERR = "stdout.txt", "stderr.txt"

LONG = 200
"""Lines at the end of the output in which a traceback is looked for."""

_FRAME = re.compile(r'^\s*File "([^"]+)", line (\d+)', re.MULTILINE)


class CommandError(RunError):
    """A command failed, or left no score. The first line of the message says why, the others are the last that it printed."""


def kept_texts(printed: Mapping[Stream, Printed]) -> dict[str, str]:
    """Return what a command printed as files to be kept with its run."""
    return {STDOUT: printed["stdout"].kept.text, STDERR: printed["stderr"].kept.text}


def failure(reason: str, printed: Mapping[Stream, Printed], first: Stream) -> CommandError:
    """Return the error of a failed run.

    Args:
        reason: why it failed, in a line.
        printed: what it printed.
        first: whose last lines are shown, unless there are none.
    """
    message = "\n".join([reason, *last_lines(printed, first)])
    return CommandError(message, {name: text for name, text in kept_texts(printed).items() if text}, _place(printed))


def _place(printed: Mapping[Stream, Printed]) -> str:
    """Return the last place in a file of the user's that a Python traceback on standard error names."""
    places = _FRAME.findall("\n".join(printed["stderr"].kept.last(LONG)))
    return next((in_words(file, int(line)) for file, line in reversed(places) if is_own(file)), "")


def last_lines(printed: Mapping[Stream, Printed], first: Stream) -> list[str]:
    """Return the last lines of one stream, or else of the other."""
    second: Stream = "stdout" if first == "stderr" else "stderr"
    return printed[first].kept.last() or printed[second].kept.last()


def bad_end(ended: Ended, printed: Mapping[Stream, Printed], timeout: float | None) -> str | None:
    """Return None, or why an end is a bad one."""
    if ended.timed_out:
        return f"stopped after {timeout:g} s, which subject.timeout allows"
    if not ended.status:
        return None
    return f"{_status(ended.status)}: {(last_lines(printed, 'stderr') or ['no output'])[-1]}"


def _status(status: int) -> str:
    if status > 0:
        return f"exit status {status}"
    try:
        name = signal.Signals(-status).name
    except ValueError:
        name = f"signal {-status}"
    return f"ended by {name}{' (often for lack of memory)' if name == 'SIGKILL' else ''}"
