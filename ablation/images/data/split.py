"""Splits: a stratified subset of the training images, and the training and validation sets of a run."""

from collections.abc import Sequence

import numpy as np

from ablation.checks import choice, number, whole
from ablation.errors import InputError
from ablation.images.data.dataset import Dataset, Images

TEST = "test"
VALIDATIONS = ("held_out", TEST)


def limit(images: Images, count: int | None) -> Images:
    """Return a stratified subset of ``count`` images, always the same; all of them if ``count`` is None or exceeds their number.

    Raises:
        InputError: if ``count`` is not a whole number of at least 1.
    """
    whole("data.limit", count, 1, optional=True)
    if count is None or count >= len(images):
        return images
    return images.take(stratified(images.y, count, np.random.default_rng(0)))


def held_out(images: Images, fraction: float, rng: np.random.Generator, classes: Sequence[str] = ()) -> tuple[Images, Images]:
    """Split into training and validation images, stratified, with at least one image of every class in each.

    Args:
        images: what to split.
        fraction: share of the images held out for validation, strictly between 0 and 1.
        rng: source of the draw.
        classes: class names, for errors only.

    Raises:
        InputError: if ``fraction`` is out of range, or a class has a single image.
    """
    number("data.validation_fraction", fraction, above=0, below=1)
    present, members = np.unique(images.y, return_counts=True)
    for index in present[members < 2]:
        name = f"'{classes[index]}'" if index < len(classes) else str(index)
        raise InputError(f"class {name} has one training image; expected at least two, one to train on and one to hold out for validation")
    validation = np.zeros(len(images), dtype=bool)
    validation[stratified(images.y, held_out_count(images.y, fraction), rng, spare=1)] = True
    return images.take(np.flatnonzero(~validation)), images.take(np.flatnonzero(validation))


def held_out_count(labels: np.ndarray, fraction: float) -> int:
    """Return how many of the images with these labels, shape ``(n,)``, are held out: their share, but neither part loses a class."""
    classes = len(np.unique(labels))
    return int(np.clip(round(fraction * len(labels)), classes, len(labels) - classes))


def divide(dataset: Dataset, validation: str, fraction: float, rng: np.random.Generator) -> tuple[Images, Images]:
    """Return the training and the validation images of a run.

    Args:
        dataset: as the source returns it.
        validation: ``"held_out"`` for the source's own validation set, or else a part held out of the training images;
            ``"test"`` for the test images.
        fraction: share of the training images to hold out, if any.
        rng: source of the draw, if there is one.

    Raises:
        InputError: if ``validation`` is unknown, or there are no test images, or nothing can be held out.
    """
    choice("data.validation", validation, VALIDATIONS)
    if validation == TEST:
        if dataset.test is None:
            raise InputError("data.validation=test needs test images, which these data do not have; expected data.validation=held_out")
        return dataset.train, dataset.test
    if dataset.validation is not None:
        return dataset.train, dataset.validation
    return held_out(dataset.train, fraction, rng, dataset.classes)


def stratified(labels: np.ndarray, count: int, rng: np.random.Generator, spare: int = 0) -> np.ndarray:
    """Draw ``count`` stratified indices, with at least one of every class if ``count`` allows it.

    Args:
        labels: shape ``(n,)``.
        count: number to draw; must leave ``spare`` of every class.
        rng: source of the draw.
        spare: number of images of every class that must not be drawn.

    Returns:
        Shape ``(count,)``, in ascending order.
    """
    present, members = np.unique(labels, return_counts=True)
    places = shares(members, count, spare)
    drawn = [rng.permutation(np.flatnonzero(labels == name))[:few] for name, few in zip(present, places, strict=True)]
    return np.sort(np.concatenate(drawn))


def shares(members: np.ndarray, count: int, spare: int = 0) -> np.ndarray:
    """Divide ``count`` places among classes in proportion to their ``members``, by the largest-remainder method."""
    exact = members * (count / members.sum())
    least = 1 if count >= len(members) else 0
    places: np.ndarray = np.clip(np.floor(exact).astype(int), least, members - spare)
    while places.sum() < count:
        places[np.argmax(np.where(places < members - spare, exact - places, -np.inf))] += 1
    # The guarantee of one place for every class may exceed the count; the most over-represented classes give places back.
    while places.sum() > count:
        places[np.argmin(np.where(places > least, exact - places, np.inf))] -= 1
    return places


def followed(validation: int, training: int) -> np.ndarray:
    """Return the indices of the validation images on which the epochs before the last are validated.

    They are at most half as many as the training images, so that following a training takes a small part of its time, and evenly spread.
    """
    return np.linspace(0, validation - 1, min(validation, max(training // 2, 1))).round().astype(int)
