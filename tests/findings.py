"""Synthetic findings for the tests of tables and charts: made-up scores, real designs and effects."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType

import numpy as np

from ablation.designs import Arm, Design, cumulative, union
from ablation.effects import Precision, estimate, interactions, lack_of_fit, order_dependence
from ablation.images.noise import Noise
from ablation.study.findings import Failure, Findings, RunResult, provenance

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
    together: Mapping[Collection[str], float] = MappingProxyType({}),
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
        together: what some features add where all of them are on, a fraction.
        environment: given to the runs in turn.
    """
    chosen = designs or (cumulative(features),)
    random = np.random.default_rng(5)
    arms, worth = union(chosen), dict(zip(features, gains, strict=True))
    scores = np.full((seeds, len(arms)), np.nan)
    runs: dict[tuple[Arm, int], RunResult] = {}
    failures: list[Failure] = []
    for column, arm in enumerate(arms):
        pull = sum(extra for group, extra in together.items() if arm.issuperset(group))
        for seed in range(seeds):
            score = float(np.clip(0.578 + sum(worth[feature] for feature in arm) + pull + random.normal(0, noise), 0, 1))
            if (arm, seed) in failed:
                failures.append(Failure(arm, seed, "ResourceExhaustedError: out of memory\nwhile allocating a tensor"))
                continue
            scores[seed, column] = score
            runs[arm, seed] = _run(arm, score, epochs, test_scores, environment[len(runs) % len(environment)], random)
    columns = [[arms.index(arm) for arm in design.arms] for design in chosen]
    effects = tuple(estimate(design, scores[:, own], smallest=0.005) for design, own in zip(chosen, columns, strict=True))
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


def enriched(findings: Findings) -> Findings:
    """Add to findings everything that their designs and scores can tell, and made-up noise, precision and provenance."""
    scores = [findings.scores_of(design) for design in findings.designs]
    count = len(findings.features)
    return replace(
        findings,
        interactions=tuple(interactions(*each) for each in zip(findings.designs, scores, strict=True)),
        lack_of_fit=tuple(lack_of_fit(*each) for each in zip(findings.designs, scores, strict=True)),
        order=order_dependence(findings.features, findings.arms, findings.scores, findings.designs),
        noise=Noise(seeds=0.012, validation=0.017, images=300),
        precision=Precision(0.01, 3, np.full(count, 0.011), np.full(count, 5), 5, 20, True, np.full(count, 0.0095)),
        provenance=provenance(findings.runs, len(findings.failures), "python -m ablation 'features=[cumulative,fractional]' seeds=3"),
    )
