"""The loop on TensorFlow: all steps of a call run inside one graph."""

from typing import Any

import keras
import numpy as np
import tensorflow as tf

from ablation.images.recipe import Recipe
from ablation.images.slots import GradientsAt
from ablation.images.training import preprocessing
from ablation.images.training.draws import Draws
from ablation.images.training.loops.averages import Averages
from ablation.images.training.loops.compiled_augmentation import compile_augmentations
from ablation.images.training.loops.contract import Totals, evaluation_parts, hits, losses, prepare, transformed
from ablation.images.training.loops.fused_adam import fuse_adam
from ablation.images.training.loops.fused_batch_norm import fuse_batch_norm
from ablation.images.training.loops.survival import Survival


class TensorFlowLoop:
    """See :class:`ablation.images.training.loops.contract.Loop`."""

    def __init__(self, network: keras.Model, optimizer: keras.optimizers.Optimizer, recipe: Recipe, batch_size: int, steps: int) -> None:
        kinds = len(recipe.augmentations), recipe.mixing is not None
        variables, others = network.trainable_variables, network.non_trainable_variables
        fuse_batch_norm(network)
        fuse_adam(optimizer)
        recipe = compile_augmentations(recipe, batch_size, network.input_shape[1:])
        averages, survival = Averages(network, recipe, steps), Survival(network)

        def gradients_of(inputs: tf.Tensor, targets: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor, list[Any]]:
            with tf.GradientTape() as tape:
                logits = network(inputs, training=True)
                each = losses(logits, targets, recipe.loss)
                loss = tf.add_n([tf.reduce_mean(each), *network.losses])
            return each, logits, tape.gradient(loss, variables)

        def elsewhere(inputs: tf.Tensor, targets: tf.Tensor, before: list[tf.Tensor]) -> GradientsAt:
            def gradients_at(weights: list[Any]) -> list[Any]:
                after = _values([*variables, *others])
                _assign([*variables, *others], [*weights, *before])
                gradients = gradients_of(inputs, targets)[2]
                _assign([*variables, *others], after)
                return gradients

            return gradients_at

        def step(images: tf.Tensor, arrays: list[tf.Tensor]) -> tuple[tf.Tensor, tf.Tensor]:
            draws = Draws.of(arrays, *kinds)
            inputs = prepare(images, draws, recipe)
            before = _values(others) if recipe.gradients else []
            with survival.given(draws.survival):
                each, logits, gradients = gradients_of(inputs, draws.targets)
                if recipe.gradients:
                    gradients = transformed(gradients, _values(variables), recipe, elsewhere(inputs, draws.targets, before))
            optimizer.apply(gradients, variables)
            averages.add(optimizer._iterations - 1)
            return tf.reduce_sum(each), tf.reduce_sum(hits(logits, draws.targets))

        def batch(array: tf.Tensor, index: tf.Tensor) -> tf.Tensor:
            # A slice of a size known in advance keeps every shape static.
            rest = array.shape[1:]
            return tf.slice(array, [index * batch_size] + [0] * len(rest), [batch_size, *rest])

        # Without autograph, as in Keras' own training: translating the sources of all layers takes a quarter of an arm's start.
        @tf.function(reduce_retracing=True, autograph=False)
        def train(images: tf.Tensor, arrays: list[tf.Tensor]) -> tuple[tf.Tensor, tf.Tensor]:
            steps = tf.shape(arrays[0])[0] // batch_size

            def add_step(index: tf.Tensor, loss: tf.Tensor, correct: tf.Tensor) -> tuple[tf.Tensor, ...]:
                more_loss, more_correct = step(images, [batch(array, index) for array in arrays])
                return index + 1, loss + more_loss, correct + more_correct

            # One step at a time: each starts from the weights that the last one left.
            _, loss, correct = tf.while_loop(lambda index, *_: index < steps, add_step, (0, 0.0, 0.0), parallel_iterations=1)
            return loss, correct

        @tf.function(reduce_retracing=True, autograph=False)
        def evaluate(images: tf.Tensor, indices: tf.Tensor, targets: tf.Tensor, counts: tf.Tensor) -> tuple[tf.Tensor, ...]:
            logits = network(preprocessing.gather(images, indices), training=False)
            return tf.reduce_sum(losses(logits, targets) * counts), tf.reduce_sum(hits(logits, targets) * counts), logits

        self._train, self._evaluate, self._averages = train, evaluate, averages

    def start(self) -> None:
        self._averages.start()

    def finish(self) -> None:
        self._averages.finish()

    def place(self, images: np.ndarray) -> Any:
        return tf.constant(images)

    def train(self, images: Any, draws: Draws) -> Totals:
        loss, correct = self._train(images, [tf.constant(array) for array in draws.arrays()])
        return Totals(float(loss), float(correct), len(draws.own))

    def evaluate(self, images: Any, targets: np.ndarray) -> tuple[Totals, np.ndarray]:
        total, found = Totals(), []
        with self._averages.in_place():
            for indices, counts in evaluation_parts(len(targets)):
                loss, correct, logits = self._evaluate(images, tf.constant(indices), tf.constant(targets[indices]), tf.constant(counts))
                total += Totals(float(loss), float(correct), int(counts.sum()))
                found.append(logits.numpy()[counts > 0])
        return total, np.concatenate(found)


def _values(variables: list[keras.Variable]) -> list[tf.Tensor]:
    return [tf.identity(variable.value) for variable in variables]


def _assign(variables: list[keras.Variable], values: list[Any]) -> None:
    for variable, value in zip(variables, values, strict=True):
        variable.value.assign(value)
