"""Noise: how much of an arm's spread comes from seeds, how much from the finite validation set, and how much from both at once."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Noise:
    """Components of the variance of one run's score, as standard deviations.

    Attributes:
        seed: from the seed, whatever the images; only more seeds average it out. NaN with fewer than two seeds.
        seed_by_image: from which of the images the network of one seed gets right and that of another does not; more seeds and more
            images average it out. None where every seed has images of its own, or there is only one: then ``image`` holds it.
        image: from how difficult the images are for the networks of every seed; only more images average it out, unless every seed has
            images of its own.
        images: how many validation images there are.
    """

    seed: float
    seed_by_image: float | None
    image: float
    images: int

    @property
    def binomial(self) -> float:
        """What the choice of images does to the score of one run: √(accuracy · (1 − accuracy) / images), pooled over runs."""
        return float(np.hypot(self.seed_by_image or 0.0, self.image))

    @property
    def narrower(self) -> float:
        """By which share endless images would narrow an interval for an arm's score, where all seeds share their images."""
        covered = float(np.hypot(self.seed, self.seed_by_image or 0.0))
        return 1 - self.seed / covered if covered else 0.0


def noise(correct: np.ndarray, finished: np.ndarray, same_images: bool) -> Noise:
    """Take the sources apart, by components of variance over seeds and images, pooled over arms.

    On the same images for every seed, whether a network is right about an image is a mean plus a part of the seed, a part of the image and
    the rest, seed × image, and the expected mean squares of this two-way table give the three (Searle, Casella and McCulloch 1992,
    "Variance Components", section 4.3). Where each seed has images of its own, the images' part is the binomial variance, and the seed's
    what is left of the variance between scores.

    Args:
        correct: which validation image each run gets right, shape ``(seeds, arms, images)``, boolean.
        finished: which runs there are, shape ``(seeds, arms)``, boolean; the others' images do not count.
        same_images: whether every seed has the same validation images.
    """
    images = correct.shape[2]
    arms = [correct[finished[:, arm], arm].astype(float) for arm in range(correct.shape[1])]
    repeated = [right for right in arms if len(right) > 1]
    if same_images and repeated:
        seed, rest, image = np.mean([_crossed(right) for right in repeated], axis=0)
        return Noise(_deviation(seed), _deviation(rest), _deviation(image), images)
    binomial = float(np.mean([np.mean([score * (1 - score) for score in right.mean(axis=1)]) for right in arms if len(right)])) / (
        images - 1
    )
    between = float(np.mean([right.mean(axis=1).var(ddof=1) for right in repeated])) if repeated else float("nan")
    return Noise(_deviation(between - binomial), None, _deviation(binomial), images)


def _crossed(right: np.ndarray) -> tuple[float, float, float]:
    """Return the variances that seed, seed × image and image give the score of a run, from a table of ``(seeds, images)``."""
    seeds, images = right.shape
    by_seed, by_image = right.mean(axis=1, keepdims=True), right.mean(axis=0, keepdims=True)
    rest = float(((right - by_seed - by_image + right.mean()) ** 2).sum()) / ((seeds - 1) * (images - 1))
    seed = float(by_seed.var(ddof=1)) - rest / images
    image = float(by_image.var(ddof=1)) - rest / seeds
    return seed, rest / images, image / images


def _deviation(variance: float) -> float:
    return float(np.sqrt(variance if np.isnan(variance) else max(variance, 0.0)))


def about(found: Noise) -> tuple[str, ...]:
    """Say what spreads the score of a run, and what would shrink each part, in whole sentences."""
    images, binomial = f"{found.images:,} validation images", f"{100 * found.binomial:.2f} points, as the binomial formula says"
    if np.isnan(found.seed):
        return (
            f"The choice of {images} spreads the score of a run by {binomial} (standard deviation); one seed does not show what seeds do.",
        )
    if found.seed_by_image is None:
        return (
            f"The seed spreads the score of a run by {100 * found.seed:.2f} points (standard deviation), and the choice of {images}, which "
            f"is another one with each seed, by {binomial}. Intervals cover both: more seeds average out both, more validation images only "
            "the second.",
        )
    return (
        f"Three things spread the score of a run (standard deviations): the seed, by {100 * found.seed:.2f} points, which only more seeds "
        f"average out; which of the {images} the network of one seed gets right and that of another does not, by "
        f"{100 * found.seed_by_image:.2f}, which more seeds or more images average out; and how difficult these images are for every seed, "
        f"by {100 * found.image:.2f}, which only more images average out.",
        f"Intervals cover the first two, and more validation images narrow them: with endless ones they would be {found.narrower:.0%} "
        f"narrower. The last two together make {binomial} of the choice of images for one run.",
    )
