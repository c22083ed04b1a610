"""Npz: the user's own images, in one .npz file of four arrays."""

import difflib
import hashlib
import zipfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ablation.checks import expanded, path, regular
from ablation.errors import InputError, nearest
from ablation.images.data.dataset import Dataset, Images

# Raised whenever the code below would make different images or labels from the same file.
VERSION = 1

PARTS = ("train", "test")
KEYS = ("x_train", "y_train", "x_test", "y_test")
CHANNELS = (1, 3)


@dataclass(frozen=True)
class Npz:
    """Images and labels from a file with arrays ``x_train``, ``y_train``, ``x_test`` and ``y_test``.

    Images are grey ``(n, height, width)`` or ``(n, height, width, channels)`` with 1 or 3 channels: bytes, or numbers from
    0 to 255, or fractions from 0 to 1. Labels are any integers; the distinct ones of ``y_train``, sorted, are the classes.

    Attributes:
        path: the file; may start with ``~``.

    Raises:
        InputError: if ``path`` is not a path.
    """

    path: str | None = None

    def __post_init__(self) -> None:
        path("data.path", self.path, optional=True)

    @property
    def description(self) -> str:
        return "npz" if self.path is None else Path(self.path).name

    def identity(self) -> str:
        return f"npz {VERSION}: {content_hash(self._file())}"

    def load(self) -> Dataset:
        train, test = read(self._file())
        names, indices = np.unique(train.y, return_inverse=True)
        unknown = np.setdiff1d(test.y, names)
        if unknown.size:
            raise InputError(f"y_test of '{self.path}' holds the label {unknown[0]}, which y_train does not; expected only its labels")
        return Dataset(
            train=Images(train.x, indices.astype(np.int64)),
            test=Images(test.x, np.searchsorted(names, test.y).astype(np.int64)),
            classes=tuple(str(name) for name in names),
        )

    def _file(self) -> Path:
        if self.path is None:
            raise InputError("data=npz needs data.path=FILE, an .npz file with the arrays x_train, y_train, x_test and y_test")
        file = expanded("data.path", self.path)
        if not file.exists():
            close = difflib.get_close_matches(file.name, [each.name for each in file.parent.glob("*.npz")])
            raise InputError(f"data.path '{self.path}' does not exist; expected an .npz file{nearest(file.name, close) if close else ''}")
        regular("data.path", file, "an .npz file")
        return file


def content_hash(file: Path) -> str:
    """Return a hash of the bytes of a file.

    Raises:
        InputError: if it cannot be read.
    """
    try:
        with file.open("rb") as stream:
            return hashlib.file_digest(stream, lambda: hashlib.blake2b(digest_size=16)).hexdigest()
    except OSError as error:
        raise InputError(f"'{file}' cannot be read ({error.strerror}); expected an .npz file") from error


def read(file: Path) -> tuple[Images, Images]:
    """Read training and test images, with the labels as they are in the file. Nothing is ever unpickled.

    Raises:
        InputError: if the file, its keys, its images or its labels are not as :class:`Npz` describes.
    """
    arrays = _arrays(file)
    images = {part: _channels_last(arrays[f"x_{part}"], f"x_{part} of '{file}'") for part in PARTS}
    labels = {part: _labels(arrays[f"y_{part}"], f"y_{part} of '{file}'") for part in PARTS}
    for part in PARTS:
        if len(images[part]) != len(labels[part]):
            raise InputError(
                f"x_{part} of '{file}' holds {len(images[part])} images and y_{part} {len(labels[part])} labels; expected equal numbers"
            )
    of_train, of_test = (images[part].shape[1:] for part in PARTS)
    if of_train != of_test:
        raise InputError(f"images in '{file}' have shape {of_train} in x_train and {of_test} in x_test; expected one shape")
    # Both parts must be scaled alike: a very dark test part with values from 0 to 255 does not hold fractions.
    fractions = all(x.max() <= 1 for x in images.values() if x.dtype.kind == "f")
    train, test = (Images(_bytes(images[part], fractions, f"x_{part} of '{file}'"), labels[part]) for part in PARTS)
    return train, test


def _arrays(file: Path) -> dict[str, np.ndarray]:
    # numpy, zipfile and zlib raise a dozen types for a file that is truncated, damaged, encrypted or of another format.
    try:
        with zipfile.ZipFile(file) as archive:
            found = [name.removesuffix(".npy") for name in archive.namelist()]
    except Exception as error:
        raise InputError(f"'{file}' cannot be read ({type(error).__name__}); expected a whole .npz file") from error
    for key in KEYS:
        if key not in found:
            others = [name for name in found if name not in KEYS and name.isprintable()]
            hint = nearest(key, others) if others else ""
            raise InputError(f"'{file}' has no array {key}; expected {', '.join(KEYS)}{hint}")
    arrays: dict[str, np.ndarray] = {}
    try:
        with np.load(file, allow_pickle=False) as archive:
            for key in KEYS:
                arrays[key] = archive[key]
    except Exception as error:
        missing = KEYS[len(arrays)]
        # Only numpy's message tells this case apart; it refuses before it would unpickle anything.
        if "Object arrays" in str(error):
            raise InputError(f"{missing} of '{file}' holds Python objects; expected numbers") from error
        raise InputError(f"{missing} of '{file}' cannot be read ({type(error).__name__}); expected a whole .npz file") from error
    for key, array in arrays.items():
        # numpy returns a member that is not an array as bytes.
        if not isinstance(array, np.ndarray):
            raise InputError(f"{key} of '{file}' is not an array; expected an .npz file as numpy.savez writes it")
    return arrays


def _channels_last(x: np.ndarray, name: str) -> np.ndarray:
    """Return images with an axis for channels, after checking shape, type and finiteness."""
    if x.ndim == 3:
        x = x[..., None]
    if x.ndim != 4 or x.shape[-1] not in CHANNELS:
        raise InputError(f"{name} has shape {x.shape}; expected (n, height, width) or (n, height, width, channels) with 1 or 3 channels")
    if x.size == 0:
        raise InputError(f"{name} has shape {x.shape}, so it holds no images; expected at least one")
    if x.dtype.kind not in "uif":
        raise InputError(f"{name} has type {x.dtype}; expected bytes or other real numbers")
    if not np.isfinite(x).all():
        raise InputError(f"{name} holds NaN or infinity; expected finite numbers")
    return x


def _labels(y: np.ndarray, name: str) -> np.ndarray:
    if y.ndim == 2 and y.shape[1] == 1:
        y = y[:, 0]
    if y.ndim != 1:
        raise InputError(f"{name} has shape {y.shape}; expected one integer for each image, (n,) or (n, 1)")
    if y.dtype.kind not in "ui":
        raise InputError(f"{name} has type {y.dtype}; expected labels as integers")
    if y.dtype.kind == "u" and y.size and y.max() > np.iinfo(np.int64).max:
        raise InputError(f"{name} holds the label {y.max()}; expected none above {np.iinfo(np.int64).max}")
    return y.astype(np.int64)


def _bytes(x: np.ndarray, fractions: bool, name: str) -> np.ndarray:
    """Return pixels as uint8: bytes as they are, fractions times 255, other numbers rounded."""
    if x.dtype == np.uint8:
        return x
    low, high = x.min(), x.max()
    if low < 0 or high > 255:
        raise InputError(f"{name} holds values from {low:g} to {high:g}; expected 0 to 255, or fractions from 0 to 1")
    scale = 255 if fractions and x.dtype.kind == "f" else 1
    return np.asarray(np.rint(x.astype(np.float32) * scale).astype(np.uint8))
