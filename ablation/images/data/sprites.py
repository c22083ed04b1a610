"""Sprites: ten named shapes in endless poses, so that a study runs without files or downloads.

An image is a disc, a ring, a crescent, …, painted in the way of its class, rotated, flipped or not, scaled, shifted, with a brightness and
a tint of its own, on a smooth random background, with pixel noise. With few training images a network overfits, as the base network
of the article does, and every technique has room to help.
"""

from dataclasses import dataclass, fields

import numpy as np
from scipy.ndimage import gaussian_filter

from ablation.checks import number, whole
from ablation.images.data.dataset import Dataset, Images

# Raised whenever the code below would draw different images from the same parameters.
VERSION = 2

SIZE = 24
PROTOTYPE_SIZE = 16
SAMPLES = 8
"""Points along each side of a prototype's pixel: the share of them inside the shape is its opacity."""
SIGMA = 70.0
TEXTURE_WIDTH, BACKGROUND_WIDTH = 2.5, 4.0
"""Standard deviations, in pixels, of the Gaussians that smooth noise."""

COLOURS = {
    "disc": (0.9, 0.4, -0.9),
    "ring": (-0.9, 0.6, 0.6),
    "crescent": (0.3, 0.3, 0.9),
    "square": (-0.6, -0.3, 1.0),
    "triangle": (-0.7, 0.9, -0.6),
    "house": (0.6, 0.0, -0.6),
    "arrow": (-0.2, 0.9, 0.9),
    "cross": (0.9, 0.9, 0.9),
    "star": (0.9, 0.8, -0.7),
    "heart": (1.0, -0.6, -0.3),
}
"""The classes, and what red, green and blue the usual colour of each adds to the brightness of an object, in units of ``hue``."""

# Each part has its own random stream, so that the size of one does not change the images of another.
TEXTURE_STREAM, TRAIN_STREAM, VALIDATION_STREAM, TEST_STREAM = range(4)
BLOCK = 1000


@dataclass(frozen=True)
class Sprites:
    """Synthetic 24 x 24 colour images of ten classes, balanced as far as the counts allow.

    Attributes:
        train, validation, test: number of images in each part.
        rotation: largest angle either way, in degrees.
        flip: probability of a horizontal flip.
        scale_min, scale_max: range of the scale.
        shift: largest shift along each axis, either way, in pixels.
        ground: mean grey level of the background, from 0 to 255.
        contrast_min, contrast_max: range of how much brighter an object is, in units of 70 grey levels, as are the next four.
        hue: how far the usual colours of the classes are from grey.
        texture: standard deviation, about its usual colour, of the smooth texture that all objects of a class share.
        tint: standard deviation of an object's colour about the usual one.
        background: standard deviation of the background.
        noise: standard deviation of the pixel noise.
        seed: of the textures and of every image; not the seed of a run.

    Raises:
        InputError: if a parameter is outside its range.
    """

    train: int = 208
    validation: int = 2000
    test: int = 1000
    rotation: float = 20.0
    flip: float = 0.5
    scale_min: float = 0.8
    scale_max: float = 1.2
    shift: float = 3.0
    ground: float = 75.0
    contrast_min: float = 0.7
    contrast_max: float = 1.0
    hue: float = 0.8
    texture: float = 1.0
    tint: float = 0.3
    background: float = 0.3
    noise: float = 0.4
    seed: int = 0

    def __post_init__(self) -> None:
        for name in ("train", "validation", "test"):
            whole(f"data.{name}", getattr(self, name), len(COLOURS))
        whole("data.seed", self.seed, 0)
        number("data.ground", self.ground, at_least=0, at_most=255)
        number("data.flip", self.flip, at_least=0, at_most=1)
        number("data.scale_min", self.scale_min, above=0)
        number("data.scale_max", self.scale_max, at_least=self.scale_min)
        number("data.contrast_min", self.contrast_min, at_least=0)
        number("data.contrast_max", self.contrast_max, at_least=self.contrast_min)
        for name in ("rotation", "shift", "hue", "texture", "tint", "background", "noise"):
            number(f"data.{name}", getattr(self, name), at_least=0)

    @property
    def description(self) -> str:
        return "sprites (synthetic)"

    def identity(self) -> str:
        # ':.15g' writes 20 and 20.0 alike, for they make the same images.
        return f"sprites {VERSION}: " + ", ".join(f"{each.name}={getattr(self, each.name):.15g}" for each in fields(self))

    def load(self) -> Dataset:
        shapes = self._prototypes()
        return Dataset(
            train=self._part(self.train, shapes, TRAIN_STREAM),
            test=self._part(self.test, shapes, TEST_STREAM),
            classes=tuple(COLOURS),
            validation=self._part(self.validation, shapes, VALIDATION_STREAM),
        )

    def _prototypes(self) -> np.ndarray:
        """Return the ten objects, shape ``(10, 18, 18, 4)``: red, green and blue in units of 70 grey levels, and opacity from 0 to 1."""
        shape = (len(COLOURS), PROTOTYPE_SIZE, PROTOTYPE_SIZE, 3)
        texture = smooth_noise(np.random.default_rng([self.seed, TEXTURE_STREAM]), shape, TEXTURE_WIDTH)
        usual = np.array(list(COLOURS.values()), dtype=np.float32)[:, None, None, :]
        # Everything outside a prototype reads its border, so the border must be empty.
        around = ((0, 0), (1, 1), (1, 1), (0, 0))
        return np.concatenate(
            [np.pad(self.hue * usual + self.texture * texture, around, mode="edge"), np.pad(silhouettes(), around)], axis=-1
        )

    def _part(self, count: int, shapes: np.ndarray, stream: int) -> Images:
        rng = np.random.default_rng([self.seed, stream])
        labels = rng.permutation(np.arange(count, dtype=np.int64) % len(shapes))
        blocks = [self._draw(labels[start : start + BLOCK], shapes, rng) for start in range(0, count, BLOCK)]
        return Images(np.concatenate(blocks), labels)

    def _draw(self, labels: np.ndarray, shapes: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Draw one image for each label, shape ``(n, 24, 24, 3)`` uint8."""
        count = len(labels)
        angle = np.deg2rad(rng.uniform(-self.rotation, self.rotation, count))
        mirror = np.where(rng.random(count) < self.flip, -1.0, 1.0)
        scale = rng.uniform(self.scale_min, self.scale_max, count)
        shift = rng.uniform(-self.shift, self.shift, (2, count))
        contrast = rng.uniform(self.contrast_min, self.contrast_max, count).astype(np.float32)
        tint = self.tint * rng.standard_normal((count, 3), dtype=np.float32)
        background = self.background * smooth_noise(rng, (count, SIZE, SIZE, 3), BACKGROUND_WIDTH)
        noise = self.noise * rng.standard_normal((count, SIZE, SIZE, 3), dtype=np.float32)

        warped = bilinear(shapes, labels, *_where_from(angle, mirror, scale, shift))
        colour, opacity = warped[..., :3] + (contrast[:, None] + tint)[:, None, None, :], warped[..., 3:]
        scene = opacity * colour + (1 - opacity) * background + noise
        grey: np.ndarray = np.clip(np.rint(self.ground + SIGMA * scene), 0, 255)
        return grey.astype(np.uint8)


def silhouettes() -> np.ndarray:
    """Return the opacity of the ten shapes, from 0 to 1, in the order of ``COLOURS``, shape ``(10, 16, 16, 1)``."""
    axis = (np.arange(PROTOTYPE_SIZE * SAMPLES) + 0.5) / (PROTOTYPE_SIZE * SAMPLES) * 2 - 1
    y, x = np.meshgrid(-axis, axis, indexing="ij")
    radius = np.hypot(x, y)
    shapes = {
        "disc": radius < 0.82,
        "ring": (radius > 0.5) & (radius < 0.9),
        "crescent": (radius < 0.92) & (np.hypot(x - 0.42, y) > 0.68),
        "square": np.maximum(abs(x), abs(y)) < 0.72,
        "triangle": inside(x, y, (-0.92, -0.75), (0.92, -0.75), (0, 0.9)),
        "house": inside(x, y, (-0.7, -0.85), (0.7, -0.85), (0.7, 0.05), (0.92, 0.05), (0, 0.95), (-0.92, 0.05), (-0.7, 0.05)),
        "arrow": inside(x, y, (-0.28, -0.92), (0.28, -0.92), (0.28, 0.05), (0.8, 0.05), (0, 0.95), (-0.8, 0.05), (-0.28, 0.05)),
        "cross": (np.minimum(abs(x), abs(y)) < 0.3) & (np.maximum(abs(x), abs(y)) < 0.9),
        "star": inside(x, y, *_star()),
        "heart": ((1.25 * x) ** 2 + (1.2 * y + 0.1) ** 2 - 1) ** 3 < (1.25 * x) ** 2 * (1.2 * y + 0.1) ** 3,
    }
    fine = np.stack([shapes[name] for name in COLOURS]).astype(np.float32)
    return fine.reshape(len(COLOURS), PROTOTYPE_SIZE, SAMPLES, PROTOTYPE_SIZE, SAMPLES).mean(axis=(2, 4))[..., None]


def inside(x: np.ndarray, y: np.ndarray, *corners: tuple[float, float]) -> np.ndarray:
    """Return whether points lie in a polygon, by the even-odd rule, in the shape of ``x`` and ``y``."""
    crossings = np.zeros(x.shape, dtype=int)
    for (x1, y1), (x2, y2) in zip(corners, corners[1:] + corners[:1], strict=True):
        if y1 != y2:
            crossings += ((y1 > y) != (y2 > y)) & (x < (x2 - x1) * (y - y1) / (y2 - y1) + x1)
    return crossings % 2 == 1


def _star() -> list[tuple[float, float]]:
    """Return the corners of a star of five points, one of them upwards."""
    turns = np.pi / 2 + np.arange(10) * np.pi / 5
    reach = np.where(np.arange(10) % 2 == 0, 1.0, 0.42)
    return list(zip(reach * np.cos(turns), reach * np.sin(turns), strict=True))


def smooth_noise(rng: np.random.Generator, shape: tuple[int, int, int, int], width: float) -> np.ndarray:
    """Return ``shape[0]`` fields of Gaussian noise, smoothed along the two middle axes, each of mean 0 and deviation 1."""
    field = gaussian_filter(rng.standard_normal(shape, dtype=np.float32), sigma=(0, width, width, 0), mode="wrap")
    field -= field.mean(axis=(1, 2, 3), keepdims=True)
    return np.asarray(field / field.std(axis=(1, 2, 3), keepdims=True))


def _where_from(angle: np.ndarray, mirror: np.ndarray, scale: np.ndarray, shift: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the row and column of the prototype that each pixel shows, both of shape ``(n, SIZE, SIZE)``."""
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
