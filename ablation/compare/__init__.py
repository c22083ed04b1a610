"""Two finished studies beside each other: effects, their differences, and which verdicts changed."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import zip_longest

import numpy as np

from ablation.effects import ALPHA, CONFIDENCE, moments_of, paired_difference, unpaired_difference
from ablation.errors import InputError
from ablation.study.findings import Findings
from ablation.study.metric import Metric
from ablation.wording import listed


@dataclass(frozen=True, eq=False)
class Compared:
    """One design that both studies have. Arrays have shape ``(features,)`` and the units of the scores.

    Attributes:
        design: its name.
        features: those that it credits in both studies, in the order of the first.
        rows: where each feature stands among the effects of the first and of the second study, shape ``(features, 2)``.
        indices: of the design in the first and in the second study.
        difference: the second study's effect less the first's; NaN where one cannot be estimated.
        low, high: its 95 % interval; NaN where there are too few seeds.
        p_holm: two-sided p-value against no difference, adjusted over the features by Holm's method.
        paired: whether differences were taken seed by seed.
        among: the features whose effect is read off other arms in one study than in the other.
    """

    design: str
    features: tuple[str, ...]
    rows: tuple[tuple[int, int], ...]
    indices: tuple[int, int]
    difference: np.ndarray
    low: np.ndarray
    high: np.ndarray
    p_holm: np.ndarray
    paired: bool
    among: tuple[str, ...]

    @property
    def differs(self) -> np.ndarray:
        """Whether each difference is beyond noise, p < 0.05 after Holm's adjustment."""
        return self.p_holm < ALPHA


@dataclass(frozen=True, eq=False)
class Comparison:
    """Two studies and what they have in common.

    Attributes:
        first, second: what they found.
        designs: those that both have.
        why: why differences are paired by seed, or why they are not, in a sentence.
    """

    first: Findings
    second: Findings
    designs: tuple[Compared, ...]
    why: str

    def only(self) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Return the features that only the first and that only the second study has."""
        one, two = self.first.features, self.second.features
        return tuple(each for each in one if each not in two), tuple(each for each in two if each not in one)


def compare(first: Findings, second: Findings) -> Comparison:
    """Compare two finished studies, design by design.

    Raises:
        InputError: if one is not finished, their scores are not of the same metric, or they share no design or no feature.
    """
    for findings in (first, second):
        if findings.unfinished:
            raise InputError(f"the study '{findings.name}' has not come to its end; expected two finished studies")
    one, two = first.metric, second.metric
    if (one.key, one.scale, one.higher_is_better) != (two.key, two.scale, two.higher_is_better):
        scored = f"'{first.name}' scores {_scored(one)} and '{second.name}' {_scored(two)}"
        raise InputError(f"{scored}; expected two studies with the same metric")
    paired, why = _pairing(first, second)
    names = [design.name for design in second.designs]
    pairs = [(index, names.index(design.name)) for index, design in enumerate(first.designs) if design.name in names]
    if not pairs:
        has = f"'{first.name}' has {listed([each.name for each in first.designs], 'and')}"
        raise InputError(f"{has}, '{second.name}' has {listed(names, 'and')}; expected two studies that share a design")
    found = tuple(each for pair in pairs if (each := _compared(first, second, pair, paired)).features)
    if not found:
        raise InputError(f"'{first.name}' and '{second.name}' credit no feature of the same name; expected two studies that share features")
    return Comparison(first, second, found, why)


def _scored(metric: Metric) -> str:
    """Name all of a metric that two studies must have in common."""
    return f"{metric.name} ({'higher' if metric.higher_is_better else 'lower'} is better, shown × {metric.scale:g})"


def _pairing(first: Findings, second: Findings) -> tuple[bool, str]:
    """Say whether a seed means the same in both studies, so that differences may be taken seed by seed, and why."""
    reason = ""
    if first.independent or second.independent:
        reason = "in at least one study arms share no seeds"
    elif first.description != second.description:
        reason = "the scores are of different things, so a seed draws other things in each"
    elif first.protocol != second.protocol:
        reason = f"scores come about in different ways (A: {first.protocol.rstrip('.')}; B: {second.protocol.rstrip('.')})"
    elif first.seeds != second.seeds:
        reason = "the studies have different seeds"
    elif first.looks or second.looks:
        reason = "a study that stops itself gives its arms different numbers of seeds"
    elif first.missing or second.missing:
        reason = "runs are missing"
    if reason:
        return False, f"Differences are not paired (Welch): {reason}."
    return True, "Differences are paired by seed: both studies have the same seeds, and their scores are of the same thing."


def differing(first: Findings, second: Findings) -> Iterator[tuple[str, str]]:
    """Walk the sentences on how runs are made that are in one study and not in the other, those of the first beside those of the second."""
    one, two = first.methods, second.methods
    yield from zip_longest([each for each in one if each not in two], [each for each in two if each not in one], fillvalue="")


def _compared(first: Findings, second: Findings, indices: tuple[int, int], paired: bool) -> Compared:
    designs = first.designs[indices[0]], second.designs[indices[1]]
    one, two = first.effects[indices[0]], second.effects[indices[1]]
    features = tuple(feature for feature in designs[0].features if feature in designs[1].features)
    rows = tuple((designs[0].features.index(each), designs[1].features.index(each)) for each in features)
    left, right = [row for row, _ in rows], [row for _, row in rows]
    if paired:
        moments = paired_difference(one.per_seed[:, left], two.per_seed[:, right])
    else:
        apart = [moments_of(each, design.kind) for each, design in zip((one, two), designs, strict=True)]
        moments = unpaired_difference(apart[0].of(left), apart[1].of(right))
    half = moments.half_width(CONFIDENCE)
    used = [
        [frozenset(design.arms[arm] for arm in np.flatnonzero(design.contrasts[row])) for row in own]
        for design, own in zip(designs, (left, right), strict=True)
    ]
    return Compared(
        design=designs[0].name,
        features=features,
        rows=rows,
        indices=indices,
        difference=moments.estimate,
        low=moments.estimate - half,
        high=moments.estimate + half,
        p_holm=moments.p_holm,
        paired=paired,
        among=tuple(feature for feature, a, b in zip(features, *used, strict=True) if a != b),
    )
