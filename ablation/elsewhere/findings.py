"""From a table to findings."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from ablation.designs import Design, union
from ablation.elsewhere.levels import levels
from ablation.elsewhere.pairing import unpaired
from ablation.elsewhere.question import Question
from ablation.elsewhere.recognise import Recognised, recognise
from ablation.elsewhere.runs import Runs, Table, numbered, runs_of
from ablation.elsewhere.wide import long, score_columns
from ablation.engine.analysis import analysed
from ablation.errors import InputError
from ablation.study.findings import Findings, provenance
from ablation.study.metric import Metric
from ablation.study.outcome import Result

NO_SEEDS = "No seeds are named, so runs are not compared seed by seed: every interval is Welch's."


def findings_of(table: Table, asked: Question) -> Findings:
    """Return what a table's runs say.

    Raises:
        InputError: if a cell cannot be understood, with the row at fault, or no design fits the arms.
    """
    scores, score, seed = score_columns(table, asked.score), asked.score[0], asked.seed
    read = table
    if len(scores) > 1 or scores != asked.score:
        read, score, number = long(table, scores)
        seed = number if seed else None
    runs = runs_of(read, score, seed, asked.arm, levels(asked.features, asked.on, asked.off))
    _refuse_impossible(read, runs, score, asked.metric(score))
    known = recognise(runs.features, runs.arms, asked.designs)
    why = NO_SEEDS if seed is None else unpaired(runs, union(known.designs))
    if why is None:
        return _findings(table, asked, score, runs, known, known.designs, ())
    independent = tuple(replace(each, kind="independent") for each in known.designs)
    return _findings(table, asked, score, numbered(runs), known, independent, (why,))


def _refuse_impossible(table: Table, runs: Runs, name: str, metric: Metric) -> None:
    wrong = np.flatnonzero(metric.outside(runs.score))
    if len(wrong):
        row = table.row(runs.place[wrong[0]])
        raise InputError(f"{row} of {table.what}: {name} is {runs.score[wrong[0]]:g}; {metric.bounds_in_words}")


def _findings(
    table: Table, asked: Question, score: str, runs: Runs, known: Recognised, designs: tuple[Design, ...], about_seeds: tuple[str, ...]
) -> Findings:
    arms, seeds = tuple(dict.fromkeys((*union(designs), *runs.arms))), tuple(np.unique(runs.seed).tolist())
    nothing: dict[str, Any] = {}  # one for all: a table may have a hundred thousand runs
    results = {
        (runs.arms[arm], seed): Result(value, nothing, nothing, nothing, uncovered=nothing)
        for arm, seed, value in zip(runs.arm.tolist(), runs.seed.tolist(), runs.score.tolist(), strict=True)
    }
    question = Findings(
        name=asked.name or f"{'+'.join(each.name for each in designs)}-{Path(table.name).stem}-{asked.key(table.name)[:8]}",
        description=f"Results: {table.what}",
        protocol=f"The score is {score} as {table.what} has it.",
        intervals="Intervals cover whatever differed between the runs of an arm." if len(seeds) > 1 else "",
        metric=asked.metric(score),
        measures=(),
        features=known.features,
        seeds=seeds,
        arms=arms,
        scores=np.full((len(seeds), len(arms)), np.nan),
        designs=designs,
        effects=(),
        runs={},
        smallest=asked.smallest / asked.scale,
        provenance=provenance({}, 0, asked.command, elsewhere=True),
        remarks=(*about_seeds, *runs.remarks, *known.remarks),
    )
    return analysed(question, results)
