"""Seeds needed: how often the range that an unresolved effect states holds the seeds that truly resolve it."""

from dataclasses import dataclass

import numpy as np

from ablation.designs import Design
from ablation.effects import ALPHA, CONFIDENCE, MOST_SEEDS, contrast_moments, detectable, seeds_to_resolve

from .designs import DESIGNS
from .situations import equal, only_adding, scores
from .tables import Lines, percent, table


@dataclass(frozen=True)
class Needed:
    """Of studies that leave the one effect unresolved: shares that state a range, one that holds the truth, and "more than 100"."""

    unresolved: float
    stated: float
    holds: float
    fewest: float
    most: float
    beyond: float


def truly(design: Design, effect: float) -> int:
    """Return the fewest seeds that find an effect with 80 % power at Holm's first level; more than ``MOST_SEEDS`` where none do."""
    if not effect:
        return MOST_SEEDS + 1
    low, high = 3, MOST_SEEDS + 1
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if detectable(design, middle) <= effect else (middle + 1, high)
    return low


def needed(design: Design, seeds: int, effect: float, true: int, studies: int, rng: np.random.Generator) -> Needed:
    """Simulate studies in which one feature, in the middle, has an effect; none is too small to be of interest."""
    row = len(design.features) // 2
    effects = [0.0] * len(design.features)
    effects[row] = effect
    made = scores(design, seeds, equal(design), only_adding(design, effects), studies, rng)
    moments = contrast_moments(design.kind, made, design.contrasts)
    size, p = np.abs(moments.estimate[:, row]), moments.p
    left = np.flatnonzero((size <= moments.half_width(CONFIDENCE)[:, row]) & (moments.p_holm[:, row] >= ALPHA))
    levels = ALPHA / (p >= p[:, [row]]).sum(axis=1)
    ranges = np.array(
        [
            seeds_to_resolve(float(size[study]), float(moments.error[study, row]), float(moments.freedom[study, row]), seeds, 0.0, level)
            for study, level in zip(left, levels[left].tolist(), strict=True)
        ]
    ).reshape(-1, 2)
    beyond = ranges[:, 0] > MOST_SEEDS
    stated = ranges[(ranges[:, 1] > 0) & ~beyond]
    holds = ((stated[:, 0] <= true) & (true <= stated[:, 1])).mean() if len(stated) else np.nan
    fewest, most = np.median(stated, axis=0) if len(stated) else (np.nan, np.nan)
    total = max(len(left), 1)
    return Needed(len(left) / studies, len(stated) / total, float(holds), float(fewest), float(most), float(beyond.sum() / total))


def show_seeds_needed(studies: int, rng: np.random.Generator) -> None:
    def lines() -> Lines:
        for name in ("cumulative", "fractional"):
            design = DESIGNS[name]()
            for seeds in (3, 5, 10, 20):
                for effect in (0.0, 0.25, 0.5, 1.0, 2.0) if name == "fractional" else (0.0, 0.5, 1.0, 2.0, 3.0):
                    true = truly(design, effect)
                    each = needed(design, seeds, effect, true, studies // 5, rng)
                    if each.unresolved < 0.02:
                        continue
                    known = each.stated > 0
                    yield (
                        *(name, str(seeds), f"{effect:g} σ", str(true) if true <= MOST_SEEDS else "more than 100"),
                        *(percent(each.unresolved, 0), percent(each.stated, 0), percent(each.holds, 0) if known else ""),
                        *(f"{each.fewest:.0f} to {each.most:.0f}" if known else "", percent(each.beyond, 0)),
                    )

    heads = ("design", "seeds", "true effect", "true seeds", "unresolved", "state a range", "it holds", "median range", "more than 100")
    table("Ranges of seeds, of studies that leave the one effect unresolved:", heads, lines())
