"""A program: the network of an arm, built and compiled once, then trained with any number of seeds."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import islice

import keras
import numpy as np

from ablation.errors import InputError
from ablation.images.data import Images
from ablation.images.features import Evidence, Feature
from ablation.images.models import Model
from ablation.images.recipe import Recipe
from ablation.images.training import preprocessing
from ablation.images.training.averaging import shares
from ablation.images.training.draws import Draws, draw_epoch, one_hot, parts, survival
from ablation.images.training.initial import given, initialize, use_initializer
from ablation.images.training.learning_rate import learning_rate
from ablation.images.training.loops import Loop, building, new_loop
from ablation.images.training.loops.contract import losses, transformed
from ablation.images.training.loops.survival import dropping
from ablation.images.training.schedule import rates
from ablation.images.training.settings import PRECISIONS

ENOUGH, TRIES = 64, 8
"""Images in which the effect of a random technique should show, and how many times so many are looked at: chance could leave some as
they are."""


class NoEffectError(RuntimeError):
    """A feature is on but its technique had no effect."""


@dataclass(frozen=True, eq=False)
class Program:
    """What all seeds of an arm share.

    Attributes:
        fresh: the optimiser's variables before the first step.
        given: the weights that are not drawn for each seed, such as pretrained or frozen ones, with their initial values.
    """

    recipe: Recipe
    network: keras.Model
    optimizer: keras.optimizers.Optimizer
    loop: Loop
    fresh: tuple[np.ndarray, ...]
    given: tuple[tuple[keras.Variable, np.ndarray], ...]
    image_shape: tuple[int, int, int]
    classes: int
    batch_size: int
    steps: int

    @classmethod
    def build(
        cls,
        model: Model,
        recipe: Recipe,
        image_shape: tuple[int, int, int],
        classes: int,
        batch_size: int,
        precision: str = "float32",
        steps: int = 1,
    ) -> "Program":
        """Build network, optimiser and training loop.

        Args:
            steps: of a training, over which the learning rate and averages of weights run.

        Raises:
            InputError: if a change of the network returns none, or another kind of one.
        """
        settings = recipe.optimizer
        with building(), _computing_in(precision):
            network = _changed(model.build(recipe, image_shape, classes), recipe)
            optimizer = keras.optimizers.get(
                {"class_name": settings.name, "config": {"learning_rate": learning_rate(settings, steps), **dict(settings.options)}}
            )
            optimizer.build(network.trainable_variables)
        fresh = tuple(_kept(variable) for variable in optimizer.variables)
        kept = tuple((variable, _kept(variable)) for variable in given(network))
        loop = new_loop(network, optimizer, recipe, batch_size, steps)
        return cls(recipe, network, optimizer, loop, fresh, kept, image_shape, classes, batch_size, steps)

    def start(self, seed: int) -> None:
        """Reset the network to the initial weights of this seed, and the optimiser to its first step."""
        for variable, value in self.given:
            variable.assign(value)
        initialize(self.network, seed)
        for variable, value in zip(self.optimizer.variables, self.fresh, strict=True):
            variable.assign(value)
        self.loop.start()

    def draw(self, train: Images, seed: int, epoch: int) -> Draws:
        """Draw the random numbers of an epoch for these training images."""
        draws = draw_epoch(self.recipe, seed, epoch, train.y, self.classes, self.batch_size, self.image_shape[:2])
        dropped = [(layer.name, layer.rate) for layer in dropping(self.network)]
        return replace(draws, survival=survival(dropped, seed, epoch, len(draws.own), self.recipe.streams)) if dropped else draws

    def _order_without(self, stream: str, train: Images, seed: int) -> np.ndarray:
        without = replace(self.recipe, streams=tuple(name for name in self.recipe.streams if name != stream))
        return draw_epoch(without, seed, 0, train.y, self.classes, self.batch_size, self.image_shape[:2]).own

    def _loss(self, logits: np.ndarray, targets: np.ndarray) -> np.ndarray:
        on_device = keras.ops.convert_to_tensor
        return np.asarray(keras.ops.convert_to_numpy(losses(on_device(logits), on_device(targets), self.recipe.loss)))

    def verify(self, features: dict[str, Feature], train: Images, seed: int) -> None:
        """Let every feature that is on verify its effect on the initial weights of this seed and the first images that it trains on.

        Raises:
            NoEffectError: if a feature had no effect.
        """
        self.start(seed)
        left = dict(features)
        size = max(self.batch_size, ENOUGH)
        for place, part in enumerate(islice(parts(self.draw(train, seed, 0), size), TRIES)):
            evidence = self._evidence(part, place * size, train, seed)
            left = {name: feature for name, feature in left.items() if not feature.verify(evidence)}
            if not left:
                return
        name, feature = next(iter(left.items()))
        expected = (type(feature).verify.__doc__ or "Its verify returns true.").strip()
        raise NoEffectError(f"feature '{name}' is on but had no effect; expected: {expected}")

    def _evidence(self, part: Draws, start: int, train: Images, seed: int) -> Evidence:
        """Return what part of the draws of the first epoch, from ``start``, makes of its images, beside the network and what trains it."""
        # Only the images of this part, with their partners after them.
        used = part.own if part.partners is None else np.concatenate([part.own, part.partners])
        stored = np.array(train.x[used])
        own = np.arange(len(part.own), dtype=np.int32)
        shown = replace(part, own=own, partners=None if part.partners is None else own + len(own))
        labels = one_hot(train.y[part.own], self.classes)
        as_numpy, on_device = keras.ops.convert_to_numpy, keras.ops.convert_to_tensor
        placed = shown.like([on_device(array) for array in shown.arrays()])
        mixed = as_numpy(preprocessing.mix(on_device(stored), placed, self.recipe.mixing))
        batches = [mixed]
        for augmentation, numbers in zip(self.recipe.augmentations, placed.augmentations, strict=True):
            batches.append(as_numpy(augmentation.apply(on_device(batches[-1]), numbers)))
        return Evidence(
            network=self.network,
            optimizer=self.optimizer,
            images=stored[own].astype(np.float32) * np.float32(1 / 255),
            mixed=mixed,
            trained=batches[-1],
            evaluated=as_numpy(preprocessing.gather(stored, shown.own)),
            labels=labels,
            targets=shown.targets,
            order=part.own,
            order_without={name: self._order_without(name, train, seed)[start : start + len(own)] for name in self.recipe.streams},
            augmented=tuple(zip(self.recipe.augmentations, batches[:-1], batches[1:], strict=True)),
            learning_rates=rates(self.recipe.optimizer, self.steps),
            learning_rate=self.recipe.optimizer.learning_rate,
            averaging=shares(self.recipe.averaging, self.steps) if self.recipe.averaging else None,
            loss=self._loss,
            transform=lambda gradients, weights, at: transformed(gradients, weights, self.recipe, at),
            gradients=self.recipe.gradients,
        )


def _changed(network: keras.Model, recipe: Recipe) -> keras.Model:
    """Return the network with the changes and the initialiser that the recipe has for it."""
    takes, gives = network.input_shape, network.output_shape
    for change in recipe.network:
        network = change(network)
        if not isinstance(network, keras.Model):
            raise InputError(f"the change {change!r} of the network returns {network!r}; expected a Keras model")
        if (network.input_shape, network.output_shape) != (takes, gives):
            found = f"from {network.input_shape} to {network.output_shape}"
            raise InputError(f"the change {change!r} returns a network {found}; expected one from {takes} to {gives}")
    if recipe.initializer:
        use_initializer(network, recipe.initializer)
    return network


@contextmanager
def _computing_in(precision: str) -> Iterator[None]:
    """Make layers that are built in this context compute in this precision, unless they set their own; weights stay float32."""
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(PRECISIONS[precision])
    try:
        yield
    finally:
        keras.config.set_dtype_policy(before)


def _kept(variable: keras.Variable) -> np.ndarray:
    """Return a copy of a variable's value: what a backend returns may share memory with the variable, which training changes."""
    value = np.array(keras.ops.convert_to_numpy(variable))
    # Fresh zeros take no memory until they are written, and an optimiser's state is once or twice as large as the network.
    return value if value.any() else np.zeros(value.shape, value.dtype)


def standalone(network: keras.Model) -> keras.Model:
    """Wrap a trained network so that it takes pixels from 0 to 255 and returns class probabilities.

    Args:
        network: images in [0, 1] → logits.

    Returns:
        A model ``(batch, height, width, channels) → (batch, classes)``, rows summing to 1, that shares the network's weights.
    """
    inputs = keras.Input(network.input_shape[1:], name="pixels")
    scaled = keras.layers.Rescaling(1 / 255, name="scale")(inputs)
    return keras.Model(inputs, keras.layers.Softmax(name="probabilities")(network(scaled)), name=network.name)
