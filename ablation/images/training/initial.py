"""Initial weights and dropout seeds, drawn from the run's seed and each layer's name.

A layer keeps the kind of initialiser that it declares; only the source of its random numbers is replaced. So arms with the same seed
have the same weights in every layer that they share, on every backend, and one compiled network serves many seeds.
"""

import math

import keras
import numpy as np

from ablation.images.slots import InitializerFactory
from ablation.images.training.draws import INITIAL, MASKS, generator

DRAWN_FROM = ("kernel_initializer", "depthwise_initializer", "pointwise_initializer")


def use_initializer(network: keras.Model, make: InitializerFactory) -> None:
    """Let every kernel be drawn from a new initialiser, but for those that start from given values, such as pretrained ones."""
    for layer in network._flatten_layers():
        for name in DRAWN_FROM:
            if getattr(layer, name, None) is not None:
                setattr(layer, name, make())


def initialize(network: keras.Model, seed: int) -> None:
    """Set the weights and dropout seeds of every layer of a built network according to the run's seed.

    A weight that is given is left alone: see :func:`given`.
    """
    for layer in network._flatten_layers():
        # Keras itself walks nested networks with `_flatten_layers`, which has no public counterpart.
        for variable in _own(layer):
            initializer = _initializer(layer, variable.name)
            if initializer is not None and layer.trainable:
                rng = generator(seed, INITIAL, f"{layer.name}/{variable.name}")
                variable.assign(draw(initializer, tuple(variable.shape), rng))
        # Keras keeps those of all layers, however they call them, in a list that has no public counterpart either.
        for place, masks in enumerate(layer._seed_generators):
            state = generator(seed, MASKS, layer.name, *([place] if place else [])).integers(0, 2**31, size=tuple(masks.state.shape))
            masks.state.assign(state.astype(keras.backend.standardize_dtype(masks.state.dtype)))
            # On PyTorch, Keras ignores a generator that was made without a seed, and draws from PyTorch's global one.
            masks._initial_seed = seed


def given(network: keras.Model) -> list[keras.Variable]:
    """Return the weights of frozen layers, and those without a declared initialiser, such as pretrained ones: they keep their values."""
    layers = network._flatten_layers()
    return [each for layer in layers for each in _own(layer) if not layer.trainable or _initializer(layer, each.name) is None]


def _own(layer: keras.Layer) -> list[keras.Variable]:
    """Return the weights of a layer itself, without those of nested layers."""
    return [*getattr(layer, "_trainable_variables", []), *getattr(layer, "_non_trainable_variables", [])]


def _initializer(layer: keras.Layer, weight: str) -> keras.initializers.Initializer | None:
    """Return the initialiser that a layer declares for a weight: ``<weight>_initializer``, ``depthwise_initializer`` or similar."""
    names = [f"{weight}_initializer", f"{weight.removesuffix('_kernel')}_initializer"]
    if isinstance(layer, keras.layers.DepthwiseConv1D | keras.layers.DepthwiseConv2D):
        names = ["depthwise_initializer" if weight == "kernel" else names[0]]
    return next((getattr(layer, name) for name in names if getattr(layer, name, None) is not None), None)


def draw(initializer: keras.initializers.Initializer, shape: tuple[int, ...], rng: np.random.Generator) -> np.ndarray:
    """Return a weight drawn as ``initializer`` would draw it, with random numbers from ``rng``.

    Variance scaling (Glorot, He, LeCun) is drawn on the host, so it is equal on every backend. Other kinds draw themselves, with a seed
    from ``rng`` where they take one, and else after Keras' global generator has got it.
    """
    if type(initializer).__call__ is keras.initializers.VarianceScaling.__call__:
        return _variance_scaling(initializer, shape, rng)
    settings = initializer.get_config()
    if "seed" in settings:
        settings["seed"] = int(rng.integers(2**31))
        initializer = type(initializer).from_config(settings)
    elif not type(initializer).__module__.startswith("keras."):
        # Keras' own without a seed are constants.
        keras.utils.set_random_seed(int(rng.integers(2**31)))
    return keras.ops.convert_to_numpy(initializer(shape))


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

            # A normal distribution truncated at two standard deviations has 0.8796 times the standard deviation.
            values = truncnorm.rvs(-2, 2, scale=math.sqrt(variance) / 0.87962566103423978, size=shape, random_state=rng)
    return values.astype(np.float32)
