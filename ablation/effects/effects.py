"""What the contrasts of one design say."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, eq=False)
class Effects:
    """What each contrast says. All arrays have shape ``(contrasts,)`` and the units of the scores.

    Attributes:
        estimate: weighted sum of the arms' means; NaN where it cannot be estimated.
        low, high: 95 % interval, ``estimate ± t(freedom) · error``; NaN with fewer than two seeds.
        p, p_holm: two-sided p-value against zero, and the same adjusted over the contrasts; NaN with fewer than two seeds.
        seeds: how many seeds the estimate rests on.
        seeds_needed: seeds that would resolve an effect of this size and spread; 0 where it is resolved or cannot be said.
        verdict: see :func:`ablation.effects.verdicts`.
        per_seed: shape ``(seeds, contrasts)``, each seed's own contrast; NaN where an arm is missing.
        error, freedom: standard error of the estimate and the degrees of freedom of its t distribution.
        low_simultaneous, high_simultaneous: intervals that hold for all contrasts of the design at once with 95 % (Bonferroni, the same
            bar as the first step of Holm's method).
        lost: what missing runs took away, or made to rest on an assumption, in whole sentences.
    """

    estimate: np.ndarray
    low: np.ndarray
    high: np.ndarray
    p: np.ndarray
    p_holm: np.ndarray
    seeds: np.ndarray
    seeds_needed: np.ndarray
    verdict: tuple[str, ...]
    per_seed: np.ndarray
    error: np.ndarray
    freedom: np.ndarray
    low_simultaneous: np.ndarray
    high_simultaneous: np.ndarray
    lost: tuple[str, ...] = ()
