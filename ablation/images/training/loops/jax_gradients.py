"""Gradients that XLA's CPU computes quickly, in networks that stay plain Keras.

What JAX derives from Keras' formulas is correct but slow in two places: batch normalisation, whose gradient takes twice as many passes
over the pixels as it needs, and strided convolutions, for whose input gradient XLA has only a slow path. Only the layers' computation
is replaced, on the instances: class, configuration and weights remain Keras' own, as does what is saved.
"""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import keras

CHANNELS_LAST = ("NHWC", "HWIO", "NHWC")


def use_quick_gradients(network: keras.Model) -> None:
    """Make the layers of a network, nested ones too, use these gradients wherever they are the same."""
    for layer in network._flatten_layers():
        # Not subclasses, which may compute something else.
        if type(layer) is keras.layers.Conv2D and _is_strided(layer):
            layer.convolution_op = _convolution(layer)
        elif type(layer) is keras.layers.BatchNormalization and _is_plain(layer):
            layer.call = _normalization(layer)


def _is_strided(layer: keras.layers.Conv2D) -> bool:
    plain = layer.data_format == "channels_last" and tuple(layer.dilation_rate) == (1, 1) and layer.groups == 1
    return plain and max(layer.strides) > 1


def _is_plain(layer: keras.layers.BatchNormalization) -> bool:
    last = layer.axis in (-1, layer.input_spec.ndim - 1)
    return last and layer.center and layer.scale and not layer.synchronized and not getattr(layer, "renorm", False)


def _convolution(layer: keras.layers.Conv2D) -> Callable[[Any, Any], Any]:
    strides, padding = tuple(layer.strides), layer.padding.upper()

    def convolve(inputs: jax.Array, kernel: jax.Array) -> jax.Array:
        return jax.lax.conv_general_dilated(inputs, kernel, strides, padding, dimension_numbers=CHANNELS_LAST)

    @jax.custom_vjp
    def strided(inputs: jax.Array, kernel: jax.Array) -> jax.Array:
        return convolve(inputs, kernel)

    def forward(inputs: jax.Array, kernel: jax.Array) -> tuple[jax.Array, Any]:
        return convolve(inputs, kernel), (inputs, kernel)

    def backward(kept: Any, gradient: jax.Array) -> tuple[jax.Array, jax.Array]:
        inputs, kernel = kept
        # As XLA does it, except that the zeros between the gradient's pixels are materialised, which leaves a plain convolution, for
        # which it has a fast path.
        pads = jax.lax.padtype_to_pads(inputs.shape[1:3], kernel.shape[:2], strides, padding)
        spread = [(0, 0, 0)]
        for side, pixels, size, stride, (low, high) in zip(
            inputs.shape[1:3], gradient.shape[1:3], kernel.shape[:2], strides, pads, strict=True
        ):
            unseen = (side + low + high - size) - (pixels - 1) * stride
            spread.append((size - 1 - low, size - 1 + unseen - high, stride - 1))
        spaced = jax.lax.pad(gradient, jnp.zeros((), gradient.dtype), [*spread, (0, 0, 0)])
        turned = jnp.flip(kernel, (0, 1)).swapaxes(2, 3)
        of_inputs = jax.lax.conv_general_dilated(spaced, turned, (1, 1), "VALID", dimension_numbers=CHANNELS_LAST)
        (of_kernel,) = jax.vjp(lambda weights: convolve(inputs, weights), kernel)[1](gradient)
        return of_inputs, of_kernel

    strided.defvjp(forward, backward)
    return lambda inputs, kernel: strided(inputs, keras.ops.convert_to_tensor(kernel))


def _normalization(layer: keras.layers.BatchNormalization) -> Callable[..., Any]:
    by_keras, epsilon = layer.call, layer.epsilon

    def call(inputs: jax.Array, training: bool | None = None, mask: Any = None) -> jax.Array:
        if mask is not None or not (training and layer.trainable):
            return by_keras(inputs, training=training, mask=mask)
        # Keras, too, normalises in float32 regardless of the network's precision.
        scale, offset = (keras.ops.cast(each, "float32") for each in (layer.gamma, layer.beta))
        outputs, mean, variance = _normalize(inputs.astype("float32"), scale, offset, epsilon)
        layer.moving_mean.assign(layer.moving_mean * layer.momentum + mean * (1 - layer.momentum))
        layer.moving_variance.assign(layer.moving_variance * layer.momentum + variance * (1 - layer.momentum))
        return outputs.astype(layer.compute_dtype)

    return call


@jax.custom_vjp
def _normalize(inputs: jax.Array, scale: jax.Array, offset: jax.Array, epsilon: float) -> tuple[jax.Array, jax.Array, jax.Array]:
    """Return the normalised batch (Ioffe and Szegedy 2015) and its moments, through which no gradient passes."""
    return _forward(inputs, scale, offset, epsilon)[0]


def _forward(inputs: jax.Array, scale: jax.Array, offset: jax.Array, epsilon: float) -> tuple[Any, Any]:
    all_but_last = tuple(range(inputs.ndim - 1))
    mean, variance = jnp.mean(inputs, all_but_last), jnp.var(inputs, all_but_last)
    inverse = jax.lax.rsqrt(variance + epsilon)
    outputs = inputs * (inverse * scale) + (offset - mean * inverse * scale)
    return (outputs, mean, variance), (inputs, mean, inverse, scale)


def _backward(kept: Any, gradients: tuple[jax.Array, jax.Array, jax.Array]) -> tuple[Any, ...]:
    inputs, mean, inverse, scale = kept
    gradient = gradients[0]
    all_but_last = tuple(range(inputs.ndim - 1))
    count = inputs.size // inputs.shape[-1]
    normalized = (inputs - mean) * inverse
    of_offset, of_scale = jnp.sum(gradient, all_but_last), jnp.sum(gradient * normalized, all_but_last)
    of_inputs = scale * inverse * (gradient - of_offset / count - normalized * (of_scale / count))
    return of_inputs, of_scale, of_offset, None


_normalize.defvjp(_forward, _backward)
