"""Do two precisions give the same accuracies? Two finished studies of the same arms and seeds, run by run.

    python -m ablation -m features=cumulative training.precision=float32 study.name=exact
    python -m ablation -m features=cumulative training.precision=bfloat16 study.name=rounded
    python tests/benchmarks/equivalence.py exact rounded

Prints the mean difference of the scores in accuracy points, second minus first, with its 95 % interval (paired t): of every arm over
its seeds, and of all runs together. Rounding sends every training another way, so that runs of one seed differ independently between arms.
"""

import argparse
import math

import numpy as np
from scipy import stats

from ablation.api import load_study


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("first", help="name of a finished study")
    parser.add_argument("second", help="name of another one")
    chosen = parser.parse_args()
    runs = [load_study(name).runs.set_index(["arm", "seed"]) for name in (chosen.first, chosen.second)]
    both = runs[0].add_suffix("_first").join(runs[1].add_suffix("_second"), how="inner")
    both["difference"] = 100 * (both["score_second"] - both["score_first"])
    for arm, rows in both.groupby(level="arm", sort=False):
        first, second = 100 * rows["score_first"].mean(), 100 * rows["score_second"].mean()
        slower = (rows["seconds_per_epoch_second"] / rows["seconds_per_epoch_first"]).median()
        print(f"{arm:<16} {first:6.2f} {second:6.2f}   {with_interval(rows['difference'].to_numpy())}   an epoch takes × {slower:.2f}")
    print(f"all {len(both)} pairs of runs          {with_interval(both['difference'].to_numpy())}")


def with_interval(differences: np.ndarray) -> str:
    """Write a mean difference with its 95 % interval."""
    half = stats.t.ppf(0.975, len(differences) - 1) * differences.std(ddof=1) / math.sqrt(len(differences))
    return f"{differences.mean():+6.2f} [{differences.mean() - half:+.2f}, {differences.mean() + half:+.2f}]"


if __name__ == "__main__":
    main()
