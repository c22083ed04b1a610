"""Everything that a study leaves in its folder: charts, report, tables, and the findings themselves."""

import shutil
from collections.abc import Callable
from pathlib import Path

from ablation.results import Findings, to_json

STUDIES = Path("mlruns") / "studies"
"""Where each study has a folder of its own."""

PREDICTED = ("predictions", "confusion", "class_accuracy")
"""Pictures of what networks said of held-out images."""

FINDINGS = "findings.json"
CONFIGURATION = "config.yaml"


TEXTS = ("report.html", "report.md", "table.md", "table.tex", "table.csv")
"""What people read beside the pictures, in order."""


def unchanged(findings: Findings, folder: Path) -> tuple[Path, ...] | None:
    """Return a study's files as :func:`publish` does, where they show these findings already; None where they must be written."""
    from ablation import charts

    written = folder / FINDINGS
    if not written.is_file() or written.read_text(encoding="utf-8") != to_json(findings):
        return None
    names = [name for name, _ in charts.pictures(findings)]
    names += [name for name in PREDICTED if (folder / f"{name}.png").is_file()]
    files = [folder / f"{name}.{kind}" for name in names for kind in ("png", "svg")] + [folder / name for name in TEXTS]
    return tuple(files) if all(file.is_file() for file in files) else None


def publish(findings: Findings, folder: Path, configuration: str, add_pictures: Callable[[Path], list[Path]]) -> tuple[Path, ...]:
    """Write a study's files in place of what was there, and return those that people read, in order.

    Args:
        findings: what the study found.
        folder: its folder.
        configuration: the resolved configuration, as YAML.
        add_pictures: writes pictures that need more than the findings into the folder, and returns them.
    """
    from ablation import charts, report

    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    pictures = [*charts.draw(findings, folder), *add_pictures(folder)]
    document = report.document(findings, pictures)
    read = {
        "report.html": report.html(document),
        "report.md": report.text(document),
        "table.md": report.markdown(findings),
        "table.tex": report.latex(document),
        "table.csv": report.csv(findings),
    }
    if findings.left_out:
        read[report.LEFT_OUT] = "".join(f"{line}\n" for line in findings.left_out)
    for name, text in {**read, FINDINGS: to_json(findings), CONFIGURATION: configuration}.items():
        (folder / name).write_text(text, encoding="utf-8")
    return (*pictures, *(folder / name for name in read))
