"""The pipelines that people write by hand, to be timed against: the same network, the same techniques, Keras' own ``fit``.

``article`` is the article's: ``ImageDataGenerator`` on the host, mixup in a generator, ``fit`` on top. ``tf_data`` is a careful modern
one: ``tf.data`` with Keras' preprocessing layers, in parallel and ahead of the training. ``ready`` spares ``fit`` all data work, on any
backend.
"""

import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import keras
import numpy as np

from ablation.images.catalogue import compose
from ablation.images.data import Images
from ablation.images.models import Model
from ablation.images.training.settings import Training

CLASSES = 10
Pipeline = Callable[[Mapping[str, Any], Images, int], Any]


class EpochTimer(keras.callbacks.Callback):
    """Takes the time from the first batch's start to the last one's end, without what ``fit`` does before and after."""

    def on_train_batch_begin(self, batch: int, logs: Any = None) -> None:
        if batch == 0:
            self.began = time.perf_counter()

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        self.seconds = time.perf_counter() - self.began


def compiled(features: Mapping[str, Any], model: Model, batch: int, shape: tuple[int, int, int]) -> keras.Model:
    """Return the network of an arm as a user compiles it. The network gives logits, as ours does."""
    recipe = compose(Training(1, batch).recipe(), features, model, "it")
    network = model.build(recipe, shape, CLASSES)
    options = {**dict(recipe.optimizer.options), "use_ema": recipe.averaging is not None}
    rate = keras.optimizers.schedules.CosineDecay(1e-3, 10_000) if recipe.optimizer.schedule else recipe.optimizer.learning_rate
    optimizer = keras.optimizers.get({"class_name": recipe.optimizer.name, "config": {"learning_rate": rate, **options}})
    network.compile(optimizer, keras.losses.CategoricalCrossentropy(from_logits=True), metrics=["accuracy"])
    return network


def fit_once(network: keras.Model, data: Any, steps: int) -> float:
    """Train one epoch of ``steps`` steps; return its seconds."""
    if network.optimizer.use_ema:
        # An earlier fit left weights and averages in the same memory, which one on JAX then gives away twice, and fails.
        for variable in network.optimizer.variables:
            variable.assign(keras.ops.copy(variable.value))
    timer = EpochTimer()
    network.fit(data, epochs=1, steps_per_epoch=steps, shuffle=False, verbose=0, callbacks=[timer])
    return timer.seconds


def article(features: Mapping[str, Any], images: Images, batch: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yield the article's batches."""
    from keras.src.legacy.preprocessing.image import ImageDataGenerator

    pixels, labels = images.x.astype("float32") / 255, keras.utils.to_categorical(images.y, CLASSES)
    options = {"rotation_range": 20, "width_shift_range": 0.2, "height_shift_range": 0.2, "horizontal_flip": True}
    generator = ImageDataGenerator(**options if "augmentation" in features else {})
    if "mixup" not in features:
        yield from generator.flow(pixels, labels, batch_size=batch)
        return
    rng = np.random.default_rng(0)
    while True:
        order = rng.permutation(len(pixels))
        for start in range(0, len(order) - 2 * batch + 1, 2 * batch):
            one, two = order[start : start + batch], order[start + batch : start + 2 * batch]
            share = rng.beta(0.2, 0.2, batch)
            own, rest = share.reshape(-1, 1, 1, 1), 1 - share.reshape(-1, 1, 1, 1)
            mixed = pixels[one] * own + pixels[two] * rest
            if "augmentation" in features:
                mixed = np.stack([generator.random_transform(image) for image in mixed])
            yield mixed, labels[one] * share[:, None] + labels[two] * (1 - share[:, None])


def tf_data(features: Mapping[str, Any], images: Images, batch: int) -> Any:
    """Return the same as a ``tf.data`` pipeline."""
    import tensorflow as tf

    labels = keras.utils.to_categorical(images.y, CLASSES).astype("float32")

    def shuffled(seed: int) -> Any:
        return tf.data.Dataset.from_tensor_slices((images.x, labels)).shuffle(len(labels), seed=seed).repeat().batch(batch, True)

    def scale(pixels: Any, labels: Any) -> Any:
        return tf.cast(pixels, tf.float32) / 255, labels

    data = shuffled(0).map(scale, tf.data.AUTOTUNE)
    if "mixup" in features:

        def mix(own: Any, partner: Any) -> Any:
            one, two = tf.random.gamma([batch], 0.2), tf.random.gamma([batch], 0.2)
            share = one / (one + two + 1e-30)
            pixels = tf.reshape(share, (-1, 1, 1, 1))
            return pixels * own[0] + (1 - pixels) * partner[0], share[:, None] * own[1] + (1 - share[:, None]) * partner[1]

        data = tf.data.Dataset.zip(data, shuffled(1).map(scale, tf.data.AUTOTUNE)).map(mix, tf.data.AUTOTUNE)
    if "augmentation" in features:
        layers = [
            keras.layers.RandomRotation(20 / 360, fill_mode="nearest"),
            keras.layers.RandomTranslation(0.2, 0.2, fill_mode="nearest"),
            keras.layers.RandomFlip("horizontal"),
        ]

        def augment(pixels: Any, labels: Any) -> Any:
            for layer in layers:
                pixels = layer(pixels, training=True)
            return pixels, labels

        data = data.map(augment, tf.data.AUTOTUNE)
    return data.prefetch(tf.data.AUTOTUNE)


def ready(features: Mapping[str, Any], images: Images, batch: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yield one ready-made batch again and again."""
    pixels, labels = images.x[:batch].astype("float32") / 255, keras.utils.to_categorical(images.y[:batch], CLASSES)
    while True:
        yield pixels, labels


def pipelines(backend: str, model: str) -> dict[str, Pipeline]:
    """Return what can be timed on a backend, by name; the pipelines with data work know the article's features alone."""
    everywhere: dict[str, Pipeline] = {"fit, ready-made batches": ready}
    if backend == "tensorflow" and model == "cnn":
        return {"ImageDataGenerator + fit": article, "tf.data + fit": tf_data, **everywhere}
    return everywhere
