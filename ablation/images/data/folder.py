"""Folder: the user's own images, in one sub-folder a class."""

import difflib
import hashlib
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ablation.checks import choice, expanded, number, path, shown
from ablation.errors import InputError, nearest
from ablation.images.data.dataset import Dataset, Images
from ablation.images.data.image_files import UnreadableError, read_images, with_channels
from ablation.images.data.split import shares

# Raised whenever the code below would make different images, or a different split, from the same files.
VERSION = 1

SKIP, ERROR = "skip", "error"
LARGEST = 1024
FEWEST = 3
"""Fewest images of a class: one to train on, one to hold out for validation, one to test with."""


@dataclass(frozen=True)
class Folder:
    """JPEG, PNG, BMP and GIF images of any size and mode, ``path/<class>/<any name>``, all resized to one size.

    The classes are the sub-folders, sorted by name. Every file in them counts as an image, whatever its suffix; names that begin with a
    dot are ignored. Images are grey if all of them are. The test part is stratified; which images are in it depends only on hashes of
    their names, so that adding some moves few of the others.

    Attributes:
        path: the folder; may start with ``~``.
        size: height and width that images are resized to, in pixels.
        test_fraction: share of the images in the test part, strictly between 0 and 1.
        on_bad: ``skip`` leaves out and reports what cannot be used; ``error`` stops.

    Raises:
        InputError: if a parameter is outside its range.
    """

    path: str | None = None
    size: Sequence[int] = (32, 32)
    test_fraction: float = 0.2
    on_bad: str = SKIP

    def __post_init__(self) -> None:
        path("data.path", self.path, optional=True)
        size: object = self.size
        if not isinstance(size, list | tuple) or len(size) != 2 or not all(type(side) is int and 1 <= side <= LARGEST for side in size):
            raise InputError(f"data.size must be a height and a width from 1 to {LARGEST}, such as [32,32], not {shown(size)}")
        number("data.test_fraction", self.test_fraction, above=0, below=1)
        choice("data.on_bad", self.on_bad, (SKIP, ERROR))

    @property
    def description(self) -> str:
        name = "folder" if self.path is None else printable(expanded("data.path", self.path).absolute().name)
        return f"{name}, {self.size[0]} × {self.size[1]}"

    def identity(self) -> str:
        """Return a text that depends on the files' names, sizes and modification times; reading them all would take too long."""
        root = self._root()
        state = hashlib.blake2b(digest_size=16)
        for file in _listed(root).files:
            try:
                status = os.stat(root / file)
                known: tuple[object, ...] = (file, status.st_size, status.st_mtime_ns)
            except OSError:
                known = (file,)  # A broken link, for instance.
            state.update(repr(known).encode("utf-8", "surrogateescape"))
        parameters = f"size={self.size[0]}x{self.size[1]}, test={self.test_fraction}, on_bad={self.on_bad}"
        return f"folder {VERSION}: {parameters}, {state.hexdigest()}"

    def load(self) -> Dataset:
        root = self._root()
        listing = _listed(root)
        x, read, left_out = self._read(root, listing)
        if self.on_bad == ERROR and left_out:
            others = f", and {len(left_out) - 1:,} more" if len(left_out) > 1 else ""
            raise InputError(f"this cannot be used: {left_out[0]}{others}; data.on_bad=skip leaves such files out")
        files, y = [listing.images[index] for index in read], listing.labels[read]
        names = tuple(map(printable, listing.classes))
        if not len(y):
            raise InputError(f"data.path '{self.path}' holds no images; expected sub-folders with images, one for each class")
        if len(names) == 1:
            raise InputError(f"data.path '{self.path}' has one class, '{names[0]}'; expected at least two sub-folders with images")
        for name, count in zip(names, np.bincount(y, minlength=len(names)).tolist(), strict=True):
            if count < FEWEST:
                raise InputError(
                    f"class '{name}' has {count} readable {'image' if count == 1 else 'images'}; "
                    f"expected at least {FEWEST}: one to train on, one to hold out and one to test with"
                )
        test = _test_part(files, y, self.test_fraction)
        return Dataset(Images(x[~test], y[~test]), Images(x[test], y[test]), names, left_out=tuple(left_out))

    def _read(self, root: Path, listing: "_Listing") -> tuple[np.ndarray, np.ndarray, list[str]]:
        """Return the readable images, their indices in the listing, and a line for each file that cannot be used."""
        height, width = self.size
        x = np.empty((len(listing.images), height, width, 3), np.uint8)
        read: list[int] = []
        left_out = [f"{printable(file)}: it is outside the classes' folders" for file in listing.strays]
        grey = True
        for index, image in enumerate(read_images([root / file for file in listing.images], height, width)):
            if isinstance(image, UnreadableError):
                left_out.append(f"{printable(listing.images[index])}: {image}")
                continue
            grey &= image.shape[-1] == 1
            x[len(read)] = with_channels(image, 3)
            read.append(index)
        return x[: len(read), ..., : 1 if grey else 3], np.array(read, dtype=np.int64), left_out

    def _root(self) -> Path:
        if self.path is None:
            raise InputError("data=folder needs data.path=DIR, a folder with a sub-folder of images for each class")
        root = expanded("data.path", self.path)
        if not root.exists():
            siblings = [each.name for each in root.parent.iterdir() if each.is_dir()] if root.parent.is_dir() else []
            close = difflib.get_close_matches(root.name, siblings)
            raise InputError(
                f"data.path '{self.path}' does not exist; expected a folder of images{nearest(root.name, close) if close else ''}"
            )
        if not root.is_dir():
            raise InputError(f"data.path '{self.path}' is a file; expected a folder with a sub-folder of images for each class")
        return root


@dataclass(frozen=True, eq=False)
class _Listing:
    """The contents of a folder, sorted by name; files as paths relative to it.

    Attributes:
        classes: the sub-folders.
        images: all files in them.
        labels: class indices of the images, shape ``(images,)``.
        strays: files outside the sub-folders.
    """

    classes: list[str]
    images: list[str]
    labels: np.ndarray
    strays: list[str]

    @property
    def files(self) -> list[str]:
        return self.images + self.strays


def _listed(root: Path) -> _Listing:
    """List a folder of classes, without opening a file.

    Raises:
        InputError: if a folder cannot be listed, a class contains a folder, or a link points outside.
    """
    inside = root.resolve()
    classes: list[str] = []
    images: list[str] = []
    labels: list[int] = []
    strays: list[str] = []
    for entry in _entries(root, inside):
        if not entry.is_dir():
            strays.append(entry.name)
            continue
        for each in _entries(Path(entry.path), inside):
            file = f"{entry.name}/{each.name}"
            if each.is_dir():
                raise InputError(f"'{printable(file)}' is a folder; expected images in '{printable(entry.name)}', which is a class")
            images.append(file)
            labels.append(len(classes))
        classes.append(entry.name)
    return _Listing(classes, images, np.array(labels, dtype=np.int64), strays)


def _entries(folder: Path, inside: Path) -> "list[os.DirEntry[str]]":
    try:
        with os.scandir(folder) as scanned:
            entries = sorted((entry for entry in scanned if not entry.name.startswith(".")), key=lambda entry: entry.name)
    except OSError as error:
        raise InputError(f"'{printable(str(folder))}' cannot be listed ({error.strerror}); expected a folder of images") from error
    for entry in entries:
        if entry.is_symlink() and not Path(entry.path).resolve().is_relative_to(inside):
            raise InputError(f"'{printable(entry.path)}' is a link that points outside the folder; expected the images themselves")
    return entries


def _test_part(files: Sequence[str], y: np.ndarray, fraction: float) -> np.ndarray:
    """Return a mask of the test images, shape ``(n,)``: a share of each class, chosen by the hashes of their names."""
    _, members = np.unique(y, return_counts=True)
    # However small or large the fraction, two of each class stay for training and one is in the test part.
    count = int(np.clip(round(fraction * len(y)), len(members), len(y) - 2 * len(members)))
    hashes = np.array([hashlib.blake2b(file.encode("utf-8", "surrogateescape"), digest_size=8).hexdigest() for file in files])
    test = np.zeros(len(y), dtype=bool)
    for label, few in enumerate(shares(members, count, spare=2).tolist()):
        own = np.flatnonzero(y == label)
        test[own[np.argsort(hashes[own], kind="stable")[:few]]] = True
    return test


def printable(name: str) -> str:
    """Return a name with unprintable characters, such as line ends and undecodable bytes, replaced."""
    return "".join(character if character.isprintable() else "\N{REPLACEMENT CHARACTER}" for character in name)
