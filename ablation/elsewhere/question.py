"""What is asked of a table: in its user's words, checked before anything is read."""

from collections.abc import Sequence
from dataclasses import dataclass

from ablation.checks import number
from ablation.designs import DESIGNS
from ablation.elsewhere.levels import Values, levels
from ablation.errors import InputError, nearest
from ablation.study.key import digest
from ablation.study.metric import Metric, own_metric
from ablation.study.study import check_name


@dataclass(frozen=True)
class Question:
    """What is asked of a table.

    Attributes:
        score: the column of scores; or several, or a pattern such as ``acc_*``, where a row is an arm and each of them a seed.
        features: in order: columns that say which are on, or with ``arm`` the names that it may hold.
        arm: a column that names the features that are on, such as ``mixup + ema``; None where each feature has a column.
        seed: the column of seeds; None where runs have none, or seeds that mean nothing across arms.
        on, off: values that mean that a feature is on or off, beside 1, true, 0 and false; or a mapping from a feature to its own.
        designs: names of designs; empty to take those that the arms allow.
        higher_is_better, unit, scale, bounds, step: of the score, as in :class:`ablation.study.metric.Metric`.
        smallest: the smallest effect of interest, in the units that people read.
        name: of the study that is written; None to make one.
        command: repeats the analysis, as it is typed; empty for a program's.
    """

    score: tuple[str, ...]
    features: tuple[str, ...]
    arm: str | None = None
    seed: str | None = "seed"
    on: Values = ()
    off: Values = ()
    designs: tuple[str, ...] = ()
    higher_is_better: bool = True
    unit: str = ""
    scale: float = 1.0
    bounds: tuple[float, float] | None = None
    step: float = 0.0
    smallest: float = 0.0
    name: str | None = None
    command: str = ""

    def __post_init__(self) -> None:
        self.metric("score")
        number("smallest", self.smallest, at_least=0)
        if self.name is not None:
            check_name("name", self.name)
        for each in self.designs:
            if each not in DESIGNS:
                raise InputError(f"the design '{each}' is not known{nearest(each, DESIGNS)}")
        self._check_columns()
        levels(self.features, self.on, self.off)

    def _check_columns(self) -> None:
        if not self.features or not self.score:
            raise InputError(f"no {'score' if self.features else 'feature'} is named; expected the names of columns")
        uses: dict[str, str] = {}
        columns: list[tuple[str, Sequence[str]]] = [("a feature", self.features), ("the score", self.score)]
        columns += [("the seed", [self.seed] if self.seed else []), ("the arm", [self.arm] if self.arm else [])]
        for use, names in columns:
            for each in names:
                if each in uses:
                    both = "twice" if uses[each] == use else f"as {uses[each]} and as {use}"
                    raise InputError(f"'{each}' is named {both}; expected a column of its own for each")
                uses[each] = use

    def metric(self, key: str) -> Metric:
        """Return what a score is, by its name."""
        return own_metric(key, self.unit, self.scale, self.higher_is_better, self.bounds, self.step, logged=False)

    def key(self, what: str) -> str:
        """Return what the analysis is known by: the same table asked the same again is the same one, whatever its rows are now."""
        return digest([what, self.score, self.features, self.arm, self.seed, self.designs])
