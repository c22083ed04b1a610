"""Squeeze and excitation after each block, with a hard sigmoid (Hu et al. 2018; Howard et al. 2019)."""

from dataclasses import dataclass, replace


@dataclass(frozen=True)
class SqueezeExcite:
    reduction: int = 4

    def __call__(self, recipe):
        return replace(recipe, after_block=(*recipe.after_block, self.excite))

    def excite(self, x, name):
        from keras import layers

        channels = x.shape[-1]
        means = layers.GlobalAveragePooling2D(keepdims=True, name=f"{name}_means")(x)
        fewer = layers.Dense(max(channels // self.reduction, 1), activation="relu", name=f"{name}_fewer")(means)
        weights = layers.Dense(channels, activation="hard_sigmoid", name=f"{name}_weights")(fewer)
        return layers.Multiply(name=f"{name}_weighed")([x, weights])

    def verify(self, evidence):
        """There are weighed channels."""
        names = [layer.name for layer in evidence.layers]
        return any(name.endswith("_weighed") for name in names)
