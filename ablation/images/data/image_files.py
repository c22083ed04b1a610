"""Image files: any JPEG, PNG, BMP or GIF as pixels of one size, many at once."""

import os
import warnings
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from ablation.errors import first_line

FORMATS = ("JPEG", "PNG", "BMP", "GIF")
"""Formats that are read. The content of a file decides, not its suffix."""

GREY_MODES = {"1", "L", "LA", "La"}


class UnreadableError(ValueError):
    """A file holds no usable image; the message completes the sentence "the file cannot be used: …"."""


def read_images(files: Sequence[Path], height: int, width: int) -> Iterator[np.ndarray | UnreadableError]:
    """Read files on all processors, in order.

    Args:
        files: one image is taken from each; of an animation, the first frame.
        height, width: size in pixels that every image is resized to, with smoothing where it shrinks.

    Yields:
        For each file its pixels, ``(height, width, 1)`` for a grey image and ``(height, width, 3)`` for any other, uint8; or the error
        that explains why there are none.
    """

    def read(file: Path) -> np.ndarray | UnreadableError:
        try:
            return _read(file, height, width)
        except UnreadableError as error:
            return error

    with warnings.catch_warnings():
        # Pillow warns of minor damage, which is common in some data sets, and of absurdly large images, which are refused here instead.
        warnings.simplefilter("ignore")
        warnings.simplefilter("error", Image.DecompressionBombWarning)
        with ThreadPoolExecutor(os.cpu_count()) as pool:
            yield from pool.map(read, files)


def _read(file: Path, height: int, width: int) -> np.ndarray:
    try:
        if file.stat().st_size == 0:
            raise UnreadableError("it is empty")
        with Image.open(file, formats=FORMATS) as image:
            # A JPEG can be decoded at a fraction of its size, which saves most of the time for a photograph.
            image.draft(None, (2 * max(height, width), 2 * max(height, width)))
            return pixels(ImageOps.exif_transpose(image), height, width)
    except UnreadableError:
        raise
    except UnidentifiedImageError as error:
        raise UnreadableError(f"it is not a {', '.join(FORMATS[:-1])} or {FORMATS[-1]} image") from error
    except (Image.DecompressionBombWarning, Image.DecompressionBombError) as error:
        raise UnreadableError(f"it has more than {Image.MAX_IMAGE_PIXELS or 0:,} pixels") from error
    except Exception as error:  # Pillow's decoders raise a dozen types for damaged files.
        if isinstance(error, OSError) and error.strerror:
            raise UnreadableError(error.strerror.lower()) from error
        raise UnreadableError(f"it is damaged ({first_line(error)})") from error


def pixels(image: Image.Image, height: int, width: int) -> np.ndarray:
    """Return an image of any mode as grey or RGB bytes of the given size; transparency becomes white."""
    if image.mode.startswith("I"):
        # Pillow would clip 16-bit values at 255 instead of scaling them.
        image = Image.fromarray(np.rint(np.asarray(image).clip(0, 65535) / 257).astype(np.uint8))
    grey = image.mode in GREY_MODES
    if image.has_transparency_data:
        image = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image)
    small = image.convert("L" if grey else "RGB").resize((width, height), Image.Resampling.BILINEAR)
    return np.asarray(small).reshape(height, width, 1 if grey else 3)


def with_channels(image: np.ndarray, channels: int) -> np.ndarray:
    """Return pixels with one channel (their luma) or three, ``(height, width, any) → (height, width, channels)``."""
    if image.shape[-1] == channels:
        return image
    if channels == 1:
        return np.asarray(Image.fromarray(image).convert("L"))[..., None]
    return np.repeat(image, channels, axis=-1)
