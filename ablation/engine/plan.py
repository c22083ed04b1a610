"""The plan: which runs there are already, which are missing, and how long they may take."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import mean
from types import MappingProxyType

import numpy as np

from ablation.effects import residuals
from ablation.engine.analysis import decided, looked_so_far, question, results_by_arm, with_runs
from ablation.engine.execution import Execution
from ablation.engine.journal import Journal
from ablation.engine.looking import is_decided
from ablation.errors import InputError
from ablation.report.aliases import before_runs
from ablation.report.looks import looks_planned
from ablation.report.prospects import prospects
from ablation.report.protocol import seeds_decided
from ablation.store import reading
from ablation.store.connection import Store
from ablation.study.outcome import Result
from ablation.study.study import Study
from ablation.study.subject import Trial


@dataclass(frozen=True)
class Plan:
    """What a study would do.

    Attributes:
        arms: distinct arms.
        listed: arms that the designs list together, shared ones counted each time.
        seeds: how many, at most where the study stops itself.
        finished: runs that are there already.
        missing: runs to make, at most where the study stops itself.
        seconds: estimate of the time left, or None where no finished run says.
        names: of the arms, in order, with the number of their finished runs.
        stops_itself: whether looks at the effects may end it early.
        previews: what each run would do, with the run's name, where its subject can show it.
        remarks: what is known of its outcome before it, what designs lack, and how the number of seeds is decided, in whole sentences.
    """

    arms: int
    listed: int
    seeds: int
    finished: int
    missing: int
    seconds: float | None
    names: tuple[tuple[str, int], ...]
    stops_itself: bool = False
    previews: tuple[tuple[str, str], ...] = ()
    remarks: tuple[str, ...] = ()


def plan(study: Study, store: Store, execution: Execution) -> Plan:
    """Say what a study would do. Runs nothing, logs nothing."""
    study.subject.prepare()
    of_designs = [sentence for design in study.designs for sentence in (*design.lost, *before_runs(design))]
    remarks = [*execution.remarks(), *study.subject.remarks(), *of_designs]
    asked = asked_for(study)
    there = finished(study, store, asked)
    if study.adaptive and len(there) == len(study.trials):
        precision = decided(study, results_by_arm(study, there))
        remarks.append(seeds_decided(precision, study.subject.metric))
        study = study.with_seeds(precision.total)
        there, asked = finished(study, store, study.trials), study.trials
    elif study.adaptive:
        wanted = study.subject.metric.with_difference(f"{study.adaptive.precision:g}")
        remarks.append(
            f"Seeds: a pilot of {study.adaptive.pilot}, then as many as intervals of ± {wanted} need, "
            f"(t · sd of the pilot / {study.adaptive.precision:g})², and at most {study.adaptive.most}, "
            f"which is {len(study.arms) * study.adaptive.most} runs."
        )
    if study.sequential:
        there, asked = _looked_through(study, store)
        remarks += looks_planned(study.designs, study.sequential.looks)
    elif not study.adaptive or len(there) >= len(study.trials):
        remarks += prospects(study.designs, len(study.seeds), spread_of_runs(study, there), study.subject.metric)
    remarks += study.subject.doubts(tuple(there.values()))
    missing = [trial for trial in asked if trial.key not in there]
    previews = [(trial.name, study.subject.preview(trial)) for trial in asked]
    return Plan(
        arms=len(study.arms),
        listed=sum(len(design.arms) for design in study.designs),
        seeds=len(study.seeds),
        stops_itself=study.sequential is not None,
        finished=len(there),
        missing=len(missing),
        seconds=_estimate(study, missing, there, execution.slots or 1),
        names=tuple((study.arm_names[arm], sum(trial.arm == arm and trial.key in there for trial in study.trials)) for arm in study.arms),
        previews=tuple((name, preview) for name, preview in previews if preview is not None),
        remarks=tuple(remarks),
    )


def spread_of_runs(study: Study, there: Mapping[str, Result]) -> float | None:
    """Return the typical standard deviation of finished runs beside what arms and seeds do, or None where too few say."""
    if not there:
        return None
    fitted = residuals(with_runs(question(study), results_by_arm(study, there)).scores)
    variance = float(np.nanmean(fitted.variance)) if fitted.freedom >= 1 else 0.0
    return float(np.sqrt(variance)) if variance > 0 else None


def _estimate(study: Study, missing: Sequence[Trial], finished: dict[str, Result], slots: int) -> float | None:
    if not missing:
        return 0.0
    if not finished:
        return None
    overall = mean(result.seconds for result in finished.values())
    by_arm = {trial.arm: finished[trial.key].seconds for trial in study.trials if trial.key in finished}
    return sum(by_arm.get(trial.arm, overall) for trial in missing) / min(slots, len(missing))


def _looked_through(study: Study, store: Store) -> tuple[dict[str, Result], Sequence[Trial]]:
    """Return the finished runs of the looks that a study can take by now, and the most that it may ask for."""
    results: dict[str, Result] = {}
    taken = 0
    while True:
        asked = asked_for(study, results, taken)
        results |= finished(study, store, [trial for trial in asked if trial.key not in results])
        if any(trial.key not in results for trial in asked):
            break
        taken += 1
        if is_decided(looked_so_far(study, results, taken)):
            return results, asked
    under_way = {trial.key for trial in asked}
    going_on = {trial.arm for trial in asked if trial.seed >= (0, *study.sequential.looks)[taken]} if study.sequential else set()
    return results, [trial for trial in study.trials if trial.key in under_way or trial.arm in going_on]


def asked_for(study: Study, results: Mapping[str, Result] = MappingProxyType({}), taken: int = 0) -> Sequence[Trial]:
    """Return the trials that a study asks for now: all, or of one that stops itself those up to its next look.

    Args:
        results: of the looks that were taken, by the keys of the trials.
        taken: how many that are.
    """
    if study.sequential is None:
        return study.trials
    looks = looked_so_far(study, results, taken).looks
    assert looks is not None
    seeds = dict(zip(study.arms, looks.seeds.tolist(), strict=True))
    return [trial for trial in study.trials if trial.seed < seeds[trial.arm]]


def finished(study: Study, store: Store, trials: Sequence[Trial]) -> dict[str, Result]:
    """Return the finished runs of some of a study's trials that serve it, by their keys; those that only its journal has are without id.

    Raises:
        InputError: if the score of one lies outside the bounds, which runs may have been made without.
    """
    there = {**kept(study, trials), **stored(study, store, trials)}
    metric = study.subject.metric
    for trial in trials:
        if trial.key in there and metric.outside(np.array(there[trial.key].score)):
            score = f"the finished run of “{trial.label}” with seed {trial.seed} has the score {there[trial.key].score:g}"
            raise InputError(f"{score}; {metric.bounds_in_words}")
    return there


def stored(study: Study, store: Store, trials: Sequence[Trial]) -> dict[str, Result]:
    """Return the finished runs of some of a study's trials that serve it and are in the store, by their keys."""
    arms = {trial.key: trial.arm for trial in trials}
    return reading.finished(store, arms, study.key, lambda key, result: study.subject.serves(arms[key], result))


def kept(study: Study, trials: Sequence[Trial]) -> dict[str, Result]:
    """Return the finished runs of some of a study's trials that serve it and are in its journal, by their keys, without id."""
    arms = {trial.key: trial.arm for trial in trials}
    found = {entry.trial.key: replace(entry.result, run_id="") for entry in Journal(study.key).all() if entry.result is not None}
    return {key: result for key, result in found.items() if key in arms and study.subject.serves(arms[key], result)}
