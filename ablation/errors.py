"""The one exception for bad input, and the words that help to mend it."""

import difflib
from collections.abc import Iterable

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
