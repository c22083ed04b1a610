"""Cumulative: the features are added one at a time."""

from collections.abc import Sequence

from ablation.designs.design import Design, of_differences


def cumulative(features: Sequence[str]) -> Design:
    """Add the features one at a time, in order; credit each with the step it makes.

    This is the design of the article that the project starts from. Effects sum to full minus baseline, and depend on the order.
    """
    path = [frozenset(features[:count]) for count in range(len(features) + 1)]
    steps = list(zip(path[1:], path[:-1], strict=True))
    meaning = "Each feature is added to those before it; its effect is the step that it makes, and depends on the order."
    return of_differences("cumulative", features, steps, dict(steps), meaning)
