"""The peak that a large matrix product reaches on this machine, to set the arms' floating-point operations a second against."""

import statistics
import time

SIZE = 3072


def peak(precision: str, repeats: int) -> float:
    """Return the FLOP/s of a product of two SIZE × SIZE matrices in this precision: the median over repeats."""
    import numpy as np
    from keras import ops

    one, two = (ops.cast(np.random.default_rng(seed).random((SIZE, SIZE), np.float32), precision) for seed in (0, 1))
    seconds = []
    for _ in range(repeats + 1):
        began = time.perf_counter()
        ops.convert_to_numpy(ops.matmul(one, two)[0, 0])
        seconds.append(time.perf_counter() - began)
    return 2 * SIZE**3 / statistics.median(seconds[1:])
