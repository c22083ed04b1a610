"""What a study that stops itself can be expected to cost: many made-up studies, look by look."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ablation.designs import Arm, Design, union
from ablation.effects.estimate import contrast_moments
from ablation.effects.looks import nominal_levels, rejected
from ablation.effects.sequential import tested_p
from ablation.effects.verdicts import ALPHA

STUDIES, SCORES = 1000, 150_000
"""Made-up studies, and at most so many scores in all."""


@dataclass(frozen=True, eq=False)
class Followed:
    """What many studies came to that stopped themselves.

    Attributes:
        claimed: for each design the sign of each effect that was claimed, 0 for the others, ``(studies, features)``.
        seeds: of each arm, ``(studies, arms)``.
    """

    claimed: tuple[np.ndarray, ...]
    seeds: np.ndarray


def followed(designs: Sequence[Design], arms: Sequence[Arm], looks: Sequence[int], scores: np.ndarray) -> Followed:
    """Let many studies stop themselves: an arm gets more seeds while an effect needs it that no look has rejected.

    Args:
        designs: whose effects are tested, each design's as a family.
        arms: all arms.
        looks: seeds at each look.
        scores: all that could be made, ``(studies, seeds, arms)``.
    """
    fractions = tuple(count / looks[-1] for count in looks)
    claimed = tuple(np.zeros((len(scores), len(design.features))) for design in designs)
    seeds = np.full((len(scores), len(arms)), looks[0])
    for index, count in enumerate(looks):
        for design, signs in zip(designs, claimed, strict=True):
            place = [arms.index(arm) for arm in design.arms]
            open_ = signs == 0
            seeds[:, place] = np.where(open_.astype(float) @ needs(design) > 0, count, seeds[:, place])
            levels = np.array([nominal_levels(fractions, ALPHA / m)[index] for m in range(1, len(design.features) + 1)])
            moments = contrast_moments(design.kind, scores[:, :count, place], design.contrasts)
            now = rejected(tested_p(moments, moments.p), open_, open_.sum(axis=1), levels)
            signs[now] = np.sign(moments.estimate[now])
    return Followed(claimed, seeds)


def needs(design: Design) -> np.ndarray:
    """Return which arms each effect needs, ``(features, arms)``: those that it weighs, or all arms of a balanced design."""
    return np.ones(design.contrasts.shape, dtype=bool) if design.kind == "balanced" else np.nan_to_num(design.contrasts) != 0


def expected_runs(designs: Sequence[Design], looks: Sequence[int], effect: float, rng: np.random.Generator) -> float:
    """Return the mean number of runs where every feature adds the same and nothing interacts.

    Args:
        designs, looks: see :func:`followed`; a design that credits nothing only adds its arms.
        effect: of each feature, in standard deviations of one run.
        rng: draws the scores.
    """
    arms = union(designs)
    size = len(arms) * looks[-1]
    studies = int(np.clip(SCORES // size, 50, STUDIES))
    means = effect * np.array([len(arm) for arm in arms])
    scores = means + rng.normal(size=(studies, looks[-1], len(arms)))
    seeds = followed([design for design in designs if design.features], arms, looks, scores).seeds
    return float(seeds.sum(axis=1).mean())
