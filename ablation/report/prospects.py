"""Prospects: how small an effect a study can be expected to find, before it is run."""

from collections.abc import Sequence

from ablation.designs import Design, fractional
from ablation.designs.fractional import GENERATORS
from ablation.effects import FEWEST_SEEDS, detectable
from ablation.study.metric import Metric
from ablation.wording import listed

SPREADS = (1.0, 2.0, 4.0)
"""Standard deviations of runs, as people read them, for which a plan answers where no finished run says what they are."""


def prospects(designs: Sequence[Design], seeds: int, spread: float | None, metric: Metric) -> list[str]:
    """Say how small an effect designs find with 80 % power, and beside a cumulative path what a fraction would cost and find.

    Args:
        designs: of the study.
        seeds: runs of each arm.
        spread: standard deviation of a run beside what its arm and its seed do, in the units of the scores; None where it is not known.
        metric: what a score is.
    """
    spreads = SPREADS if spread is None else (metric.shown(spread),)
    credited = [design for design in designs if design.features]
    if seeds < FEWEST_SEEDS or not credited:
        return []

    def smallest(design: Design) -> str:
        size = detectable(design, seeds)
        return metric.with_difference(listed([f"{size * each:.2g}" for each in spreads], "or"))

    found = [f"{design.name} {smallest(design)}" for design in credited]
    for design in credited:
        # A path that lacks an arm has features that exclude each other, and so would a fraction.
        whole = design.name == "cumulative" and frozenset(design.features) in design.arms
        if whole and "fractional" not in [each.name for each in designs] and len(design.features) in GENERATORS:
            other = fractional(design.features)
            runs = f"{len(other.arms) * seeds} runs instead of {len(design.arms) * seeds}"
            found.append(f"features=fractional, with {runs}, {smallest(other)}")
    given = metric.with_difference(listed([f"{each:.2g}" for each in spreads], "or"))
    so_far = ", as the finished runs do," if spread is not None else ""
    return [
        f"The smallest effects that 80 % of such studies find to help or hurt, with {seeds} seeds and where runs vary by {given}{so_far} "
        f"beside what a seed does to all arms (standard deviation): {'; '.join(found)}."
    ]
