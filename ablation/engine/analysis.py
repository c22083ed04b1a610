"""The analysis: from the results of a study's runs to its findings."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from ablation.designs import BASELINE, Design
from ablation.effects import Effects, Precision, estimate, interactions, lack_of_fit, order_dependence, stein
from ablation.images.data import Dataset, divide
from ablation.images.held_out import ArmPredictions, Predictions, unpacked
from ablation.images.models.model import ImageShape
from ablation.images.noise import Noise, noise
from ablation.images.training.draws import SPLIT, generator
from ablation.store.connection import CORRECT, PREDICTIONS
from ablation.study.findings import Failure, Findings, RunResult, provenance
from ablation.study.study import Study


def findings_of(
    study: Study,
    dataset: Dataset,
    results: Mapping[str, RunResult],
    failures: tuple[Failure, ...],
    failed: int,
    precision: Precision | None = None,
) -> Findings:
    """Return what the results of a study's runs, by their keys, say.

    Args:
        failures: runs that failed now.
        failed: how many failed so far, earlier starts of the study included.
        precision: how the number of seeds was decided, where it was.
    """
    scores = scores_of(study, results)
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
        effects=tuple(_effects(study, dataset, design, scores) for design in study.designs),
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
        remarks=study.remarks(image_shape(dataset)),
    )


def scores_of(study: Study, results: Mapping[str, RunResult]) -> np.ndarray:
    """Return the score array of a study, ``(seeds, arms)``, NaN where a run is missing."""
    scores = np.full((len(study.seeds), len(study.arms)), np.nan)
    for run in study.runs:
        if run.key in results:
            scores[study.seeds.index(run.seed), study.arms.index(run.arm)] = results[run.key].score
    return scores


def _of(study: Study, design: Design, scores: np.ndarray) -> np.ndarray:
    """Return the columns of one design's arms."""
    return scores[:, [study.arms.index(arm) for arm in design.arms]]


def _effects(study: Study, dataset: Dataset, design: Design, scores: np.ndarray) -> Effects:
    pilot = study.adaptive.pilot if study.adaptive else None
    return estimate(design, _of(study, design, scores), study.smallest / 100, pilot, 1 / _validation_images(study, dataset))


def _validation_images(study: Study, dataset: Dataset) -> int:
    """Return how many images a score is taken on."""
    if study.validation == "test" and dataset.test is not None:
        return len(dataset.test.y)
    return len(dataset.validation.y) if dataset.validation is not None else max(round(study.fraction * len(dataset.train.y)), 1)


def decided(study: Study, dataset: Dataset, results: Mapping[str, RunResult]) -> Precision:
    """Decide on the number of seeds of an adaptive study after its pilot."""
    assert study.adaptive is not None
    scores = scores_of(study, results)
    pilot = [_effects(study, dataset, design, scores) for design in study.designs if design.features]
    return stein(pilot, study.adaptive.precision / 100, study.adaptive.most)


def _noise(study: Study, dataset: Dataset, results: Mapping[str, RunResult]) -> Noise | None:
    """Take seeds and validation images apart as sources of noise, from which image each run got right."""
    kept = {run: study.store.arrays(results[run.key].run_id, CORRECT) for run in study.runs if run.key in results}
    right = {run: unpacked(arrays) for run, arrays in kept.items() if arrays is not None}
    sizes = {len(each) for each in right.values()}
    if len(sizes) != 1:
        return None
    correct = np.zeros((len(study.seeds), len(study.arms), sizes.pop()), dtype=bool)
    finished = np.zeros(correct.shape[:2], dtype=bool)
    for run, each in right.items():
        place = study.seeds.index(run.seed), study.arms.index(run.arm)
        correct[place], finished[place] = each, True
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


def image_shape(dataset: Dataset) -> ImageShape:
    height, width, channels = dataset.train.x.shape[1:]
    return height, width, channels


def draw_held_out(study: Study, dataset: Dataset, results: Mapping[str, RunResult], findings: Findings, folder: Path) -> list[Path]:
    """Draw what the networks of the baseline and of the arm with every feature said of their validation images."""
    from ablation.images.charts import draw_predictions

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
    return draw_predictions(findings, dataset.classes, shown, folder)
