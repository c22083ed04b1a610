"""The loop on PyTorch: eager steps."""

from functools import partial
from typing import Any

import keras
import numpy as np
import torch

from ablation.images.recipe import Recipe
from ablation.images.training import preprocessing
from ablation.images.training.draws import Draws, parts
from ablation.images.training.loops.averages import Averages
from ablation.images.training.loops.contract import Totals, evaluation_parts, hits, losses, prepare, transformed
from ablation.images.training.loops.native_layers import use_native_operations
from ablation.images.training.loops.survival import Survival


class TorchLoop:
    """See :class:`ablation.images.training.loops.contract.Loop`."""

    def __init__(self, network: keras.Model, optimizer: keras.optimizers.Optimizer, recipe: Recipe, batch_size: int, steps: int) -> None:
        use_native_operations(network)
        self._network, self._optimizer, self._recipe, self._batch_size = network, optimizer, recipe, batch_size
        self._averages, self._survival = Averages(network, recipe, steps), Survival(network)

    def start(self) -> None:
        self._averages.start()

    def finish(self) -> None:
        self._averages.finish()

    def place(self, images: np.ndarray) -> Any:
        return keras.ops.convert_to_tensor(np.array(images))

    def train(self, images: Any, draws: Draws) -> Totals:
        on_device = draws.like([keras.ops.convert_to_tensor(array) for array in draws.arrays()])
        variables, recipe = self._network.trainable_variables, self._recipe
        loss_sum, correct = torch.zeros((), device=images.device), torch.zeros((), device=images.device)
        for batch in parts(on_device, self._batch_size):
            inputs = prepare(images, batch, recipe)
            before = _values(self._network.non_trainable_variables) if recipe.gradients else []
            with self._survival.given(batch.survival):
                each, logits, gradients = self._gradients(inputs, batch.targets)
                if recipe.gradients:
                    gradients_at = partial(self._gradients_at, inputs, batch.targets, before)
                    gradients = transformed(gradients, _values(variables), recipe, gradients_at)
            with torch.no_grad():
                self._optimizer.apply(gradients, variables)
                self._averages.add(self._optimizer._iterations - 1)
                loss_sum += each.sum()
                correct += hits(logits, batch.targets).sum()
        return Totals(float(loss_sum), float(correct), len(draws.own))

    def _gradients(self, inputs: torch.Tensor, targets: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, list[Any]]:
        logits = self._network(inputs, training=True)
        each = losses(logits, targets, self._recipe.loss)
        self._network.zero_grad()
        (each.mean() + sum(self._network.losses)).backward()
        return each, logits, [variable.value.grad for variable in self._network.trainable_variables]

    def _gradients_at(self, inputs: torch.Tensor, targets: torch.Tensor, before: list[Any], weights: list[Any]) -> list[Any]:
        variables = [*self._network.trainable_variables, *self._network.non_trainable_variables]
        after = _values(variables)
        _assign(variables, [*weights, *before])
        _, _, gradients = self._gradients(inputs, targets)
        _assign(variables, after)
        return gradients

    def evaluate(self, images: Any, targets: np.ndarray) -> tuple[Totals, np.ndarray]:
        found = []
        parts = evaluation_parts(len(targets))
        with torch.no_grad(), self._averages.in_place():
            for indices, counts in parts:
                logits = self._network(preprocessing.gather(images, keras.ops.convert_to_tensor(indices)), training=False)
                truth, weights = keras.ops.convert_to_tensor(targets[indices]), keras.ops.convert_to_tensor(counts)
                found.append(((losses(logits, truth) * weights).sum(), (hits(logits, truth) * weights).sum(), logits))
        # Fetched once all parts have been started: a GPU would idle while each is awaited.
        total = Totals(sum(float(loss) for loss, _, _ in found), sum(float(correct) for _, correct, _ in found), len(targets))
        as_numpy = keras.ops.convert_to_numpy
        return total, np.concatenate([as_numpy(logits)[counts > 0] for (_, counts), (*_, logits) in zip(parts, found, strict=True)])


def _values(variables: list[keras.Variable]) -> list[torch.Tensor]:
    return [variable.value.detach().clone() for variable in variables]


def _assign(variables: list[keras.Variable], values: list[torch.Tensor]) -> None:
    with torch.no_grad():
        for variable, value in zip(variables, values, strict=True):
            variable.value.copy_(value)
