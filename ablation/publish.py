"""Everything that a study leaves in its folder: charts, report, tables, and the findings themselves."""

import shutil
from collections.abc import Callable, Sequence
from pathlib import Path

from ablation.results import Findings, to_json

STUDIES = Path("mlruns") / "studies"
"""Where each study has a folder of its own."""

FINDINGS = "findings.json"
CONFIGURATION = "config.yaml"


def publish(findings: Findings, folder: Path, configuration: str, more: Callable[[Path], Sequence[Path]]) -> tuple[Path, ...]:
    """Write a study's files in place of what was there, and return those that people read, in order.

    Args:
        findings: what the study found.
        folder: its folder.
        configuration: the resolved configuration, as YAML.
        more: writes further charts, which findings alone do not show, into the folder, and returns their files.
    """
    from ablation import charts, report

    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    pictures = [*charts.draw(findings, folder), *more(folder)]
    document = report.document(findings, pictures)
    read = {
        "report.html": report.html(document),
        "report.md": report.text(document),
        "table.md": report.markdown(findings),
        "table.tex": report.latex(document),
        "table.csv": report.csv(findings),
    }
    if findings.left_out:
        (folder / report.LEFT_OUT).write_text("".join(f"{line}\n" for line in findings.left_out), encoding="utf-8")
    for name, text in {**read, FINDINGS: to_json(findings), CONFIGURATION: configuration}.items():
        (folder / name).write_text(text, encoding="utf-8")
    return (*pictures, *(folder / name for name in read))
