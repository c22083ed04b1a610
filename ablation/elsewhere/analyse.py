"""The analysis of results that were made elsewhere: from a table to findings and their files."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from ablation.checks import number
from ablation.designs import Design, union
from ablation.elsewhere.levels import Levels
from ablation.elsewhere.pairing import unpaired
from ablation.elsewhere.recognise import Recognised, recognise
from ablation.elsewhere.runs import Runs, Table, numbered, runs_of
from ablation.engine.analysis import analysed
from ablation.errors import InputError
from ablation.study.findings import Findings, provenance
from ablation.study.key import digest
from ablation.study.metric import Metric
from ablation.study.outcome import Result
from ablation.study.study import STUDIES

OWNER = ".study"
"""File in a study's folder that says whose it is, as that of a study's own."""


@dataclass(frozen=True)
class Question:
    """What is asked of a table.

    Attributes:
        metric: what a score is; its key is the column's name.
        seed: the column of seeds; None where runs have none.
        levels: the features' columns, in order, and what their values mean.
        designs: names of designs; empty to take those that the arms allow.
        smallest: the smallest effect of interest, in the units of the metric as people read it.
        name: of the study that is written; None to make one.
        command: repeats the analysis, as it is typed; empty for a program's.
    """

    metric: Metric
    seed: str | None
    levels: Mapping[str, Levels]
    designs: tuple[str, ...] = ()
    smallest: float = 0.0
    name: str | None = None
    command: str = ""

    def __post_init__(self) -> None:
        number("smallest", self.smallest, at_least=0)
        if self.name is not None and not re.fullmatch(r"[\w][\w .+-]*", self.name):
            raise InputError(f"name={self.name} cannot name a folder; expected letters, digits, spaces and . + - _")


def findings_of(table: Table, asked: Question) -> Findings:
    """Return what a table's runs say.

    Raises:
        InputError: if a cell cannot be understood, with the row at fault, or no design fits the arms.
    """
    runs = runs_of(table, asked.metric.key, asked.seed, asked.levels)
    known = recognise(runs.features, runs.arms, asked.designs)
    why = f"{table.what} has no seeds, so every interval is Welch's." if asked.seed is None else unpaired(runs, union(known.designs))
    designs = known.designs if why is None else tuple(replace(each, kind="independent") for each in known.designs)
    if why is not None:
        runs = numbered(runs)
    return _findings(table, asked, runs, known, designs, () if why is None else (why,))


def _findings(
    table: Table, asked: Question, runs: Runs, known: Recognised, designs: tuple[Design, ...], about_seeds: tuple[str, ...]
) -> Findings:
    arms, seeds = tuple(dict.fromkeys((*union(designs), *runs.arms))), tuple(np.unique(runs.seed).tolist())
    results = {
        (runs.arms[arm], seed): Result(score)
        for arm, seed, score in zip(runs.arm.tolist(), runs.seed.tolist(), runs.score.tolist(), strict=True)
    }
    question = Findings(
        name=asked.name or f"{'+'.join(each.name for each in designs)}-{Path(table.what).stem}-{_key(table, asked)[:8]}",
        description=f"Results: {table.what}",
        protocol=_protocol(table, asked, len(seeds)),
        metric=asked.metric,
        measures=(),
        features=known.features,
        seeds=seeds,
        arms=arms,
        scores=np.full((len(seeds), len(arms)), np.nan),
        designs=designs,
        effects=(),
        runs={},
        smallest=asked.smallest / asked.metric.scale,
        provenance=provenance({}, 0, asked.command),
        remarks=(*about_seeds, *runs.remarks, *known.remarks),
    )
    return analysed(question, results)


def _protocol(table: Table, asked: Question, seeds: int) -> str:
    sentence = f"The score is {asked.metric.key} as {table.what} has it."
    return f"{sentence} Intervals cover whatever differed between the runs of an arm." if seeds > 1 else sentence


def _key(table: Table, asked: Question) -> str:
    """Return what the analysis is known by: the same table asked the same again is the same one, whatever its rows are now."""
    return digest([table.what, asked.metric.key, asked.seed, list(asked.levels), list(asked.designs)])


def written(findings: Findings, table: Table, asked: Question) -> tuple[Path, ...]:
    """Write the files of an analysis into the folder of its name, and return those that people read.

    Raises:
        InputError: if the folder holds another study's files.
    """
    from ablation.report.publish import publish

    folder, key = STUDIES / findings.name, _key(table, asked)
    owner = folder / OWNER
    if folder.exists() and not (owner.is_file() and owner.read_text(encoding="utf-8") == key):
        raise InputError(f"'{folder}' holds the files of another study; expected another name, or remove them")
    files = publish(findings, folder, {}, lambda folder: [])
    owner.write_text(key, encoding="utf-8")
    return files
