"""The operations that replace those of Keras on PyTorch, and the gradients on JAX, compute the same as Keras."""

import importlib.util
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

HERE = Path(__file__).parent


def network() -> Any:
    """Return a network with layers of every kind."""
    import keras

    layers = keras.layers
    nested = keras.Input((7, 7, 6))
    x = layers.Conv2D(4, 2, padding="same", dilation_rate=2, activation="relu", name="dilated")(nested)
    inner = keras.Model(nested, layers.BatchNormalization(name="inner_norm")(x), name="inner")
    inputs = keras.Input((9, 9, 3))
    x = layers.Conv2D(6, 3, use_bias=False, name="plain")(inputs)
    x = layers.ReLU()(layers.BatchNormalization(momentum=0.9, epsilon=1e-5, name="norm")(x))
    x = inner(layers.Conv2D(6, 3, groups=2, padding="same", bias_initializer="glorot_uniform", name="grouped")(x))
    x = layers.Conv2D(5, 2, strides=2, padding="same", name="strided")(x)
    x = layers.BatchNormalization(scale=False, name="unscaled")(x)
    x = layers.Flatten()(layers.Conv2D(4, 3, strides=(2, 1), name="uneven")(x))
    x = layers.BatchNormalization(center=False, name="vectors")(layers.Dense(6, name="dense")(x))
    frozen = layers.BatchNormalization(trainable=False, name="frozen")
    return keras.Model(inputs, layers.Dense(3, name="logits")(frozen(x)))


def batch() -> tuple[np.ndarray, np.ndarray]:
    """Return ten images and labels."""
    rng = np.random.default_rng(0)
    return rng.normal(1, 2, (10, 9, 9, 3)).astype(np.float32), rng.integers(3, size=10)


def check_jax() -> None:
    """Compare outputs, gradients and moving averages of a training step with and without our gradients; runs on JAX."""
    import jax
    import keras

    from ablation.images.training.initial import initialize
    from ablation.images.training.loops.jax_gradients import use_quick_gradients

    images, labels = batch()
    ours, theirs = network(), network()
    use_quick_gradients(ours)
    replaced = {layer.name for layer in ours._flatten_layers() if {"call", "convolution_op"} & set(vars(layer))}
    assert replaced == {"strided", "uneven", "norm", "inner_norm", "frozen"}

    def step(each: keras.Model) -> Any:
        initialize(each, 0)
        weights, averages = ([variable.value for variable in some] for some in (each.trainable_variables, each.non_trainable_variables))

        def loss(weights: Any, images: Any) -> Any:
            logits, after = each.stateless_call(weights, averages, images, training=True)
            return keras.losses.sparse_categorical_crossentropy(labels, logits, from_logits=True).mean(), (logits, after)

        (_, seen), gradients = jax.jit(jax.value_and_grad(loss, (0, 1), has_aux=True))(weights, images)
        return *seen, *gradients

    paths = [variable.path for variable in theirs.trainable_variables]
    for part, one, other in zip(("logits", "averages", "weights", "images"), step(ours), step(theirs), strict=True):
        for place, (a, b) in enumerate(zip(jax.tree.leaves(one), jax.tree.leaves(other), strict=True)):
            where = f"{part} {paths[place] if part == 'weights' else place}"
            np.testing.assert_allclose(a, b, atol=1e-5, rtol=1e-4, err_msg=where)
            if "kernel" in where or "gamma" in where:
                assert np.abs(b).max() > 1e-3, f"{where} proves nothing: all are zero"


def check_torch() -> None:
    """Train the network as Keras computes it and as PyTorch does, and compare; runs on PyTorch."""
    import torch

    from ablation.images.training.initial import initialize
    from ablation.images.training.loops.native_layers import use_native_operations

    images, labels = (torch.tensor(each) for each in batch())
    ours, theirs = network(), network()
    use_native_operations(ours)
    replaced = {layer.name for layer in ours._flatten_layers() if "call" in vars(layer)}
    assert {"plain", "dilated", "grouped", "uneven", "norm", "inner_norm", "unscaled", "vectors", "frozen"} == replaced
    for each in (ours, theirs):
        initialize(each, 0)
    for _ in range(3):
        outputs = []
        for each in (ours, theirs):
            each.zero_grad()
            outputs.append(each(images, training=True))
            torch.nn.functional.cross_entropy(outputs[-1], labels).backward()
        torch.testing.assert_close(*outputs, atol=2e-4, rtol=1e-4)
        for one, other in zip(ours.trainable_variables, theirs.trainable_variables, strict=True):
            torch.testing.assert_close(one.value.grad, other.value.grad, atol=1e-4, rtol=1e-3, msg=one.path)
    for one, other in zip(ours.non_trainable_variables, theirs.non_trainable_variables, strict=True):
        frozen = "frozen" in one.path
        assert frozen == bool(torch.all((one.value == 0) | (one.value == 1))), one.path
        torch.testing.assert_close(one.value, other.value, atol=1e-5, rtol=1e-4, msg=one.path)
    torch.testing.assert_close(ours(images, training=False), theirs(images, training=False), atol=2e-4, rtol=1e-4)

    # A batch of one value a channel, which PyTorch refuses to normalise.
    one = torch.ones((1, 6))
    norm = ours.get_layer("vectors")
    assert torch.equal(norm(one, training=True), torch.zeros((1, 6)))


@pytest.mark.parametrize("backend", ["torch", "jax"])
def test_replacements_of_keras_operations_compute_the_same(backend: str) -> None:
    if importlib.util.find_spec(backend) is None:
        pytest.skip(f"{backend} is not installed")
    environment = {**os.environ, "KERAS_BACKEND": backend, "PYTHONPATH": f"{HERE.parent}"}
    program = f"import test_native_layers as t; t.check_{backend}()"
    ended = subprocess.run([sys.executable, "-c", program], cwd=HERE, env=environment, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr
