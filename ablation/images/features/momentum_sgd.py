"""Stochastic gradient descent with momentum, in place of the study's optimiser."""

from dataclasses import dataclass, replace
from typing import ClassVar

from ablation.checks import flag, number
from ablation.images.features.feature import Evidence
from ablation.images.recipe import Recipe


@dataclass(frozen=True)
class MomentumSGD:
    """Take the steps of SGD with momentum where the baseline takes those of its own optimiser, such as Adam.

    Sutskever et al. 2013, "On the importance of initialization and momentum in deep learning".

    Args:
        learning_rate: of its own, for Adam's does not suit it; a schedule runs from there.
        momentum: the share of the last step that the next one repeats.
        nesterov: whether gradients are taken ahead along the momentum.
    """

    known_as: ClassVar[str] = "momentum_sgd"
    learning_rate: float = 0.02
    momentum: float = 0.9
    nesterov: bool = False

    def __post_init__(self) -> None:
        number("momentum_sgd.learning_rate", self.learning_rate, above=0)
        number("momentum_sgd.momentum", self.momentum, above=0, below=1)
        flag("momentum_sgd.nesterov", self.nesterov)

    def __call__(self, recipe: Recipe) -> Recipe:
        sgd = replace(recipe.optimizer, name="sgd", learning_rate=self.learning_rate)
        ahead = {"nesterov": True} if self.nesterov else {}
        return replace(recipe, optimizer=sgd.with_options(momentum=self.momentum, **ahead))

    def verify(self, evidence: Evidence) -> bool:
        """The optimiser is SGD with this momentum and this learning rate, and looks ahead where it should."""
        import keras

        used = evidence.optimizer
        momentum = isinstance(used, keras.optimizers.SGD) and used.momentum == self.momentum
        return momentum and used.nesterov >= self.nesterov and evidence.learning_rate == self.learning_rate
