"""What a feature of a user's own may be called."""

import re

from ablation.errors import InputError

_NAME = re.compile(r"\w[\w .-]*")


def feature_name(name: object) -> str:
    """Return the name of a feature.

    Raises:
        InputError: if it cannot be one.
    """
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise InputError(f"{name!r} cannot name a feature; expected letters, digits, '_', '-', '.' and spaces, such as 'mixup'")
    return name
