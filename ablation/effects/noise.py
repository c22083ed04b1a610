"""Noise: how much of an arm's spread comes from seeds, and how much from the finite validation set."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Noise:
    """Two sources of noise apart, as standard deviations of the score of one run.

    Attributes:
        seeds: from the seed alone, on the same images.
        validation: from the choice of validation images alone, averaged over seeds.
        images: how many validation images there are.
    """

    seeds: float
    validation: float
    images: int
