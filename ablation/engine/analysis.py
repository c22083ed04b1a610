"""The analysis: from a study's runs to its findings."""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from ablation.designs import Arm
from ablation.effects import FEWEST_SEEDS, Precision, estimate, interactions, lack_of_fit, order_dependence, stein
from ablation.engine.looking import looked, looks_taken, planned
from ablation.study.findings import Failure, Findings, provenance
from ablation.study.metric import Measure
from ablation.study.outcome import Result
from ablation.study.study import Study

Runs = Mapping[tuple[Arm, int], Result]
"""The finished runs by arm and seed."""

MOST_COLUMNS = 6
"""Measures that only runs name beyond which people's tables show none of them."""


def question(study: Study, shown: tuple[int, ...] = ()) -> Findings:
    """Return what a study asks, before any of its runs: findings without results. Its subject must be prepared.

    Args:
        shown: numbers of seeds after which effects of the same question have been shown, in order.
    """
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
        looks=planned(study),
        shown=shown,
        provenance=provenance({}, 0, study.command),
        remarks=subject.remarks(),
        unfinished=True,
        methods=subject.methods(),
    )


def analysed(
    asked: Findings,
    runs: Runs,
    failures: tuple[Failure, ...] = (),
    failed: int = 0,
    precision: Precision | None = None,
    taken: int | None = None,
) -> Findings:
    """Return what runs say to a study's question.

    Args:
        asked: see :func:`question`.
        runs: those that finished.
        failures: runs that failed now.
        failed: how many failed so far, earlier starts of the study included.
        precision: how the number of seeds was decided, where it was.
        taken: looks that a study has taken that stops itself; None to tell by its runs.
    """
    found = replace(with_runs(asked, runs), failures=failures, precision=precision)
    found = _estimated(found) if found.looks is None else looked(found, looks_taken(found) if taken is None else taken)
    scores, runs = found.scores, found.runs
    # Beyond the seeds that a design's effects rest on, it may have runs of arms that it shares with another design.
    last = [found.seeds_behind(index).max() if design.features else len(found.seeds) for index, design in enumerate(asked.designs)]
    of_designs = [(design, found.scores_of(design)[:seeds]) for design, seeds in zip(asked.designs, last, strict=True)]
    source = (asked.provenance.command, asked.provenance.elsewhere) if asked.provenance else ("",)
    return replace(
        found,
        measures=_measures(asked.measures, runs),
        interactions=tuple(interactions(design, own) for design, own in of_designs),
        lack_of_fit=tuple(lack_of_fit(design, own) for design, own in of_designs),
        order=order_dependence(asked.features, asked.arms, scores, asked.designs),
        provenance=provenance(runs, failed, *source),
    )


def with_runs(asked: Findings, runs: Runs) -> Findings:
    """Return a study's question with the scores of the runs that finished."""
    scores = np.full((len(asked.seeds), len(asked.arms)), np.nan)
    row, column = ({each: place for place, each in enumerate(known)} for known in (asked.seeds, asked.arms))
    for (arm, seed), result in runs.items():
        scores[row[seed], column[arm]] = result.score
    return replace(asked, scores=scores, runs=dict(runs))


def _estimated(found: Findings) -> Findings:
    """Return findings with the effects of all seeds."""
    better = found.metric.higher_is_better
    return replace(
        found,
        effects=tuple(
            estimate(design, found.scores_of(design), found.smallest, found.pilot, found.metric.step, higher_is_better=better)
            for design in found.designs
        ),
    )


def _measures(known: tuple[Measure, ...], runs: Runs) -> tuple[Measure, ...]:
    """Return the subject's measures, and after them those that only its runs name, which have columns unless there are many."""
    named = {each.key for each in known}
    others = dict.fromkeys(key for result in runs.values() for key in result.measures if key not in named)
    return (*known, *(Measure(key, key if len(others) <= MOST_COLUMNS else "") for key in others))


def decided(study: Study, runs: Runs) -> Precision:
    """Decide on the number of seeds of an adaptive study after its pilot."""
    assert study.adaptive is not None
    pilot = analysed(question(study), runs)
    credited = [effects for design, effects in zip(pilot.designs, pilot.effects, strict=True) if design.features]
    return stein(credited, study.adaptive.precision / pilot.metric.scale, study.adaptive.most)


def results_by_arm(study: Study, results: Mapping[str, Result]) -> dict[tuple[Arm, int], Result]:
    """Return the results of a study's trials, given by their keys, by arm and seed."""
    return {(trial.arm, trial.seed): results[trial.key] for trial in study.trials if trial.key in results}


def shows_effects(found: Findings) -> bool:
    """Return whether findings hold an effect with enough seeds for a verdict."""
    return any((effects.seeds >= FEWEST_SEEDS).any() for effects in found.effects)


def looked_so_far(study: Study, results: Mapping[str, Result], taken: int) -> Findings:
    """Return what a number of looks of a study that stops itself has decided, by the results of trials, given by their keys."""
    return looked(with_runs(question(study), results_by_arm(study, results)), taken)
