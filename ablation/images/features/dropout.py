"""Dropout."""

from dataclasses import dataclass, replace
from typing import ClassVar

from ablation.checks import number
from ablation.images.features.feature import Evidence
from ablation.images.recipe import Recipe


@dataclass(frozen=True)
class Dropout:
    """Set a random fraction of each stage's outputs to zero in training.

    Srivastava et al. 2014, "Dropout: A Simple Way to Prevent Neural Networks from Overfitting".

    Args:
        rate: fraction set to zero, above 0 and below 1.
    """

    known_as: ClassVar[str] = "dropout"
    rate: float = 0.2

    def __post_init__(self) -> None:
        number("dropout.rate", self.rate, above=0, below=1)

    def __call__(self, recipe: Recipe) -> Recipe:
        return replace(recipe, dropout=self.rate)

    def verify(self, evidence: Evidence) -> bool:
        """The network has dropout layers, all with this rate."""
        import keras

        # Those that drop whole branches are another technique's.
        dropping = [layer for layer in evidence.layers if isinstance(layer, keras.layers.Dropout) and not layer.noise_shape]
        rates = [layer.rate for layer in dropping]
        return bool(rates) and all(rate == self.rate for rate in rates)
