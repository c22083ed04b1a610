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
        form: ``"article"`` makes each block as wide as what it takes, so that its skip is an identity, and so gives later stages of the
            article's network half their width; ``"controlled"`` keeps the network's widths, with a 1×1 projection on a skip whose channels
            change. A block that makes maps smaller, as some of ResNet's do, projects its skip and keeps its width in both.
    """

    known_as: ClassVar[str] = "residual"
    form: Literal["article", "controlled"] = "article"

    def __post_init__(self) -> None:
        choice("residual.form", self.form, ("article", "controlled"))

    def __call__(self, recipe: Recipe) -> Recipe:
        return replace(recipe, block=self.block)

    def block(self, x: Any, filters: int, strides: int, name: str, parts: Parts) -> Any:
        """Build two convolutions whose result is added to the block's input; the second is normalised after that."""
        filters = x.shape[-1] if self.form == "article" and strides == 1 else filters
        skip = parts.skip(x, filters, strides, name)
        x = parts.finish(parts.convolve(x, filters, f"{name}_conv1", strides=strides), f"{name}_conv1")
        return parts.finish(parts.add(parts.convolve(x, filters, f"{name}_conv2"), skip, name), f"{name}_conv2")

    def verify(self, evidence: Evidence) -> bool:
        """The network has skip connections, and normalises or activates their sums as these blocks do."""
        import keras

        sums = [layer.output for layer in evidence.layers if isinstance(layer, keras.layers.Add)]
        after = [layer.input for layer in evidence.layers if "_conv2_" in layer.name]
        return any(taken is each for taken in after for each in sums)
