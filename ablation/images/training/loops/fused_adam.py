"""Adam by TensorFlow's fused operation: one operation per weight instead of Keras' thirty or so, whose overhead slows small networks."""

from collections.abc import Sequence
from typing import Any

import keras
import tensorflow as tf


def fuse_adam(optimizer: keras.optimizers.Optimizer) -> None:
    """Make a built Adam, or an optimiser with the same step such as AdamW, use the fused operation. The arithmetic is the same.

    Only the computation of a step is replaced, on the instance: settings and variables remain Keras' own.
    """
    if type(optimizer).update_step is keras.optimizers.Adam.update_step:
        optimizer._backend_update_step = _fused_steps(optimizer)


def _fused_steps(adam: keras.optimizers.Adam) -> Any:
    def steps(gradients: Sequence[tf.Tensor], variables: Sequence[keras.Variable], learning_rate: tf.Tensor) -> None:
        done = tf.cast(adam.iterations + 1, tf.float32)
        powers = {"beta1_power": tf.pow(adam.beta_1, done), "beta2_power": tf.pow(adam.beta_2, done)}
        settings = {"lr": tf.cast(learning_rate, tf.float32), "beta1": adam.beta_1, "beta2": adam.beta_2, "epsilon": adam.epsilon}
        for gradient, variable in zip(gradients, variables, strict=True):
            index = adam._get_variable_index(variable)
            state = {"var": variable, "m": adam._momentums[index], "v": adam._velocities[index]}
            operation = tf.raw_ops.ResourceApplyAdam
            if adam.amsgrad:
                state["vhat"] = adam._velocity_hats[index]
                operation = tf.raw_ops.ResourceApplyAdamWithAmsgrad
            handles = {name: each.value.handle for name, each in state.items()}
            operation(**handles, **powers, **settings, grad=tf.convert_to_tensor(gradient))

    return steps
