"""The index of a study: which of its runs are finished, in tags of the study's own run.

Through a tracking server, a run takes milliseconds to be searched and to be sent, and one request asks for one key. The index lets a plan
find the runs that it needs among many thousands in few requests, however many arms it has.
"""

import base64
import time
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ablation.store.connection import Store
from ablation.store.names import INDEX, KEY, OWNER, PARENT, STUDY

if TYPE_CHECKING:
    from mlflow.entities import Run as LoggedRun

KEY_BYTES, ID_BYTES = 8, 16
"""Bytes of a key and of a run's id that stand in an entry; of the key the first ones."""

MOST = 150
"""Entries in one tag: MLflow's older versions take 5,000 characters."""

INTERVAL = 5.0
"""Seconds that an entry may wait to be written with others."""

SLACK = 60_000
"""Milliseconds by which runs may have ended before others that were written before them."""

AT_ONCE, THREADS = 100, 4
"""Runs asked for in one request, and requests at the same time."""


class IndexWriter:
    """Writes the index of a study, as its runs finish.

    Args:
        store, parent: where the study is.
        token: of the process that writes.
    """

    def __init__(self, store: Store, parent: str, token: str) -> None:
        self._store, self._parent, self._token = store, parent, token
        self._entries: list[bytes] = []
        self._written = 0
        self._since: float | None = None

    def add(self, key: str, run_id: str) -> None:
        """Take a finished run, by its key."""
        self._entries.append(bytes.fromhex(key[: 2 * KEY_BYTES]) + bytes.fromhex(run_id))
        self._since = time.monotonic() if self._since is None else self._since

    @property
    def waiting(self) -> int:
        """How many runs are not written yet."""
        return len(self._entries) - self._written

    def flush(self, now: bool = False) -> None:
        """Write what is not written yet, if some of it has waited for long, or ``now``."""
        if self._since is None or not (now or self.waiting >= MOST or time.monotonic() - self._since >= INTERVAL):
            return
        from mlflow.entities import RunTag

        first, count = self._written // MOST, len(self._entries)
        parts = range(first, (count + MOST - 1) // MOST)
        tags = [RunTag(f"{INDEX}{self._token}.{part}", _packed(self._entries[part * MOST : (part + 1) * MOST])) for part in parts]
        self._store.client.log_batch(self._parent, tags=tags)
        self._written, self._since = count, None

    def leave(self) -> None:
        """Leave out what is not written yet."""
        self._written, self._since = len(self._entries), None


@dataclass(frozen=True)
class Indexed:
    """A finished run of the index.

    Attributes:
        run: as MLflow has it.
        study: key of the study that made it.
    """

    run: "LoggedRun"
    study: str | None


def indexed_runs(store: Store, experiment: str, keys: Iterable[str]) -> Iterator[Indexed]:
    """Find the finished runs with these keys that studies have in their index, or have made since they last wrote it."""
    from ablation.store import reading

    wanted = {key[: 2 * KEY_BYTES] for key in keys}
    studies: dict[str, str] = {}
    found: list[str] = []
    fresh: list[LoggedRun] = []
    for parent in reading.search(store, experiment, f"tags.`{STUDY}` != ''"):
        tags, run_id = parent.data.tags, parent.info.run_id
        studies[run_id] = tags[STUDY]
        written = [list(_unpacked(text)) for name, text in tags.items() if name.startswith(INDEX)]
        found += [each for part in written for key, each in part if key in wanted]
        if parent.info.status not in ("FINISHED", "FAILED"):
            fresh += _since_last(store, experiment, run_id, [part[-1][1] for part in written if part])
    distinct = list(dict.fromkeys(found))
    parts = [distinct[start : start + AT_ONCE] for start in range(0, len(distinct), AT_ONCE)]
    with ThreadPoolExecutor(THREADS) as threads:
        pages = threads.map(lambda part: reading.search(store, experiment, f"{_one_of(part)} and attributes.status = 'FINISHED'"), parts)
        runs = {run.info.run_id: run for page in (*pages, fresh) for run in page}
    for run in runs.values():
        yield Indexed(run, studies.get(run.data.tags.get(PARENT, "")))


def has_others(store: Store, experiment: str) -> bool:
    """Return whether there may be finished runs that no index has, as this package's earlier versions left them."""
    from mlflow.exceptions import MlflowException

    condition = f"tags.`{KEY}` != '' and tags.`{OWNER}` IS NULL and attributes.status = 'FINISHED'"
    try:
        return bool(store.client.search_runs([experiment], condition, max_results=1))
    except MlflowException:
        return True  # of a server that does not know such a question


def in_index(tags: Mapping[str, str]) -> set[str]:
    """Return the ids of the runs that a study's tags say are finished."""
    return {run_id for name, text in tags.items() if name.startswith(INDEX) for _, run_id in _unpacked(text)}


def _since_last(store: Store, experiment: str, parent: str, last: list[str]) -> "list[LoggedRun]":
    """Return the finished runs of a study that goes on, or was killed, but for those that ended long before the last of its index."""
    from ablation.store import reading

    ends = [run.info.end_time or 0 for run in reading.search(store, experiment, _one_of(last))] if last else []
    since = max(0, max(ends, default=0) - SLACK)
    condition = f"tags.`{PARENT}` = '{parent}' and attributes.status = 'FINISHED' and attributes.end_time > {since}"
    return reading.search(store, experiment, condition)


def _one_of(run_ids: list[str]) -> str:
    return f"attributes.run_id IN ({', '.join(map(repr, run_ids))})"


def _packed(entries: list[bytes]) -> str:
    return base64.b64encode(b"".join(entries)).decode()


def _unpacked(text: str) -> Iterator[tuple[str, str]]:
    size = KEY_BYTES + ID_BYTES
    content = base64.b64decode(text)
    for start in range(0, len(content) - size + 1, size):
        entry = content[start : start + size]
        yield entry[:KEY_BYTES].hex(), entry[KEY_BYTES:].hex()
