"""What MLflow shows of a study that has ended, all of it in the units of the scores, as MLflow shows those of every run."""

from dataclasses import replace

import numpy as np

from ablation.designs import BASELINE, Design, is_path
from ablation.effects import mean_and_sd
from ablation.report.answer import answer
from ablation.report.keep import best_arm, found_best
from ablation.report.page import markdown
from ablation.report.rows import rows
from ablation.store.study_log import Summary
from ablation.study.findings import Findings

HEADS = ("design", "feature", "effect", "low", "high", "p_holm", "verdict", "seeds")
"""The columns of the table of effects; ``low`` and ``high`` end the 95 % interval, and ``seeds`` are those behind the effect."""


def summary(findings: Findings) -> Summary:
    """Return what is logged of a study when it ends.

    The scores of the baseline, of the arm with all features and of the best one; the score and the effect along a path, step by step; and
    every effect with its interval as a table.
    """
    shown = in_own_units(findings)
    note = "\n\n".join([*answer(shown), markdown(shown)])
    return Summary(note, _arms(findings), _path(findings), _effects(findings), best_arm(findings))


def in_own_units(findings: Findings) -> Findings:
    """Return the same findings with a metric that people read as it is logged: 0.72 where reports have 72 %."""
    metric = findings.metric
    if metric.scale == 1:
        return findings
    heads = [each.heading.removesuffix(f" {metric.unit}") if each.format == "score" else each.heading for each in findings.measures]
    return replace(
        findings,
        metric=replace(metric, unit="", difference="", scale=1.0),
        measures=tuple(replace(each, heading=head) for each, head in zip(findings.measures, heads, strict=True)),
    )


def _arms(findings: Findings) -> dict[str, float]:
    means = dict(zip(findings.arms, mean_and_sd(findings.scores)[0].tolist(), strict=True))
    found, everything = found_best(findings), frozenset(findings.features)
    arms = {"baseline": BASELINE, "all": everything} if everything else {"baseline": BASELINE}
    if found is not None:
        arms["best"] = findings.arms[found.contenders[0]]
    return {f"arms/{name}": means[arm] for name, arm in arms.items() if arm in means}


def _path(findings: Findings) -> dict[str, dict[int, float]]:
    """Return the mean score of each arm along the first path, and what each step adds, by the number of the step."""
    for design, effects in zip(findings.designs, findings.effects, strict=True):
        if is_path(design):
            scores = mean_and_sd(findings.scores_of(design))[0]
            by_step = {feature: _step(design, feature) for feature in design.features}
            gained = {by_step[feature]: float(value) for feature, value in zip(design.features, effects.estimate, strict=True)}
            return {f"path/{findings.metric.key}": dict(enumerate(scores.tolist())), "path/effect": dict(sorted(gained.items()))}
    return {}


def _step(design: Design, feature: str) -> int:
    """Return the number of the step of a path that adds a feature, from 1."""
    return next(step for step, arm in enumerate(design.arms) if feature in arm)


def _effects(findings: Findings) -> dict[str, list[str | float | None]]:
    lines = [
        (design.name, each.feature, each.effect, each.low, each.high, each.p_holm, each.verdict, each.seeds)
        for index, design in enumerate(findings.designs)
        for each in (row.credit for row in rows(findings, index))
        if each is not None
    ]
    return {head: [_known(line[place]) for line in lines] for place, head in enumerate(HEADS)} if lines else {}


def _known(value: str | float) -> str | float | None:
    """Return a cell as JSON can hold it: what is not known as nothing."""
    return None if isinstance(value, float) and np.isnan(value) else value
