"""Sharpness-aware minimisation: step by the gradient of the worst weights nearby (Foret et al. 2021). Two passes a step."""

from dataclasses import dataclass, replace

import numpy as np


@dataclass(frozen=True)
class SharpnessAware:
    radius: float = 0.05

    def __call__(self, recipe):
        return replace(recipe, gradients=(*recipe.gradients, self.of_the_worst))

    def of_the_worst(self, gradients, weights, gradients_at):
        from keras import ops

        norm = ops.sqrt(sum(ops.sum(ops.square(gradient)) for gradient in gradients))
        scale = self.radius / (norm + 1e-12)
        return gradients_at([weight + scale * gradient for weight, gradient in zip(weights, gradients, strict=True)])

    def verify(self, evidence):
        """Of a bowl, whose gradient is where one stands, it takes the gradient a radius further up."""
        from keras import ops

        here = [ops.convert_to_tensor(np.array([3.0, 4.0], "float32"))]
        [found] = evidence.transform(here, here, lambda weights: weights)
        return np.allclose(ops.convert_to_numpy(found), np.array([3.0, 4.0]) * (1 + self.radius / 5), atol=1e-5)
