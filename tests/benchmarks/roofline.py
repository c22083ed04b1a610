"""A large matrix product, to set the arms' floating-point operations a second against what the machine reaches at the same time."""

import time
from collections.abc import Callable

SIZE = 3072
FLOPS = 2 * SIZE**3


def product(precision: str) -> Callable[[], float]:
    """Return what multiplies two SIZE × SIZE matrices in this precision and returns its seconds."""
    import numpy as np
    from keras import ops

    one, two = (ops.cast(np.random.default_rng(seed).random((SIZE, SIZE), np.float32), precision) for seed in (0, 1))

    def multiply() -> float:
        began = time.perf_counter()
        float(ops.matmul(one, two)[0, 0])
        return time.perf_counter() - began

    return multiply
