"""How XLA compiles for JAX: quickly for building a network, with optimisation for training it."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

import jax

# Without INDIVIDUAL_CONVOLUTION and ELTWISE: with them this library takes a third longer than XLA itself for convolutions, gradients
# included, and half as long again for networks with GELU.
LIBRARY_OPERATIONS = ("LIBRARY_FUSION_TYPE_DOT", "LIBRARY_FUSION_TYPE_REDUCE")


@contextmanager
def quick_building() -> Iterator[None]:
    """Compile without optimisation whatever is first run in this context, for the rest of the process.

    Keras draws initial weights with a small program for each shape, which takes XLA a second to optimise and JAX a millisecond to run.
    """
    jax.config.update("jax_disable_most_optimizations", True)
    try:
        yield
    finally:
        jax.config.update("jax_disable_most_optimizations", False)


@cache
def jit_options() -> dict[str, Any]:
    """Return the options of ``jax.jit`` for training: on a CPU, they leave all but products and sums to XLA itself."""
    if jax.default_backend() != "cpu":
        return {}
    options = {"compiler_options": {"xla_cpu_experimental_ynn_fusion_type": ",".join(LIBRARY_OPERATIONS)}}
    try:
        jax.jit(lambda number: number + 1, **options)(0)
    except (TypeError, jax.errors.JaxRuntimeError):  # this version of JAX or XLA does not know the option
        return {}
    return options
