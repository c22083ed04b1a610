"""Focal loss: images that the network is sure of count less (Lin et al. 2017)."""

from dataclasses import dataclass, replace

import numpy as np


@dataclass(frozen=True)
class FocalLoss:
    gamma: float = 2.0

    def __call__(self, recipe):
        return replace(recipe, loss=self.loss)

    def loss(self, logits, targets):
        from keras import ops

        sure = ops.softmax(logits)
        return -ops.sum(targets * (1 - sure) ** self.gamma * ops.log_softmax(logits), axis=-1)

    def verify(self, evidence):
        """Where a class has chance p, the loss is (1 − p)^gamma times the cross-entropy."""
        chance = np.array([0.1, 0.5, 0.9])
        logits = np.stack([np.log(chance), np.log(1 - chance)], axis=1).astype("float32")
        targets = np.array([[1, 0]] * 3, dtype="float32")
        return np.allclose(evidence.loss(logits, targets), -((1 - chance) ** self.gamma) * np.log(chance), atol=1e-5)
