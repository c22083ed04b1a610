"""A command line with placeholders, and what an arm and a seed make of it."""

import re
import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from ablation.designs import Arm
from ablation.errors import InputError, nearest
from ablation.shell import SHELL
from ablation.subjects.features import feature_name

SEED, RUN_DIR = "{seed}", "{run_dir}"
"""The placeholders of what is a run's own."""

_PLACEHOLDER = re.compile(r"\{\{(?P<literal>[\w. -]+)\}\}|(?<!\$)\{(?P<name>[A-Za-z][\w. -]*)\}")
"""A name in braces; one in double braces stands for itself in single ones, and ``${NAME}`` is the shell's."""

_EACH_RUN = ("seed", "run_dir", "arm")

Flags = Mapping[str, tuple[str, str]]
"""For each feature what the command is given where it is on, and where it is off."""


@dataclass(frozen=True)
class CommandLine:
    """A command with placeholders.

    Attributes:
        template: the command, with ``{seed}``, ``{features}``, ``{feature.NAME}``, ``{run_dir}`` and ``{arm}``.
        flags: what each feature gives the command, in the order of the study.
        environment: variables that the command gets, with the same placeholders.
        shell: whether a shell runs the command.

    Raises:
        InputError: if a placeholder is not known, or a feature would change nothing.
    """

    template: str
    flags: Flags
    environment: Mapping[str, str]
    shell: bool = False

    def __post_init__(self) -> None:
        _split(self.template, "subject.command")
        for feature, texts in self.flags.items():
            for text in texts:
                _split(text, f"subject.features.{feature}")
                self.check("subject.features", text, _EACH_RUN)
        self.check("subject.command", self.template)
        for name, value in self.environment.items():
            self.check(f"subject.environment.{name}", value)
        used = {name for text in (self.template, *self.environment.values()) for name in _names(text)}
        for feature in self.flags:
            if not used & {"features", f"feature.{feature}"}:
                raise InputError(
                    f"subject.command does nothing with the feature '{feature}'; expected {{features}} or {{feature.{feature}}} in it"
                )

    @property
    def placeholders(self) -> tuple[str, ...]:
        """The names of all placeholders."""
        return (*_EACH_RUN, "features", *(f"feature.{name}" for name in self.flags))

    def check(self, setting: str, text: str, known: tuple[str, ...] = ()) -> None:
        """Refuse a text with an unknown placeholder.

        Args:
            setting: that holds the text.
            known: placeholders that it may have; all, where none is given.
        """
        known = known or self.placeholders
        for name in _names(text):
            if name not in known:
                raise InputError(
                    f"{setting} has the unknown placeholder {{{name}}} (braces that are meant are doubled){nearest(name, known)}"
                )

    def uses(self, name: str) -> bool:
        """Say whether runs are given a placeholder: in the command, a variable, or what a feature adds."""
        texts = (self.template, *self.environment.values(), *(text for both in self.flags.values() for text in both))
        return any(name in _names(text) for text in texts)

    def words(self, arm: Arm, seed: str, run_dir: str) -> tuple[str, ...]:
        """Return the program and its arguments."""
        values = self._values(arm, seed, run_dir)
        if self.shell:
            return (SHELL, "-c", _filled(self.template, {**values, **{name: shlex.quote(values[name]) for name in _EACH_RUN}}))
        words: list[str] = []
        for word in shlex.split(self.template):
            alone = _PLACEHOLDER.fullmatch(word)
            if alone and alone["name"] and alone["name"].startswith("feature"):
                words += shlex.split(values[alone["name"]])  # as many words as its flags are, also none
            else:
                words.append(self._in_a_word(word, values))
        return tuple(words)

    def variables(self, arm: Arm, seed: str, run_dir: str) -> dict[str, str]:
        """Return the variables of the environment that the command gets."""
        values = self._values(arm, seed, run_dir)
        return {name: self._in_a_word(text, values) for name, text in self.environment.items()}

    def pasted(self, arm: Arm, seed: str, run_dir: str) -> str:
        """Return the command with its variables, ready to paste into a shell."""
        words = self.words(arm, seed, run_dir)
        variables = [f"{name}={shlex.quote(value)}" for name, value in self.variables(arm, seed, run_dir).items()]
        line = words[2] if self.shell and not variables else shlex.join(words)
        return " ".join([*variables, line])

    def fill(self, text: str, arm: Arm, seed: str, run_dir: str) -> str:
        """Return another text with its placeholders filled."""
        return self._in_a_word(text, self._values(arm, seed, run_dir))

    def flag(self, feature: str, on: bool) -> str:
        """Return what a feature gives the command."""
        return self.flags[feature][0 if on else 1]

    def _in_a_word(self, text: str, values: Mapping[str, str]) -> str:
        plain = {name: value if name in _EACH_RUN else " ".join(shlex.split(value)) for name, value in values.items()}
        return _filled(text, plain)

    def _values(self, arm: Arm, seed: str, run_dir: str) -> dict[str, str]:
        on = [name for name in self.flags if name in arm]
        each_run = {"seed": seed, "run_dir": run_dir, "arm": "+".join(on) or "baseline"}
        quoted = {name: shlex.quote(value) for name, value in each_run.items()}
        given = {name: _filled(self.flag(name, name in arm), quoted) for name in self.flags}
        # A feature that has a place of its own is given there alone.
        placed = {name for text in (self.template, *self.environment.values()) for name in _names(text)}
        together = " ".join(text for name, text in given.items() if text and f"feature.{name}" not in placed)
        return {**each_run, "features": together, **{f"feature.{name}": text for name, text in given.items()}}


def flags(features: object) -> dict[str, tuple[str, str]]:
    """Return what each feature gives the command where it is on, and where it is off.

    Args:
        features: for each feature the text that turns it on, or a list of what it is on and off.

    Raises:
        InputError: if it is no such mapping, or a feature changes nothing.
    """
    if not isinstance(features, Mapping) or not features:
        shown = "is missing" if features is None else f"={features!r} is no mapping"
        raise InputError(f"subject.features {shown}; expected what each feature adds to the command, such as {{mixup: '--mixup 0.2'}}")
    found = {}
    for name, given in features.items():
        both = list(given) if isinstance(given, list | tuple) else [given, ""]
        if len(both) != 2 or not all(each is None or (isinstance(each, str | int | float) and not isinstance(each, bool)) for each in both):
            raise InputError(
                f"the feature '{name}' is given {given!r}; expected what it adds to the command, such as '--mixup 0.2', or [on, off]"
            )
        on, off = ("" if each is None else str(each) for each in both)
        if on.split() == off.split():
            raise InputError(f"the feature '{name}' changes nothing: {on!r} whether it is on or off")
        found[feature_name(name)] = (on, off)
    return found


def _names(text: str) -> Iterator[str]:
    return (each["name"] for each in _PLACEHOLDER.finditer(text) if each["name"])


def _filled(text: str, values: Mapping[str, str]) -> str:
    return _PLACEHOLDER.sub(lambda each: f"{{{each['literal']}}}" if each["literal"] else values[each["name"]], text)


def _split(text: str, setting: str) -> list[str]:
    try:
        return shlex.split(text)
    except ValueError as error:
        raise InputError(f"{setting}={text} cannot be divided into words ({error}); expected quotes in pairs") from None
