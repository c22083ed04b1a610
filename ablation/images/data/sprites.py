"""Sprites: ten synthetic objects in endless poses, so that a study runs without files or downloads.

Ten fixed prototypes, each a smooth random colour texture under a smooth random blob. An image is one of them, rotated,
flipped or not, scaled, shifted, with its own contrast and tint, on a smooth random background, with pixel noise. With few
training images a network overfits, as the base network of the article does, and every technique has room to help.
"""

from dataclasses import dataclass, fields

import numpy as np
from scipy.ndimage import gaussian_filter

from ablation.checks import number, whole
from ablation.images.data.dataset import Dataset, Images

# Raised whenever the code below would draw different images from the same parameters.
VERSION = 1

CLASSES = 10
SIZE = 32
PROTOTYPE_SIZE = 20
MIDDLE_GREY, SIGMA = 128.0, 70.0

# Standard deviations, in pixels, of the Gaussians that smooth noise, and the sharpness of a blob's edge.
TEXTURE_WIDTH, BLOB_WIDTH, BACKGROUND_WIDTH = 2.5, 3.0, 4.0
EDGE = 5.0

# Each part has its own random stream, so that the size of one does not change the images of another.
PROTOTYPE_STREAM, TRAIN_STREAM, VALIDATION_STREAM, TEST_STREAM = range(4)
BLOCK = 1000


@dataclass(frozen=True)
class Sprites:
    """Synthetic 32 x 32 colour images of ten classes, balanced as far as the counts allow.

    Attributes:
        train, validation, test: number of images in each part.
        rotation: largest angle either way, in degrees.
        flip: probability of a horizontal flip.
        scale_min, scale_max: range of the scale.
        shift: largest shift along each axis, either way, in pixels.
        contrast_min, contrast_max: range of the factor on the texture.
        colour: standard deviation of the tint of an object, in units of 70 grey levels, as are the next two.
        ground: mean grey level of the background, from 0 to 255; objects have 128.
        background: standard deviation of the background.
        noise: standard deviation of the pixel noise.
        seed: of the prototypes and of every image; not the seed of a run.

    Raises:
        InputError: if a parameter is outside its range.
    """

    train: int = 208
    validation: int = 200
    test: int = 1000
    rotation: float = 20.0
    flip: float = 0.5
    scale_min: float = 0.8
    scale_max: float = 1.3
    shift: float = 6.0
    contrast_min: float = 0.7
    contrast_max: float = 1.2
    colour: float = 0.3
    ground: float = 90.0
    background: float = 0.3
    noise: float = 0.3
    seed: int = 0

    def __post_init__(self) -> None:
        for name in ("train", "validation", "test"):
            whole(f"data.{name}", getattr(self, name), CLASSES)
        whole("data.seed", self.seed, 0)
        number("data.ground", self.ground, at_least=0, at_most=255)
        number("data.flip", self.flip, at_least=0, at_most=1)
        number("data.scale_min", self.scale_min, above=0)
        number("data.scale_max", self.scale_max, at_least=self.scale_min)
        number("data.contrast_min", self.contrast_min, at_least=0)
        number("data.contrast_max", self.contrast_max, at_least=self.contrast_min)
        for name in ("rotation", "shift", "colour", "background", "noise"):
            number(f"data.{name}", getattr(self, name), at_least=0)

    @property
    def description(self) -> str:
        return "sprites (synthetic)"

    def identity(self) -> str:
        # ':.15g' writes 20 and 20.0 alike, for they make the same images.
        return f"sprites {VERSION}: " + ", ".join(f"{each.name}={getattr(self, each.name):.15g}" for each in fields(self))

    def load(self) -> Dataset:
        prototypes = make_prototypes(np.random.default_rng([self.seed, PROTOTYPE_STREAM]))
        return Dataset(
            train=self._part(self.train, prototypes, TRAIN_STREAM),
            test=self._part(self.test, prototypes, TEST_STREAM),
            classes=tuple(f"sprite {index}" for index in range(CLASSES)),
            validation=self._part(self.validation, prototypes, VALIDATION_STREAM),
        )

    def _part(self, count: int, prototypes: np.ndarray, stream: int) -> Images:
        rng = np.random.default_rng([self.seed, stream])
        labels = rng.permutation(np.arange(count, dtype=np.int64) % CLASSES)
        blocks = [self._draw(labels[start : start + BLOCK], prototypes, rng) for start in range(0, count, BLOCK)]
        return Images(np.concatenate(blocks), labels)

    def _draw(self, labels: np.ndarray, prototypes: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Draw one image for each label, shape ``(n, 32, 32, 3)`` uint8."""
        count = len(labels)
        angle = np.deg2rad(rng.uniform(-self.rotation, self.rotation, count))
        mirror = np.where(rng.random(count) < self.flip, -1.0, 1.0)
        scale = rng.uniform(self.scale_min, self.scale_max, count)
        shift = rng.uniform(-self.shift, self.shift, (2, count))
        contrast = rng.uniform(self.contrast_min, self.contrast_max, count).astype(np.float32)
        tint = self.colour * rng.standard_normal((count, 3), dtype=np.float32)
        background = self.background * smooth_noise(rng, (count, SIZE, SIZE, 3), BACKGROUND_WIDTH)
        noise = self.noise * rng.standard_normal((count, SIZE, SIZE, 3), dtype=np.float32)

        warped = bilinear(prototypes, labels, *_where_from(angle, mirror, scale, shift))
        texture, blob = warped[..., :3], warped[..., 3:]
        thing = contrast[:, None, None, None] * texture + tint[:, None, None, :]
        scene = blob * thing + (1 - blob) * background + noise
        level = self.ground + blob * (MIDDLE_GREY - self.ground)
        grey: np.ndarray = np.clip(np.rint(level + SIGMA * scene), 0, 255)
        return grey.astype(np.uint8)


def make_prototypes(rng: np.random.Generator) -> np.ndarray:
    """Return the ten objects, shape ``(10, 22, 22, 4)``: a texture of mean 0 and deviation 1, and a blob from 0 to 1."""
    texture = smooth_noise(rng, (CLASSES, PROTOTYPE_SIZE, PROTOTYPE_SIZE, 3), TEXTURE_WIDTH)
    lumps = smooth_noise(rng, (CLASSES, PROTOTYPE_SIZE, PROTOTYPE_SIZE, 1), BLOB_WIDTH)
    axis = np.linspace(-1, 1, PROTOTYPE_SIZE, dtype=np.float32)
    radius = np.hypot(axis[:, None], axis[None, :])[..., None]
    # A disc whose edge the lumps push in and out; near the rim the radius dominates, so that no object is cropped square.
    blob = np.clip(0.5 + EDGE * (0.75 + 0.2 * np.clip(lumps, -1.5, 1.0) - radius), 0, 1)
    # Everything outside a prototype reads its border, so the border must be empty.
    return np.pad(np.concatenate([texture, blob], axis=-1), ((0, 0), (1, 1), (1, 1), (0, 0)))


def smooth_noise(rng: np.random.Generator, shape: tuple[int, int, int, int], width: float) -> np.ndarray:
    """Return ``shape[0]`` fields of Gaussian noise, smoothed along the two middle axes, each of mean 0 and deviation 1."""
    field = gaussian_filter(rng.standard_normal(shape, dtype=np.float32), sigma=(0, width, width, 0), mode="wrap")
    field -= field.mean(axis=(1, 2, 3), keepdims=True)
    return np.asarray(field / field.std(axis=(1, 2, 3), keepdims=True))


def _where_from(angle: np.ndarray, mirror: np.ndarray, scale: np.ndarray, shift: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the row and column of the prototype that each pixel shows, both of shape ``(n, 32, 32)``."""
    grid = np.arange(SIZE) - (SIZE - 1) / 2
    rows = grid[None, :, None] - shift[0, :, None, None]
    columns = grid[None, None, :] - shift[1, :, None, None]
    cosine, sine = ((f(angle) / scale)[:, None, None] for f in (np.cos, np.sin))
    middle = (PROTOTYPE_SIZE + 1) / 2
    return middle + cosine * rows + sine * columns, middle + mirror[:, None, None] * (cosine * columns - sine * rows)


def bilinear(sources: np.ndarray, which: np.ndarray, rows: np.ndarray, columns: np.ndarray) -> np.ndarray:
    """Sample images between pixels; points outside an image take its nearest border pixel.

    Args:
        sources: shape ``(k, height, width, channels)``.
        which: shape ``(n,)``, index of the image that each result is sampled from.
        rows, columns: shape ``(n, h, w)``, where to sample, in pixels of the source.

    Returns:
        Shape ``(n, h, w, channels)``.
    """
    height, width = sources.shape[1:3]
    rows, columns = np.clip(rows, 0, height - 1), np.clip(columns, 0, width - 1)
    top, left = np.minimum(rows.astype(int), height - 2), np.minimum(columns.astype(int), width - 2)
    down, right = (rows - top)[..., None].astype(np.float32), (columns - left)[..., None].astype(np.float32)
    image = which[:, None, None]
    upper = sources[image, top, left] * (1 - right) + sources[image, top, left + 1] * right
    lower = sources[image, top + 1, left] * (1 - right) + sources[image, top + 1, left + 1] * right
    return np.asarray(upper * (1 - down) + lower * down)
