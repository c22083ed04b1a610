"""Everything that a study leaves in its folder: charts, report, tables, and the findings themselves."""

import shutil
from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path

from ablation.engine.execution import Pool
from ablation.study.findings import Findings, to_json

STUDIES = Path("mlruns") / "studies"
"""Where each study has a folder of its own."""

PREDICTED = ("predictions", "confusion", "class_accuracy")
"""Pictures of what networks said of held-out images."""

KINDS = ("png", "svg")
"""What each picture is written as."""

FINDINGS = "findings.json"
CONFIGURATION = "config.yaml"


TEXTS = ("report.html", "report.md", "table.md", "table.tex", "table.csv")
"""What people read beside the pictures, in order."""


def unchanged(findings: Findings, folder: Path) -> tuple[Path, ...] | None:
    """Return a study's files as :func:`publish` does, where they show these findings already; None where they must be written."""
    written = folder / FINDINGS
    if not written.is_file() or written.read_text(encoding="utf-8") != to_json(findings):
        return None
    predicted = [folder / f"{name}.{kind}" for name in PREDICTED for kind in KINDS if (folder / f"{name}.png").is_file()]
    files = _charts(findings, folder) + predicted + [folder / name for name in TEXTS]
    return tuple(files) if all(file.is_file() for file in files) else None


def _charts(findings: Findings, folder: Path) -> list[Path]:
    """Return where the charts go, in the order in which they should be read."""
    from ablation import charts

    return [folder / f"{name}.{kind}" for name, _ in charts.pictures(findings) for kind in KINDS]


def _draw(findings: Findings, folder: Path, part: int, parts: int) -> None:
    """Draw a part of the charts. What is slow to import is imported here, in the thread that draws."""
    from ablation import charts

    charts.draw(findings, folder, part, parts)


def publish(
    findings: Findings, folder: Path, configuration: str, add_pictures: Callable[[Path], list[Path]], pool: Pool | None = None
) -> tuple[Path, ...]:
    """Write a study's files in place of what was there, and return those that people read, in order.

    Args:
        findings: what the study found.
        folder: its folder.
        configuration: the resolved configuration, as YAML.
        add_pictures: writes pictures that need more than the findings into the folder, and returns them.
        pool: draws the charts meanwhile, if it is on this machine; otherwise this process draws them.
    """
    from ablation import report

    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    drawing: list[Future[None]] = []
    if pool and pool.own:
        drawing = [pool.executor.submit(_draw, findings, folder.absolute(), part, pool.slots) for part in range(pool.slots)]
    else:
        _draw(findings, folder, part=0, parts=1)
    added = add_pictures(folder)
    for each in drawing:
        each.result()
    pictures = [*_charts(findings, folder), *added]
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
