"""Names of arms: the features that words such as ``mixup + ema``, ``baseline`` or ``all − ema`` mean."""

import re
from collections.abc import Sequence

from ablation.designs import BASELINE, Arm
from ablation.errors import InputError, nearest

NO_FEATURE, EVERY = ("", "baseline", "none"), "all"


def arm_of(text: str, features: Sequence[str]) -> Arm:
    """Return the arm that a text names: features joined by ``+`` or commas, ``baseline``, ``all``, or ``all − ema``.

    Raises:
        InputError: with what is wrong, to follow the name of the row, if it names something else.
    """
    words = text.strip()
    if words in NO_FEATURE:
        return BASELINE
    first, *without = re.split(r"\s*−\s*|\s+-\s+", words)
    taken = _known(words, without, features)
    on = frozenset(features) if first == EVERY and EVERY not in features else _known(words, re.split(r"\s*[+,]\s*", first), features)
    return on - taken


def _known(words: str, names: Sequence[str], features: Sequence[str]) -> Arm:
    for name in names:
        if name not in features:
            raise InputError(f"'{words}' names '{name}', which is no feature{nearest(name, (*features, 'baseline', EVERY))}")
    return frozenset(names)
