"""What a paper takes from a study, in a folder of its own: figures, a table, the methods paragraph."""

import shutil
from collections.abc import Sequence
from pathlib import Path

from ablation.errors import InputError
from ablation.report.columns import effects_for_paper
from ablation.report.methods import methods
from ablation.report.paper import escaped, latex_of
from ablation.study.findings import Findings

FOLDER = "paper"
"""The folder within that of a study."""


def check_for_paper(findings: Findings) -> None:
    """Raise ``InputError`` if there is nothing to show: the study has not come to its end, or none of its designs credits a feature."""
    if findings.unfinished:
        raise InputError(f"the study '{findings.name}' has not come to its end; --paper expects one that has")
    if findings.headline is None:
        raise InputError(f"no design of the study '{findings.name}' credits a feature; --paper has no effects to show")


def write_for_paper(findings: Findings, folder: Path, columns: Sequence[str]) -> Path:
    """Write figures as PDF for single and double columns, ``table.tex`` and, where it is known, ``methods.tex``; return their folder.

    Args:
        findings: of a study.
        folder: of the study; what was there for a paper is replaced.
        columns: of the table, by their names in :data:`ablation.report.columns.COLUMNS`.

    Raises:
        InputError: if there is nothing to show: the study has not come to its end, or none of its designs credits a feature.
    """
    from ablation import charts

    check_for_paper(findings)
    assert findings.headline is not None
    made = folder / FOLDER
    shutil.rmtree(made, ignore_errors=True)
    made.mkdir()
    charts.draw_for_paper(findings, made)
    caption = f"Effects of features ({findings.designs[findings.headline].name}): {findings.metric.effects_are}, {findings.seeds_in_words}."
    (made / "table.tex").write_text(latex_of(effects_for_paper(findings, findings.headline, columns), caption), encoding="utf-8")
    if paragraph := methods(findings):
        (made / "methods.tex").write_text(f"{escaped(paragraph)}\n", encoding="utf-8")
    return made
