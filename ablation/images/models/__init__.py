"""Models: one network a file. Each turns a recipe into a Keras network and declares which of the recipe's slots it honours."""

from ablation.images.models.cnn import CNN
from ablation.images.models.lenet import LeNet
from ablation.images.models.mlp import MLP
from ablation.images.models.mobilenet import MobileNet
from ablation.images.models.model import Model, idle
from ablation.images.models.resnet import ResNet
from ablation.images.models.resnet50 import ResNet50
from ablation.images.models.vgg16 import VGG16
from ablation.images.models.wide_resnet import WideResNet

__all__ = ["CNN", "MLP", "VGG16", "LeNet", "MobileNet", "Model", "ResNet", "ResNet50", "WideResNet", "idle"]
