"""A new block: wide in the middle, with a convolution for each channel alone (Sandler et al. 2018)."""

from dataclasses import dataclass, replace


@dataclass(frozen=True)
class InvertedBottleneck:
    expansion: int = 2

    def __call__(self, recipe):
        return replace(recipe, block=self.block)

    def block(self, x, filters, strides, name, parts):
        from keras import layers

        skip = parts.skip(x, filters, strides, name)
        wide = self.expansion * x.shape[-1]
        x = parts.finish(parts.convolve(x, wide, f"{name}_expand", size=1), f"{name}_expand")
        x = layers.DepthwiseConv2D(3, strides=strides, padding="same", use_bias=False, name=f"{name}_depthwise")(x)
        x = parts.finish(x, f"{name}_depthwise")
        x = parts.normalize(parts.convolve(x, filters, f"{name}_project", size=1), f"{name}_project")
        return parts.add(x, skip, name)

    def verify(self, evidence):
        """Convolutions of channels alone, and skips."""
        kinds = {type(layer).__name__ for layer in evidence.layers}
        return {"DepthwiseConv2D", "Add"} <= kinds
