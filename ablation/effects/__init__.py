"""Effects: score arrays and contrasts in, estimates, intervals and verdicts out.

Scores are fractions or points alike; nothing here knows what they mean.
"""

from ablation.effects.effects import Effects
from ablation.effects.holm import holm
from ablation.effects.interactions import Interactions
from ablation.effects.lack_of_fit import LackOfFit
from ablation.effects.noise import Noise
from ablation.effects.order_dependence import OrderDependence
from ablation.effects.paired import paired
from ablation.effects.precision import Precision
from ablation.effects.scores import mean_and_sd, signed_points
from ablation.effects.seeds import MOST_SEEDS, seeds_to_resolve
from ablation.effects.verdicts import ALPHA, CONFIDENCE, LOST, NO_VERDICT, UNRESOLVED, describe, verdicts

__all__ = [
    "ALPHA",
    "CONFIDENCE",
    "LOST",
    "MOST_SEEDS",
    "NO_VERDICT",
    "UNRESOLVED",
    "Effects",
    "Interactions",
    "LackOfFit",
    "Noise",
    "OrderDependence",
    "Precision",
    "describe",
    "holm",
    "mean_and_sd",
    "paired",
    "seeds_to_resolve",
    "signed_points",
    "verdicts",
]
