"""Where a process finds the folders that were staged for runs: at their own places, or where a copy was put."""

from pathlib import Path

_copies: dict[str, Path] = {}


def located(folder: Path) -> Path:
    """Return where this process finds a staged folder: at its own place if it sees that, else the copy of the same name."""
    return folder if folder.is_dir() else _copies.get(folder.name, folder)


def put(name: str, copy: Path) -> None:
    """Let this process find a staged folder of that name at another place."""
    _copies[name] = copy
