"""Runs: from the rows of a table to arms, seeds and scores, with a message that names the row where one cannot be understood."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from ablation.designs import Arm, label
from ablation.elsewhere.arm_names import arm_of
from ablation.elsewhere.levels import MISSING, Levels
from ablation.errors import InputError, nearest
from ablation.wording import listed

if TYPE_CHECKING:
    import pandas as pd

SHOWN = 5
"""Rows that a sentence names; of more the number is given."""


@dataclass(frozen=True)
class Table:
    """A table with a row a run.

    Attributes:
        frame: its cells.
        name: for the name of a study, such as ``results.csv``.
        what: the same in a sentence.
        row: names a row by its place, from 0: ``row 2``.
        remarks: what of it was left out, in whole sentences.
    """

    frame: "pd.DataFrame"
    name: str
    what: str
    row: Callable[[int], str]
    remarks: tuple[str, ...] = ()

    def column(self, name: str, role: str) -> "pd.Series":
        """Return a column.

        Raises:
            InputError: if there is none of that name, or several.
        """
        known = list(map(str, self.frame.columns))
        if known.count(name) != 1:
            problem = "has no column" if name not in known else "has several columns called"
            raise InputError(f"{self.what} {problem} '{name}', which is to hold {role}{nearest(name, known) if name not in known else ''}")
        return self.frame.iloc[:, known.index(name)]


@dataclass(frozen=True, eq=False)
class Runs:
    """The runs of a table. Arrays have shape ``(runs,)``.

    Attributes:
        features: those that are on in some runs and off in others, in the order given.
        arms: the distinct ones, in the order in which they appear.
        arm: index into ``arms``.
        seed: of each run; -1 in all where runs have none.
        score: never NaN.
        place: of each run's row in the table.
        remarks: what was left out, in whole sentences.
    """

    features: tuple[str, ...]
    arms: tuple[Arm, ...]
    arm: np.ndarray
    seed: np.ndarray
    score: np.ndarray
    place: np.ndarray
    remarks: tuple[str, ...]


def runs_of(table: Table, score: str, seed: str | None, arm: str | None, levels: Mapping[str, Levels]) -> Runs:
    """Read the runs of a table.

    Args:
        table: a row a run.
        score: the column of scores; a run without one counts as missing.
        seed: the column of seeds; None where runs have none.
        arm: the column that names the features that are on; None where each feature has a column.
        levels: what the values of each feature's column mean.

    Raises:
        InputError: if a column is missing or a cell cannot be understood, with the row at fault, or if a seed of an arm has two scores.
    """
    if not len(table.frame):
        raise InputError(f"{table.what} has no rows; expected one for each run")
    scores = _scores(table, score)
    known = np.flatnonzero(~np.isnan(scores))
    if not len(known):
        raise InputError(f"{table.what} has no score in the column '{score}'")
    on = _on_by_arm(table, arm, tuple(levels)) if arm else np.array([_states(table, *each) for each in levels.items()]).T
    seeds = np.full(len(scores), -1) if seed is None else _seeds(table, seed)
    remarks = _without_score(table, score, np.flatnonzero(np.isnan(scores)))
    on, features, constant = _varying(table, on[known], tuple(levels))
    arms, indices = _arms(on, features)
    found = Runs(features, arms, indices, seeds[known], scores[known], known, (*table.remarks, *remarks, *constant))
    if seed is not None:
        _refuse_doubled(table, found)
    return found


def numbered(runs: Runs) -> Runs:
    """Return runs whose seeds are the numbers, from 1, that they have among those of their arm, for seeds mean nothing."""
    order = np.argsort(runs.arm, kind="stable")
    counts = np.bincount(runs.arm, minlength=len(runs.arms))
    number = np.empty(len(order), dtype=int)
    number[order] = 1 + np.arange(len(order)) - np.repeat(np.cumsum(counts) - counts, counts)
    return replace(runs, seed=number)


# ---- columns ----------------------------------------------------------------------------------------------------------------


def _scores(table: Table, name: str) -> np.ndarray:
    import pandas as pd

    column = table.column(name, "the scores")
    numbers = pd.to_numeric(column, errors="coerce").to_numpy(dtype=float, na_value=np.nan)
    text = np.isnan(numbers) & ~column.isna().to_numpy()
    if column.dtype == object or str(column.dtype).startswith("str"):
        text &= np.array([bool(str(cell).strip()) for cell in column])
    wrong = np.flatnonzero(text | np.isinf(numbers))
    if len(wrong):
        raise InputError(f"{table.row(wrong[0])} of {table.what}: {name} is {_shown(column.iloc[wrong[0]])}; expected a finite number")
    return numbers


def _seeds(table: Table, name: str) -> np.ndarray:
    import pandas as pd

    column = table.column(name, "the seeds")
    numbers = pd.to_numeric(column, errors="coerce").to_numpy(dtype=float, na_value=np.nan)
    wrong = np.flatnonzero(~(np.abs(numbers) < 2**53) | (numbers != np.floor(numbers)))
    if len(wrong):
        raise InputError(f"{table.row(wrong[0])} of {table.what}: {name} is {_shown(column.iloc[wrong[0]])}; expected a whole number")
    return numbers.astype(int)


def _states(table: Table, feature: str, levels: Levels) -> np.ndarray:
    """Return in which rows a feature is on, ``(rows,)``."""
    import pandas as pd

    column = table.column(feature, "a feature")
    codes, values = pd.factorize(column, use_na_sentinel=False)
    states = [levels.state(None if pd.isna(value) else value) for value in values]
    unknown = [code for code, state in enumerate(states) if state is None]
    if unknown:
        first = int(np.flatnonzero(np.isin(codes, unknown))[0])
        value = column.iloc[first]
        also = f"an empty cell can be named as '{MISSING}'" if pd.isna(value) else "name other values as on or off"
        raise InputError(
            f"{table.row(first)} of {table.what}: {feature} is {_shown(value)}; expected one of {', '.join(sorted(levels.on))} for on or "
            f"{', '.join(sorted(levels.off))} for off; {also}"
        )
    return np.array(states, dtype=bool)[codes]


def _on_by_arm(table: Table, name: str, features: Sequence[str]) -> np.ndarray:
    """Return which features are on in which row, ``(rows, features)``, by a column that names arms."""
    import pandas as pd

    codes, values = pd.factorize(table.column(name, "the arms"), use_na_sentinel=False)
    on = np.zeros((len(values), len(features)), dtype=bool)
    for code, value in enumerate(values):
        try:
            arm = arm_of("" if pd.isna(value) else str(value), features)
        except InputError as error:
            row = table.row(int(np.flatnonzero(codes == code)[0]))
            raise InputError(f"{row} of {table.what}: {name} {error}") from None
        on[code] = [feature in arm for feature in features]
    return on[codes]


def _shown(value: Any) -> str:
    import pandas as pd

    return "empty" if pd.isna(value) else f"'{value}'"


def _without_score(table: Table, score: str, rows: np.ndarray) -> list[str]:
    if not len(rows):
        return []
    named = f" ({listed([table.row(row) for row in rows[:SHOWN].tolist()], 'and')}{', and others' if len(rows) > SHOWN else ''})"
    if len(rows) == 1:
        return [f"One row has no {score}{named} and counts as a missing run."]
    return [f"{len(rows)} rows have no {score}{named} and count as missing runs."]


def _varying(table: Table, on: np.ndarray, features: tuple[str, ...]) -> tuple[np.ndarray, tuple[str, ...], list[str]]:
    """Return the columns of the features that are on in some runs and off in others, and sentences on the rest."""
    share = on.mean(axis=0)
    sentences = [
        f"{listed(names, 'and')} {'is' if len(names) == 1 else 'are'} {state} in every run, so nothing can be said "
        f"of {'it' if len(names) == 1 else 'them'}."
        for state, value in (("on", 1.0), ("off", 0.0))
        if (names := [name for name, each in zip(features, share, strict=True) if each == value])
    ]
    varies = (share > 0) & (share < 1)
    if not varies.any():
        raise InputError(f"every run of {table.what} has the same features on; expected runs with a feature and runs without it")
    return on[:, varies], tuple(name for name, use in zip(features, varies.tolist(), strict=True) if use), sentences


def _arms(on: np.ndarray, features: Sequence[str]) -> tuple[tuple[Arm, ...], np.ndarray]:
    """Return the distinct arms in the order in which they appear, and for each row its arm's index."""
    packed = np.packbits(on, axis=1)
    _, first, inverse = np.unique(packed, axis=0, return_index=True, return_inverse=True)
    order = np.argsort(first)
    rank = np.empty_like(order)
    rank[order] = np.arange(len(order))
    arms = tuple(frozenset(features[column] for column in np.flatnonzero(on[row]).tolist()) for row in first[order].tolist())
    return arms, rank[inverse.ravel()]


def _refuse_doubled(table: Table, runs: Runs) -> None:
    order = np.lexsort((runs.seed, runs.arm))  # stable: rows of a pair stay in order
    same = (np.diff(runs.arm[order]) == 0) & (np.diff(runs.seed[order]) == 0)
    if not same.any():
        return
    at = np.flatnonzero(same)
    at = at[runs.place[order[at + 1]].argmin()]
    one, other = order[at], order[at + 1]
    name = label(runs.arms[runs.arm[one]], runs.features)
    raise InputError(
        f"{table.row(runs.place[one])} and {table.row(runs.place[other])} of {table.what} are both of the arm “{name}” with seed "
        f"{runs.seed[one]} (scores {runs.score[one]:g} and {runs.score[other]:g}); expected one run for each arm and seed"
    )
