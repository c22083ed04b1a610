"""A study: all that is asked for, and the trials that follow from it."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TypeGuard

from ablation.checks import flag, number, shown, whole
from ablation.designs import Arm, Design, arm_names, label, one_of_each, restricted, union
from ablation.effects import FEWEST_SEEDS
from ablation.errors import InputError
from ablation.study.key import digest
from ablation.study.subject import Subject, Trial
from ablation.wording import listed

FOLDER = Path("mlruns")
"""Where everything goes, in the working folder."""

STUDIES = FOLDER / "studies"
"""Where each study has a folder of its own."""

OWNER = ".study"
"""The file in such a folder that says whose it is: the study's key."""


def owner_of(folder: Path) -> str:
    """Return the key of the study that a folder belongs to; empty where it does not say."""
    file = folder / OWNER
    return file.read_text(encoding="utf-8") if file.is_file() else ""


MOST_RUNS = 100_000
"""Far more than anyone trains; to list them would take long."""

MOST_SEEDS = 1_000
"""The most seeds of a study that decides their number by itself."""

LARGEST_SEED = 2**32 - 1
"""The largest one that numpy's older functions and most frameworks take."""

LONGEST_NAME = 100
"""Letters of a study's name, so that its files can be named after it."""


@dataclass(frozen=True)
class Adaptive:
    """Seeds decided by Stein's rule: a pilot, then as many as its variance says are needed.

    Attributes:
        precision: wanted half-width of the 95 % intervals, in the units of the metric as people read it.
        most: the cap.
        pilot: seeds of the pilot.
    """

    precision: float
    most: int
    pilot: int = 3

    def __post_init__(self) -> None:
        number("effects.precision", self.precision, above=0)
        whole("effects.max_seeds", self.most, self.pilot, MOST_SEEDS)


@dataclass(frozen=True)
class Sequential:
    """Seeds decided by looking at the effects while they come: an effect that is decided needs no more (group-sequential tests).

    Attributes:
        looks: seeds at each look; the last is the most that any arm gets.
        futility: whether effects are given up that later looks are unlikely to decide.
    """

    looks: Sequence[int]
    futility: bool = False

    def __post_init__(self) -> None:
        example = "such as [5,8,12,16,20]"
        given = list(self.looks) if isinstance(self.looks, tuple | list) else []
        if not given or not all(_is_whole(look, 1) for look in given) or given != sorted(set(given)):
            raise InputError(f"effects.looks must be an increasing list of whole numbers of seeds, {example}, not {shown(self.looks)}")
        if len(given) < 2:
            raise InputError(f"effects.looks={given} has fewer than two looks; expected a list {example}, or seeds=N for a single one")
        if given[0] < FEWEST_SEEDS:
            raise InputError(
                f"effects.looks={given} begins with {given[0]} seeds; expected at least {FEWEST_SEEDS}, for fewer have no verdict"
            )
        if given[-1] > MOST_SEEDS:
            raise InputError(f"effects.looks={given} ends with {given[-1]} seeds; expected at most {MOST_SEEDS}")
        flag("effects.futility", self.futility)
        object.__setattr__(self, "looks", tuple(given))


@dataclass(frozen=True, eq=False)
class Study:
    """All that a study is asked for. A value: nothing of where it runs, is logged or is shown.

    Attributes:
        subject: what is ablated.
        designs: as named functions of the features, in the order given.
        seeds: one run of every arm each; those of the pilot before the number of an adaptive study's seeds is decided.
            A sequential study has those of its last look.
        adaptive: how seeds are decided, where the intervals decide.
        sequential: how seeds are decided, where looks at the effects decide.
        smallest: the smallest effect of interest, in the units of the metric as people read it.
        stop_on_error: whether a failed run ends the study.
        given_name: of the study, or None to make one.
        configuration: the resolved configuration as YAML, to be kept.
        command: repeats the study, as it is typed; empty for a study that a program made.
    """

    subject: Subject
    designs: tuple[Design, ...]
    seeds: tuple[int, ...]
    adaptive: Adaptive | None = None
    sequential: Sequential | None = None
    smallest: float = 0.0
    stop_on_error: bool = False
    given_name: str | None = None
    configuration: str = ""
    command: str = ""

    def __post_init__(self) -> None:
        number("effects.smallest", self.smallest, at_least=0)
        if self.given_name is not None:
            check_name("study.name", self.given_name)
        if not self.designs:
            raise InputError("features names no design; expected for instance features=cumulative")
        if self.adaptive and not any(design.features for design in self.designs):
            raise InputError("seeds=auto decides by the effects' intervals, and this study has no design that credits features")
        if self.sequential and not any(design.features for design in self.designs):
            raise InputError("seeds=sequential decides by looks at effects, and this study has no design that credits features")
        if len(self.arms) * len(self.seeds) > MOST_RUNS:
            runs = f"{len(self.arms)} arms with {len(self.seeds):,} seeds are {len(self.arms) * len(self.seeds):,} runs"
            raise InputError(f"{runs}; expected at most {MOST_RUNS:,}")

    @cached_property
    def arms(self) -> tuple[Arm, ...]:
        """The distinct arms of all designs."""
        return union(self.designs)

    @property
    def features(self) -> tuple[str, ...]:
        """The features, in the study's order."""
        return self.subject.features

    @cached_property
    def arm_names(self) -> dict[Arm, str]:
        """What each arm is called in MLflow and on the screen: by the first design that has it."""
        names: dict[Arm, str] = {}
        for design in self.designs:
            for arm, name in zip(design.arms, arm_names(design, self.features), strict=True):
                names.setdefault(arm, name)
        return names

    @cached_property
    def trials(self) -> tuple[Trial, ...]:
        """Every arm with every seed.

        Raises:
            InputError: if something of the subject cannot be recognised again.
        """
        trials = []
        for arm in self.arms:
            group, params = digest(self.subject.identity(arm)), self.subject.params(arm)
            on, off = (tuple(name for name in self.features if (name in arm) is there) for there in (True, False))
            for seed in self.seeds:
                key = digest({"group": group, "seed": seed})
                trials.append(Trial(arm, seed, key, group, self.arm_names[arm], on, {**params, "seed": str(seed)}, off))
        return tuple(trials)

    def with_seeds(self, count: int) -> "Study":
        """Return the same study with the first ``count`` seeds."""
        return replace(self, seeds=tuple(range(count)))

    @cached_property
    def key(self) -> str:
        """Identifies the study: its designs, features, settings and seeds."""
        designs = [(design.name, design.features) for design in self.designs]
        if self.sequential is not None:
            rule = [list(self.sequential.looks), self.sequential.futility]
            return digest([designs, self.features, [trial.key for trial in self.trials], rule])
        if self.adaptive is None:
            return digest([designs, self.features, [trial.key for trial in self.trials]])
        # The same before and after it is known how many seeds there are.
        pilot = [trial.key for trial in self.trials if trial.seed < self.adaptive.pilot]
        return digest([designs, self.features, pilot, [self.adaptive.precision, self.adaptive.most]])

    @cached_property
    def question_key(self) -> str:
        """Identifies what is asked, whatever the seeds: designs, features and settings."""
        designs = [(design.name, design.features) for design in self.designs]
        return digest(["question", designs, self.features, [self.subject.identity(arm) for arm in self.arms]])

    @cached_property
    def name(self) -> str:
        """What the study's folder and parent run are called."""
        return self.given_name or f"{'+'.join(design.name for design in self.designs)}-{self.subject.name}-{self.key[:8]}"

    @property
    def folder(self) -> Path:
        """Where the study's files go."""
        return STUDIES / self.name


def designed(make: Callable[[Sequence[str]], Design], subject: Subject) -> Design:
    """Return the design of a subject's features, without arms that it cannot have.

    Raises:
        InputError: if nothing is left of it.
    """
    design = one_of_each(make, subject.features, subject.exclusive)
    return fitted(design, subject.features, subject.allows, subject.without)


def fitted(
    design: Design, features: Sequence[str], allows: Callable[[Arm], str | None], without: Callable[[Sequence[str]], str] = lambda left: ""
) -> Design:
    """Return a design without the arms that cannot be built, which name their reasons.

    Args:
        allows: returns None, or why the features of an arm cannot be on together.
        without: returns what to type for a study of some of the features alone.

    Raises:
        InputError: if a feature cannot be on even alone, or if without those arms nothing is left to credit.
    """
    reasons = {arm: reason for arm in design.arms if (reason := allows(arm)) is not None}
    if not reasons:
        return design
    alone = {name: why for name in features if any(name in arm for arm in reasons) and (why := allows(frozenset({name}))) is not None}
    if alone:
        raise InputError(next(iter(alone.values())) + _left_out(design, features, tuple(alone), without))
    left = restricted(design, lambda arm: arm not in reasons, reasons)
    if not left.features:
        arm, why = next(iter(reasons.items()))
        nothing = f"{design.name} has nothing to compare: " if design.features else ""
        raise InputError(f"{nothing}“{label(arm, features)}” cannot be built, for {why}")
    return left


def _left_out(design: Design, features: Sequence[str], unsuited: Sequence[str], without: Callable[[Sequence[str]], str]) -> str:
    """Return the end of a sentence that says how to leave out what cannot be on; empty where there is no such way."""
    left = [name for name in features if name not in unsuited]
    if not left or not (design.features or frozenset(features) in design.arms) or not (typed := without(left)):
        return ""
    return f"; leave {'it' if len(unsuited) == 1 else listed(unsuited, 'and')} out: {typed}"


def check_name(setting: str, name: object) -> None:
    """Refuse a name of a study that no folder can have."""
    if not isinstance(name, str):
        number_in_quotes = f"; a number needs quotes: '{setting}=\"{name}\"'" if isinstance(name, int | float) else ""
        raise InputError(f"{setting} must be text, not {shown(name)}{number_in_quotes}")
    if not re.fullmatch(r"[\w][\w .+-]*", name):
        raise InputError(f"{setting}={name} cannot name a folder; expected letters, digits, spaces and . + - _")
    if len(name) > LONGEST_NAME or len(name.encode()) > 2 * LONGEST_NAME:
        raise InputError(f"{setting}={name[:20]}… has {len(name)} letters; expected at most {LONGEST_NAME}")


def seeds_of(given: object) -> tuple[int, ...]:
    """Return the seeds that a number or a list stands for.

    Raises:
        InputError: if it is neither.
    """
    if _is_whole(given, 1):
        if given > MOST_RUNS:
            raise InputError(f"seeds={given} asks for too many runs; expected at most {MOST_RUNS}")
        return tuple(range(given))
    if isinstance(given, list | tuple) and given and all(_is_whole(seed, 0) for seed in given):
        if max(given) > LARGEST_SEED:
            raise InputError(f"seeds must be whole numbers up to {LARGEST_SEED}, which every framework takes, not {max(given)}")
        if len(set(given)) < len(given):
            raise InputError(f"seeds={list(given)} names a seed twice; each may stand there once")
        return tuple(given)
    raise InputError(
        f"seeds must be a whole number of at least 1, a list of whole numbers such as [0,3,7], auto or sequential, not {given}"
    )


def _is_whole(value: object, at_least: int) -> TypeGuard[int]:
    return isinstance(value, int) and not isinstance(value, bool) and value >= at_least
