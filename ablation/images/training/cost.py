"""The cost of a network: parameters, convolutions, floating-point operations."""

import math
from dataclasses import dataclass

import keras

KERNELS = ("kernel", "depthwise_kernel", "pointwise_kernel")
"""What layers call the weights that they multiply with; a separable convolution has two."""


@dataclass(frozen=True)
class Cost:
    """What a network costs.

    Attributes:
        parameters: number of weights, frozen ones and moving averages included.
        trainable: number of weights that are trained.
        convolutions: number of convolution layers, projections of skips included.
        flops: floating-point operations of a forward pass of one image; a multiplication and an addition count as two. Only
            convolutions and dense layers are counted: the rest is negligible.
    """

    parameters: int
    trainable: int
    convolutions: int
    flops: int


def cost(network: keras.Model) -> Cost:
    """Return the cost of a built network."""
    layers = list(network._flatten_layers(include_self=False))
    trainable = sum(math.prod(weight.shape) for weight in network.trainable_weights)
    kinds = keras.layers.Conv2D | keras.layers.DepthwiseConv2D | keras.layers.SeparableConv2D
    convolutions = sum(isinstance(layer, kinds) for layer in layers)
    return Cost(network.count_params(), trainable, convolutions, sum(_flops(layer) for layer in layers))


def _flops(layer: keras.Layer) -> int:
    """Return 2 × (weights of the kernels) × (number of positions where they are applied)."""
    kernels = [kernel for name in KERNELS if (kernel := getattr(layer, name, None)) is not None]
    if not kernels or not hasattr(layer, "output"):
        return 0
    # Each weight of a kernel is used once at each output position; the kernel itself spans the channels.
    positions = math.prod(layer.output.shape[1:-1])
    return 2 * sum(math.prod(kernel.shape) for kernel in kernels) * positions


def layer_summary(network: keras.Model) -> str:
    """Return a plain-text table of layers with their kinds, output shapes and parameter counts, and the totals below it."""
    rows = [("layer", "kind", "output shape", "parameters")]
    for layer in network.layers:
        shape = getattr(getattr(layer, "output", None), "shape", ())
        sides = " × ".join("batch" if side is None else str(side) for side in shape)
        rows.append((layer.name, type(layer).__name__, sides, f"{layer.count_params():,}"))
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    *left, right = widths
    lines = ["  ".join([*(cell.ljust(width) for cell, width in zip(row, left, strict=False)), row[-1].rjust(right)]) for row in rows]
    counts = cost(network)
    total = f"{counts.parameters:,} parameters, {counts.trainable:,} of them trainable; {counts.convolutions} convolutions"
    return "\n".join([lines[0], "-" * len(lines[0]), *lines[1:], "", f"{network.name}: {total}"]) + "\n"
