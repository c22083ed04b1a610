"""Lack of fit: whether main effects and pairs tell the whole story of a design's arms."""

from dataclasses import dataclass


@dataclass(frozen=True)
class LackOfFit:
    """A test of all that features do in threes and more, as far as the arms to spare show it.

    Attributes:
        statistic: near 1 where main effects and pairs suffice.
        p: probability of a statistic at least as large if they do.
        freedom: numerator and denominator degrees of freedom of its F distribution.
        terms: the three-way terms that it sees.
        hidden: how many three-way terms it cannot see, for they are aliased with main effects.
    """

    statistic: float
    p: float
    freedom: tuple[float, float]
    terms: tuple[tuple[str, str, str], ...]
    hidden: int
