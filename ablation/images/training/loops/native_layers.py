"""Convolutions and batch normalisation by PyTorch's own operations, in networks that stay plain Keras.

Keras copies the inputs of every convolution from one order of axes to the other and back, adds the bias in a separate pass, and
computes moments and normalises in a dozen operations. PyTorch does each in one, and reads the axes in the order in memory. Only the
layers' computation is replaced, on the instances: class, configuration and weights remain Keras' own, as does what is saved.
"""

from collections.abc import Callable
from typing import Any

import keras
import torch
from torch.nn.functional import batch_norm, conv2d

Call = Callable[..., torch.Tensor]


def use_native_operations(network: keras.Model) -> None:
    """Make the layers of a network, nested ones too, use PyTorch's operations wherever they compute the same."""
    for layer in network._flatten_layers():
        # Not subclasses, which may compute something else.
        if type(layer) is keras.layers.Conv2D and layer.data_format == "channels_last" and _pads_evenly(layer):
            layer.call = _convolution(layer)
        elif type(layer) is keras.layers.BatchNormalization and _is_over_last_axis(layer):
            layer.call = _normalization(layer)


def _is_over_last_axis(layer: keras.layers.BatchNormalization) -> bool:
    # Keras before 3.14 knows of no renormalisation.
    return layer.axis in (-1, layer.input_spec.ndim - 1) and not getattr(layer, "renorm", False)


def _pads_evenly(layer: keras.layers.Conv2D) -> bool:
    """Return whether PyTorch has the layer's padding: it has no ``same`` for strides."""
    return layer.padding == "valid" or tuple(layer.strides) == (1, 1)


def _convolution(layer: keras.layers.Conv2D) -> Call:
    def call(inputs: torch.Tensor) -> torch.Tensor:
        kernel = layer.kernel.value.permute(3, 2, 0, 1)
        bias = layer.bias.value if layer.use_bias else None
        outputs = conv2d(inputs.permute(0, 3, 1, 2), kernel, bias, layer.strides, layer.padding, layer.dilation_rate, layer.groups)
        return layer.activation(outputs.permute(0, 2, 3, 1))

    return call


def _normalization(layer: keras.layers.BatchNormalization) -> Call:
    by_keras = layer.call

    def call(inputs: torch.Tensor, training: bool | None = None, mask: Any = None) -> torch.Tensor:
        count = inputs.numel() // inputs.shape[-1]
        if mask is not None or count == 1:  # PyTorch takes no mask, and refuses to normalise a single value
            return by_keras(inputs, training=training, mask=mask)
        scale, offset = (None if each is None else each.value for each in (layer.gamma, layer.beta))
        mean, variance = layer.moving_mean.value, layer.moving_variance.value
        # Keras, too, normalises in float32 regardless of the network's precision.
        channels_first = inputs.float().movedim(-1, 1)
        if not (training and layer.trainable):
            outputs = batch_norm(channels_first, mean, variance, scale, offset, eps=layer.epsilon)
        else:
            # With a momentum of 1, the averages that PyTorch keeps are the moments of this batch.
            batch_mean, batch_variance = torch.zeros_like(mean), torch.zeros_like(variance)
            outputs = batch_norm(channels_first, batch_mean, batch_variance, scale, offset, training=True, momentum=1, eps=layer.epsilon)
            with torch.no_grad():
                mean.lerp_(batch_mean, 1 - layer.momentum)
                # PyTorch returns the unbiased variance; Keras averages the biased one.
                variance.lerp_(batch_variance * ((count - 1) / count), 1 - layer.momentum)
        return outputs.movedim(1, -1).to(inputs.dtype)

    return call
