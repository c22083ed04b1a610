"""A client of a Dask scheduler, and what is asked of one worker alone."""

import secrets
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from typing import Any

from ablation.engine.interruption import Interruption


@contextmanager
def client_of(scheduler: Any, **settings: Any) -> Iterator[Any]:
    """Connect to a scheduler, a cluster or the address of one."""
    from distributed import Client

    with ExitStack() as stack:
        # An interruption that comes meanwhile would leave a client that is half made and ends only after a minute.
        with Interruption():
            client = stack.enter_context(Client(scheduler, set_as_default=False, **settings))
        yield client


def submit(client: Any, address: str, resources: Mapping[str, float], work: Callable[..., Any], *arguments: Any) -> Any:
    """Give a task to one worker and no other, and return Dask's future."""
    return client.submit(
        work,
        *arguments,
        key=f"run-{secrets.token_hex(16)}",
        workers=[address],
        allow_other_workers=False,
        pure=False,
        resources=dict(resources) or None,
    )
