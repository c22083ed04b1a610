"""What a table shows: one row a step or arm, with the arm's numbers and the effect that is read off it, in the units of the scores."""

from dataclasses import dataclass

import numpy as np

from ablation.designs import Arm, Design, arm_names
from ablation.study.findings import Findings
from ablation.study.measured import Measured, measured


@dataclass(frozen=True)
class Credit:
    """One feature's effect.

    The fields are those of :class:`ablation.effects.Effects`; ``seeds_needed`` are the fewest and most, ``look`` the look that decided it,
    or 0.
    """

    feature: str
    seeds: int
    effect: float
    low: float
    high: float
    p: float
    p_holm: float
    error: float
    freedom: float
    low_simultaneous: float
    high_simultaneous: float
    verdict: str
    seeds_needed: tuple[int, int]
    look: int


@dataclass(frozen=True)
class Row:
    """One line of a design's table: an arm, the effect that is read off it, or both.

    Attributes:
        step: ``"baseline"``, ``"+ mixup"``, ``"all − mixup"``; the feature, where its effect belongs to no single arm.
        measured: the arm's numbers; None where the row has no arm.
        credit: the effect; None where the row credits no feature.
        asked: seeds that the arm, or without one the effect, was to have.
    """

    step: str
    measured: Measured | None
    credit: Credit | None
    asked: int


def rows(findings: Findings, design_index: int) -> list[Row]:
    """Return the table of one design.

    First come the arms that effects are taken against (the baseline, or the arm with all features), then a row for each feature with
    the arm in which it steps in, stands alone or is left out. A feature that is credited from more than two arms has no arm of its
    own: where there is one, all arms come first and all features after them.
    """
    design = findings.designs[design_index]
    names = dict(zip(design.arms, arm_names(design, findings.features), strict=True))
    own = [own_arm(design, feature) for feature in range(len(design.features))]
    if None in own:
        own = [None] * len(own)
    asked = dict(zip(findings.arms, findings.asked.sum(axis=0).tolist(), strict=True))
    table = [Row(names[arm], measured(findings, arm), None, asked[arm]) for arm in design.arms if arm not in own]
    for feature, arm in enumerate(own):
        credit = _credit(findings, design_index, feature)
        if arm is None:
            table.append(Row(credit.feature, None, credit, int(findings.seeds_behind(design_index)[feature])))
        else:
            table.append(Row(names[arm], measured(findings, arm), credit, asked[arm]))
    return table


def own_arm(design: Design, feature: int) -> Arm | None:
    """Return the arm whose difference from its reference is the feature's effect; None where other than two arms are weighed."""
    used = [design.arms[index] for index in np.flatnonzero(design.contrasts[feature])]
    return next((arm for arm in used if len(used) == 2 and design.references.get(arm) in used), None)


def _credit(findings: Findings, design_index: int, feature: int) -> Credit:
    effects = findings.effects[design_index]
    fewest, most = effects.seeds_needed[feature].tolist()
    return Credit(
        feature=findings.designs[design_index].features[feature],
        seeds=int(effects.seeds[feature]),
        effect=float(effects.estimate[feature]),
        low=float(effects.low[feature]),
        high=float(effects.high[feature]),
        p=float(effects.p[feature]),
        p_holm=float(effects.p_holm[feature]),
        error=float(effects.error[feature]),
        freedom=float(effects.freedom[feature]),
        low_simultaneous=float(effects.low_simultaneous[feature]),
        high_simultaneous=float(effects.high_simultaneous[feature]),
        verdict=effects.verdict[feature],
        seeds_needed=(fewest, most),
        look=0 if findings.looks is None else int(findings.looks.decided[design_index][feature]),
    )
