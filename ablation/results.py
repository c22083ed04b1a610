"""Results: what a run leaves behind, and what a study found. Plain data, read by the report and the charts."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from ablation.designs import Arm, Design
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
        first_epoch: seconds from building the network to the end of the first epoch; the seeds of an arm that share a compiled network
            take it again for its own part alone. None in runs that were logged before it was measured, and so is the next.
        processor_use: processor time over time of the training; 1 is one core in full.
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
    first_epoch: float | None = None
    processor_use: float | None = None
    environment: Mapping[str, str] = field(default_factory=dict)
    saved_model: bool = False
    run_id: str = ""


@dataclass(frozen=True)
class Compared:
    """What one backend made of one network: the same arm, settings and seeds as on the others.

    Attributes:
        network: what tells it from the other networks compared.
        backend: tensorflow, jax or torch.
        seeds: how many runs.
        parameters: of the network.
        seconds_per_epoch: after the first epoch; median over the runs.
        first_epoch: seconds until the first epoch was over; of the run that compiled. None where it was not measured, and so is the next.
        processor_use: processor time over time, mean over the runs.
        peak_memory: bytes, the largest of the runs.
        loss, accuracy: of the last epoch on the validation images, mean over the runs.
        environment: versions, threads, hardware.
    """

    network: str
    backend: str
    seeds: int
    parameters: int
    seconds_per_epoch: float
    first_epoch: float | None
    processor_use: float | None
    peak_memory: int
    loss: float
    accuracy: float
    environment: Mapping[str, str] = field(default_factory=dict)


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
        remarks: what was known of the outcome before it, in sentences.
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
    remarks: tuple[str, ...] = ()

    def scores_of(self, design: Design) -> np.ndarray:
        """Return the score array of one design's arms, shape ``(seeds, design arms)``."""
        return self.scores[:, [self.arms.index(arm) for arm in design.arms]]

    @property
    def digits(self) -> int:
        """How many decimals percentages deserve: one where the standard deviation of an arm is typically ¼ point or more, else two."""
        _, spread = mean_and_sd(self.scores)
        known = spread[~np.isnan(spread)]
        return 1 if known.size and np.median(known) >= 0.0025 else 2
