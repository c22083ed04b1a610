"""Runs that stand far apart from the others of their arm, such as one that never began to learn."""

from collections.abc import Iterator

import numpy as np

from ablation.designs import label
from ablation.study.findings import Findings
from ablation.wording import counted

FAR = 10.0
"""How many times farther than runs of an arm usually vary a run is from the nearest of its arm, to stand apart. With normal noise of one
size such a run is in at most 1 of 2,000 studies of three seeds, and in fewer of more seeds (20,000 simulated ones)."""

FEWEST_RUNS, FEWEST_ARMS = 3, 4
"""Runs of an arm without which none of them is the odd one, and arms without which nobody knows how much runs usually vary."""

MOST = 3
"""Runs that are named; more are counted."""


def about_runs_apart(findings: Findings) -> Iterator[str]:
    """Say which runs stand apart, for a single one can decide an effect or hide it."""
    usual = _usual_spread(findings)
    if usual is None:
        return
    found = [
        (distance, arm, seed)
        for column, arm in enumerate(findings.arms)
        for seed, distance in _distances(findings, column)
        if distance > FAR * usual
    ]
    metric, digits = findings.metric, findings.digits
    for distance, arm, seed in sorted(found, key=lambda each: -each[0])[:MOST]:
        score = metric.with_unit(metric.level(findings.runs[arm, seed].score, digits))
        far, varies = (metric.with_difference(metric.level(each, digits)) for each in (distance, usual))
        run = f"“{label(arm, findings.features)}”, seed {seed}"
        yield (
            f"{run}, stands apart: {score}, {far} from the nearest run of its arm, where runs usually vary by {varies} within an arm "
            "(standard deviation). It counts like any other."
        )
    if more := len(found[MOST:]):
        yield f"So {'does' if more == 1 else 'do'} {counted(more, 'more run')}."


def _usual_spread(findings: Findings) -> float | None:
    """Return the median over arms of the standard deviation of their runs; None where too few say."""
    columns = [column[~np.isnan(column)] for column in findings.scores.T]
    spreads = [float(np.std(runs, ddof=1)) for runs in columns if len(runs) >= FEWEST_RUNS]
    usual = max(float(np.median(spreads)), findings.metric.step) if len(spreads) >= FEWEST_ARMS else 0.0
    return usual or None


def _distances(findings: Findings, column: int) -> Iterator[tuple[int, float]]:
    """Walk the seeds of an arm, each with how far its run is from the nearest other one."""
    scores = findings.scores[:, column]
    there = np.flatnonzero(~np.isnan(scores))
    for row in there if len(there) >= FEWEST_RUNS else ():
        yield findings.seeds[row], float(np.abs(scores[there[there != row]] - scores[row]).min())
