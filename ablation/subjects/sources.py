"""The files that a command is made of: those that the key of a run covers, and those beside them that may have changed."""

import hashlib
import os
import re
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from pathlib import Path

from ablation.errors import InputError, nearest

MOST_FILES = 2_000
"""Files of a folder that are watched for changes."""

LARGE = 1_000_000
"""Bytes beyond which a file is watched by its size and time, not its content."""

_NOT_SOURCES = frozenset({"__pycache__", "mlruns", "mlartifacts", "node_modules", "outputs", "multirun", "wandb"})
_DATABASE = re.compile(r"mlflow\.db.*")


def named_files(words: Sequence[str], folder: Path) -> list[Path]:
    """Return the files that a command line names, alone, after ``-m`` as a module, or after a ``=``.

    The program itself counts where it lies in the folder, as ``./train.sh`` does, and not in an environment there.

    Args:
        words: the program and its arguments.
        folder: where it runs.

    Raises:
        InputError: if a Python script is named that is not there.
    """
    found = []
    for place, word in enumerate(words):
        if place and words[place - 1] == "-m":
            found += _module(word, folder)
            continue
        path = next((path for each in (word, word.partition("=")[2]) if (path := _file(each, folder)) is not None), None)
        if path is None and place and re.fullmatch(r"[\w./-]+\.py", word):
            raise InputError(f"subject.command names '{word}', which is not in '{folder}'{nearest(word, _scripts(folder))}")
        if path is not None and (place or _is_own_program(path, folder)):
            found.append(path)
    return found


def given_files(patterns: Iterable[str], folder: Path) -> list[Path]:
    """Return the files that patterns such as ``conf/**/*.yaml`` stand for; a folder stands for all that is in it.

    Raises:
        InputError: if one stands for none.
    """
    found: list[Path] = []
    for pattern in patterns:
        files = [
            file
            for match in _matches(folder, pattern)
            for file in ([match] if match.is_file() else sorted(match.rglob("*")))
            if _is_source(file)
        ]
        if not files:
            raise InputError(f"subject.sources has '{pattern}', which is no file in '{folder}'{nearest(pattern, _scripts(folder))}")
        found += files
    return found


def _matches(folder: Path, pattern: str) -> list[Path]:
    """Return what a pattern stands for; nothing where it begins at the root or is no pattern."""
    if (folder / pattern).exists():
        return [folder / pattern]
    if Path(pattern).is_absolute():
        return []
    try:
        return sorted(folder.glob(pattern))
    except ValueError:
        return []


def contents(files: Iterable[Path], folder: Path) -> dict[str, str]:
    """Return the digest of each file's content, by its path in the folder."""
    return {name_in(file, folder): _content(str(file), _stamp(file)) for file in dict.fromkeys(files)}


def watched(folder: Path, covered: Iterable[str]) -> dict[str, str]:
    """Return the files of a folder that are not covered, each with what changes whenever the file does."""
    left = set(covered)
    found: dict[str, str] = {}
    for place, folders, names in os.walk(folder):
        folders[:] = sorted(each for each in folders if not _is_aside(Path(place) / each))
        for name in sorted(names):
            file = Path(place) / name
            inside = str(file.relative_to(folder))
            if inside in left or name.startswith(".") or _DATABASE.fullmatch(name) or not _is_source(file):
                continue
            try:
                stamp = _stamp(file)
                found[inside] = _content(str(file), stamp) if stamp[0] <= LARGE else str(stamp)
            except OSError:
                continue  # it has gone meanwhile, or may not be read
            if len(found) == MOST_FILES:
                return found
    return found


def steady(before: Mapping[str, str], after: Mapping[str, str]) -> dict[str, str]:
    """Return the files that were the same before and after: what a run writes itself is not among them."""
    return {name: value for name, value in before.items() if after.get(name) == value}


def name_in(file: Path, folder: Path) -> str:
    """Return a file's path in the folder, or its whole path where it lies elsewhere."""
    return str(file.relative_to(folder)) if file.is_relative_to(folder) else str(file)


def _file(word: str, folder: Path) -> Path | None:
    try:
        return path if word and (path := Path(os.path.normpath(folder / word))).is_file() else None
    except (OSError, ValueError):
        return None  # too long for a path, or no path at all


def _module(name: str, folder: Path) -> list[Path]:
    base = folder.joinpath(*name.split("."))
    return [file for file in (base.with_suffix(".py"), base / "__main__.py", base / "__init__.py") if file.is_file()]


def _is_own_program(path: Path, folder: Path) -> bool:
    return path.resolve().is_relative_to(folder.resolve()) and not any((each / "pyvenv.cfg").exists() for each in path.parents)


def _is_source(file: Path) -> bool:
    return file.is_file() and "__pycache__" not in file.parts


def _is_aside(folder: Path) -> bool:
    return folder.name.startswith(".") or folder.name in _NOT_SOURCES or (folder / "pyvenv.cfg").exists()


def _scripts(folder: Path) -> list[str]:
    return sorted(file.name for file in folder.glob("*") if file.suffix in (".py", ".sh", ".yaml"))


def _stamp(file: Path) -> tuple[int, int]:
    status = file.stat()
    return status.st_size, status.st_mtime_ns


@lru_cache(maxsize=10_000)
def _content(file: str, stamp: tuple[int, int]) -> str:
    """Return the digest of a file's content, read once for as long as size and time stay."""
    with open(file, "rb") as stream:
        return hashlib.file_digest(stream, lambda: hashlib.blake2b(digest_size=8)).hexdigest()
