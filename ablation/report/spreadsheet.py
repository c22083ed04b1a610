"""The tables for machines: raw numbers, separated by commas."""

import csv as comma_separated
import io

import numpy as np

from ablation.designs import label
from ablation.effects import seeds_for_machines
from ablation.report.rows import rows
from ablation.study.findings import Findings
from ablation.wording import unlike

COLUMNS = (
    *("design", "feature", "arm", "score_mean", "score_sd", "effect", "effect_low", "effect_high", "p", "p_holm", "verdict"),
    *("effect_error", "effect_freedom", "effect_low_simultaneous", "effect_high_simultaneous", "seeds_needed_low", "seeds_needed_high"),
)
"""The columns of every study; those of its measures come after them, and then the numbers of seeds."""

SEEDS = ("seeds", "effect_seeds", "effect_look")


def csv(findings: Findings) -> str:
    """Return the rows of all designs as one table with raw numbers, in the units of the scores and of each measure.

    A value that does not exist is an empty field. A measure named like another column is ``measured_`` so. ``seeds`` counts the arm's
    finished runs, ``effect_seeds`` those behind the effect; ``effect_look`` is the look that decided it, of a study that stops
    itself. ``seeds_needed_low`` and ``_high`` would settle an open effect; without a ``_high`` even more than the most that are named.
    """
    text = io.StringIO()
    measures = {measure.key: unlike(measure.key, (*COLUMNS, *SEEDS), "measured") for measure in findings.measures}
    table = comma_separated.DictWriter(text, (*COLUMNS, *measures.values(), *SEEDS), lineterminator="\n")
    table.writeheader()
    for index, design in enumerate(findings.designs):
        for row in rows(findings, index):
            record: dict[str, str | float | None] = {"design": design.name}
            if row.credit:
                each = row.credit
                record |= {"feature": each.feature, "effect": each.effect, "effect_low": each.low, "effect_high": each.high}
                record |= {"effect_error": each.error, "effect_freedom": each.freedom}
                record |= {"effect_low_simultaneous": each.low_simultaneous, "effect_high_simultaneous": each.high_simultaneous}
                record |= {"p": each.p, "p_holm": each.p_holm, "verdict": each.verdict, "effect_seeds": each.seeds}
                record |= {"effect_look": each.look or None, **_needed(*each.seeds_needed)}
            if row.measured:
                arm = row.measured
                record |= {"arm": arm.arm, "score_mean": arm.score, "score_sd": arm.score_sd, "seeds": arm.seeds}
                record |= {measures[key]: value for key, value in arm.measures.items()}
            table.writerow({name: _raw(value) for name, value in record.items()})
    return text.getvalue()


def _needed(fewest: int, most: int) -> dict[str, int | None]:
    low, high = seeds_for_machines(fewest, most)
    return {"seeds_needed_low": low, "seeds_needed_high": high}


def runs_csv(findings: Findings) -> str:
    """Return every finished run as a row, with every digit: a table that ``python -m ablation.analyse`` takes as it is."""
    columns, runs = run_rows(findings)
    text = io.StringIO()
    table = comma_separated.writer(text, lineterminator="\n")
    table.writerow(columns)
    table.writerows(runs)
    return text.getvalue()


def run_rows(findings: Findings) -> tuple[list[str], list[list[str | float | bool | None]]]:
    """Return the columns of a table of all finished runs, and a row a run, arm by arm.

    They are: its arm, for each feature whether it is on, its seed, its score, the end of its history, its measures, its seconds and the
    MLflow run that holds it. What is named like another column is ``last_`` so, of a history, or ``measured_`` so.
    """
    runs = [(arm, seed, findings.runs[arm, seed]) for arm in findings.arms for seed in findings.seeds if (arm, seed) in findings.runs]
    last = list(dict.fromkeys(name for _, _, run in runs for name, values in run.history.items() if values))
    measures = [measure.key for measure in findings.measures if measure.key not in ("seconds", *last)]
    names = {arm: label(arm, findings.features) for arm in findings.arms}
    on = {arm: [feature in arm for feature in findings.features] for arm in findings.arms}
    rows: list[list[str | float | bool | None]] = []
    for arm, seed, run in runs:
        ends = [run.history[name][-1] if run.history.get(name) else None for name in last]
        rows.append([names[arm], *on[arm], seed, run.score, *ends, *map(run.measures.get, measures), run.seconds, run.run_id])
    taken = {"arm", *findings.features, "seed", "score", "seconds", "run_id"}
    ends_of = [unlike(name, taken, "last") for name in last]
    found = [unlike(key, taken, "measured") for key in measures]
    return ["arm", *findings.features, "seed", "score", *ends_of, *found, "seconds", "run_id"], rows


def _raw(value: str | float | None) -> str | float | None:
    """Write a number with ten digits, enough for a table, and NaN as nothing."""
    if not isinstance(value, float):
        return value
    return "" if np.isnan(value) else f"{value:.10g}"
