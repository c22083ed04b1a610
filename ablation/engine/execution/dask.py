"""The workers of a Dask scheduler."""

import secrets
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any
from urllib.parse import urlsplit

from ablation.checks import whole
from ablation.engine.execution.pool import OnEvent, Pool
from ablation.errors import InputError

PATIENCE = 3  # seconds until a scheduler counts as unreachable


@dataclass(frozen=True)
class Dask:
    """The workers of a running Dask scheduler. They need this package, and what the subject stages under the same path.

    Args:
        address: of the scheduler, such as ``tcp://10.0.0.5:8786``.
        threads: CPU threads of a run; None leaves it to the subject.
    """

    address: str | None
    threads: int | None = None

    def __post_init__(self) -> None:
        if not self.address:
            raise InputError("execution=dask needs the scheduler's address, for instance execution.address=tcp://127.0.0.1:8786")
        if urlsplit(self.address).port is None:
            raise InputError(f"execution.address={self.address} is no address of a scheduler; expected for instance tcp://127.0.0.1:8786")
        whole("execution.threads", self.threads, 1, optional=True)

    @property
    def slots(self) -> None:
        return None

    @contextmanager
    def open(self, on_event: OnEvent) -> Iterator[Pool]:
        from distributed import Client

        where = urlsplit(str(self.address))
        try:
            # A plain connection first: Dask's own client tries an absent scheduler for long, and complains at length.
            socket.create_connection((where.hostname or "", where.port or 0), timeout=PATIENCE).close()
            client = Client(self.address, timeout=PATIENCE, set_as_default=False)
        except OSError as error:
            raise InputError(f"the scheduler {self.address} cannot be reached; expected execution.address to name a running one") from error
        with client:
            workers = len(client.scheduler_info(n_workers=-1)["workers"])
            if not workers:
                raise InputError(f"the scheduler {self.address} has no workers; start one with 'dask worker {self.address} --nthreads 1'")
            yield pool(client, workers, on_event, self.threads)


def pool(client: Any, slots: int, on_event: OnEvent, threads: int | None, own: bool = False) -> Pool:
    # A topic of its own, for a scheduler may serve several studies.
    topic = f"ablation-{secrets.token_hex(8)}"
    client.subscribe_topic(topic, lambda event: on_event(event[1]))
    # No retries: Dask repeats a run whose worker died in any case, and a run that failed would fail again.
    return Pool(client.get_executor(pure=False), slots, partial(_send, topic), threads, own)


def _send(topic: str, event: dict[str, Any]) -> None:
    from distributed import get_worker

    get_worker().log_event(topic, event)
