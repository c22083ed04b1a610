"""Print the tables."""

import argparse
from collections.abc import Callable

import numpy as np

import simulation

from .coverage import show_coverage, show_varying
from .designs import LARGE
from .fit import show_fit
from .power import show_detectable, show_power, show_runs
from .seeds_needed import show_seeds_needed
from .stein import show_stein

TABLES: dict[str, Callable[[int, np.random.Generator], None]] = {
    "coverage": show_coverage,
    "power": show_power,
    "runs": show_runs,
    "stein": show_stein,
    "fit": show_fit,
    "varying": show_varying,
    "detectable": show_detectable,
    "seeds_needed": show_seeds_needed,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=simulation.__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("tables", nargs="*", metavar="table", default=list(TABLES), help=", ".join(TABLES))
    parser.add_argument("--studies", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=0)
    chosen = parser.parse_args()
    print(f"{chosen.studies:,} studies a cell ({chosen.studies // 5:,} over {LARGE} arms), seed {chosen.seed}.\n")
    for name in chosen.tables:
        # Each table has draws of its own, so that it comes out the same alone.
        TABLES[name](chosen.studies, np.random.default_rng([chosen.seed, list(TABLES).index(name)]))


if __name__ == "__main__":
    main()
