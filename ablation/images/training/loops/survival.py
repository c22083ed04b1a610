"""Which images keep which residual branch: drawn on the host, unlike dropout's masks, so that all backends leave out the same ones.

Only the computation of such layers is replaced, on the instances: class and configuration remain Keras' own, as does what is saved.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import keras
from keras import ops

WHOLE = (None, 1, 1, 1)
"""The shape of the noise that drops an image's feature maps as a whole."""


def dropping(network: keras.Model) -> list[keras.layers.Dropout]:
    """Return the layers that drop whole images' feature maps, nested ones too."""
    return [layer for layer in network._flatten_layers() if type(layer) is keras.layers.Dropout and layer.noise_shape == WHOLE]


class Survival:
    """Lets these layers of a network take drawn numbers in training."""

    def __init__(self, network: keras.Model) -> None:
        self._numbers: Any = None
        for place, layer in enumerate(dropping(network)):
            layer.call = self._call(layer, place)

    @contextmanager
    def given(self, numbers: Any) -> Iterator[None]:
        """Let the layers multiply images by the columns of ``numbers``, ``(batch, layers)``, in this context."""
        self._numbers = numbers
        try:
            yield
        finally:
            self._numbers = None

    def _call(self, layer: keras.layers.Dropout, place: int) -> Callable[..., Any]:
        by_keras = layer.call

        def call(inputs: Any, training: bool = False) -> Any:
            if self._numbers is None or not training:
                return by_keras(inputs, training=training)
            return inputs * ops.cast(ops.reshape(self._numbers[:, place], (-1, 1, 1, 1)), inputs.dtype)

        return call
