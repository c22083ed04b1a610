"""Schedules: how a learning rate runs over the steps of a training."""

import keras

from ablation.images.recipe import Optimizer

RISE, START = 0.3, 0.04
"""Share of the steps in which one cycle rises, and the share of the highest learning rate at which it starts."""


def learning_rate(optimizer: Optimizer, steps: int) -> float | keras.optimizers.schedules.LearningRateSchedule:
    """Return what a Keras optimiser takes as its learning rate.

    ``one_cycle`` rises linearly and then falls to zero along half a cosine, so that a training neither fails in its first steps nor ends
    wherever the last few images have pushed it. Smith and Topin 2018, "Super-Convergence: Very Fast Training of Neural Networks Using
    Large Learning Rates".

    Args:
        steps: of the whole training.
    """
    if optimizer.schedule == "constant":
        return optimizer.learning_rate
    rising = max(round(RISE * steps), 1)
    return keras.optimizers.schedules.CosineDecay(
        initial_learning_rate=START * optimizer.learning_rate,
        decay_steps=max(steps - rising, 1),
        warmup_target=optimizer.learning_rate,
        warmup_steps=rising,
    )
