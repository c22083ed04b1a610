"""Wide tables: a row an arm, a column a seed."""

import re
from collections.abc import Sequence
from dataclasses import replace
from fnmatch import fnmatchcase
from itertools import takewhile

import numpy as np

from ablation.elsewhere.runs import Table
from ablation.errors import InputError, nearest


def score_columns(table: Table, given: Sequence[str]) -> tuple[str, ...]:
    """Return the columns of scores that names and patterns such as ``acc_*`` stand for.

    Raises:
        InputError: if a pattern fits none.
    """
    known, found = list(map(str, table.frame.columns)), []
    for each in given:
        names = [name for name in known if fnmatchcase(name, each)] if set("*?") & set(each) else [each]
        if not names:
            raise InputError(f"{table.what} has no column like '{each}', which is to hold scores{nearest(each.strip('*?'), known)}")
        found += names
    return tuple(dict.fromkeys(found))


def long(table: Table, scores: Sequence[str]) -> tuple[Table, str, str]:
    """Return a wide table with a row a run, and the names of its columns of scores and of seeds.

    The seeds are the numbers at the end of the columns' names, or where these have none the columns' own, from 0. The score is called as
    the names begin.
    """
    values = [table.column(name, "scores") for name in scores]
    count = len(values)
    ends = [re.search(r"\d+$", name) for name in scores]
    numbers = [int(each.group()) for each in ends if each]
    seeds = numbers if len(set(numbers)) == count else list(range(count))
    name = re.sub(r"[\W_\d]+$", "", _beginning(scores)) or "score"
    seed = "seed" if name != "seed" else "number"
    others = table.frame.drop(columns=[each for each in table.frame.columns if str(each) in (*scores, name, seed)])
    frame = others.iloc[np.repeat(np.arange(len(others)), count)].reset_index(drop=True)
    frame[name] = np.column_stack([each.to_numpy(dtype=object) for each in values]).ravel()
    frame[seed] = np.tile(seeds, len(table.frame))
    return replace(table, frame=frame, row=lambda place: f"{table.row(place // count)}, column '{scores[place % count]}',"), name, seed


def _beginning(names: Sequence[str]) -> str:
    """Return what all names begin with."""
    return "".join(letters[0] for letters in takewhile(lambda letters: len(set(letters)) == 1, zip(*names, strict=False)))
