"""Detectable effects: how small an effect a design with so many seeds can be expected to find."""

import numpy as np
from scipy.special import nctdtr, stdtrit

from ablation.designs import Design
from ablation.effects.estimate import contrast_moments
from ablation.effects.verdicts import ALPHA, FEWEST_SEEDS

POWER = 0.80

MOST_STUDIES, FEWEST_STUDIES, MOST_SCORES, SEED = 2_000, 200, 4_000_000, 1988
"""How many studies are made up for a balanced design, as many scores as they may have together, and from which seed."""


def detectable(design: Design, seeds: int) -> float:
    """Return the smallest effect that is found to help or hurt in 80 % of studies, in units of σ; NaN where there can be no verdict.

    σ is the standard deviation of one run beside what its seed does to all arms. The level is the first of Holm's, ``0.05 / features``, and
    the effect that of the feature which the design estimates least well. Paired contrasts follow the noncentral t distribution. The rule of
    balanced designs has no such formula, so studies without effects are made up; an effect moves their estimates and nothing else.

    Args:
        design: whose contrasts are tested.
        seeds: runs of each arm.
    """
    if seeds < FEWEST_SEEDS or not design.features:
        return float("nan")
    level = ALPHA / len(design.features)
    if design.kind == "paired":
        error = np.sqrt((design.contrasts**2).sum(axis=1).max() / seeds)
        freedom, critical = seeds - 1, stdtrit(seeds - 1, 1 - level / 2)
        from scipy.optimize import brentq  # a third of a second of import

        return float(error * brentq(lambda shift: nctdtr(freedom, shift, critical) - (1 - POWER), 0, 2 * critical + 3))
    runs = seeds * len(design.arms)
    studies = int(np.clip(MOST_SCORES // runs, FEWEST_STUDIES, MOST_STUDIES))
    scores = np.random.default_rng(SEED).normal(size=(studies, seeds, len(design.arms)))
    moments = contrast_moments(design.kind, scores, design.contrasts)
    return float(np.quantile(moments.half_width(1 - level) - moments.estimate, POWER, axis=0).max())
