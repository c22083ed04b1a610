"""Which numbers of seeds have had their effects shown, of a question that several studies may ask."""

import time
from collections.abc import Iterator

from ablation.store import reading
from ablation.store.connection import Store
from ablation.store.names import LOOKED, QUESTION, SHOWN


def shown_before(store: Store, parent: str) -> tuple[int, ...]:
    """Return the numbers of seeds after which effects of a study's question had been shown before the study's own end, in order.

    Args:
        parent: id of the study's run; where it has come to its end already, what was shown after that does not count.
    """
    run = store.client.get_run(parent)
    question = run.data.tags.get(QUESTION)
    if question is None:
        return ()
    own = dict(_entries(run.data.tags.get(SHOWN, "")))
    end = min(own, default=None)
    found = list(_entries(run.data.tags.get(LOOKED, "")))
    for other in reading.search(store, run.info.experiment_id, f"tags.`{QUESTION}` = '{question}'"):
        if other.info.run_id != parent:
            found += [entry for tag in (SHOWN, LOOKED) for entry in _entries(other.data.tags.get(tag, ""))]
    return tuple(seeds for moment, seeds in sorted(found) if end is None or moment < end)


def note_end(store: Store, parent: str, seeds: int) -> None:
    """Note that a study's effects are shown; a second time is no new look."""
    if SHOWN not in store.client.get_run(parent).data.tags:
        store.client.set_tag(parent, SHOWN, _entry(seeds))


def note_look(store: Store, parent: str, seeds: int) -> None:
    """Note that the effects of a study that has not come to its end are shown, after so many seeds."""
    before = store.client.get_run(parent).data.tags.get(LOOKED, "")
    if seeds not in [count for _, count in _entries(before)]:
        store.client.set_tag(parent, LOOKED, ",".join(filter(None, [before, _entry(seeds)])))


def _entry(seeds: int) -> str:
    return f"{seeds}@{int(time.time() * 1000)}"


def _entries(tag: str) -> Iterator[tuple[int, int]]:
    """Read moments, in milliseconds since 1970, and numbers of seeds."""
    for entry in filter(None, tag.split(",")):
        seeds, _, moment = entry.partition("@")
        yield int(moment), int(seeds)
