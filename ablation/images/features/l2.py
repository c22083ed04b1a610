"""An L2 penalty on kernels."""

from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np

from ablation.checks import number
from ablation.images.features.feature import Evidence
from ablation.images.recipe import Recipe
from ablation.images.training.penalty import L2


@dataclass(frozen=True)
class L2Penalty:
    """Add half the sum of the squares of all kernels, times a coefficient, to what training minimises.

    It is weight decay as it was before it was decoupled: its gradient goes through momentum or Adam with that of the loss. Krogh and Hertz
    1992, "A Simple Weight Decay Can Improve Generalization". Losses are shown without it.

    Args:
        coefficient: of the penalty; each gradient gets so many times the kernel. Keras' ``L2(l2)`` is this with twice its ``l2``.
    """

    known_as: ClassVar[str] = "l2"
    coefficient: float = 1e-4

    def __post_init__(self) -> None:
        number("l2.coefficient", self.coefficient, above=0)

    def __call__(self, recipe: Recipe) -> Recipe:
        return replace(recipe, gradients=(*recipe.gradients, L2(self.coefficient)))

    def verify(self, evidence: Evidence) -> bool:
        """The change of gradients that it brings adds so many times the kernel, and nothing where they belong to a bias."""
        from keras import ops

        def nothing(weights: Any) -> Any:
            return [ops.zeros_like(weight) for weight in weights]

        penalty, probes = L2(self.coefficient), [ops.ones((2, 3)), ops.ones((3,))]
        kernel, bias = (ops.convert_to_numpy(each) for each in penalty(nothing(probes), probes, nothing))
        return penalty in evidence.gradients and bool(np.allclose(kernel, self.coefficient) and not bias.any())
