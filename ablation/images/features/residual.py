"""Residual blocks."""

from dataclasses import dataclass, replace
from typing import Any, ClassVar, Literal

from ablation.checks import choice
from ablation.images.features.feature import Evidence
from ablation.images.models.parts import Parts
from ablation.images.recipe import Recipe


@dataclass(frozen=True)
class Residual:
    """Let pairs of convolutions learn a difference from their input.

    He et al. 2016, "Deep Residual Learning for Image Recognition".

    Args:
        form: ``"article"`` keeps every skip an identity, and so gives later stages half their width; ``"controlled"`` keeps the
            base network's widths, with a 1×1 projection on a skip whose channels change.
    """

    known_as: ClassVar[str] = "residual"
    form: Literal["article", "controlled"] = "article"

    def __post_init__(self) -> None:
        choice("residual.form", self.form, ("article", "controlled"))

    def __call__(self, recipe: Recipe) -> Recipe:
        return replace(recipe, block=self.block)

    def block(self, x: Any, filters: int, strides: int, name: str, parts: Parts) -> Any:
        """Build two convolutions whose result is added to the block's input; the second is normalised after that."""
        filters = x.shape[-1] if self.form == "article" else filters
        skip = parts.skip(x, filters, strides, name)
        x = parts.finish(parts.convolve(x, filters, f"{name}_conv1", strides=strides), f"{name}_conv1")
        return parts.finish(parts.add(parts.convolve(x, filters, f"{name}_conv2"), skip, name), f"{name}_conv2")

    def verify(self, evidence: Evidence) -> bool:
        """The network has skip connections."""
        import keras

        return any(isinstance(layer, keras.layers.Add) for layer in evidence.layers)
