"""Stochastic depth."""

from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any, ClassVar

from ablation.checks import number
from ablation.images.features.feature import Evidence
from ablation.images.recipe import Recipe


@dataclass(frozen=True)
class StochasticDepth:
    """Leave the residual branch of a block out for some training images, deeper ones more often.

    Huang et al. 2016, "Deep Networks with Stochastic Depth": linear decay, but drawn for each image. What stays is scaled up, so
    that evaluation has nothing to scale.

    Args:
        rate: how often the last branch is left out; the first of n branches has 1/n of it.
    """

    known_as: ClassVar[str] = "stochastic_depth"
    rate: float = 0.2

    def __post_init__(self) -> None:
        number("stochastic_depth.rate", self.rate, above=0, below=1)

    def __call__(self, recipe: Recipe) -> Recipe:
        return replace(recipe, branch=self.drop)

    def drop(self, x: Any, depth: float, name: str) -> Any:
        """Return the residual branch, zero for some images."""
        from keras import layers

        return layers.Dropout(self.rate * depth, noise_shape=(None, 1, 1, 1), name=f"{name}_survive")(x)

    def verify(self, evidence: Evidence) -> bool:
        """The network has layers that drop whole branches, deeper ones more often, the last of them at this rate."""
        import keras

        dropping = [layer for layer in evidence.layers if isinstance(layer, keras.layers.Dropout) and layer.noise_shape]
        rates = [layer.rate for layer in dropping]
        rising = all(one <= other for one, other in pairwise(rates)) and (len(rates) < 2 or rates[0] < rates[-1])
        return bool(rates) and rates[-1] == self.rate and rising
