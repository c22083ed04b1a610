"""Batch normalisation by TensorFlow's fused operation, in networks that stay plain Keras.

Keras computes moments and normalises in separate operations, which take several times as long on a CPU. Only the layer's computation
is replaced, on the instance: class, configuration and weights remain Keras' own, as does what is saved.
"""

from collections.abc import Callable
from typing import Any

import keras
import tensorflow as tf

SMALLEST_EPSILON = 1.001e-5  # the fused operation accepts no smaller one


def fuse_batch_norm(network: keras.Model) -> None:
    """Make the batch normalisation layers of a network, nested ones too, use the fused operation wherever it computes the same."""
    for layer in network._flatten_layers():
        # Not subclasses, which may compute something else.
        if type(layer) is keras.layers.BatchNormalization and _fits(layer):
            layer.call = _fused_call(layer)


def _fits(layer: keras.layers.BatchNormalization) -> bool:
    over_last_axis = layer.axis in (3, -1) and layer.input_spec.ndim == 4
    plain = layer.center and layer.scale and not layer.synchronized and not getattr(layer, "renorm", False)
    return over_last_axis and plain and layer.epsilon >= SMALLEST_EPSILON


def _fused_call(layer: keras.layers.BatchNormalization) -> Callable[..., Any]:
    def call(inputs: tf.Tensor, training: bool | None = None, mask: Any = None) -> tf.Tensor:
        scale, offset = tf.convert_to_tensor(layer.gamma), tf.convert_to_tensor(layer.beta)
        mean, variance = tf.convert_to_tensor(layer.moving_mean), tf.convert_to_tensor(layer.moving_variance)
        if not (training and layer.trainable):
            return tf.compat.v1.nn.fused_batch_norm(inputs, scale, offset, mean, variance, layer.epsilon, is_training=False)[0]
        outputs, batch_mean, batch_variance = tf.compat.v1.nn.fused_batch_norm(inputs, scale, offset, epsilon=layer.epsilon)
        # The operation returns the unbiased variance; Keras averages the biased one.
        count = tf.cast(tf.size(inputs) / tf.shape(inputs)[-1], tf.float32)
        batch_variance *= (count - 1) / count
        layer.moving_mean.assign(mean * layer.momentum + batch_mean * (1 - layer.momentum))
        layer.moving_variance.assign(variance * layer.momentum + batch_variance * (1 - layer.momentum))
        return outputs

    return call
