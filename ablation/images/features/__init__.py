"""Features: one toggleable technique a file. Each is a frozen dataclass that fills slots of a recipe and can verify that it took effect."""

from ablation.images.features.amsgrad import AMSGrad
from ablation.images.features.augmentation import RandomWarp
from ablation.images.features.batch_norm import BatchNorm
from ablation.images.features.dropout import Dropout
from ablation.images.features.feature import Evidence, Feature
from ablation.images.features.gap import GlobalAveragePooling
from ablation.images.features.mixup import Mixup
from ablation.images.features.placebo import Placebo
from ablation.images.features.residual import Residual

__all__ = ["AMSGrad", "BatchNorm", "Dropout", "Evidence", "Feature", "GlobalAveragePooling", "Mixup", "Placebo", "RandomWarp", "Residual"]
