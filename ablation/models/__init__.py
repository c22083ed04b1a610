"""Models: one network a file. Each turns a recipe into a Keras network, and says which of the recipe's slots it honours."""

from ablation.models.cnn import CNN
from ablation.models.model import Model

__all__ = ["CNN", "Model"]
