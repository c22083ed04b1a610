"""Leave one out: each feature is taken away from all."""

from collections.abc import Sequence

from ablation.designs.design import Design, of_differences


def leave_one_out(features: Sequence[str]) -> Design:
    """Credit each feature with what the full arm loses without it."""
    full = frozenset(features)
    pairs = [(full, full - {feature}) for feature in features]
    meaning = "An effect is what the arm with all features would lose without the feature."
    return of_differences("leave_one_out", features, pairs, {without: full for _, without in pairs}, meaning)
