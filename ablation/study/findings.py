"""What a study found. Plain data, read by the report and the charts, and kept as text in MLflow."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from ablation.designs import Arm, Design
from ablation.effects import Effects, Interactions, LackOfFit, OrderDependence, Precision, mean_and_sd
from ablation.study.cause import line, placed
from ablation.study.looks import Looks
from ablation.study.metric import Measure, Metric
from ablation.study.outcome import Result
from ablation.study.records import from_plain, to_plain
from ablation.wording import counted


@dataclass(frozen=True)
class Failure:
    """One run that did not finish: why, and where in the user's own code, if that is known."""

    arm: Arm
    seed: int
    message: str
    place: str = ""

    @property
    def words(self) -> str:
        """Why, and where."""
        return placed(line(self.message), self.place)


@dataclass(frozen=True)
class Provenance:
    """Where a study's numbers come from.

    Attributes:
        command: reproduces the study, as it is typed into a shell; empty for a study that a program made.
        hardware: processor or accelerator and threads a run, in words; several where runs differ.
        versions: of Python and of the packages that determine numbers; several in one string where runs differ.
        seconds: of all runs, reused ones included.
        failed: runs that ended in an error, those repeated with success included.
        elsewhere: whether the runs were made elsewhere, and the command only analyses them.
    """

    command: str
    hardware: str
    versions: Mapping[str, str]
    seconds: float
    failed: int
    elsewhere: bool = False


@dataclass(frozen=True, eq=False)
class Findings:
    """What a study found, or, before its runs, what it asks.

    Attributes:
        name: of the study.
        description: what the scores are of, such as ``Data: sprites (synthetic)``.
        protocol: how a score is made, in a sentence.
        intervals: what an interval over seeds covers, in a sentence; empty for a single seed.
        metric: what a score is.
        measures: what else is known of runs, in the order of the table's columns.
        features: the subject's features in the study's order.
        seeds: in order; row ``s`` of a score array belongs to ``seeds[s]``.
        arms: the distinct arms in order; column ``a`` of a score array belongs to ``arms[a]``.
        scores: shape ``(seeds, arms)``, in the metric's own units; NaN where a run is missing.
        designs: in the order given.
        effects: one for each design, in the same order, in the units of the scores; empty before the first analysis.
        runs: the finished runs.
        failures: the others that ended.
        smallest: the smallest effect of interest, in the units of the scores.
        pilot: seeds of the pilot, where the study chose the number of its seeds.
        interactions, lack_of_fit: one for each design, in the same order, or None where a design does not allow it; empty before the
            first analysis.
        order: how each feature's effect depends on the order of adding.
        precision: how the number of seeds was decided, where the study chose it.
        looks: which looks were taken and what they decided, where the study stops itself; its seeds are then the most that any arm has.
        shown: numbers of seeds after which effects of the same question had been shown before this study came to its end, in order.
        variability: what makes scores vary and which part of it intervals cover, in whole sentences.
        provenance: where the numbers come from.
        remarks: what was known before any run and a reader must know, in whole sentences.
        unfinished: whether the study has not come to its end.
        methods: what a paper says of how its runs are made, in whole sentences; empty where that is not known.
    """

    name: str
    description: str
    protocol: str
    intervals: str
    metric: Metric
    measures: tuple[Measure, ...]
    features: tuple[str, ...]
    seeds: tuple[int, ...]
    arms: tuple[Arm, ...]
    scores: np.ndarray
    designs: tuple[Design, ...]
    effects: tuple[Effects, ...]
    runs: Mapping[tuple[Arm, int], Result]
    failures: tuple[Failure, ...] = ()
    smallest: float = 0.0
    pilot: int | None = None
    interactions: tuple[Interactions | None, ...] = ()
    lack_of_fit: tuple[LackOfFit | None, ...] = ()
    order: OrderDependence | None = None
    precision: Precision | None = None
    looks: Looks | None = None
    shown: tuple[int, ...] = ()
    variability: tuple[str, ...] = ()
    provenance: Provenance | None = None
    remarks: tuple[str, ...] = ()
    unfinished: bool = False
    methods: tuple[str, ...] = ()

    def scores_of(self, design: Design) -> np.ndarray:
        """Return the score array of one design's arms, shape ``(seeds, design arms)``."""
        return self.scores[:, [self.arms.index(arm) for arm in design.arms]]

    @property
    def asked(self) -> np.ndarray:
        """Which runs the study asks for, shape ``(seeds, arms)``: all, unless it stops itself or arms share no seeds."""
        if self.independent:
            return ~np.isnan(self.scores)
        most = len(self.seeds) if self.looks is None else self.looks.seeds
        return np.arange(len(self.seeds))[:, None] < np.broadcast_to(most, len(self.arms))

    def asked_of(self, design: Design) -> np.ndarray:
        """Return which runs of one design's arms the study asks for, shape ``(seeds, design arms)``."""
        return self.asked[:, [self.arms.index(arm) for arm in design.arms]]

    @property
    def total(self) -> int:
        """How many runs the study asks for."""
        return int(self.asked.sum())

    @property
    def missing(self) -> int:
        """How many of the runs that the study asks for are not there."""
        return int((self.asked & np.isnan(self.scores)).sum())

    @property
    def sample(self) -> str:
        """What the runs of an arm are called: ``seed`` where arms share their seeds, ``run`` where they do not or have none."""
        return "run" if self.independent else "seed"

    @property
    def seeds_in_words(self) -> str:
        """How many runs the arms were to have: ``3 seeds``, ``5 to 12 seeds`` where arms differ, ``4 runs an arm`` where seeds do."""
        counts = self.asked.sum(axis=0)
        least, most = int(counts.min()), int(counts.max())
        words = counted(most, self.sample) if least == most else f"{least} to {most} {self.sample}s"
        return f"{words} an arm" if self.independent else words

    def seeds_behind(self, design_index: int) -> np.ndarray:
        """Return how many seeds each effect of a design would rest on if every run had finished, shape ``(features,)``."""
        features = len(self.designs[design_index].features)
        return np.full(features, len(self.seeds)) if self.looks is None else self.looks.seeds_behind(design_index)

    @property
    def independent(self) -> bool:
        """Whether arms share no seeds: the rows of a score array are then the first run of every arm, the second, and so on."""
        return any(design.kind == "independent" for design in self.designs)

    @property
    def unbuilt(self) -> dict[Arm, str]:
        """The arms of its designs that cannot be built, each with the reason."""
        known = [pair for design in self.designs if design.reasons for pair in zip(design.excluded, design.reasons, strict=True)]
        return dict(known)

    @property
    def uncredited(self) -> tuple[str, ...]:
        """The features that a design cannot credit because an arm cannot be built."""
        return tuple(dict.fromkeys(feature for design in self.designs if design.reasons for feature in design.uncredited))

    @property
    def went_well(self) -> bool:
        """Whether every run finished and every effect could be estimated."""
        return not (self.failures or self.uncredited)

    @property
    def headline(self) -> int | None:
        """Index of the design that answers for the study: the one whose effects weigh the most arms, or None where none credits."""
        weighed = [int(np.count_nonzero(design.contrasts, axis=1).max(initial=0)) for design in self.designs]
        return weighed.index(max(weighed)) if max(weighed, default=0) else None

    @cached_property
    def digits(self) -> int:
        """How many decimals scores deserve where people read them.

        So many that two digits of the typical standard deviation of an arm are seen, but no finer than the metric's own step. Where no
        deviation is known, four digits of the typical score.
        """
        mean, spread = mean_and_sd(self.scores)
        # Equal scores spread by nothing but rounding.
        spreads = self.metric.scale * spread[spread > 1e-9 * np.abs(mean)]
        if spreads.size:
            typical = max(float(np.median(spreads)), self.metric.scale * self.metric.step)
            return int(np.clip(1 - np.floor(np.log10(typical)), 0, 6))
        scores = np.abs(self.metric.scale * mean[~np.isnan(mean) & (mean != 0)])
        return int(np.clip(3 - np.floor(np.log10(np.median(scores))), 0, 6)) if scores.size else 2


def provenance(runs: Mapping[tuple[Arm, int], Result], failed: int, command: str, elsewhere: bool = False) -> Provenance:
    """Gather where a study's numbers come from out of the environments of its finished runs."""
    values: dict[str, dict[str, None]] = {}
    for run in runs.values():
        for name, value in run.environment.items():
            values.setdefault(name, {})[value] = None
    known = {name: " or ".join(each) for name, each in values.items()}
    threads = known.pop("threads", "")
    hardware = [known.pop("processor", ""), f"{threads} {'thread' if threads == '1' else 'threads'} a run" if threads else ""]
    seconds = sum(run.seconds for run in runs.values())
    return Provenance(command, ", ".join(filter(None, hardware)), known, seconds, failed, elsewhere)


# ---- findings as text -------------------------------------------------------------------------------------------------------


EARLIER = {
    "cannot be told from zero": "open",
    "not decided yet": "open",
    "open, and more seeds are unlikely to tell": "given up",
    "cannot be estimated": "no estimate",
}
"""What verdicts were called when stored findings may have been written."""


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
    """Write findings down, but for what each run's own result says: of a run only its id is kept, where it has one."""
    runs = tuple(_RunId(arm, seed, run.run_id) for (arm, seed), run in findings.runs.items() if run.run_id)
    return json.dumps(to_plain(_Stored(replace(findings, runs={}), runs))) + "\n"


def from_json(text: str, read: Callable[[str], Result]) -> Findings:
    """Read findings that :func:`to_json` wrote; ``read`` returns the result that a run's id names.

    Raises:
        InputError: if another version of this package wrote them and their form has changed since.
    """
    for earlier, verdict in EARLIER.items():
        text = text.replace(json.dumps(earlier), json.dumps(verdict))
    stored = from_plain(_Stored, json.loads(text))
    runs = {(each.arm, each.seed): read(each.run_id) for each in stored.runs}
    return replace(stored.findings, runs=runs)
