"""MobileNet, as Keras ships it, with a new head."""

from dataclasses import dataclass
from typing import ClassVar

from ablation.images.models.application import Application
from ablation.images.models.imagenet import ImageNet
from ablation.images.slots import Scaling


@dataclass(frozen=True)
class MobileNet(Application):
    """Depthwise separable convolutions, with their own batch norm.

    Howard et al. 2017, "MobileNets: Efficient Convolutional Neural Networks for Mobile Vision Applications".

    Args:
        weights, trainable: see :class:`ablation.images.models.application.Application`.
    """

    known_as: ClassVar[str] = "mobilenet"
    name: ClassVar[str] = "mobilenet"
    kind: ClassVar[str] = "MobileNet"
    imagenet: ClassVar[ImageNet] = ImageNet("mobilenet", "mobilenet_1_0_224_tf_no_top.h5", Scaling(2, -1))
