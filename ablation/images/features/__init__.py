"""Features: one toggleable technique a file. Each is a frozen dataclass that fills slots of a recipe and can verify that it took effect."""

from ablation.images.features.amsgrad import AMSGrad
from ablation.images.features.augmentation import RandomWarp
from ablation.images.features.batch_norm import BatchNorm
from ablation.images.features.cosine import CosineSchedule
from ablation.images.features.cutmix import CutMix
from ablation.images.features.cutout import Cutout
from ablation.images.features.dropout import Dropout
from ablation.images.features.feature import Evidence, Feature
from ablation.images.features.gap import GlobalAveragePooling
from ablation.images.features.gelu import GELU
from ablation.images.features.gradient_clipping import GradientClipping
from ablation.images.features.l2 import L2Penalty
from ablation.images.features.label_smoothing import LabelSmoothing
from ablation.images.features.mixup import Mixup
from ablation.images.features.momentum_sgd import MomentumSGD
from ablation.images.features.narrow_blocks import NarrowBlocks
from ablation.images.features.placebo import Placebo
from ablation.images.features.random_crop import RandomCrop
from ablation.images.features.residual import Residual
from ablation.images.features.shuffling import Shuffling
from ablation.images.features.squeeze_excite import SqueezeExcite
from ablation.images.features.stochastic_depth import StochasticDepth
from ablation.images.features.warm_up import WarmUp
from ablation.images.features.weight_averaging import WeightAveraging
from ablation.images.features.weight_decay import WeightDecay

__all__ = [
    "GELU",
    "AMSGrad",
    "BatchNorm",
    "CosineSchedule",
    "CutMix",
    "Cutout",
    "Dropout",
    "Evidence",
    "Feature",
    "GlobalAveragePooling",
    "GradientClipping",
    "L2Penalty",
    "LabelSmoothing",
    "Mixup",
    "MomentumSGD",
    "NarrowBlocks",
    "Placebo",
    "RandomCrop",
    "RandomWarp",
    "Residual",
    "Shuffling",
    "SqueezeExcite",
    "StochasticDepth",
    "WarmUp",
    "WeightAveraging",
    "WeightDecay",
]
