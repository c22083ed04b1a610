"""The analysis: from a study's runs to its findings."""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from ablation.designs import Arm
from ablation.effects import Precision, estimate, interactions, lack_of_fit, order_dependence, stein
from ablation.study.findings import Failure, Findings, provenance
from ablation.study.metric import Measure
from ablation.study.outcome import Result
from ablation.study.study import Study

Runs = Mapping[tuple[Arm, int], Result]
"""The finished runs by arm and seed."""


def question(study: Study) -> Findings:
    """Return what a study asks, before any of its runs: findings without results. Its subject must be prepared."""
    subject, scoring = study.subject, study.subject.protocol()
    return Findings(
        name=study.name,
        description=subject.description,
        protocol=scoring.score,
        intervals=f"Intervals cover the variation between seeds: {scoring.intervals}." if len(study.seeds) > 1 else "",
        metric=subject.metric,
        measures=subject.measures,
        features=study.features,
        seeds=study.seeds,
        arms=study.arms,
        scores=np.full((len(study.seeds), len(study.arms)), np.nan),
        designs=study.designs,
        effects=(),
        runs={},
        smallest=study.smallest / subject.metric.scale,
        pilot=study.adaptive.pilot if study.adaptive else None,
        provenance=provenance({}, 0, study.command),
        remarks=subject.remarks(),
        unfinished=True,
    )


def analysed(
    asked: Findings, runs: Runs, failures: tuple[Failure, ...] = (), failed: int = 0, precision: Precision | None = None
) -> Findings:
    """Return what runs say to a study's question.

    Args:
        asked: see :func:`question`.
        runs: those that finished.
        failures: runs that failed now.
        failed: how many failed so far, earlier starts of the study included.
        precision: how the number of seeds was decided, where it was.
    """
    scores = np.full((len(asked.seeds), len(asked.arms)), np.nan)
    for (arm, seed), result in runs.items():
        scores[asked.seeds.index(seed), asked.arms.index(arm)] = result.score
    found = replace(asked, scores=scores, runs=dict(runs), failures=failures, precision=precision)
    better = asked.metric.higher_is_better
    of_designs = [(design, found.scores_of(design)) for design in asked.designs]
    return replace(
        found,
        measures=_measures(asked.measures, runs),
        effects=tuple(
            estimate(design, own, asked.smallest, asked.pilot, asked.metric.step, higher_is_better=better) for design, own in of_designs
        ),
        interactions=tuple(interactions(design, own) for design, own in of_designs),
        lack_of_fit=tuple(lack_of_fit(design, own) for design, own in of_designs),
        order=order_dependence(asked.features, asked.arms, scores, asked.designs),
        provenance=provenance(runs, failed, asked.provenance.command if asked.provenance else ""),
    )


def _measures(known: tuple[Measure, ...], runs: Runs) -> tuple[Measure, ...]:
    """Return the subject's measures, and after them those that only its runs name."""
    named = {each.key for each in known}
    others = dict.fromkeys(key for result in runs.values() for key in result.measures if key not in named)
    return (*known, *(Measure(key, key) for key in others))


def decided(study: Study, runs: Runs) -> Precision:
    """Decide on the number of seeds of an adaptive study after its pilot."""
    assert study.adaptive is not None
    pilot = analysed(question(study), runs)
    credited = [effects for design, effects in zip(pilot.designs, pilot.effects, strict=True) if design.features]
    return stein(credited, study.adaptive.precision / pilot.metric.scale, study.adaptive.most)


def results_by_arm(study: Study, results: Mapping[str, Result]) -> dict[tuple[Arm, int], Result]:
    """Return the results of a study's trials, given by their keys, by arm and seed."""
    return {(trial.arm, trial.seed): results[trial.key] for trial in study.trials if trial.key in results}
