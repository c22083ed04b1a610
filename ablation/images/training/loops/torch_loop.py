"""The loop on PyTorch: eager steps."""

from typing import Any

import keras
import numpy as np
import torch

from ablation.images.recipe import Recipe
from ablation.images.training import preprocessing
from ablation.images.training.draws import Draws, parts
from ablation.images.training.loops.contract import Totals, evaluation_parts, hits, losses, prepare
from ablation.images.training.loops.native_layers import use_native_operations


class TorchLoop:
    """See :class:`ablation.images.training.loops.contract.Loop`."""

    def __init__(self, network: keras.Model, optimizer: keras.optimizers.Optimizer, recipe: Recipe, batch_size: int) -> None:
        use_native_operations(network)
        self._network, self._optimizer, self._recipe, self._batch_size = network, optimizer, recipe, batch_size

    def start(self) -> None:
        pass

    def finish(self) -> None:
        pass

    def place(self, images: np.ndarray) -> Any:
        return keras.ops.convert_to_tensor(np.array(images))

    def train(self, images: Any, draws: Draws) -> Totals:
        mixed = draws.partners is not None
        on_device = Draws.of(tuple(keras.ops.convert_to_tensor(array) for array in draws.arrays()), mixed)
        variables = self._network.trainable_variables
        loss_sum, correct = torch.zeros((), device=images.device), torch.zeros((), device=images.device)
        for batch in parts(on_device, self._batch_size):
            inputs = prepare(images, batch, self._recipe)
            logits = self._network(inputs, training=True)
            each = losses(logits, batch.targets)
            self._network.zero_grad()
            (each.mean() + sum(self._network.losses)).backward()
            with torch.no_grad():
                self._optimizer.apply([variable.value.grad for variable in variables], variables)
                loss_sum += each.sum()
                correct += hits(logits, batch.targets).sum()
        return Totals(float(loss_sum), float(correct), len(draws.own))

    def evaluate(self, images: Any, targets: np.ndarray) -> tuple[Totals, np.ndarray]:
        found = []
        parts = evaluation_parts(len(targets))
        with torch.no_grad():
            for indices, counts in parts:
                logits = self._network(preprocessing.gather(images, keras.ops.convert_to_tensor(indices)), training=False)
                truth, weights = keras.ops.convert_to_tensor(targets[indices]), keras.ops.convert_to_tensor(counts)
                found.append(((losses(logits, truth) * weights).sum(), (hits(logits, truth) * weights).sum(), logits))
        # Fetched once all parts have been started: a GPU would idle while each is awaited.
        total = Totals(sum(float(loss) for loss, _, _ in found), sum(float(correct) for _, correct, _ in found), len(targets))
        as_numpy = keras.ops.convert_to_numpy
        return total, np.concatenate([as_numpy(logits)[counts > 0] for (_, counts), (*_, logits) in zip(parts, found, strict=True)])
