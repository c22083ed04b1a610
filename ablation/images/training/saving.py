"""The network as a user keeps it: standard Keras layers only, pixels in, probabilities out."""

import keras


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
