"""What intervals cover, what verdicts claim and find, and what that costs: many made-up studies, through the code that studies use.

    PYTHONPATH=tests/benchmarks python -m simulation              # every table, 20,000 studies a cell, as Markdown
    PYTHONPATH=tests/benchmarks python -m simulation coverage power --studies 2000

A made-up run scores its arm's mean, plus what its seed does to all arms, plus noise of its own. Scores are in units of σ, the typical
standard deviation of that noise.
"""

from .coverage import Coverage, coverage
from .designs import DESIGNS, SEVEN
from .fit import computed_power, misfit_rate
from .power import power, seeds_until
from .situations import SITUATIONS, VARYING, equal, only_adding, scores, unequal
from .stein import Stein, stein
from .tables import table

__all__ = [
    "DESIGNS",
    "SEVEN",
    "SITUATIONS",
    "VARYING",
    "Coverage",
    "Stein",
    "computed_power",
    "coverage",
    "equal",
    "misfit_rate",
    "only_adding",
    "power",
    "scores",
    "seeds_until",
    "stein",
    "table",
    "unequal",
]
