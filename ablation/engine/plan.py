"""The plan: which runs there are already, which are missing, and how long they may take."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import mean

from ablation.engine.analysis import decided, image_shape
from ablation.errors import InputError
from ablation.images.data import divide, open_staged, stage
from ablation.images.run import Run
from ablation.images.training.draws import SPLIT, generator
from ablation.study.findings import RunResult
from ablation.study.study import Study


@dataclass(frozen=True)
class Plan:
    """What a study would do.

    Attributes:
        arms: distinct arms.
        listed: arms that the designs list together, shared ones counted each time.
        seeds: how many.
        finished: runs that are there already.
        missing: runs to train.
        seconds: estimate of the time left, or None where no finished run tells.
        names: of the arms, in order, with the number of their finished runs.
        remarks: what is known of its outcome before it, what designs lack, and how the number of seeds is decided, in whole sentences.
    """

    arms: int
    listed: int
    seeds: int
    finished: int
    missing: int
    seconds: float | None
    names: tuple[tuple[str, int], ...]
    remarks: tuple[str, ...] = ()


def plan(study: Study) -> Plan:
    """Say what a study would do. Trains nothing, logs nothing."""
    dataset = open_staged(checked(study))
    remarks = [*study.remarks(image_shape(dataset)), *(sentence for design in study.designs for sentence in design.lost)]
    there = finished(study)
    if study.adaptive and len(there) == len(study.runs):
        precision = decided(study, dataset, there)
        remarks.append(precision.told())
        study = study.with_seeds(precision.total)
        there = finished(study)
    elif study.adaptive:
        remarks.append(
            f"Seeds: a pilot of {study.adaptive.pilot}, then as many as intervals of ± {study.adaptive.precision:g} points need, "
            f"(t · sd of the pilot / {study.adaptive.precision:g})², and at most {study.adaptive.most}, "
            f"which is {len(study.arms) * study.adaptive.most} runs."
        )
    missing = [run for run in study.runs if run.key not in there]
    return Plan(
        arms=len(study.arms),
        listed=sum(len(design.arms) for design in study.designs),
        seeds=len(study.seeds),
        finished=len(there),
        missing=len(missing),
        seconds=_estimate(study, missing, there),
        names=tuple((study.arm_names[arm], sum(run.arm == arm and run.key in there for run in study.runs)) for arm in study.arms),
        remarks=tuple(remarks),
    )


def _estimate(study: Study, missing: Sequence[Run], finished: dict[str, RunResult]) -> float | None:
    if not missing:
        return 0.0
    if not finished:
        return None
    overall = mean(result.seconds for result in finished.values())
    by_arm = {run.arm: finished[run.key].seconds for run in study.runs if run.key in finished}
    return sum(by_arm.get(run.arm, overall) for run in missing) / min(study.execution.slots or 1, len(missing))


def finished(study: Study) -> dict[str, RunResult]:
    """Return the finished runs that serve this study: with a test score and a stored network where those are asked for."""
    runs = {run.key: run for run in study.runs}
    return study.store.finished(runs, study.key, lambda key, result: runs[key].served_by(result))


def checked(study: Study) -> Path:
    """Stage a study's images, check what needs them, and return where they are."""
    runs = study.runs
    staged = stage(study.source, runs[0].staged, study.limit)
    dataset = open_staged(staged)
    study.model.check(image_shape(dataset))
    training, _ = divide(dataset, study.validation, study.fraction, generator(study.seeds[0], SPLIT))
    if study.training.batch_size > len(training.y):
        raise InputError(
            f"training.batch_size={study.training.batch_size} is larger than the {len(training)} training images; expected at most as many"
        )
    return staged
