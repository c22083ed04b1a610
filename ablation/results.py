"""Results: what a run leaves behind, and what a study found. Plain data, read by the report and the charts."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np

from ablation.designs import Arm, Design, label
from ablation.effects import Effects, mean_and_sd


@dataclass(frozen=True)
class RunResult:
    """One finished training.

    Attributes:
        score: validation accuracy after the last epoch, a fraction.
        history: ``loss``, ``accuracy``, ``val_loss``, ``val_accuracy``, one value an epoch; accuracies are fractions.
        test_score: accuracy on the test images, where it was asked for.
        parameters, trainable, convolutions: counts of the network.
        flops: floating-point operations of one forward pass of one image.
        seconds_per_epoch: median over the epochs after the first, evaluation included.
        seconds: the whole training, compilation included.
        peak_memory: bytes, of the process that trained.
        environment: versions, threads, hardware.
        saved_model: whether the trained network was stored with it.
        run_id: the MLflow run that holds it.
    """

    score: float
    history: Mapping[str, list[float]]
    test_score: float | None
    parameters: int
    trainable: int
    convolutions: int
    flops: int
    seconds_per_epoch: float
    seconds: float
    peak_memory: int
    environment: Mapping[str, str] = field(default_factory=dict)
    saved_model: bool = False
    run_id: str = ""


@dataclass(frozen=True)
class Failure:
    """One run that did not finish, and why."""

    arm: Arm
    seed: int
    message: str


@dataclass(frozen=True, eq=False)
class Findings:
    """Everything that tables and charts show of a study.

    Attributes:
        name: the study's name.
        data: what it was trained on, in words, such as ``"sprites (synthetic)"``.
        protocol: how a score is defined and what an interval covers, in one or two sentences.
        features: the catalogue's features in the study's order.
        seeds: in order; row ``s`` of a score array belongs to ``seeds[s]``.
        arms: the distinct arms in order; column ``a`` of a score array belongs to ``arms[a]``.
        scores: shape ``(seeds, arms)``, fractions; NaN where a run is missing.
        designs: in the order given.
        effects: one for each design, in the same order, in fractions.
        runs: the finished runs.
        failures: the others.
    """

    name: str
    data: str
    protocol: str
    features: tuple[str, ...]
    seeds: tuple[int, ...]
    arms: tuple[Arm, ...]
    scores: np.ndarray
    designs: tuple[Design, ...]
    effects: tuple[Effects, ...]
    runs: Mapping[tuple[Arm, int], RunResult]
    failures: tuple[Failure, ...] = ()

    def scores_of(self, design: Design) -> np.ndarray:
        """Return the score array of one design's arms, shape ``(seeds, design arms)``."""
        return self.scores[:, [self.arms.index(arm) for arm in design.arms]]

    def names_of(self, design: Design) -> tuple[str, ...]:
        """Name the arms of one design: ``+ mixup`` for the step that leads to an arm of a path, else as :func:`designs.label` does."""
        names = [label(arm, self.features) for arm in design.arms]
        if is_path(design):
            for index, (before, after) in enumerate(pairwise(design.arms), start=1):
                names[index] = "+ " + label(after - before, self.features)
        return tuple(names)

    @property
    def digits(self) -> int:
        """How many decimals percentages deserve: one where the standard deviation of an arm is typically ¼ point or more, else two."""
        _, spread = mean_and_sd(self.scores)
        known = spread[~np.isnan(spread)]
        return 1 if known.size and np.median(known) >= 0.0025 else 2


def is_path(design: Design) -> bool:
    """Say whether a design climbs: it credits features, and each arm adds to the arm before it."""
    return len(design.features) > 0 and all(before < after for before, after in pairwise(design.arms))


MEANINGS = {
    "cumulative": "Each feature is added to those before it; its effect is the step that it makes, and depends on the order.",
    "leave_one_out": "An effect is what the arm with all features would lose without the feature.",
    "one_at_a_time": "An effect is what the feature adds to the baseline when it is alone.",
}
"""What an effect is in each design, in one sentence, for captions."""
