"""The table of a paper: a line a feature, in the columns that are asked for."""

from collections.abc import Callable, Sequence

from ablation.effects import seeds_in_words
from ablation.errors import InputError, nearest
from ablation.report.rows import Credit, rows
from ablation.report.tables import Table, needed
from ablation.study.findings import Findings
from ablation.wording import p_value

Cell = Callable[[Credit, Findings], str]

COLUMNS: dict[str, tuple[str, Cell]] = {
    "feature": ("feature", lambda credit, findings: credit.feature),
    "effect": ("effect", lambda credit, findings: findings.metric.signed(credit.effect, findings.digits) if credit.seeds else ""),
    "interval": ("95 % interval", lambda credit, findings: _interval(credit.low, credit.high, findings)),
    "simultaneous": ("95 %, all at once", lambda credit, findings: _interval(credit.low_simultaneous, credit.high_simultaneous, findings)),
    "p": ("p", lambda credit, findings: p_value(credit.p)),
    "holm": ("p (Holm)", lambda credit, findings: p_value(credit.p_holm)),
    "verdict": ("verdict", lambda credit, findings: credit.verdict),
    "seeds": ("seeds", lambda credit, findings: str(credit.seeds)),
    "needed": ("seeds needed", lambda credit, findings: seeds_in_words(*credit.seeds_needed)),
}
"""Columns by the names that people type, each with its head and what it says of a feature."""

USUAL = ("feature", "effect", "interval", "verdict", "seeds")


def chosen_columns(names: str | None) -> tuple[str, ...]:
    """Return the columns that are asked for, names between commas; the usual ones where nothing is.

    Raises:
        InputError: if one is not known, or is named twice.
    """
    if names is None:
        return USUAL
    asked = tuple(name.strip() for name in names.split(","))
    for name in asked:
        if name not in COLUMNS:
            raise InputError(f"--columns has no column '{name}'{nearest(name, COLUMNS)}")
        if asked.count(name) > 1:
            raise InputError(f"--columns names '{name}' twice")
    return asked


def effects_for_paper(findings: Findings, design_index: int, columns: Sequence[str]) -> Table:
    """Return the effects of a design, in the columns that were chosen."""
    credited = [row.credit for row in rows(findings, design_index) if row.credit]
    heads = {"seeds": f"{findings.sample}s", "needed": needed(findings)}
    lines = tuple(tuple(COLUMNS[name][1](credit, findings) for name in columns) for credit in credited)
    return Table(findings.designs[design_index].name, "", tuple(heads.get(name, COLUMNS[name][0]) for name in columns), lines)


def _interval(low: float, high: float, findings: Findings) -> str:
    ends = findings.metric.ends(low, high, findings.digits)
    return f"[{ends}]" if ends else ""
