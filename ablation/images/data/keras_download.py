"""Save a set of keras.datasets as an .npz file; run by keras_datasets as a separate program.

Usage: python keras_download.py NAME FILE
"""

import socket
import sys

import numpy as np

PATIENCE = 20.0  # seconds to wait for a silent server


def main(name: str, file: str) -> None:
    """Write the data set to ``file``, from Keras' cache or downloaded."""
    import keras

    socket.setdefaulttimeout(PATIENCE)
    # The user's keras.json may ask for channels first.
    keras.config.set_image_data_format("channels_last")
    (x_train, y_train), (x_test, y_test) = getattr(keras.datasets, name).load_data()
    np.savez(file, x_train=x_train, y_train=y_train, x_test=x_test, y_test=y_test)


if __name__ == "__main__":
    main(*sys.argv[1:])
