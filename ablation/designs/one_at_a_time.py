"""One at a time: each feature is added to the baseline."""

from collections.abc import Sequence

from ablation.designs.design import BASELINE, Design, of_differences


def one_at_a_time(features: Sequence[str]) -> Design:
    """Credit each feature with what it adds to the baseline when it is alone."""
    pairs = [(frozenset({feature}), BASELINE) for feature in features]
    meaning = "An effect is what the feature adds to the baseline when it is alone."
    return of_differences("one_at_a_time", features, pairs, dict(pairs), meaning)
