"""Training loops: one file per backend around the same step. Keras' backend decides which one is used."""

from contextlib import AbstractContextManager, nullcontext

import keras

from ablation.images.recipe import Recipe
from ablation.images.training.loops.contract import Loop, Totals


def building() -> AbstractContextManager[None]:
    """Return the context in which a network is built on the running backend."""
    if keras.backend.backend() == "jax":
        from ablation.images.training.loops.jax_compilation import quick_building

        return quick_building()
    return nullcontext()


def new_loop(network: keras.Model, optimizer: keras.optimizers.Optimizer, recipe: Recipe, batch_size: int, steps: int) -> Loop:
    """Return the loop for the running backend."""
    match keras.backend.backend():
        case "tensorflow":
            from ablation.images.training.loops.tensorflow_loop import TensorFlowLoop

            return TensorFlowLoop(network, optimizer, recipe, batch_size, steps)
        case "jax":
            from ablation.images.training.loops.jax_loop import JaxLoop

            return JaxLoop(network, optimizer, recipe, batch_size, steps)
        case _:
            from ablation.images.training.loops.torch_loop import TorchLoop

            return TorchLoop(network, optimizer, recipe, batch_size, steps)


__all__ = ["Loop", "Totals", "building", "new_loop"]
