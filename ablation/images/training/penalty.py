"""Penalties on the size of weights, as what they add to the gradients."""

from dataclasses import dataclass
from typing import Any

from ablation.images.slots import GradientsAt


@dataclass(frozen=True)
class L2:
    """Half the sum of the squares of all kernels, times a coefficient; biases and scales, which have one axis, have no part in it."""

    coefficient: float

    def __call__(self, gradients: list[Any], weights: list[Any], gradients_at: GradientsAt) -> list[Any]:
        """Return the gradients with the coefficient times the kernel added to each kernel's."""
        return [
            gradient + self.coefficient * weight if len(weight.shape) > 1 else gradient
            for gradient, weight in zip(gradients, weights, strict=True)
        ]
