"""Synthetic findings for the tests of tables and charts: made-up scores, real designs and effects."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType

import numpy as np

from ablation.designs import Arm, Design, cumulative, union
from ablation.effects import Precision, estimate, interactions, lack_of_fit, order_dependence
from ablation.images.subject import MEASURES
from ablation.study.findings import Failure, Findings, provenance
from ablation.study.metric import Measure, Metric
from ablation.study.outcome import Result

ACCURACY = Metric(
    "val_accuracy",
    "validation accuracy",
    "accuracy",
    "%",
    "points",
    100.0,
    step=0.001,
    bounds=(0.0, 1.0),
    curves=(("accuracy", "training"), ("val_accuracy", "validation")),
)
LOG_LOSS = Metric("log_loss", higher_is_better=False)
SECONDS = (Measure("seconds", "s/run", "seconds", "median", "seconds a run"),)

FEATURES = ("augmentation", "batch_norm", "residual", "gap", "dropout", "mixup", "amsgrad")
GAINS = (0.254, 0.065, 0.016, 0.034, -0.103, 0.059, -0.043)
LONG = (
    "random_affine_augmentation",
    "batch_normalisation",
    "residual_blocks_with_projection",
    "global_average_pooling",
    "spatial_dropout",
    "mixup",
    "amsgrad",
    "label_smoothing",
    "cosine_learning_rate_decay",
    "exponential_moving_average_of_weights",
    "squeeze_and_excitation",
    "stochastic_depth",
)
LONG_GAINS = (*GAINS, 0.004, 0.011, -0.002, 0.0, 0.007)

PROTOCOL = "The score is the validation accuracy after the last epoch."
INTERVALS = "Intervals cover the variation between seeds: of the training, on the same 1,000 validation images."


def synthetic(
    *designs: Design,
    features: Sequence[str] = FEATURES,
    gains: Sequence[float] = GAINS,
    seeds: int = 3,
    noise: float = 0.012,
    failed: Collection[tuple[Arm, int]] = (),
    epochs: int = 20,
    test_scores: bool = False,
    together: Mapping[Collection[str], float] = MappingProxyType({}),
    environment: Sequence[dict[str, str]] = ({"threads": "1", "keras": "3.15.0"},),
    metric: Metric = ACCURACY,
    measures: Sequence[Measure] = MEASURES,
    base: float = 0.578,
) -> Findings:
    """Make findings up: a baseline of 57.8 % plus the gains of the features that are on, plus noise.

    Args:
        designs: the study's; without any, the cumulative path over ``features``.
        features, gains: names, and what each adds to the accuracy, a fraction.
        seeds: how many.
        noise: standard deviation of a run's score, a fraction.
        failed: the runs, as (arm, seed), that did not finish.
        epochs: length of the histories.
        test_scores: whether runs carry an accuracy on the test images.
        together: what some features add where all of them are on, a fraction.
        environment: given to the runs in turn.
        metric, measures: what a score is, and what else is measured.
        base: the score without features.
    """
    chosen = designs or (cumulative(features),)
    random = np.random.default_rng(5)
    arms, worth = union(chosen), dict(zip(features, gains, strict=True))
    scores = np.full((seeds, len(arms)), np.nan)
    runs: dict[tuple[Arm, int], Result] = {}
    failures: list[Failure] = []
    for column, arm in enumerate(arms):
        pull = sum(extra for group, extra in together.items() if arm.issuperset(group))
        for seed in range(seeds):
            score = float(np.clip(base + sum(worth[feature] for feature in arm) + pull + random.normal(0, noise), 0, 1))
            if (arm, seed) in failed:
                failures.append(Failure(arm, seed, "ResourceExhaustedError: out of memory\nwhile allocating a tensor"))
                continue
            scores[seed, column] = score
            runs[arm, seed] = _run(arm, score, epochs, test_scores, environment[len(runs) % len(environment)], random, metric)
    columns = [[arms.index(arm) for arm in design.arms] for design in chosen]
    effects = tuple(
        estimate(design, scores[:, own], 0.005, higher_is_better=metric.higher_is_better)
        for design, own in zip(chosen, columns, strict=True)
    )
    return Findings(
        name="synthetic study",
        description="Data: sprites (synthetic)",
        protocol=PROTOCOL,
        intervals=INTERVALS if seeds > 1 else "",
        metric=metric,
        measures=tuple(measures),
        features=tuple(features),
        seeds=tuple(range(seeds)),
        arms=arms,
        scores=scores,
        designs=tuple(chosen),
        effects=effects,
        runs=runs,
        failures=tuple(failures),
        smallest=0.005,
    )


def _run(
    arm: Arm, score: float, epochs: int, test_scores: bool, environment: dict[str, str], random: np.random.Generator, metric: Metric
) -> Result:
    """Make up one run that ends at ``score``, with the article's parameter counts for its residual and pooling steps."""
    epoch = np.arange(1, epochs + 1)
    rise = 1 - np.exp(-4 * epoch / epochs)
    validation = np.clip(0.1 + (score - 0.1) * rise / rise[-1] + random.normal(0, 0.01, epochs), 0, 1)
    validation[-1] = score
    training = np.clip(0.1 + 0.89 * rise / rise[-1], 0, 1)
    parameters = 876_234 if "residual" in arm else 1_984_074 if "batch_norm" in arm else 1_978_442
    parameters -= 20_480 if "gap" in arm else 0
    history = {
        "loss": (2.3 * (1 - rise)).tolist(),
        "accuracy": training.tolist(),
        "val_loss": (2.3 * (1 - 0.8 * rise)).tolist(),
        metric.key: validation.tolist(),
    }
    measures = {
        "parameters": float(parameters),
        "trainable_parameters": float(parameters - (2_816 if "batch_norm" in arm else 0)),
        "convolutions": 10.0,
        "flops": 12_345_678.0 + 1_000_000 * len(arm),
        "seconds_per_epoch": 0.16 + 0.01 * len(arm),
        "peak_memory_mb": 734.0,
    }
    if test_scores:
        measures["test_accuracy"] = score - 0.01
    return Result(score, history, measures, environment, seconds=10.0)


def enriched(findings: Findings) -> Findings:
    """Add to findings everything that their designs and scores can tell, and made-up noise, precision and provenance."""
    scores = [findings.scores_of(design) for design in findings.designs]
    count = len(findings.features)
    return replace(
        findings,
        interactions=tuple(interactions(*each) for each in zip(findings.designs, scores, strict=True)),
        lack_of_fit=tuple(lack_of_fit(*each) for each in zip(findings.designs, scores, strict=True)),
        order=order_dependence(findings.features, findings.arms, findings.scores, findings.designs),
        variability=("Intervals cover the seed, on fixed validation images; not other data, other settings or other hardware.",),
        precision=Precision(0.01, 3, np.full(count, 0.011), np.full(count, 5), 5, 20, True, np.full(count, 0.0095)),
        provenance=provenance(findings.runs, len(findings.failures), "python -m ablation 'features=[cumulative,fractional]' seeds=3"),
    )
