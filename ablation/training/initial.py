"""Initial weights and dropout seeds, drawn from the run's seed and each layer's name.

A layer keeps the kind of initialiser that it declares; only where its numbers come from is ours. So arms that share a seed share the
weights of every layer that they share, on every backend, and one compiled network serves many seeds.
"""

import math

import keras
import numpy as np

from ablation.training.draws import INITIAL, MASKS, generator


def initialize(network: keras.Model, seed: int) -> None:
    """Give every layer of a built network the weights and dropout seeds that belong to this run's seed.

    A weight whose layer declares no initialiser (``<weight>_initializer``) keeps what it was built with.
    """
    for layer in network._flatten_layers():
        # `_flatten_layers` is what Keras itself walks nested networks with; it has no public counterpart.
        for variable in getattr(layer, "_trainable_variables", []) + getattr(layer, "_non_trainable_variables", []):
            initializer = getattr(layer, f"{variable.name}_initializer", None)
            if initializer is not None:
                rng = generator(seed, INITIAL, f"{layer.name}/{variable.name}")
                variable.assign(draw(initializer, tuple(variable.shape), rng))
        masks = getattr(layer, "seed_generator", None)
        if masks is not None:
            state = generator(seed, MASKS, layer.name).integers(0, 2**31, size=tuple(masks.state.shape))
            masks.state.assign(state.astype(keras.backend.standardize_dtype(masks.state.dtype)))
            # On PyTorch, Keras passes over a generator that was made without a seed, and draws from PyTorch's global one.
            masks._initial_seed = seed


def draw(initializer: keras.initializers.Initializer, shape: tuple[int, ...], rng: np.random.Generator) -> np.ndarray:
    """Return a weight as ``initializer`` would make it, with numbers from ``rng``.

    Variance scaling (Glorot, He, LeCun) is drawn on the host, equal on every backend. Other kinds are made by Keras, from a seed that
    ``rng`` gives.
    """
    if isinstance(initializer, keras.initializers.VarianceScaling):
        return _variance_scaling(initializer, shape, rng)
    settings = initializer.get_config()
    if "seed" in settings:
        settings["seed"] = int(rng.integers(2**31))
    return keras.ops.convert_to_numpy(type(initializer).from_config(settings)(shape))


def _variance_scaling(initializer: keras.initializers.VarianceScaling, shape: tuple[int, ...], rng: np.random.Generator) -> np.ndarray:
    receptive = math.prod(shape[:-2])
    fan_in, fan_out = (shape[0], shape[0]) if len(shape) < 2 else (shape[-2] * receptive, shape[-1] * receptive)
    fan = {"fan_in": fan_in, "fan_out": fan_out, "fan_avg": (fan_in + fan_out) / 2}[initializer.mode]
    variance = initializer.scale / max(1.0, fan)
    match initializer.distribution:
        case "uniform":
            limit = math.sqrt(3 * variance)
            values = rng.uniform(-limit, limit, shape)
        case "untruncated_normal":
            values = rng.normal(0, math.sqrt(variance), shape)
        case _:
            from scipy.stats import truncnorm

            # The spread of a normal cut at two standard deviations is 0.8796 of the normal's own.
            values = truncnorm.rvs(-2, 2, scale=math.sqrt(variance) / 0.87962566103423978, size=shape, random_state=rng)
    return values.astype(np.float32)
