"""What is ablated: given an arm and a seed, a subject trains and returns a score."""

import os
from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from ablation.designs import Arm, Groups
from ablation.study.metric import Measure, Metric
from ablation.study.outcome import Outcome, Result
from ablation.wording import listed

if TYPE_CHECKING:
    from ablation.study.findings import Findings

ReadArrays = Callable[[Result, str], dict[str, np.ndarray] | None]
"""Reads the arrays that a run keeps under a name; None where there are none."""


@dataclass(frozen=True, eq=False)
class Trial:
    """One run to be made: an arm with a seed.

    Attributes:
        arm: the features that are on.
        seed: of everything that the run draws.
        key: identifies the run by all that determines its numbers.
        group: the same for all runs that share compiled work; they go to one worker where that pays.
        label: the arm's name for people.
        features: those that are on, in the study's order.
        params: the run's settings, as MLflow shows them.
        off: the study's features that are off, in its order.
    """

    arm: Arm
    seed: int
    key: str
    group: str
    label: str
    features: tuple[str, ...]
    params: Mapping[str, str]
    off: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """What MLflow and the screen call the run."""
        return f"{self.label} · seed {self.seed}"


class Report(Protocol):
    """What a run calls to say how it goes, live on the screen and in MLflow."""

    def __call__(self, *, epoch: int | None = None, **metrics: float) -> None:
        """Report the metrics of an epoch, from 1; without a number, of the one after the last."""
        ...

    def stage(self, words: str) -> None:
        """Say what the run is doing, such as ``compiling``: until it says something else, or reports an epoch."""
        ...


@dataclass(frozen=True)
class Scoring:
    """How a score is made.

    Attributes:
        score: a sentence on how one score comes about.
        intervals: a sentence on what an interval over seeds covers.
    """

    score: str
    intervals: str


class WrongProcessError(RuntimeError):
    """This process is set up in another way already and cannot be changed; a new one could be."""


class Subject(ABC):
    """What is ablated. The engine knows no more of it than this.

    Attributes:
        name: a word or two for the names of studies and for lists of them, such as ``sprites``.
        description: what the scores are of, for captions: ``Data: sprites (synthetic)``.
        features: all that can be on or off, in the study's order.
        epochs: how many epochs a run reports, where that is known.
        stores: whether a run may leave a network or a folder of files, which its worker stores by itself.
        exclusive: groups of features of which an arm has at most one.
    """

    name: str
    description: str
    features: tuple[str, ...]
    epochs: int | None = None
    stores: bool = True
    exclusive: Groups = ()

    @property
    @abstractmethod
    def metric(self) -> Metric:
        """What a score is; asked for after :meth:`prepare`."""

    @property
    @abstractmethod
    def measures(self) -> tuple[Measure, ...]:
        """What else is measured, in the order of the table's columns."""

    @abstractmethod
    def identity(self, arm: Arm) -> Mapping[str, Any]:
        """Return all that determines the numbers of an arm's runs but the seed, as JSON can hold it."""

    @abstractmethod
    def run(self, trial: Trial, report: Report) -> Outcome:
        """Make one run, in the process of a worker."""

    @abstractmethod
    def protocol(self) -> Scoring:
        """Say how a score is made, and what an interval over seeds covers."""

    # ---- what most subjects can leave as it is -------------------------------------------------------------------------

    def prepare(self) -> None:
        """Stage what runs need. Nothing was logged yet.

        Raises:
            InputError: if something that the user gave cannot work.
        """

    def allows(self, arm: Arm) -> str | None:
        """Return None, or why these features cannot be on together."""
        return None

    def without(self, left: Sequence[str]) -> str:
        """Return what to type for a study of these of its features alone; empty where there is no such way."""
        return ""

    def params(self, arm: Arm) -> Mapping[str, str]:
        """Return the settings of an arm's runs, as MLflow shows them."""
        return {}

    def settings(self) -> Mapping[str, str]:
        """Return what the runs of a study have in common, as MLflow shows it of the study."""
        return {}

    def methods(self) -> tuple[str, ...]:
        """Return what a paper says of how runs are made: what all have in common, and every feature; asked for after :meth:`prepare`."""
        settings = {**self.params(frozenset()), **self.settings()}
        common = [f"The {name.replace('.', ' ')} of every run is {value}." for name, value in settings.items()]
        features = {name: self.params(frozenset((name,))).get(f"feature.{name}", "on") for name in self.features}
        return (*common, *([features_in_words(features)] if features else []))

    def data(self) -> Mapping[str, str] | None:
        """Return name, digest and description of the data, as MLflow's list of data sets shows them."""
        return None

    def serves(self, arm: Arm, result: Result) -> bool:
        """Say whether a finished run of an arm has all that is asked for now."""
        return True

    def packages(self) -> tuple[str, ...]:
        """Return the packages whose versions decide the numbers of a run; all processes that make runs have the same."""
        return ()

    @property
    def staged(self) -> Path | None:
        """A folder of files that runs read, named by what it holds and complete once it is there; None where there is none.

        A process finds it by :func:`ablation.study.staged.located`. Asked for after :meth:`prepare`.
        """
        return None

    def before(self) -> Callable[[int | None, bool], Any] | None:
        """Return what sets a process up before the subject's own code, and all that it imports, is read there; None for nothing.

        It takes the arguments of :meth:`start`.
        """
        return None

    def start(self, threads: int | None, own: bool) -> Mapping[str, str]:
        """Set a process up before the first run in it, and return how it is set up now, by name, as far as it decides numbers.

        ``threads`` is one of the names; further ones must be the same in all processes of a study.

        Args:
            threads: CPU threads of a run; None leaves it to the subject.
            own: whether the process does nothing else.

        Raises:
            WrongProcessError: if it is set up in another way already, and cannot be changed.
        """
        return {"threads": os.environ.get("OMP_NUM_THREADS") or str(os.cpu_count())}

    def remarks(self) -> tuple[str, ...]:
        """Return what is known before any run and a reader must know, in whole sentences."""
        return ()

    def doubts(self, finished: Collection[Result]) -> tuple[str, ...]:
        """Say what speaks against using these finished runs again, in whole sentences."""
        return ()

    def preview(self, trial: Trial) -> str | None:
        """Return what a run would do, for a plan, such as a command to paste; None where there is nothing to show."""
        return None

    def files(self) -> Mapping[str, str]:
        """Return texts that the study's folder is to hold, by name."""
        return {}

    def variability(self, runs: Mapping[tuple[Arm, int], Result], read: ReadArrays) -> tuple[str, ...]:
        """Say what makes scores vary and which part of it intervals cover, in whole sentences."""
        return ()

    def pictures(self, findings: "Findings", read: ReadArrays, folder: Path) -> list[Path]:
        """Draw pictures of the subject's own into a folder, and return the files."""
        return []


def features_in_words(features: Mapping[str, str]) -> str:
    """Return a sentence that names features with what each sets; ``on`` where it sets nothing."""
    named = [name if sets == "on" else f"{name} ({sets})" for name, sets in features.items()]
    return f"The features, in this order, are {listed(named, 'and')}."
