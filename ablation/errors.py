"""The one exception for bad input, and the words that help to fix it."""

import difflib
import re
import sys
from collections.abc import Callable, Iterable

MANY = 12
"""A longer list of names is not shown beside a good guess."""


class InputError(ValueError):
    """Something the user gave cannot be used. The message is one plain sentence, shown without a traceback."""


def nearest(name: str, known: Iterable[str]) -> str:
    """Return a hint such as ``"; did you mean 'mixup'? (known: …)"`` to end an error message with."""
    names = [str(each) for each in known]
    close = difflib.get_close_matches(str(name), names, n=1, cutoff=0.5)
    if close and len(names) > MANY:
        return f"; did you mean '{close[0]}'?"
    guess = f"; did you mean '{close[0]}'?" if close else ";"
    return f"{guess} known: {', '.join(names) if names else 'none'}"


def expected(error: Exception) -> InputError | None:
    """Return the message for an error that the user, the disk or MLflow's store caused; None for one that is ours."""
    if isinstance(error, InputError):
        return error
    # First, for what a server refuses is an OSError, too.
    if type(error).__module__.startswith(("mlflow.", "requests.", "urllib3.")):
        cause: BaseException = error
        while cause.__cause__ is not None:
            cause = cause.__cause__
        return InputError(f"MLflow's store cannot be used ({first_line(cause)}); once that is fixed, the same command continues")
    if isinstance(error, OSError):
        what = f"'{error.filename}'" if error.filename else "a file"
        return InputError(f"{what} cannot be used ({error.strerror or error}); expected a writable working folder with room")
    return None


def exit_status(command: Callable[[], None], message_of: Callable[[Exception], object | None] = expected) -> int:
    """Run a command, and return 0, or 1 after a sentence on standard error where it is not this package that went wrong.

    Args:
        command: what to run.
        message_of: returns what to print of an error, or None for one that is ours, which is raised.
    """
    try:
        command()
    except Exception as error:
        message = message_of(error)
        if message is None:
            raise
        print(f"ablation: {without_password(str(message))}", file=sys.stderr)
        return 1
    return 0


def without_password(text: str) -> str:
    """Return a text whose addresses name no user and no password."""
    return re.sub(r"(?<=://)[^/\s]*@", "", text)


def first_line(error: BaseException) -> str:
    """Return the first line that an error, or else its cause, has to say, without passwords."""
    lines = [line for line in without_password(str(error)).splitlines() if line.strip()]
    if lines:
        return lines[0]
    return first_line(error.__cause__) if error.__cause__ else type(error).__name__
