"""Noise: how much of an arm's spread comes from seeds, and how much from the finite validation set."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Noise:
    """Two sources of noise apart, as standard deviations of the score of one run.

    Attributes:
        seeds: from the seed alone, on the same images; NaN with fewer than two seeds.
        validation: from the choice of validation images alone, which no number of seeds on the same images averages out.
        images: how many validation images there are.
    """

    seeds: float
    validation: float
    images: int


def noise(correct: np.ndarray, finished: np.ndarray, same_images: bool) -> Noise:
    """Take the two sources apart, by components of variance over seeds and images, pooled over arms.

    On the same images for every seed, a run's score is an average over images of what an image's difficulty and the seed make of it.
    The images' part is ``Var(difficulty) / images``, where the variance between the images' shares of seeds that get them right is freed of
    the noise that few seeds leave in it. Where each seed has images of its own, the images' part is the binomial variance, and the seeds'
    what is left of the variance between scores.

    Args:
        correct: which validation image each run gets right, shape ``(seeds, arms, images)``, boolean.
        finished: which runs there are, shape ``(seeds, arms)``, boolean; the others' images do not count.
        same_images: whether every seed has the same validation images.
    """
    images = correct.shape[2]
    between, from_images = [], []
    for arm in range(correct.shape[1]):
        right = correct[finished[:, arm], arm].astype(float)
        count = len(right)
        if not count:
            continue
        scores, share = right.mean(axis=1), right.mean(axis=0)
        if count > 1:
            between.append(float(scores.var(ddof=1)))
        if same_images and count > 1:
            left = share * (1 - share) / (count - 1)
            from_images.append(float(share.var(ddof=1) - left.mean()) / images)
        else:
            from_images.append(float((scores * (1 - scores)).mean()) / (images - 1))
    validation = max(float(np.mean(from_images)), 0.0) if from_images else float("nan")
    seeds = float(np.mean(between)) if between else float("nan")
    if not same_images:
        seeds = max(seeds - validation, 0.0) if between else seeds
    return Noise(float(np.sqrt(seeds)), float(np.sqrt(validation)), images)
