"""Designs: which arms to train, and how their scores are weighed to credit each feature.

A design is a pure function from feature names to arms and contrasts. An *arm* is the set of features that are on; a
*contrast* is a row of weights over the arms, and a feature's effect is the weighted sum of the arms' scores. Every row
sums to 0, and adds to a feature that acts alone exactly what it is worth, so an effect is in the units of the score.
"""

from collections.abc import Callable, Mapping

from ablation.designs.aliases import aliases
from ablation.designs.bookends import bookends
from ablation.designs.cumulative import cumulative
from ablation.designs.design import BASELINE, Arm, Design, union
from ablation.designs.exclusive import Groups, excluded, exclusive_groups, one_of_each
from ablation.designs.factorial import factorial
from ablation.designs.fractional import fractional
from ablation.designs.leave_one_out import leave_one_out
from ablation.designs.names import arm_names, check_chosen, is_path, label
from ablation.designs.one_at_a_time import one_at_a_time
from ablation.designs.pairs import pairs
from ablation.designs.pairwise import effect_rows, interaction_rows, lack_of_fit_rows
from ablation.designs.restricted import restricted, reweighted
from ablation.designs.shapley import MOST_EXACT, shapley
from ablation.designs.single import all_on, none, only

DESIGNS: Mapping[str, Callable[..., Design]] = {
    each.__name__: each for each in (cumulative, leave_one_out, one_at_a_time, bookends, fractional, pairs, shapley, factorial)
}
"""The designs that credit features, by name."""

__all__ = [
    "BASELINE",
    "DESIGNS",
    "MOST_EXACT",
    "Arm",
    "Design",
    "Groups",
    "aliases",
    "all_on",
    "arm_names",
    "bookends",
    "check_chosen",
    "cumulative",
    "effect_rows",
    "excluded",
    "exclusive_groups",
    "factorial",
    "fractional",
    "interaction_rows",
    "is_path",
    "label",
    "lack_of_fit_rows",
    "leave_one_out",
    "none",
    "one_at_a_time",
    "one_of_each",
    "only",
    "pairs",
    "restricted",
    "reweighted",
    "shapley",
    "union",
]
