"""Features: one toggleable technique a file. Each is a frozen dataclass that fills slots of a recipe and can prove it."""

from ablation.features.amsgrad import AMSGrad
from ablation.features.augmentation import RandomWarp
from ablation.features.batch_norm import BatchNorm
from ablation.features.dropout import Dropout
from ablation.features.feature import Evidence, Feature
from ablation.features.gap import GlobalAveragePooling
from ablation.features.mixup import Mixup
from ablation.features.placebo import Placebo
from ablation.features.residual import Residual

__all__ = ["AMSGrad", "BatchNorm", "Dropout", "Evidence", "Feature", "GlobalAveragePooling", "Mixup", "Placebo", "RandomWarp", "Residual"]
