"""What the finished runs of an arm say, pooled, and how people read it."""

import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from ablation.designs import Arm, label
from ablation.effects import mean_and_sd
from ablation.study.findings import Findings
from ablation.study.metric import Measure, Metric, Pooling
from ablation.wording import human

POOLED: Mapping[Pooling, Callable[[Sequence[float]], float]] = {
    "first": lambda values: values[0],
    "mean": statistics.fmean,
    "median": statistics.median,
    "max": max,
}
"""What stands for the runs of an arm."""


@dataclass(frozen=True)
class Measured:
    """What the finished runs of one arm say.

    Attributes:
        arm: its name, as charts and MLflow have it.
        seeds: how many runs finished.
        score, score_sd: mean and standard deviation over those runs; NaN where there are too few.
        measures: what else was measured, pooled over the runs as each measure says; without those that no run has.
    """

    arm: str
    seeds: int
    score: float
    score_sd: float
    measures: Mapping[str, float]


def measured(findings: Findings, arm: Arm) -> Measured:
    """Gather the finished runs of one arm."""
    runs = [findings.runs[arm, seed] for seed in findings.seeds if (arm, seed) in findings.runs]
    mean, sd = mean_and_sd(findings.scores[:, [findings.arms.index(arm)]])
    measures = {}
    for measure in findings.measures:
        # The time of a run is the engine's own measure, whatever its subject measures.
        values = [run.seconds if measure.key == "seconds" else run.measures.get(measure.key) for run in runs]
        known = [value for value in values if value is not None]
        if known:
            measures[measure.key] = float(POOLED[measure.pooled](known))
    return Measured(label(arm, findings.features), len(runs), float(mean[0]), float(sd[0]), measures)


def written(measure: Measure, value: float, metric: Metric, digits: int) -> str:
    """Write a measure as people read it."""
    match measure.format:
        case "score":
            return metric.level(value, digits)
        case "count":
            return f"{value:,.0f}"
        case "short":
            return human(value)
        case "seconds":
            return f"{value:.{2 if value < 10 else 1}f}"
        case _:
            return f"{value:.4g}"
