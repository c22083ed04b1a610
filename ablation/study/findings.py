"""Results: what a run leaves behind, and what a study found. Plain data, read by the report and the charts."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

import numpy as np

from ablation.designs import Arm, Design
from ablation.effects import Effects, Interactions, LackOfFit, OrderDependence, Precision, mean_and_sd
from ablation.images.noise import Noise
from ablation.study.records import from_plain, to_plain


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


@dataclass(frozen=True)
class Provenance:
    """Where a study's numbers come from.

    Attributes:
        command: reproduces the study, as it is typed into a shell.
        hardware: processor or accelerator and threads a run, in words; several where runs differ.
        versions: of Python and of the packages that determine numbers; several in one string where runs differ.
        seconds: of training, summed over the runs, reused ones included.
        failed: runs that ended in an error, those repeated with success included.
    """

    command: str
    hardware: str
    versions: Mapping[str, str]
    seconds: float
    failed: int


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
        smallest: the smallest effect of interest, a fraction.
        interactions, lack_of_fit: one for each design, in the same order, or None where a design cannot tell; empty where none can.
        order: how each feature's gain depends on the order of adding.
        noise: what makes the score of one arm vary.
        new_images: whether each seed is scored on images of its own choice, so that intervals cover that choice too.
        precision: how the number of seeds was found, where the study chose it.
        provenance: where the numbers come from.
        left_out: what the source holds but could not use, a line each.
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
    smallest: float = 0.0
    interactions: tuple[Interactions | None, ...] = ()
    lack_of_fit: tuple[LackOfFit | None, ...] = ()
    order: OrderDependence | None = None
    noise: Noise | None = None
    new_images: bool = False
    precision: Precision | None = None
    left_out: tuple[str, ...] = ()
    provenance: Provenance | None = None
    remarks: tuple[str, ...] = ()

    def scores_of(self, design: Design) -> np.ndarray:
        """Return the score array of one design's arms, shape ``(seeds, design arms)``."""
        return self.scores[:, [self.arms.index(arm) for arm in design.arms]]

    @property
    def headline(self) -> int | None:
        """Index of the design that answers for the study: the one whose effects weigh the most arms, or None where none credits."""
        weighed = [int(np.count_nonzero(design.contrasts, axis=1).max(initial=0)) for design in self.designs]
        return weighed.index(max(weighed)) if max(weighed, default=0) else None

    @property
    def digits(self) -> int:
        """How many decimals percentages deserve: one where the standard deviation of an arm is typically ¼ point or more, else two."""
        _, spread = mean_and_sd(self.scores)
        known = spread[~np.isnan(spread)]
        return 1 if known.size and np.median(known) >= 0.0025 else 2


def provenance(runs: Mapping[tuple[Arm, int], RunResult], failed: int, command: str) -> Provenance:
    """Gather where a study's numbers come from out of the environments of its finished runs."""
    told: dict[str, dict[str, None]] = {}
    for run in runs.values():
        for name, value in run.environment.items():
            told.setdefault(name, {})[value] = None
    known = {name: " or ".join(values) for name, values in told.items()}
    threads = known.pop("threads", "")
    hardware = [known.pop("processor", ""), f"{threads} {'thread' if threads == '1' else 'threads'} a run" if threads else ""]
    return Provenance(command, ", ".join(filter(None, hardware)), known, sum(run.seconds for run in runs.values()), failed)


# ---- findings as text -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _RunId:
    """Which MLflow run holds the result of an arm with a seed."""

    arm: Arm
    seed: int
    run_id: str


@dataclass(frozen=True, eq=False)
class _Stored:
    """Findings without what their runs hold."""

    findings: Findings
    runs: tuple[_RunId, ...]


def to_json(findings: Findings) -> str:
    """Write findings down, but for what each run's own result says: of a run only its id is kept."""
    runs = tuple(_RunId(arm, seed, run.run_id) for (arm, seed), run in findings.runs.items())
    return json.dumps(to_plain(_Stored(replace(findings, runs={}), runs))) + "\n"


def from_json(text: str, read: Callable[[str], RunResult]) -> Findings:
    """Read findings that :func:`to_json` wrote; ``read`` returns the result that a run's id names.

    Raises:
        InputError: if another version of this package wrote them and their form has changed since.
    """
    stored = from_plain(_Stored, json.loads(text))
    runs = {(each.arm, each.seed): read(each.run_id) for each in stored.runs}
    return replace(stored.findings, runs=runs)
