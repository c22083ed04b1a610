"""The command that classifies image files with the network of a run: ``python -m ablation.images.predict RUN IMAGE…``."""

import argparse
import json
import sys
from collections.abc import Sequence
from functools import partial
from importlib.util import find_spec
from pathlib import Path

import numpy as np

from ablation.errors import InputError, exit_status
from ablation.images.data import UnreadableError, read_images, with_channels
from ablation.images.held_out import CLASSES
from ablation.images.process import prepare
from ablation.store import reading
from ablation.store.connection import Store

MOST = 5
"""Classes of an image that are printed, the most probable first."""


def predict(store: Store, run_id: str, files: Sequence[Path]) -> tuple[np.ndarray, tuple[str, ...]]:
    """Classify image files with the network that a run has stored.

    Args:
        store: where the run is logged.
        run_id: its id, or enough of the beginning.
        files: images of any size and mode, made what the network takes as those of ``data=folder`` are.

    Returns:
        Probabilities, shape ``(files, classes)``, rows summing to 1, and the names of the classes.

    Raises:
        InputError: if a file holds no image, there is no such run, or it has stored no network.
    """
    _read(files, 1, 1)  # What cannot be read is reported now, for MLflow and the network take seconds.
    stored = reading.stored_model(store, run_id)
    if "centre crops of" in stored.params.get("data.description", ""):
        cropped = f"the network of the run {run_id} was trained with data.crop"
        raise InputError(f"{cropped}, and files cannot be cropped here; expected a run without it")
    backend, classes = stored.params["backend"], tuple(json.loads(stored.text(CLASSES) or "[]"))
    prepare(backend if find_spec(backend) else "tensorflow", None)
    network = reading.load_model(store, stored)
    _, height, width, channels = network.input_shape
    images = np.stack([with_channels(image, channels) for image in _read(files, height, width)])
    return np.asarray(network.predict(images, verbose=0)), classes


def _read(files: Sequence[Path], height: int, width: int) -> list[np.ndarray]:
    images = []
    for file, image in zip(files, read_images(files, height, width), strict=True):
        if isinstance(image, UnreadableError):
            raise InputError(f"'{file}' cannot be classified: {image}") from image
        images.append(image)
    return images


def line(file: Path, probabilities: np.ndarray, classes: Sequence[str]) -> str:
    """Return what is printed of one image: its file and its classes with their probabilities."""
    order = np.argsort(-probabilities, kind="stable")
    parts = [f"{classes[index]} {100 * probabilities[index]:.1f} %" for index in order[:MOST].tolist()]
    rest = order[MOST:]
    if rest.size:
        parts.append(f"{rest.size:,} {'other' if rest.size == 1 else 'others'} {100 * probabilities[rest].sum():.1f} %")
    return f"{file}: {', '.join(parts)}"


def main() -> int:
    """Run the command; return its exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m ablation.images.predict",
        description="Classify image files with the network of a run that was trained with save_model=true.",
    )
    parser.add_argument("run", metavar="RUN", help="the run's id in MLflow, or enough of its beginning")
    parser.add_argument("images", metavar="IMAGE", nargs="+", type=Path, help="a JPEG, PNG, BMP or GIF file")
    given = parser.parse_args()
    return exit_status(partial(_predict, given.run, given.images))


def _predict(run_id: str, files: Sequence[Path]) -> None:
    probabilities, classes = predict(Store.of_environment("ablation"), run_id, files)
    for file, each in zip(files, probabilities, strict=True):
        print(line(file, each, classes))


if __name__ == "__main__":
    sys.exit(main())
