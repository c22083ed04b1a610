"""A study: plan the runs, train what is missing, estimate effects, report.

The order of :func:`conduct` is the story: nothing is trained or logged before everything that can be checked has been, a finished run is
never trained again, and whatever stops the study, the same command continues it.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, replace
from functools import cached_property, partial
from pathlib import Path
from statistics import mean
from typing import Any

import numpy as np

from ablation.catalogue import Catalogue, compose
from ablation.console import Screen
from ablation.data import Dataset, Source, divide, open_staged, stage
from ablation.deltas import Deltas
from ablation.designs import BASELINE, Arm, Design, arm_names, union
from ablation.effects import Effects, Noise, Precision, estimate, interactions, lack_of_fit, noise, order_dependence, stein
from ablation.errors import InputError, nearest
from ablation.execution import Execution
from ablation.models import Model
from ablation.predictions import ArmPredictions, Predictions, unpacked
from ablation.publish import STUDIES, publish
from ablation.results import Failure, Findings, RunResult, provenance
from ablation.run import DataChoice, Run, digest
from ablation.schedule import train_all
from ablation.tracking import CORRECT, PREDICTIONS, Store
from ablation.training.draws import SPLIT, generator
from ablation.training.settings import Training
from ablation.worker import prepare

FOLDER = Path("mlruns")
VALIDATIONS = ("held_out", "test")


@dataclass(frozen=True)
class Adaptive:
    """Seeds decided by Stein's rule: a pilot, then as many as its variance says are needed.

    Attributes:
        precision: wanted half-width of the 95 % intervals, in accuracy points.
        most: the cap.
        pilot: seeds of the pilot.
    """

    precision: float
    most: int
    pilot: int = 3

    def __post_init__(self) -> None:
        if not _is_number(self.precision) or self.precision <= 0:
            raise InputError(f"effects.precision must be a number of accuracy points above 0, not {self.precision}")
        if not isinstance(self.most, int) or isinstance(self.most, bool) or self.most < self.pilot:
            raise InputError(f"effects.max_seeds must be a whole number of at least {self.pilot}, the seeds of the pilot, not {self.most}")


@dataclass(frozen=True, eq=False)
class Study:
    """Everything that a study is asked for.

    Attributes:
        designs: as named functions of the features, in the order given.
        catalogue: the features and their order.
        model, model_name: the network, and what the user calls it.
        training: epochs, batches, optimiser.
        source, data_name: the images, and what the user calls them.
        limit, validation, fraction: how they are limited and divided.
        seeds: one run of every arm each.
        backend: tensorflow, jax or torch.
        execution: where runs happen.
        store: where they are logged.
        given_name: of the study, or None to make one.
        smallest: the smallest effect of interest, in accuracy points.
        on_error: ``continue`` or ``stop``.
        save_model: whether trained networks are stored.
        configuration: the resolved configuration as YAML, to be kept.
        command: repeats the study, as it is typed.
        adaptive: how seeds are decided, where they are; ``seeds`` are then those of the pilot, and of all once that is decided.
    """

    designs: tuple[Design, ...]
    catalogue: Catalogue
    model: Model
    model_name: str
    training: Training
    source: Source
    data_name: str
    limit: int | None
    validation: str
    fraction: float
    seeds: tuple[int, ...]
    backend: str
    execution: Execution
    store: Store
    given_name: str | None
    smallest: float
    on_error: str
    save_model: bool
    configuration: str
    command: str
    adaptive: Adaptive | None = None

    def __post_init__(self) -> None:
        if self.on_error not in ("continue", "stop"):
            raise InputError(f"on_error={self.on_error} is not known{nearest(self.on_error, ('continue', 'stop'))}")
        if self.validation not in VALIDATIONS:
            raise InputError(f"data.validation={self.validation} is not known{nearest(self.validation, VALIDATIONS)}")
        if not _is_number(self.fraction) or not 0 < self.fraction < 1:
            raise InputError(f"data.validation_fraction must lie between 0 and 1, not {self.fraction}")
        if self.limit is not None and (not isinstance(self.limit, int) or isinstance(self.limit, bool) or self.limit < 1):
            raise InputError(f"data.limit must be a whole number of at least 1, or null, not {self.limit}")
        if not _is_number(self.smallest) or self.smallest < 0:
            raise InputError(f"effects.smallest must be a number of accuracy points of at least 0, not {self.smallest}")
        if not isinstance(self.save_model, bool):
            raise InputError(f"save_model must be true or false, not {self.save_model}")
        if self.given_name is not None and not re.fullmatch(r"[\w][\w .+-]*", str(self.given_name)):
            raise InputError(f"study.name={self.given_name} cannot name a folder; expected letters, digits, spaces and . + - _")
        if not self.designs:
            raise InputError("features names no design; expected for instance features=cumulative")
        if self.adaptive and not any(design.features for design in self.designs):
            raise InputError("seeds=auto decides by the effects' intervals, and this study has no design that credits features")

    @cached_property
    def arms(self) -> tuple[Arm, ...]:
        """The distinct arms of all designs."""
        return union(self.designs)

    @property
    def features(self) -> tuple[str, ...]:
        """The features, in the study's order."""
        return self.catalogue.names

    @cached_property
    def arm_names(self) -> dict[Arm, str]:
        """What each arm is called in MLflow and on the screen: by the first design that has it."""
        names: dict[Arm, str] = {}
        for design in self.designs:
            for arm, name in zip(design.arms, arm_names(design, self.features), strict=True):
                names.setdefault(arm, name)
        return names

    @cached_property
    def runs(self) -> tuple[Run, ...]:
        """Every arm with every seed.

        Raises:
            InputError: if an arm has a feature that the model, the optimiser or another feature does not allow.
        """
        full, start = frozenset(self.features), self.training.recipe()
        data = DataChoice(self.data_name, self.source.description, self.source.identity(), self.limit, self.validation, self.fraction)
        runs = []
        for arm in self.arms:
            features = self.catalogue.of(arm)
            recipe = compose(start, features, self.model, self.model_name)
            for seed in self.seeds:
                runs.append(
                    Run(
                        arm=arm,
                        features=features,
                        model=self.model,
                        recipe=recipe,
                        training=self.training,
                        data=data,
                        seed=seed,
                        backend=self.backend,
                        # The test images are for the first and the last arm alone, and never for contrasts.
                        test=arm in (BASELINE, full),
                        save_model=self.save_model,
                        staged=FOLDER.absolute() / "cache" / "data",
                        threads=self.execution.threads,
                        label=self.arm_names[arm],
                    )
                )
        return tuple(runs)

    @cached_property
    def key(self) -> str:
        """Identifies the study: its designs, catalogue, settings and seeds."""
        designs = [(design.name, design.features) for design in self.designs]
        if self.adaptive is None:
            return digest([designs, self.features, [run.key for run in self.runs]])
        # The same before and after it is known how many seeds there are.
        pilot = [run.key for run in self.runs if run.seed < self.adaptive.pilot]
        return digest([designs, self.features, pilot, [self.adaptive.precision, self.adaptive.most]])

    @cached_property
    def name(self) -> str:
        """What the study's folder and parent run are called."""
        return self.given_name or f"{'+'.join(design.name for design in self.designs)}-{self.data_name}-{self.key[:8]}"

    @property
    def folder(self) -> Path:
        """Where the study's files go."""
        return STUDIES / self.name


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


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
        remarks: what designs lack, and how the number of seeds is decided, in whole sentences.
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
    remarks = [sentence for design in study.designs for sentence in design.lost]
    finished = _finished(study)
    if study.adaptive and len(finished) == len(study.runs):
        precision = _decided(study, finished)
        remarks.append(precision.told())
        study = _with_seeds(study, precision.total)
        finished = _finished(study)
    elif study.adaptive:
        remarks.append(
            f"Seeds: a pilot of {study.adaptive.pilot}, then as many as intervals of ± {study.adaptive.precision:g} points need, "
            f"(t · sd of the pilot / {study.adaptive.precision:g})², and at most {study.adaptive.most}."
        )
    missing = [run for run in study.runs if run.key not in finished]
    return Plan(
        arms=len(study.arms),
        listed=sum(len(design.arms) for design in study.designs),
        seeds=len(study.seeds),
        finished=len(finished),
        missing=len(missing),
        seconds=_estimate(study, missing, finished),
        names=tuple((study.arm_names[arm], sum(run.arm == arm and run.key in finished for run in study.runs)) for arm in study.arms),
        remarks=tuple(remarks),
    )


def _with_seeds(study: Study, count: int) -> Study:
    return replace(study, seeds=tuple(range(count)))


def _decided(study: Study, results: Mapping[str, RunResult]) -> Precision:
    """Decide on the number of seeds of an adaptive study after its pilot."""
    assert study.adaptive is not None
    scores = _scores(study, results)
    pilot = [_effects(study, design, scores) for design in study.designs if design.features]
    return stein(pilot, study.adaptive.precision / 100, study.adaptive.most)


def _scores(study: Study, results: Mapping[str, RunResult]) -> np.ndarray:
    """Return the score array of a study, ``(seeds, arms)``, NaN where a run is missing."""
    scores = np.full((len(study.seeds), len(study.arms)), np.nan)
    for run in study.runs:
        if run.key in results:
            scores[study.seeds.index(run.seed), study.arms.index(run.arm)] = results[run.key].score
    return scores


def _of(study: Study, design: Design, scores: np.ndarray) -> np.ndarray:
    """Return the columns of one design's arms."""
    return scores[:, [study.arms.index(arm) for arm in design.arms]]


def _effects(study: Study, design: Design, scores: np.ndarray) -> Effects:
    return estimate(design, _of(study, design, scores), study.smallest / 100, study.adaptive.pilot if study.adaptive else None)


def _estimate(study: Study, missing: Sequence[Run], finished: dict[str, RunResult]) -> float | None:
    if not missing:
        return 0.0
    if not finished:
        return None
    overall = mean(result.seconds for result in finished.values())
    by_arm = {run.arm: finished[run.key].seconds for run in study.runs if run.key in finished}
    return sum(by_arm.get(run.arm, overall) for run in missing) / min(study.execution.slots or 1, len(missing))


def _finished(study: Study) -> dict[str, RunResult]:
    """Return the finished runs that serve this study: with a test score and a stored network where those are asked for."""
    found = study.store.finished([run.key for run in study.runs], study.key)
    serves = {run.key for run in study.runs if run.key in found and _serves(run, found[run.key])}
    return {key: result for key, result in found.items() if key in serves}


def _serves(run: Run, result: RunResult) -> bool:
    return (not run.test or result.test_score is not None or run.data.validation == "test") and (not run.save_model or result.saved_model)


@dataclass(frozen=True)
class Report:
    """What a study leaves: its findings and the files that show them."""

    findings: Findings
    files: tuple[Path, ...]


def conduct(study: Study, screen: Screen) -> Report:
    """Train what is missing, and report.

    Raises:
        InputError: if something that the user gave cannot work; nothing was trained or logged then.
        KeyboardInterrupt: on Ctrl-C, after what was running was marked as killed.
    """
    from ablation.report import about_left_out

    staged = _check(study)
    dataset = open_staged(staged)
    for sentence in about_left_out(dataset.left_out):
        screen.say(sentence)
    with _alone(study), ExitStack() as stack:
        finished = _finished(study)
        missing = [replace(run, staged=staged) for run in study.runs if run.key not in finished]
        # Workers are reached before anything is logged, and not at all where nothing is missing.
        pool = stack.enter_context(study.execution.open(screen.heard)) if missing else None
        if pool is not None:
            for _ in range(pool.slots):
                # The frameworks take seconds to import; the workers can do that while MLflow does the same here.
                pool.executor.submit(prepare, study.backend, study.execution.threads)
        destination = study.store.open_study(study.key, study.name, _params(study))
        try:
            results = destination.adopt(finished, study.runs)
            deltas = Deltas(study.designs, study.runs, destination, results)
            failures: tuple[Failure, ...] = ()
            if pool is not None:
                with screen.watching(len(study.runs), results, pool.slots):
                    trained, failures = train_all(missing, pool, destination, screen, deltas, study.on_error == "stop")
                results = {**results, **trained}
            precision: Precision | None = None
            if study.adaptive and not (failures and study.on_error == "stop"):
                precision = _decided(study, results)
                screen.say(precision.told())
                study = _with_seeds(study, precision.total)
                finished = {key: result for key, result in _finished(study).items() if key not in results}
                results = {**results, **destination.adopt(finished, study.runs)}
                failed = {(failure.arm, failure.seed) for failure in failures}
                missing = [
                    replace(run, staged=staged) for run in study.runs if run.key not in results and (run.arm, run.seed) not in failed
                ]
                if missing:
                    pool = pool or stack.enter_context(study.execution.open(screen.heard))
                    deltas = Deltas(study.designs, study.runs, destination, results)
                    with screen.watching(len(study.runs) - len(failed), results, pool.slots):
                        trained, more = train_all(missing, pool, destination, screen, deltas, study.on_error == "stop")
                    results, failures = {**results, **trained}, (*failures, *more)
            findings = _findings(study, dataset, results, failures, destination.failed(), precision)
            files = publish(findings, study.folder, study.configuration, partial(_draw_predictions, study, dataset, results, findings))
            status = "FAILED" if failures else "FINISHED"
            destination.close(status, _effect_metrics(findings), study.folder, _description(findings))
        except BaseException:
            # First the workers, so that none logs to a run that is marked as killed.
            stack.close()
            with suppress(Exception):  # What stopped the study is told, not that its store cannot take even this.
                destination.kill()
            raise
    return Report(findings, files)


def _check(study: Study) -> Path:
    """Check what needs the images, and return where they are staged."""
    runs = study.runs
    staged = stage(study.source, runs[0].staged, study.limit)
    dataset = open_staged(staged)
    height, width, channels = dataset.train.x.shape[1:]
    study.model.check((height, width, channels))
    training, _ = divide(dataset, study.validation, study.fraction, generator(study.seeds[0], SPLIT))
    if study.training.batch_size > len(training.y):
        raise InputError(
            f"training.batch_size={study.training.batch_size} is larger than the {len(training)} training images; expected at most as many"
        )
    return staged


@contextmanager
def _alone(study: Study) -> Iterator[None]:
    """Keep a second process from conducting the same study at the same time. The lock goes with the process, however it ends."""
    from filelock import FileLock, Timeout

    locks = FOLDER / "cache" / "locks"
    locks.mkdir(parents=True, exist_ok=True)
    lock = FileLock(locks / f"{study.key}.lock", timeout=0)
    try:
        lock.acquire()
    except Timeout:
        raise InputError(f"the study '{study.name}' is being run by another process in this folder; wait until that has ended") from None
    try:
        yield
    finally:
        lock.release()


def _findings(
    study: Study,
    dataset: Dataset,
    results: Mapping[str, RunResult],
    failures: tuple[Failure, ...],
    failed: int,
    precision: Precision | None = None,
) -> Findings:
    scores = _scores(study, results)
    runs = {(run.arm, run.seed): results[run.key] for run in study.runs if run.key in results}
    return Findings(
        name=study.name,
        data=study.source.description,
        protocol=_protocol(study, dataset),
        features=study.features,
        seeds=study.seeds,
        arms=study.arms,
        scores=scores,
        designs=study.designs,
        effects=tuple(_effects(study, design, scores) for design in study.designs),
        runs=runs,
        failures=failures,
        smallest=study.smallest / 100,
        new_images=study.validation != "test" and dataset.validation is None,
        provenance=provenance(runs, failed, study.command),
        interactions=tuple(interactions(design, _of(study, design, scores)) for design in study.designs),
        lack_of_fit=tuple(lack_of_fit(design, _of(study, design, scores)) for design in study.designs),
        order=order_dependence(study.features, study.arms, scores, study.designs),
        noise=_noise(study, dataset, results),
        precision=precision,
        left_out=dataset.left_out,
    )


def _noise(study: Study, dataset: Dataset, results: Mapping[str, RunResult]) -> Noise | None:
    """Take the noise of seeds and of the finite validation set apart, from what each run kept of its validation images."""
    kept = {}
    for run in study.runs:
        arrays = study.store.arrays(results[run.key].run_id, CORRECT) if run.key in results else None
        if arrays is not None:
            kept[study.seeds.index(run.seed), study.arms.index(run.arm)] = unpacked(arrays)
    if not kept:
        return None
    shape = (len(study.seeds), len(study.arms))
    correct, finished = np.zeros((*shape, len(next(iter(kept.values())))), dtype=bool), np.zeros(shape, dtype=bool)
    for place, right in kept.items():
        correct[place], finished[place] = right, True
    return noise(correct, finished, study.validation == "test" or dataset.validation is not None)


def _protocol(study: Study, dataset: Dataset) -> str:
    """Say how a score is made and what an interval over seeds covers."""
    epochs = study.training.epochs
    if study.validation == "test":
        images = "the test images, which makes every choice by it optimistic about new images"
        covers = "initial weights, order and other draws, on fixed images"
    elif dataset.validation is not None:
        images = f"the source's own {len(dataset.validation.y):,} validation images"
        covers = "initial weights, order and other draws, on fixed images"
    else:
        images = f"{study.fraction:.0%} of the training images, held out anew for each seed, stratified"
        covers = "the split, initial weights, order and other draws"
    last = "the only epoch" if epochs == 1 else f"the last of {epochs} epochs"
    score = f"A score is the accuracy after {last} on {images}."
    return score if len(study.seeds) == 1 else f"{score} Intervals cover the variation between seeds: {covers}."


def _params(study: Study) -> dict[str, Any]:
    return {
        "designs": ", ".join(design.name for design in study.designs),
        "order": ", ".join(study.features),
        "seeds": ", ".join(map(str, study.seeds)) if study.adaptive is None else _told(study.adaptive),
        "arms": len(study.arms),
        "model": study.model_name,
        "data": study.data_name,
        "epochs": study.training.epochs,
        "batch_size": study.training.batch_size,
        "backend": study.backend,
    }


def _told(adaptive: Adaptive) -> str:
    return f"auto: intervals of ± {adaptive.precision:g} points, at most {adaptive.most}"


def _effect_metrics(findings: Findings) -> dict[str, float]:
    """Return every effect with its interval, as fractions; those of a second design carry its name."""
    metrics = {}
    for index, (design, effects) in enumerate(zip(findings.designs, findings.effects, strict=True)):
        prefix = "effect" if index == 0 else f"effect_{design.name}"
        for row, feature in enumerate(design.features):
            metrics[f"{prefix}_{feature}"] = effects.estimate[row]
            metrics[f"{prefix}_{feature}_low"], metrics[f"{prefix}_{feature}_high"] = effects.low[row], effects.high[row]
    return metrics


def _description(findings: Findings) -> str:
    """Return what MLflow's page of the study opens with: the answer in a line, then the report."""
    from ablation import report

    return f"{report.headline(findings)}\n\n{report.markdown(findings)}".strip() + "\n"


def _predictions(study: Study, dataset: Dataset, results: Mapping[str, RunResult]) -> list[ArmPredictions]:
    """Return what the networks of the baseline and of the arm with every feature said of their validation images."""
    shown = []
    for arm, name in ((BASELINE, "baseline"), (frozenset(study.features), "all features")):
        by_seed = {}
        for run in study.runs:
            if run.arm == arm and run.key in results:
                arrays = study.store.arrays(results[run.key].run_id, PREDICTIONS)
                if arrays is not None:
                    by_seed[run.seed] = Predictions(**arrays)
        if by_seed:
            _, validation = divide(dataset, study.validation, study.fraction, generator(next(iter(by_seed)), SPLIT))
            shown.append(ArmPredictions(name, by_seed, validation.x))
    return shown


def _draw_predictions(study: Study, dataset: Dataset, results: Mapping[str, RunResult], findings: Findings, folder: Path) -> Sequence[Path]:
    from ablation import charts

    return charts.draw_predictions(findings, dataset.classes, _predictions(study, dataset, results), folder)
