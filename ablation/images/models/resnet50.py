"""ResNet50, as Keras ships it, with a new head."""

from dataclasses import dataclass
from typing import ClassVar

from ablation.images.models.application import Application
from ablation.images.models.imagenet import ImageNet
from ablation.images.slots import Scaling

MEANS = (123.68, 116.779, 103.939)
"""Mean red, green and blue of ImageNet's pixels, from 0 to 255; the weights expect them to be subtracted."""


@dataclass(frozen=True)
class ResNet50(Application):
    """Bottleneck residual blocks, with their own batch norm.

    He et al. 2016, "Deep Residual Learning for Image Recognition".

    Args:
        weights, trainable: see :class:`ablation.images.models.application.Application`.
    """

    known_as: ClassVar[str] = "resnet50"
    name: ClassVar[str] = "resnet50"
    kind: ClassVar[str] = "ResNet50"
    imagenet: ClassVar[ImageNet] = ImageNet(
        "resnet", "resnet50_weights_tf_dim_ordering_tf_kernels_notop.h5", Scaling(255, tuple(-mean for mean in MEANS)), blue_first=True
    )
