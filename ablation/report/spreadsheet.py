"""The table for machines: raw numbers, separated by commas."""

import csv as comma_separated
import io

import numpy as np

from ablation.report.rows import rows
from ablation.study.findings import Findings

CSV_COLUMNS = (
    *("design", "feature", "arm", "accuracy_mean", "accuracy_sd", "delta", "delta_low", "delta_high", "p", "p_holm", "verdict"),
    *("delta_error", "delta_freedom", "delta_low_simultaneous", "delta_high_simultaneous"),
    *("parameters", "trainable", "convolutions", "flops", "seconds_per_epoch", "peak_memory"),
    *("seeds", "effect_seeds", "test_accuracy_mean"),
)


def csv(findings: Findings) -> str:
    """Return the rows of all designs as one table with raw numbers: accuracies and effects as fractions, memory in bytes.

    A value that does not exist is an empty field. ``seeds`` counts the arm's finished runs, ``effect_seeds`` those behind the effect.
    """
    text = io.StringIO()
    table = comma_separated.DictWriter(text, CSV_COLUMNS, lineterminator="\n")
    table.writeheader()
    for index, design in enumerate(findings.designs):
        for row in rows(findings, index):
            record: dict[str, str | float | None] = {"design": design.name}
            if row.credit:
                each = row.credit
                record |= {"feature": each.feature, "delta": each.delta, "delta_low": each.low, "delta_high": each.high}
                record |= {"delta_error": each.error, "delta_freedom": each.freedom}
                record |= {"delta_low_simultaneous": each.low_simultaneous, "delta_high_simultaneous": each.high_simultaneous}
                record |= {"p": each.p, "p_holm": each.p_holm, "verdict": each.verdict, "effect_seeds": each.seeds}
            if row.measured:
                arm = row.measured
                record |= {"arm": arm.arm, "accuracy_mean": arm.accuracy, "accuracy_sd": arm.accuracy_sd, "seeds": arm.seeds}
                record |= {"parameters": arm.parameters, "trainable": arm.trainable, "convolutions": arm.convolutions}
                record |= {"flops": arm.flops, "seconds_per_epoch": arm.seconds_per_epoch, "peak_memory": arm.peak_memory}
                record |= {"test_accuracy_mean": arm.test_accuracy}
            table.writerow({name: _raw(value) for name, value in record.items()})
    return text.getvalue()


def _raw(value: str | float | None) -> str | float | None:
    """Write a fraction with ten digits, enough for a table, and NaN as nothing."""
    if not isinstance(value, float):
        return value
    return "" if np.isnan(value) else f"{value:.10g}"
