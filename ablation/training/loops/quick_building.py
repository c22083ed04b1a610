"""Building a network on JAX without XLA's costly optimisations.

Keras draws initial weights with one small program for each shape, which XLA takes a second to optimise and JAX a millisecond to run.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import jax


@contextmanager
def quick_building() -> Iterator[None]:
    """Compile without optimisations what is first run in this context, which then stays so in this process."""
    jax.config.update("jax_disable_most_optimizations", True)
    try:
        yield
    finally:
        jax.config.update("jax_disable_most_optimizations", False)
