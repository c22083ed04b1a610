"""The table for people: heads and cells as text, percent and percentage points."""

from collections.abc import Sequence

import numpy as np

from ablation.effects import signed_points
from ablation.report.rows import Row, rows
from ablation.study.findings import Findings
from ablation.wording import human

WORDS, TEST = ("arm", "verdict"), "test %"
"""Heads of the columns of words, which stand to the left while numbers stand to the right; and of the test accuracy."""


def cells(findings: Findings, design_index: int) -> tuple[list[str], list[list[str]]]:
    """Return heads and cells of a design's table for people; a column in which every cell is empty is left out."""
    return cells_of(rows(findings, design_index), findings)


def cells_of(chosen: Sequence[Row], findings: Findings) -> tuple[list[str], list[list[str]]]:
    """Return heads and cells of some rows, likewise."""
    lines = [_line(row, len(findings.seeds), findings.digits) for row in chosen]
    heads = [head for head in lines[0] if any(line[head] for line in lines)]
    return heads, [[line[head] for head in heads] for line in lines]


def _line(row: Row, seeds: int, digits: int) -> dict[str, str]:
    """Write one row for people, under the heads of the table."""
    arm, credit = row.measured, row.credit
    known = arm if arm and arm.seeds else None
    accuracy = "no result" if arm else ""
    if known:
        accuracy = f"{100 * known.accuracy:.{digits}f}" + (f" ± {100 * known.accuracy_sd:.{digits}f}" if known.seeds > 1 else "")
    interval = f"{signed_points(credit.low, digits)}, {signed_points(credit.high, digits)}" if credit and not np.isnan(credit.low) else ""
    finished = arm.seeds if arm else credit.seeds if credit else 0
    return {
        "arm": row.step,
        "accuracy %": accuracy,
        TEST: f"{100 * known.test_accuracy:.{digits}f}" if known and not np.isnan(known.test_accuracy) else "",
        "effect": signed_points(credit.delta, digits) if credit and credit.seeds else "",
        "95 % interval": interval,
        "verdict": credit.words if credit else "",
        "params": f"{known.parameters:,}" if known else "",
        "FLOPs": human(known.flops) if known and known.flops is not None else "",
        "s/epoch": f"{known.seconds_per_epoch:.{2 if known.seconds_per_epoch < 10 else 1}f}" if known else "",
        "seeds": str(finished) if finished == seeds else f"{finished}/{seeds}",
    }
