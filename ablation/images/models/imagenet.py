"""Weights trained on ImageNet: the files that Keras publishes for its networks, in Keras' own cache."""

import os
import shutil
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ablation.errors import InputError
from ablation.images.slots import Scaling

if TYPE_CHECKING:
    import keras

ADDRESS = "https://storage.googleapis.com/tensorflow/keras-applications"
PATIENCE = 20.0  # seconds to wait for a silent server


@dataclass(frozen=True)
class ImageNet:
    """The published weights of one network, without its head.

    Attributes:
        folder: where Keras publishes the file.
        file: its name there and in Keras' cache.
        scaling: of RGB pixels in [0, 1], as the weights expect them.
        blue_first: whether they were trained on colours in the order blue, green, red.
    """

    folder: str
    file: str
    scaling: Scaling
    blue_first: bool = False

    @property
    def path(self) -> Path:
        """The file in Keras' cache."""
        home = os.environ.get("KERAS_HOME")
        return (Path(home) if home else Path.home() / ".keras") / "models" / self.file

    def fetch(self) -> None:
        """Download the file to Keras' cache unless it is there.

        Raises:
            InputError: if the download fails, as it does offline.
        """
        if self.path.is_file():
            return
        address, partial = f"{ADDRESS}/{self.folder}/{self.file}", self.path.with_name(f".{os.getpid()}-{self.file}")
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with urllib.request.urlopen(address, timeout=PATIENCE) as response, partial.open("wb") as copy:
                shutil.copyfileobj(response, copy)
            partial.replace(self.path)
        except OSError as error:
            raise InputError(
                f"model.weights=imagenet needs '{self.path}', which is not there and cannot be fetched "
                f"({getattr(error, 'reason', None) or error}); put the file {address} there"
            ) from error
        finally:
            if partial.parent.is_dir():
                partial.unlink(missing_ok=True)

    def load(self, body: "keras.Model", trainable: bool) -> None:
        """Load the weights into a network without its head.

        Its layers lose their initialisers: without one, training starts from the weights that a layer holds.
        """
        import keras

        try:
            body.load_weights(self.path)
        except (OSError, ValueError) as error:
            raise InputError(f"'{self.path}' does not hold the weights that Keras publishes; remove it to fetch it again") from error
        if self.blue_first:
            first = next(layer for layer in body.layers if isinstance(layer, keras.layers.Conv2D))
            # The same sums as on swapped colours, and the network takes RGB like all others.
            first.kernel.assign(keras.ops.flip(first.kernel, axis=2))
        for layer in body.layers:
            layer.trainable = trainable
            for name in [name for name in vars(layer) if name.endswith("_initializer")]:
                setattr(layer, name, None)
