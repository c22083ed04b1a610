"""Effects: score arrays and contrasts in, estimates, intervals and verdicts out.

Scores may be of any metric. Estimates keep its unit and sign; only the words of a verdict depend on whether higher or lower is better.
"""

from ablation.effects.balanced import balanced_moments
from ablation.effects.best_arms import BestArms, best_arms, contenders
from ablation.effects.detectable import detectable
from ablation.effects.difference import moments_of, paired_difference, unpaired_difference
from ablation.effects.effects import Effects
from ablation.effects.estimate import contrast_moments, estimate
from ablation.effects.expected import Followed, expected_runs, followed, needs
from ablation.effects.independent import independent_moments
from ablation.effects.interactions import Interactions, interactions
from ablation.effects.lack_of_fit import LackOfFit, lack_of_fit, misfit
from ablation.effects.looks import false_claims, nominal_levels, rejected, repeated_p
from ablation.effects.moments import Moments, mean_and_sd
from ablation.effects.order_dependence import OrderDependence, averaging, order_dependence
from ablation.effects.paired import paired, paired_moments
from ablation.effects.precision import Precision, seeds_for, stein
from ablation.effects.residuals import Residuals, residuals
from ablation.effects.resolution import seeds_to_resolve
from ablation.effects.sampled_orders import SampledOrders, sampled_orders
from ablation.effects.sequential import looked_at
from ablation.effects.verdicts import (
    ALPHA,
    CONFIDENCE,
    FEWEST_SEEDS,
    FUTILE,
    LOST,
    MOST_SEEDS,
    NO_VERDICT,
    OPEN,
    describe,
    holm,
    seeds_for_machines,
    seeds_in_words,
    verdicts,
)

__all__ = [
    "ALPHA",
    "CONFIDENCE",
    "FEWEST_SEEDS",
    "FUTILE",
    "LOST",
    "MOST_SEEDS",
    "NO_VERDICT",
    "OPEN",
    "BestArms",
    "Effects",
    "Followed",
    "Interactions",
    "LackOfFit",
    "Moments",
    "OrderDependence",
    "Precision",
    "Residuals",
    "SampledOrders",
    "averaging",
    "balanced_moments",
    "best_arms",
    "contenders",
    "contrast_moments",
    "describe",
    "detectable",
    "estimate",
    "expected_runs",
    "false_claims",
    "followed",
    "holm",
    "independent_moments",
    "interactions",
    "lack_of_fit",
    "looked_at",
    "mean_and_sd",
    "misfit",
    "moments_of",
    "needs",
    "nominal_levels",
    "order_dependence",
    "paired",
    "paired_difference",
    "paired_moments",
    "rejected",
    "repeated_p",
    "residuals",
    "sampled_orders",
    "seeds_for",
    "seeds_for_machines",
    "seeds_in_words",
    "seeds_to_resolve",
    "stein",
    "unpaired_difference",
    "verdicts",
]
