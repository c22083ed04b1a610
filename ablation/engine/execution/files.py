"""Files that runs read, on their way through Dask to a worker that does not see the folder in which they were staged.

A worker keeps its copy below the folder that Dask gives it, for all workers of the machine and for later studies.
"""

import hashlib
import secrets
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from ablation.study.staged import put

PIECE = 1 << 24
"""Bytes that travel at once."""


def deliver(client: Any, address: str, folder: Path) -> None:
    """See to it that a worker finds a staged folder.

    Raises:
        OSError: if the worker cannot keep it.
    """
    if _ask(client, address, finds, str(folder)):
        return
    token, digests = secrets.token_hex(4), {}
    for file in sorted(each for each in folder.rglob("*") if each.is_file()):
        name, content = file.relative_to(folder).as_posix(), hashlib.blake2b()
        for piece in _pieces(file):
            content.update(piece)
            _ask(client, address, receive, folder.name, token, name, piece)
        digests[name] = content.hexdigest()
    _ask(client, address, complete, folder.name, token, digests)


def _ask(client: Any, address: str, function: Any, *arguments: Any) -> Any:
    return client.run(function, *arguments, workers=[address])[address]


def _pieces(file: Path) -> Iterator[bytes]:
    with file.open("rb") as opened:
        yield opened.read(PIECE)  # also of an empty file
        while piece := opened.read(PIECE):
            yield piece


# ---- in the worker; Dask passes itself as dask_worker ---------------------------------------------------------------------------


def finds(folder: str, dask_worker: Any = None) -> bool:
    """Say whether this worker finds a staged folder, at its own place or as a copy that is here from another time."""
    name = Path(folder).name
    if Path(folder).is_dir():
        return True
    copy = _copies(dask_worker) / name
    if copy.is_dir():
        put(name, copy)
    return copy.is_dir()


def receive(name: str, token: str, file: str, piece: bytes, dask_worker: Any = None) -> None:
    """Append a piece to one file of a copy that is on its way."""
    target = _partial(name, token, dask_worker) / file
    target.parent.mkdir(parents=True, exist_ok=True)
    with target.open("ab") as opened:
        opened.write(piece)


def complete(name: str, token: str, digests: Mapping[str, str], dask_worker: Any = None) -> None:
    """Check a copy whose last piece has come, and put it in its place.

    Raises:
        OSError: if it is not what was sent.
    """
    partial, copy = _partial(name, token, dask_worker), _copies(dask_worker) / name
    try:
        for file, digest in digests.items():
            with (partial / file).open("rb") as opened:
                if hashlib.file_digest(opened, hashlib.blake2b).hexdigest() != digest:
                    raise OSError(f"'{file}' has not arrived as it was sent")
        try:
            partial.rename(copy)
        except OSError:
            if not copy.is_dir():  # which another worker of this machine may have received meanwhile
                raise
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    put(name, copy)


def _copies(worker: Any) -> Path:
    return Path(worker.local_directory).parent / "ablation-data"


def _partial(name: str, token: str, worker: Any) -> Path:
    return _copies(worker) / f".{name}-{token}"
