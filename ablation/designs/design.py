"""What a design is: arms and contrasts over one ordered list of features."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np

Arm = frozenset[str]
BASELINE: Arm = frozenset()


@dataclass(frozen=True, eq=False)
class Design:
    """Arms and contrasts over one ordered list of features.

    Attributes:
        name: as the user chose it, such as ``"cumulative"``.
        features: the features credited, one for each contrast, in the order in which they are reported.
        arms: the distinct arms, in the order in which they are reported.
        contrasts: shape ``(features, arms)``; ``contrasts @ scores`` are the effects.
        references: for an arm, the arm that its own difference in score is taken against.
        meaning: what an effect is, in one sentence, for captions.
        kind: how effects are estimated: ``paired`` contrasts of few arms by a paired t test over seeds, ``balanced`` ones of many arms
            from the residual variance of each arm, those of ``independent`` runs, whose seeds no two arms share, by Welch's test.
        averages: in which games an effect is the feature's Shapley value, what it adds averaged over all orders of adding: ``always``
            (where orders are sampled, but for their choice), ``up to pairs`` where interactions stop at pairs, or None.
        orders: the orders of adding that it samples, each followed by its reverse.
        excluded: arms that the design would have, could they be built.
        reasons: why they cannot be, one for each of them; empty for arms that are merely not there.
        uncredited: features that the design cannot credit without them.
        lost: what it can no longer estimate without them, and why, in whole sentences.
        subsets: how many subsets of its features can be on together, of a design that has them all; 0 where that is every subset.
    """

    name: str
    features: tuple[str, ...]
    arms: tuple[Arm, ...]
    contrasts: np.ndarray
    references: Mapping[Arm, Arm] = field(default_factory=dict)
    meaning: str = ""
    kind: Literal["paired", "balanced", "independent"] = "paired"
    averages: Literal["always", "up to pairs"] | None = None
    orders: tuple[tuple[str, ...], ...] = ()
    excluded: tuple[Arm, ...] = ()
    reasons: tuple[str, ...] = ()
    uncredited: tuple[str, ...] = ()
    lost: tuple[str, ...] = ()
    subsets: int = 0

    @property
    def assumes_pairs(self) -> bool:
        """Whether an effect is what the design means by it only where interactions stop at pairs: not with all subsets to average over."""
        return self.averages == "up to pairs" and not self.is_complete

    @property
    def is_complete(self) -> bool:
        """Whether every subset of the features that can be on together is an arm."""
        return len(self.arms) == (self.subsets or 2 ** len(self.known))

    @property
    def known(self) -> tuple[str, ...]:
        """The features credited, and after them the others that its arms have."""
        return (*self.features, *sorted(frozenset().union(*self.arms) - set(self.features)))


def of_differences(
    name: str, features: Sequence[str], differences: Sequence[tuple[Arm, Arm]], references: Mapping[Arm, Arm], meaning: str
) -> Design:
    """Build a design whose effects are plain differences ``with − without``, one pair of arms a feature."""
    arms = tuple(dict.fromkeys(arm for pair in references.items() for arm in reversed(pair)))
    contrasts = np.zeros((len(features), len(arms)))
    for row, (plus, minus) in enumerate(differences):
        contrasts[row, arms.index(plus)] += 1
        contrasts[row, arms.index(minus)] -= 1
    return Design(name, tuple(features), arms, contrasts, references, meaning)


def union(designs: Sequence[Design]) -> tuple[Arm, ...]:
    """Return the distinct arms of several designs, in the order in which they first appear."""
    return tuple(dict.fromkeys(arm for design in designs for arm in design.arms))
