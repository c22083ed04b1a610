"""Pairing: whether arms share their seeds, so that runs can be compared seed by seed."""

from collections.abc import Sequence

import numpy as np

from ablation.designs import Arm, label
from ablation.elsewhere.runs import Runs
from ablation.wording import listed

SHARED = 0.5
"""Two arms are compared seed by seed where they share at least this part of the seeds of the one with fewer."""

SHOWN = 4
"""Seeds that a sentence names; of more the range is given."""


def unpaired(runs: Runs, arms: Sequence[Arm]) -> str | None:
    """Return None where every two arms share their seeds, but for a few missing runs; else a sentence on two that do not.

    Args:
        runs: with seeds.
        arms: those that designs compare.
    """
    from scipy.sparse import csr_array

    column = {arm: place for place, arm in enumerate(arms)}
    place = np.array([column.get(arm, -1) for arm in runs.arms])[runs.arm]
    _, row = np.unique(runs.seed, return_inverse=True)
    kept = place >= 0
    there = csr_array((np.ones(kept.sum()), (row[kept], place[kept])), shape=(row.max() + 1, len(arms)))
    common = (there.T @ there).toarray()
    counts = np.diag(common)
    share = common / np.maximum(np.minimum(counts[:, None], counts), 1)
    np.fill_diagonal(share, 1)
    if share.min(initial=1) >= SHARED:
        return None
    one, other = sorted(divmod(int(share.argmin()), len(arms)))
    names = [f"“{label(arms[each], runs.features)}” has {_seeds(runs.seed[place == each])}" for each in (one, other)]
    return f"Arms do not share their seeds ({listed(names, 'and')}), so runs are not compared seed by seed: every interval is Welch's."


def _seeds(seeds: np.ndarray) -> str:
    known = np.sort(seeds).tolist()
    if len(known) <= SHOWN:
        return ("seed " if len(known) == 1 else "seeds ") + listed(list(map(str, known)), "and")
    return f"{len(known)} seeds from {known[0]} to {known[-1]}"
