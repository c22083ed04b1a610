"""The journal: what runs left, in files of a study's own, from the moment they end until the store has it."""

import hashlib
import io
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from zipfile import BadZipFile

import numpy as np

from ablation.errors import InputError
from ablation.store.epochs import Epoch
from ablation.study.outcome import Result
from ablation.study.records import from_plain, to_plain
from ablation.study.study import FOLDER
from ablation.study.subject import Trial

JOURNALS = FOLDER / "journal"
"""Where each study that is under way has a folder, named by its key."""

RECORD = "record"
"""Name of the array that holds all of an entry but its arrays, as JSON."""


@dataclass(frozen=True, eq=False)
class Ended:
    """A run that has come to its end.

    Attributes:
        trial: what was run.
        result: its numbers; None where it failed.
        began, ended: when, in milliseconds since 1970.
        epochs: all that it reported.
        note: what a reader of the run's page is shown of it.
        texts, arrays: the files that are kept with it, by name.
    """

    trial: Trial
    result: Result | None
    began: int
    ended: int
    epochs: tuple[Epoch, ...] = ()
    note: str = ""
    texts: Mapping[str, str] = field(default_factory=dict)
    arrays: Mapping[str, Mapping[str, np.ndarray]] = field(default_factory=dict)


class Journal:
    """Keeps what runs left, a file a run: there whole or not at all, and with a digest, for a disk may lose what a file held.

    Args:
        study: key of the study.
    """

    def __init__(self, study: str) -> None:
        self.folder = JOURNALS / study

    def keep(self, ended: Ended) -> None:
        """Write an entry down."""
        self.folder.mkdir(parents=True, exist_ok=True)
        file = self._file(ended.trial.key)
        fresh = file.with_suffix(".new")
        fresh.write_bytes(_packed(ended))
        fresh.replace(file)

    def read(self, key: str) -> Ended | None:
        """Return the entry of a run, by the trial's key; None where there is none that can be read."""
        try:
            return _unpacked(self._file(key).read_bytes())
        except (FileNotFoundError, InputError):
            return None

    def keys(self) -> list[str]:
        """Return the keys of all that is kept, in the order in which it was written."""
        files = self.folder.glob("*.run") if self.folder.is_dir() else ()
        return [file.stem for file in sorted(files, key=_moment)]

    def all(self) -> Iterator[Ended]:
        """Read all that is kept, and remove what is damaged: that run is made again."""
        for key in self.keys():
            entry = self.read(key)
            if entry is None:
                self.drop(key)
            else:
                yield entry

    def drop(self, key: str) -> None:
        """Remove an entry."""
        self._file(key).unlink(missing_ok=True)

    def remove_if_empty(self) -> None:
        """Remove the folder where it holds nothing."""
        if self.folder.is_dir() and not any(self.folder.iterdir()):
            self.folder.rmdir()

    def _file(self, key: str) -> Path:
        return self.folder / f"{key}.run"


def _moment(file: Path) -> int:
    """Return when a file was written; 0 for one that has been logged and removed meanwhile."""
    try:
        return file.stat().st_mtime_ns
    except FileNotFoundError:
        return 0


def _packed(ended: Ended) -> bytes:
    index = [[name, list(arrays)] for name, arrays in ended.arrays.items()]
    record = json.dumps([to_plain(replace(ended, arrays={})), index]).encode()
    arrays = {f"{place}": array for place, array in enumerate(each for own in ended.arrays.values() for each in own.values())}
    content = io.BytesIO()
    np.savez(content, allow_pickle=False, **{RECORD: np.frombuffer(record, np.uint8)}, **arrays)
    return _digest(content.getvalue()) + b"\n" + content.getvalue()


def _unpacked(packed: bytes) -> Ended:
    """Read an entry.

    Raises:
        InputError: if it is damaged, or was written by a version of this package that kept something else.
    """
    digest, _, content = packed.partition(b"\n")
    if digest != _digest(content):
        raise InputError("a file of the journal is damaged")
    try:
        with np.load(io.BytesIO(content)) as file:
            plain, index = json.loads(file[RECORD].tobytes())
            places = iter(range(len(file.files)))
            arrays = {name: {each: file[f"{next(places)}"] for each in own} for name, own in index}
    except (BadZipFile, KeyError, ValueError) as error:
        raise InputError(f"a file of the journal cannot be read ({error})") from error
    return replace(from_plain(Ended, plain), arrays=arrays)


def _digest(content: bytes) -> bytes:
    return hashlib.blake2b(content, digest_size=16).hexdigest().encode()
