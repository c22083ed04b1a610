"""Everything that a study leaves in its folder: charts, report, tables, and the findings themselves."""

import json
import shutil
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from itertools import zip_longest
from pathlib import Path
from typing import Any, Protocol

from ablation.store.names import FINDINGS
from ablation.study.findings import Findings, to_json
from ablation.study.study import OWNER

KINDS = ("png", "svg")
"""What each picture is written as."""

TEXTS = ("report.html", "report.md", "table.md", "table.tex", "table.csv", "runs.csv")
"""What people read beside the pictures, in order."""

OWN = "own.json"
"""Names the pictures and texts of the subject's own, in order, for a report that is made anew."""


class Workers(Protocol):
    """Processes that can draw."""

    here: bool
    """Whether they are on this machine."""

    @property
    def slots(self) -> int:
        """How many of them there are."""

    def submit(self, work: Callable[..., Any], /, *arguments: Any) -> Future[Any]:
        """Have work done in one of them."""


def unchanged(findings: Findings, folder: Path) -> tuple[Path, ...] | None:
    """Return a study's files as :func:`publish` does, where they show these findings already; None where they must be written."""
    there = all((folder / name).is_file() for name in (FINDINGS, OWN, OWNER))
    if not there or (folder / FINDINGS).read_text(encoding="utf-8") != to_json(findings):
        return None
    own = [folder / name for name in json.loads((folder / OWN).read_text(encoding="utf-8"))["pictures"]]
    files = _charts(findings, folder) + own + [folder / name for name in TEXTS]
    return tuple(files) if all(file.is_file() for file in files) else None


def _charts(findings: Findings, folder: Path) -> list[Path]:
    """Return where the charts go, in the order in which they should be read."""
    from ablation import charts

    return [folder / f"{name}.{kind}" for name, _ in charts.pictures(findings) for kind in KINDS]


def _draw(findings: Findings, folder: Path, part: int, parts: int) -> list[str]:
    """Draw a part of the charts and return the names of their files. What is slow to import is imported here, in the process that draws."""
    from ablation import charts

    return [file.name for file in charts.draw(findings, folder, part, parts)]


def _in_order(parts: list[list[str]]) -> list[str]:
    """Return the files of all parts in the order in which they should be read: the first chart of each part, then the second, and so on."""
    charts = [[files[at : at + len(KINDS)] for at in range(0, len(files), len(KINDS))] for files in parts]
    return [file for turn in zip_longest(*charts, fillvalue=[]) for chart in turn for file in chart]


def publish(
    findings: Findings,
    folder: Path,
    texts: Mapping[str, str],
    add_pictures: Callable[[Path], list[Path]],
    owner: str,
    workers: Workers | None = None,
) -> tuple[Path, ...]:
    """Write a study's files in place of what was there, and return those that people read, in order.

    Args:
        findings: what the study found.
        folder: its folder.
        texts: further files by name, such as the resolved configuration.
        add_pictures: writes pictures that need more than the findings into the folder, and returns them.
        owner: the key of the study that the folder belongs to.
        workers: draw the charts meanwhile, if they are on this machine; otherwise this process draws them.
    """
    from ablation import report

    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    (folder / OWNER).write_text(owner, encoding="utf-8")
    drawing: list[Future[list[str]]] = []
    if workers and workers.here and (parts := workers.slots):
        drawing = [workers.submit(_draw, findings, folder.absolute(), part, parts) for part in range(parts)]
    drawn = [] if drawing else [_draw(findings, folder, part=0, parts=1)]
    added = add_pictures(folder)
    drawn += [each.result() for each in drawing]
    pictures = [*(folder / name for name in _in_order(drawn)), *added]
    document = report.document(findings, pictures)
    read = {
        "report.html": report.html(document),
        "report.md": report.text(document),
        "table.md": report.markdown(findings),
        "table.tex": report.latex(document),
        "table.csv": report.csv(findings),
        "runs.csv": report.runs_csv(findings),
    }
    own = json.dumps({"pictures": [file.name for file in added], "texts": list(texts)})
    for name, text in {**read, **texts, FINDINGS: to_json(findings), OWN: own}.items():
        (folder / name).write_text(text, encoding="utf-8")
    return (*pictures, *(folder / name for name in read))
