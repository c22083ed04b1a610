"""KerasDataset: the well-known sets of keras.datasets, downloaded once and then read from a file."""

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from ablation.checks import choice, expanded, path, regular
from ablation.errors import InputError
from ablation.images.data import keras_download, npz
from ablation.images.data.dataset import Dataset

# fmt: off
CIFAR10 = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")
CIFAR100 = (
    "apple", "aquarium fish", "baby", "bear", "beaver", "bed", "bee", "beetle", "bicycle", "bottle",
    "bowl", "boy", "bridge", "bus", "butterfly", "camel", "can", "castle", "caterpillar", "cattle",
    "chair", "chimpanzee", "clock", "cloud", "cockroach", "couch", "crab", "crocodile", "cup", "dinosaur",
    "dolphin", "elephant", "flatfish", "forest", "fox", "girl", "hamster", "house", "kangaroo", "keyboard",
    "lamp", "lawn mower", "leopard", "lion", "lizard", "lobster", "man", "maple tree", "motorcycle", "mountain",
    "mouse", "mushroom", "oak tree", "orange", "orchid", "otter", "palm tree", "pear", "pickup truck", "pine tree",
    "plain", "plate", "poppy", "porcupine", "possum", "rabbit", "raccoon", "ray", "road", "rocket",
    "rose", "sea", "seal", "shark", "shrew", "skunk", "skyscraper", "snail", "snake", "spider",
    "squirrel", "streetcar", "sunflower", "sweet pepper", "table", "tank", "telephone", "television", "tiger", "tractor",
    "train", "trout", "tulip", "turtle", "wardrobe", "whale", "willow tree", "wolf", "woman", "worm",
)
FASHION = ("T-shirt/top", "trouser", "pullover", "dress", "coat", "sandal", "shirt", "sneaker", "bag", "ankle boot")
# fmt: on

TITLES = {"cifar10": "CIFAR-10", "cifar100": "CIFAR-100", "mnist": "MNIST", "fashion_mnist": "Fashion-MNIST"}
CLASSES = {"cifar10": CIFAR10, "cifar100": CIFAR100, "mnist": tuple("0123456789"), "fashion_mnist": FASHION}


@dataclass(frozen=True)
class KerasDataset:
    """One of the sets of keras.datasets, read from ``<dir>/<name>.npz``; downloaded there if missing.

    Attributes:
        name: ``cifar10``, ``cifar100``, ``mnist`` or ``fashion_mnist``.
        dir: the folder of the files; may start with ``~``.

    Raises:
        InputError: if the name is unknown, or ``dir`` is not a path.
    """

    name: str
    dir: str = "~/.cache/ablation"

    def __post_init__(self) -> None:
        choice("data.name", self.name, TITLES)
        path("data.dir", self.dir)

    @property
    def description(self) -> str:
        return TITLES[self.name]

    def identity(self) -> str:
        return f"{self.name} {npz.VERSION}: {npz.content_hash(self._file())}"

    def load(self) -> Dataset:
        file = self._file()
        train, test = npz.read(file)
        try:
            return Dataset(train, test, CLASSES[self.name])
        except InputError as error:
            raise InputError(f"'{file}' is not {self.description}: {error}") from error

    def _file(self) -> Path:
        file = expanded("data.dir", self.dir) / f"{self.name}.npz"
        if not file.exists():
            fetch(self.name, file)
        regular("data.dir", file, "an .npz file")
        return file


def fetch(name: str, file: Path) -> None:
    """Save a set of keras.datasets as an .npz file, completely or not at all.

    Keras runs in a separate process: importing it here would fix the backend, and its messages and progress bars stay out of this one.

    Raises:
        InputError: if the download fails, as it does offline.
    """
    print(f"fetching {TITLES[name]} to {file} …", file=sys.stderr)
    partial = file.with_name(f".{file.stem}-{os.getpid()}.npz")
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        # -P keeps the modules of this folder from shadowing others of the same name.
        command = [sys.executable, "-P", keras_download.__file__, name, str(partial)]
        subprocess.run(command, check=True, stdin=subprocess.DEVNULL, capture_output=True, text=True, errors="replace")
        partial.replace(file)
    except (OSError, subprocess.CalledProcessError) as error:
        reason = error.strerror if isinstance(error, OSError) else (error.stderr.strip().splitlines() or [str(error)])[-1]
        raise InputError(
            f"{TITLES[name]} is not at '{file}' and cannot be fetched ({reason}); "
            f"put an .npz file with the arrays {', '.join(npz.KEYS)} there"
        ) from error
    finally:
        if file.parent.is_dir():
            partial.unlink(missing_ok=True)
