"""The designs that are simulated."""

from collections.abc import Callable

from ablation.designs import Design, bookends, cumulative, factorial, fractional, leave_one_out, pairs, shapley

SEVEN = tuple("abcdefg")

DESIGNS: dict[str, Callable[[], Design]] = {
    "cumulative": lambda: cumulative(SEVEN),
    "leave_one_out": lambda: leave_one_out(SEVEN),
    "bookends": lambda: bookends(SEVEN),
    "fractional": lambda: fractional(SEVEN),
    "pairs": lambda: pairs(SEVEN),
    "shapley, 10 orders": lambda: shapley(SEVEN, 10),
    "factorial, 4 features": lambda: factorial(SEVEN[:4]),
    "shapley, exact": lambda: shapley(SEVEN),
    "factorial": lambda: factorial(SEVEN),
}

LARGE = 60
"""Designs of more arms are simulated with a fifth of the studies."""


def count(design: Design, studies: int) -> int:
    """Return how many studies of a design are made up where others have so many."""
    return studies if len(design.arms) <= LARGE else studies // 5
