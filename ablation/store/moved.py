"""A store that was moved to another folder: MLflow notes where files are from the root of the disk, and finds them no more."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from urllib.parse import quote, unquote, urlsplit

from ablation.errors import InputError

PLACES = (
    ("experiments", "artifact_location"),
    ("runs", "artifact_uri"),
    ("logged_models", "artifact_location"),
    ("model_versions", "source"),
    ("model_versions", "storage_location"),
)
"""The columns of MLflow's database that say where files are."""

BACKUP = "before-repair"
"""The ending of the copy of the database as it was before a repair."""


@dataclass(frozen=True)
class Moved:
    """Where a store's files were, and where they are now: two folders of the same content."""

    old: str
    new: str

    def now(self, location: str) -> str | None:
        """Return where something is that was in the old folder; None for something that was not."""
        path, is_address = _path(location)
        if path is None or not path.is_relative_to(self.old):
            return None
        if path.is_relative_to(self.new) and PurePosixPath(self.new).is_relative_to(self.old):
            return None  # It is there already, in a folder inside the old one.
        there = f"{Path(self.new, path.relative_to(self.old))}"
        return f"file://{quote(there)}" if is_address else there


def moved(database: Path) -> Moved | None:
    """Return whither the files of a store were moved: those that are no more where its database says, and lie near it instead.

    Args:
        database: MLflow's SQLite file. The files are looked for in its folder and in the working folder.
    """
    if not database.is_file():
        return None
    try:
        with closing(sqlite3.connect(f"{database.absolute().as_uri()}?mode=ro", uri=True)) as connection:
            locations = [row[0] for row in connection.execute("SELECT artifact_location FROM experiments")]
    except sqlite3.Error:
        return None  # no database of MLflow's, or of a version whose tables differ
    bases = dict.fromkeys((database.absolute().parent, Path.cwd()))
    return next((found for location in locations for base in bases if (found := _moved(location, base))), None)


def _moved(location: str | None, base: Path) -> Moved | None:
    """Return whither the folder of an experiment was moved, if it is to be found under ``base``."""
    path, _ = _path(location or "")
    if path is None or Path(path).exists():
        return None
    # The longest common ending, and never the experiment's number alone, for that says too little.
    for start in range(1, len(path.parts) - 1):
        if Path(base, *path.parts[start:]).is_dir():
            return Moved(f"{PurePosixPath(*path.parts[:start])}", f"{base}")
    return None


def _path(location: str) -> tuple[PurePosixPath | None, bool]:
    """Return the path that a location names, None where that is none on this machine, and whether it is written as an address."""
    parts = urlsplit(location)
    path = PurePosixPath(unquote(parts.path) if parts.scheme else location)
    return path if parts.scheme in ("", "file") and path.is_absolute() else None, parts.scheme == "file"


def check(database: Path) -> None:
    """Keep a moved store from being used, where finished runs would be made again and files would go to the folder that it left.

    Raises:
        InputError: if it was moved; it says what to type.
    """
    found = moved(database)
    if found is not None:
        raise InputError(
            f"{database.name} was moved: it names files in '{found.old}', and they are in '{found.new}'; "
            "python -m ablation.report --repair corrects that"
        )


def repair(database: Path) -> Iterator[str]:
    """Let a moved store find its files again, and say in sentences what was done.

    The database is copied first, and changed whole or not at all.

    Raises:
        InputError: if another process writes to it.
    """
    found = moved(database)
    if found is None:
        yield f"{database} names no file that was moved; nothing is to be repaired."
    while found is not None:
        backup = _backup(database)
        try:
            count = _corrected(database, found)
        except sqlite3.OperationalError as error:
            backup.unlink()
            raise InputError(f"{database} cannot be changed ({error}); expected that no study runs and no mlflow ui is open") from error
        yield f"{count} places in {database.name} now name '{found.new}' in place of '{found.old}'; {backup.name} is the file as it was."
        # Experiments of one store can have been moved from several folders.
        found = moved(database)


def _backup(database: Path) -> Path:
    """Copy a database, also one that has pages in a journal, to a file that was not there."""
    names = (f"{database.name}.{BACKUP}{number or ''}" for number in range(1_000))
    backup = next(path for path in map(database.with_name, names) if not path.exists())
    with closing(sqlite3.connect(database)) as source, closing(sqlite3.connect(backup)) as target:
        source.backup(target)
    return backup


def _corrected(database: Path, found: Moved) -> int:
    """Correct all places in one transaction, and return how many there were."""
    count = 0
    with closing(sqlite3.connect(database, isolation_level=None)) as connection:
        connection.execute("BEGIN IMMEDIATE")
        tables = {row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
        for table, column in PLACES:
            if table not in tables:
                continue
            rows = connection.execute(f"SELECT rowid, {column} FROM {table} WHERE {column} IS NOT NULL").fetchall()
            changes = [(there, row) for row, location in rows if (there := found.now(location)) is not None]
            connection.executemany(f"UPDATE {table} SET {column} = ? WHERE rowid = ?", changes)
            count += len(changes)
        connection.execute("COMMIT")
    return count
