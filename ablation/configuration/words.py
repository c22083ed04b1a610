"""The words of a command, before Hydra composes them: what it would answer in words of its own, or not at all, is refused here."""

import shlex
from collections.abc import Mapping, Sequence

from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import ChoiceSweep, Override, QuotedString, ValueType
from hydra.errors import HydraException

from ablation.checks import short, shown
from ablation.configuration.files import groups, options
from ablation.errors import InputError, nearest

DEEPEST = 20
"""How deep brackets may stand in each other; Python gives up reading them at some hundreds."""


def check_words(words: Sequence[str]) -> None:
    """Refuse settings that cannot be composed.

    Args:
        words: of the command, such as ``seeds=3`` or ``-m``.

    Raises:
        InputError: if one cannot be read, names several values without ``-m``, or chooses what is no option.
    """
    sweeps = not {"-m", "--multirun"}.isdisjoint(words) or any(word.startswith("hydra.mode=") for word in words)
    settings = {}
    # Hydra has options of its own, some with a word after them.
    for word in words:
        if not word.startswith("-") and ("=" in word or word.startswith("~")):
            _check_depth(word)
            setting = settings[word] = _read(word)
            if setting.is_sweep_override() and not sweeps:
                _refuse_several(word)
            _check_choice(setting)
    _refuse_backends_inline({setting.key_or_group: setting for setting in settings.values()})


def _refuse_backends_inline(settings: Mapping[str, Override]) -> None:
    """A sweep over backends needs a process for each, which ``execution=inline`` does not have."""
    backend, execution = settings.get("backend"), settings.get("execution")
    if backend and execution and backend.is_sweep_override() and execution.value() == "inline":
        raise InputError("execution=inline cannot switch backends inside one process; leave it out, or name one backend")


def _check_depth(word: str) -> None:
    depth = deepest = 0
    for letter in word:
        depth += (letter in "[{(") - (letter in "]})")
        deepest = max(deepest, depth)
    if deepest > DEEPEST:
        raise InputError(f"the value of {word.partition('=')[0]} has brackets {deepest} deep; expected at most {DEEPEST}")


def _read(word: str) -> Override:
    try:
        setting = OverridesParser.create().parse_override(word)
    except HydraException as error:
        raise InputError(unread(word)) from error
    if not setting.key_or_group:
        raise InputError(unread(word))
    return setting


def unread(word: str) -> str:
    """Return what is wrong with a word that is no setting."""
    name, equals, value = short(word).partition("=")
    if not equals or not name:
        return f"'{short(word)}' is no setting; expected name=value, such as plan=true"
    if value.startswith(("[", "{")):
        return f"the value of {name} cannot be read: {value}; expected a list such as [a,b] or a mapping such as {{a: 1}}, in quotes"
    quoted = value.replace('"', '\\"')
    return (
        f"the value of {name} cannot be read: {value}; one with brackets, braces, commas, colons or ~ needs quotes: '{name}=\"{quoted}\"'"
    )


def _refuse_several(word: str) -> None:
    name, _, values = word.partition("=")
    together = f"; for one study of all: '{name}=[{values}]'" if name == "features" else ""
    raise InputError(f"{word} names several; for a study each: python -m ablation -m {shlex.quote(word)}{together}")


def _check_choice(setting: Override) -> None:
    """Refuse what is no name of an option; Hydra itself says it of a name that no option has."""
    group, value = setting.key_or_group, setting.value()
    if group not in (*groups(), "hydra") or setting.is_delete() or (group == "experiment" and value is None):
        return
    if setting.value_type is ValueType.GLOB_CHOICE_SWEEP:
        return
    values = value.list if isinstance(value, ChoiceSweep) else [value]
    for one in values:
        _check_options(group, one.text if isinstance(one, QuotedString) else one)


def _check_options(group: str, value: object) -> None:
    chosen = value if isinstance(value, list) else [value]
    for each in chosen:
        if not isinstance(each, str):
            raise InputError(f"{group}={shown(each)} is not known{nearest(shown(each), options(group))}")
    if not chosen and group != "experiment":
        raise InputError(f"{group}=[] chooses nothing; expected for instance {group}={next(iter(options(group)), 'NAME')}")
