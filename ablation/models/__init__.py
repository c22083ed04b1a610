"""Models: one network a file. Each turns a recipe into a Keras network, and says which of the recipe's slots it honours."""

from ablation.models.cnn import CNN
from ablation.models.lenet import LeNet
from ablation.models.mlp import MLP
from ablation.models.mobilenet import MobileNet
from ablation.models.model import Model, idle
from ablation.models.resnet50 import ResNet50
from ablation.models.vgg16 import VGG16

__all__ = ["CNN", "MLP", "VGG16", "LeNet", "MobileNet", "Model", "ResNet50", "idle"]
