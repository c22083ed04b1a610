"""The loop on JAX: one compiled step, whose state is passed from call to call."""

from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import keras
import numpy as np

from ablation.images.recipe import Recipe
from ablation.images.training import preprocessing
from ablation.images.training.averaging import averaged, shares
from ablation.images.training.draws import Draws
from ablation.images.training.learning_rate import Lookup
from ablation.images.training.loops.contract import Totals, evaluation_parts, hits, losses, prepare, transformed
from ablation.images.training.loops.jax_compilation import jit_options
from ablation.images.training.loops.jax_gradients import use_quick_gradients
from ablation.images.training.loops.survival import Survival


class JaxLoop:
    """See :class:`ablation.images.training.loops.contract.Loop`."""

    def __init__(self, network: keras.Model, optimizer: keras.optimizers.Optimizer, recipe: Recipe, batch_size: int, steps: int) -> None:
        kinds = len(recipe.augmentations), recipe.mixing is not None
        survival = Survival(network)
        self._network, self._optimizer, self._batch_size = network, optimizer, batch_size
        self._state: Any = None
        self._averages = recipe.averaging is not None
        chosen = averaged(network.trainable_variables), averaged(network.non_trainable_variables)
        kept = Lookup(shares(recipe.averaging, steps)) if recipe.averaging else None
        if jax.default_backend() == "cpu":
            use_quick_gradients(network)

        # The public `iterations` counts only the steps that were taken where gradients are gathered over several.
        iterations = [variable is optimizer._iterations for variable in optimizer.variables].index(True)

        def objective(trainable: Any, other: Any, inputs: Any, targets: Any) -> Any:
            logits, other, penalties = network.stateless_call(trainable, other, inputs, training=True, return_losses=True)
            each = losses(logits, targets, recipe.loss)
            return jnp.mean(each) + sum(penalties), (other, jnp.sum(each), jnp.sum(hits(logits, targets)))

        @partial(jax.jit, donate_argnums=(0, 1), **jit_options())
        def step(state: Any, totals: Any, images: Any, arrays: Any, index: Any) -> Any:
            trainable, other, inner, means = state
            slices = tuple(jax.lax.dynamic_slice_in_dim(array, index * batch_size, batch_size) for array in arrays)
            draws = Draws.of(slices, *kinds)
            inputs = prepare(images, draws, recipe)

            def gradients_of(weights: Any) -> Any:
                return jax.grad(objective, has_aux=True)(weights, other, inputs, draws.targets)

            with survival.given(draws.survival):
                gradients, (after, loss, correct) = gradients_of(trainable)
                if recipe.gradients:
                    gradients = transformed(gradients, trainable, recipe, lambda weights: gradients_of(weights)[0])
            trainable, changed = optimizer.stateless_apply(inner, gradients, trainable)
            if kept is not None:
                share = kept(inner[iterations])
                means = tuple(
                    [mean * share + value * (1 - share) if use else value for mean, value, use in zip(*each, strict=True)]
                    for each in zip(means, (trainable, after), chosen, strict=True)
                )
            return (trainable, after, changed, means), (totals[0] + loss, totals[1] + correct)

        @partial(jax.jit, **jit_options())
        def evaluate(state: Any, images: Any, indices: Any, targets: Any, counts: Any) -> Any:
            trainable, other, _, means = state
            logits, _ = network.stateless_call(*(means or (trainable, other)), preprocessing.gather(images, indices), training=False)
            return jnp.sum(losses(logits, targets) * counts), jnp.sum(hits(logits, targets) * counts), logits

        self._step, self._evaluate = step, evaluate

    def start(self) -> None:
        # Copies: the step donates the buffers of its state, and the variables must keep theirs.
        means = tuple(_copies(variables) for variables in self._owners[:2]) if self._averages else ()
        self._state = (*(_copies(variables) for variables in self._owners), means)

    @property
    def _owners(self) -> tuple[Any, Any, Any]:
        return self._network.trainable_variables, self._network.non_trainable_variables, self._optimizer.variables

    def finish(self) -> None:
        trainable, other, inner, means = self._state
        for variables, values in zip(self._owners, (*(means or (trainable, other)), inner), strict=True):
            for variable, value in zip(variables, values, strict=True):
                variable.assign(value)

    def place(self, images: np.ndarray) -> Any:
        return jnp.asarray(images)

    def train(self, images: Any, draws: Draws) -> Totals:
        arrays = tuple(jnp.asarray(array) for array in draws.arrays())
        totals = (jnp.zeros(()), jnp.zeros(()))
        for index in range(len(draws.own) // self._batch_size):
            self._state, totals = self._step(self._state, totals, images, arrays, index)
        return Totals(float(totals[0]), float(totals[1]), len(draws.own))

    def evaluate(self, images: Any, targets: np.ndarray) -> tuple[Totals, np.ndarray]:
        parts = evaluation_parts(len(targets))
        found = [self._evaluate(self._state, images, indices, targets[indices], counts) for indices, counts in parts]
        # Fetched once all parts have been started: a GPU would idle while each is awaited.
        total = Totals(sum(float(loss) for loss, _, _ in found), sum(float(correct) for _, correct, _ in found), len(targets))
        return total, np.concatenate([np.asarray(logits)[counts > 0] for (_, counts), (*_, logits) in zip(parts, found, strict=True)])


def _copies(variables: list[keras.Variable]) -> list[jax.Array]:
    return [jnp.array(variable.value, copy=True) for variable in variables]
