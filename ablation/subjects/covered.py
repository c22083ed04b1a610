"""Which files the key of a command's runs covers, and what they were when the study began."""

import shlex
from collections.abc import Sequence
from pathlib import Path

from ablation.designs import Arm
from ablation.shell import SHELL
from ablation.subjects.command_line import RUN_DIR, SEED, CommandLine
from ablation.subjects.sources import contents, given_files, named_files, watched


class Covered:
    """The files that a command names, and those that the user names beside them.

    Args:
        line: the command.
        folder: where it runs.
        sources: names, folders and patterns of more files.

    Raises:
        InputError: if one of them is not there.
    """

    def __init__(self, line: CommandLine, folder: Path, sources: Sequence[str]) -> None:
        self._line, self._folder = line, folder
        self._sources = tuple(given_files(sources, folder))
        # Now, for a file may change while the study runs.
        self._then = {name: content for arm in self._arms() for name, content in contents(self._files(arm), folder).items()}

    def contents(self, arm: Arm) -> dict[str, str]:
        """Return the digest of each file of an arm when the study began, by name."""
        return {name: self._then.get(name, now) for name, now in self._now(arm).items()}

    def changed(self, arm: Arm) -> list[str]:
        """Return the files of an arm that have changed since then."""
        return sorted(name for name, now in self._now(arm).items() if now != self._then.get(name, now))

    def names(self) -> list[str]:
        """Return the files of all arms."""
        return sorted({name for arm in self._arms() for name in self._now(arm)})

    def others(self) -> dict[str, str]:
        """Return the other files of the folder, each with what changes whenever the file does."""
        return watched(self._folder, self.names())

    def _arms(self) -> list[Arm]:
        return [frozenset(), *(frozenset({feature}) for feature in self._line.flags)]

    def _now(self, arm: Arm) -> dict[str, str]:
        return contents(self._files(arm), self._folder)

    def _files(self, arm: Arm) -> list[Path]:
        words = self._line.words(arm, SEED, RUN_DIR)
        if words[:2] == (SHELL, "-c"):
            words = ("", *shlex.split(words[2]))
        variables = self._line.variables(arm, SEED, RUN_DIR).values()
        return [*self._sources, *named_files([*words, *variables], self._folder)]
