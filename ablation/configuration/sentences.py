"""What goes wrong with a configuration, in a sentence."""

import re
import sys
from collections.abc import Sequence

from hydra.errors import HydraException, OverrideParseException
from omegaconf.errors import InterpolationKeyError, OmegaConfBaseException
from yaml import MarkedYAMLError

from ablation.configuration.files import IMAGES, options
from ablation.configuration.settings import known_settings, wrong_setting
from ablation.configuration.words import unread
from ablation.errors import InputError, expected, first_line, nearest
from ablation.study.cause import explained, in_words, place

UNFIT = {
    "Cannot merge DictConfig with ListConfig": "it holds settings, and this is a list",
    "Cannot merge ListConfig with DictConfig": "it holds a list, and these are settings",
}
"""What Hydra says of a value of another form, in plain words."""


def in_a_sentence(error: Exception) -> str | None:
    """Return what to say of an error that the user, the disk or the store caused; None for one that is ours."""
    if isinstance(error, HydraException | OmegaConfBaseException):
        return hydra_in_a_sentence(error, sys.argv[1:])
    if isinstance(error, MarkedYAMLError):
        return _unreadable(error)
    if not isinstance(error, InputError) and place(error):
        return explained(error)
    known = expected(error)
    return None if known is None else first_line(known)


def _unreadable(error: MarkedYAMLError) -> str:
    """Return what is wrong with a file of the configuration."""
    mark = error.problem_mark
    where = in_words(mark.name, mark.line + 1) if mark else "a file of the configuration"
    return f"{where} is no YAML: {error.problem or first_line(error)}; words with braces or colons need quotes"


def hydra_in_a_sentence(error: BaseException, arguments: Sequence[str]) -> str:
    """Return what Hydra says of a configuration, with the nearest right name where one is wrong."""
    if isinstance(error, OverrideParseException):
        return unread(error.override or "")
    text = str(error)
    given = dict(each.split("=", 1) for each in arguments if "=" in each and not each.startswith("-"))
    subject = given.get("subject", IMAGES)
    if subject != IMAGES and given.get("experiment") in options("experiment"):
        return wrong_setting("experiment", subject, ())
    option = re.search(r"Could not find '([^/']+)/([^']+)'\s+Available options in '[^']+':\s*(.*?)\nConfig search path", text, re.DOTALL)
    if option:
        group, name, known = option.groups()
        return f"{group}={name} is not known{nearest(name, known.split())}"
    based = re.search(r"In '([^']+)': Could not load '([^']+)/([^'/]+)'", text)
    if based:
        file, group, name = based.groups()
        return f"the defaults of {file}.yaml name {name}, which is no {group}{nearest(name, options(group))}"
    if isinstance(error, InterpolationKeyError) and error.full_key:
        missing = re.search(r"Interpolation key '([^']+)'", text)
        placeholder = "; a placeholder of a command has no $: {seed}" if error.full_key.startswith("subject.") else ""
        return f"{error.full_key} names ${{{missing[1] if missing else ''}}}, and no setting is called so{placeholder}"
    setting = re.search(r"Could not override '([^']+)'", text) or re.search(r"Key '([^']+)' is not in struct", text)
    if setting:
        full = re.search(r"full_key: (\S+)", text)
        return wrong_setting(full[1] if full else setting[1], subject, known_settings(arguments))
    unfit = re.search(r"Error merging override (.*)", text)
    if unfit and error.__cause__ is not None:
        reason = first_line(error.__cause__)
        return f"{unfit[1]} does not fit: {UNFIT.get(reason, reason)}"
    where = getattr(error, "full_key", None)
    return f"{where}: {first_line(error)}" if where else first_line(error)
