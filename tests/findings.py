"""Synthetic findings for the tests of tables and charts: made-up scores, real designs and effects."""

from collections.abc import Collection, Sequence
from dataclasses import replace
from itertools import combinations

import numpy as np

from ablation.designs import Arm, Design, cumulative, union
from ablation.effects import Interactions, LackOfFit, Noise, OrderDependence, Precision, paired
from ablation.results import Failure, Findings, RunResult, provenance

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

PROTOCOL = (
    "The score is the validation accuracy after the last epoch. The source brings its own 1,000 validation images, so an interval "
    "covers the training seeds and not the choice of images."
)


def synthetic(
    *designs: Design,
    features: Sequence[str] = FEATURES,
    gains: Sequence[float] = GAINS,
    seeds: int = 3,
    noise: float = 0.012,
    failed: Collection[tuple[Arm, int]] = (),
    epochs: int = 20,
    test_scores: bool = False,
    environment: Sequence[dict[str, str]] = ({"threads": "1", "keras": "3.15.0"},),
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
        environment: given to the runs in turn.
    """
    chosen = designs or (cumulative(features),)
    random = np.random.default_rng(5)
    arms, worth = union(chosen), dict(zip(features, gains, strict=True))
    scores = np.full((seeds, len(arms)), np.nan)
    runs: dict[tuple[Arm, int], RunResult] = {}
    failures: list[Failure] = []
    for column, arm in enumerate(arms):
        for seed in range(seeds):
            score = float(np.clip(0.578 + sum(worth[feature] for feature in arm) + random.normal(0, noise), 0, 1))
            if (arm, seed) in failed:
                failures.append(Failure(arm, seed, "ResourceExhaustedError: out of memory\nwhile allocating a tensor"))
                continue
            scores[seed, column] = score
            runs[arm, seed] = _run(arm, score, epochs, test_scores, environment[len(runs) % len(environment)], random)
    effects = tuple(paired(scores[:, [arms.index(arm) for arm in design.arms]], design.contrasts, smallest=0.005) for design in chosen)
    return Findings(
        name="synthetic study",
        data="sprites (synthetic)",
        protocol=PROTOCOL,
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


def _run(arm: Arm, score: float, epochs: int, test_scores: bool, environment: dict[str, str], random: np.random.Generator) -> RunResult:
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
        "val_accuracy": validation.tolist(),
    }
    return RunResult(
        score=score,
        history=history,
        test_score=score - 0.01 if test_scores else None,
        parameters=parameters,
        trainable=parameters - (2_816 if "batch_norm" in arm else 0),
        convolutions=10,
        flops=12_345_678 + 1_000_000 * len(arm),
        seconds_per_epoch=0.16 + 0.01 * len(arm),
        seconds=10.0,
        peak_memory=734_003_200,
        environment=environment,
    )


def balanced(features: Sequence[str]) -> Design:
    """Make a design up in which every effect is the mean of the arms with the feature minus the mean of those without it.

    Up to four features it holds every arm, else sixteen, baseline and full among them, each with its complement.
    """
    count = len(features)
    codes = range(2**count) if count <= 4 else _half(count)
    arms = tuple(frozenset(feature for bit, feature in enumerate(features) if code >> bit & 1) for code in codes)
    on = np.array([[feature in arm for arm in arms] for feature in features])
    contrasts = on / on.sum(axis=1, keepdims=True) - ~on / (~on).sum(axis=1, keepdims=True)
    return Design(
        "balanced",
        tuple(features),
        arms,
        contrasts,
        meaning="An effect is the mean with the feature minus the mean without it.",
        kind="balanced",
    )


def _half(count: int) -> list[int]:
    """Return 16 sets, as bits, that hold the empty one and every one's complement."""
    random = np.random.default_rng(3)
    whole = 2**count - 1
    some = [0, *random.choice(np.arange(1, 2 ** (count - 1)), 7, replace=False).tolist()]
    return sorted({code for each in some for code in (each, whole ^ each)}, key=lambda code: (code.bit_count(), code))


def enriched(findings: Findings, groups: int = 1) -> Findings:
    """Add to findings what only some designs can tell, made up: interactions in alias groups of a size, order, noise, precision."""
    random = np.random.default_rng(8)
    features = findings.features
    count = len(features)
    pairs = list(combinations(features, 2))
    rows = tuple(tuple(pairs[first : first + groups]) for first in range(0, len(pairs), groups))
    estimate, error = random.normal(0, 0.03, len(rows)), np.full(len(rows), 0.008)
    p = np.where(np.abs(estimate) > 0.03, 0.001, 0.4)
    found = Interactions(rows, estimate, error, np.full(len(rows), 9.0), estimate - 0.018, estimate + 0.018, p, np.minimum(1, 5 * p))
    gains = [random.normal(0.02, 0.04, count) for _ in range(4)]
    errors = [np.full(count, 0.01) for _ in range(4)]
    order = OrderDependence(features, *gains, *errors, np.ptp(gains, axis=0) > 0.06)
    triples = tuple(combinations(features, 3))
    fit = LackOfFit(1.23, 0.31, (1.0, 14.2), triples[:7], max(0, len(triples) - 7))
    balanced_ones = [design.kind == "balanced" for design in findings.designs]
    return replace(
        findings,
        interactions=tuple(found if each else None for each in balanced_ones),
        lack_of_fit=tuple(fit if each else None for each in balanced_ones),
        order=order,
        noise=Noise(seeds=0.012, validation=0.017, images=300),
        precision=Precision(0.01, 3, np.full(count, 0.011), np.full(count, 5), 5, 20, True, np.full(count, 0.0095)),
        provenance=provenance(findings.runs, len(findings.failures), "python -m ablation 'features=[cumulative,fractional]' seeds=3"),
    )
