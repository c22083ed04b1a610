"""How XLA compiles for JAX: a network's building quickly, its training well."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

import jax

# Without INDIVIDUAL_CONVOLUTION, which this library takes a third longer for than XLA does itself, gradients included.
LIBRARY_OPERATIONS = ("LIBRARY_FUSION_TYPE_DOT", "LIBRARY_FUSION_TYPE_ELTWISE", "LIBRARY_FUSION_TYPE_REDUCE")


@contextmanager
def quick_building() -> Iterator[None]:
    """Compile without optimisations what is first run in this context, which then stays so in this process.

    Keras draws initial weights with one small program for each shape, which XLA takes a second to optimise and JAX a millisecond to run.
    """
    jax.config.update("jax_disable_most_optimizations", True)
    try:
        yield
    finally:
        jax.config.update("jax_disable_most_optimizations", False)


@cache
def jit_options() -> dict[str, Any]:
    """Return what ``jax.jit`` takes besides the function of a training: on a CPU, that convolutions are XLA's own."""
    if jax.default_backend() != "cpu":
        return {}
    options = {"compiler_options": {"xla_cpu_experimental_ynn_fusion_type": ",".join(LIBRARY_OPERATIONS)}}
    try:
        jax.jit(lambda number: number + 1, **options)(0)
    except (TypeError, jax.errors.JaxRuntimeError):  # JAX or XLA of a version that does not know the option
        return {}
    return options
