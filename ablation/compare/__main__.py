"""The command that puts two finished studies beside each other: ``python -m ablation.compare A B``. Runs nothing."""

import argparse
import shlex
import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from ablation.compare import Comparison, compare
from ablation.errors import InputError, exit_status
from ablation.store import reading
from ablation.store.connection import Store
from ablation.study.study import FOLDER


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; return 0, or 1 where something failed."""
    words = "Put two finished studies of this folder's MLflow store beside each other: effects, differences, changed verdicts."
    parser = argparse.ArgumentParser("python -m ablation.compare", description=words)
    parser.add_argument("first", help="A: a study's name or run id")
    parser.add_argument("second", help="B: another one, whose effects are taken less those of A")
    parser.add_argument("--folder", type=Path, help="where table, picture and page go (default: mlruns/comparisons/A and B)")
    given = parser.parse_args(arguments)
    return exit_status(partial(_compare, given.first, given.second, given.folder))


def _compare(first: str, second: str, folder: Path | None) -> None:
    store = Store.of_environment("ablation")
    known = reading.studies(store)
    one, two = reading.chosen(known, first), reading.chosen(known, second)
    if one.run_id == two.run_id:
        raise InputError(f"'{first}' and '{second}' are the same study; expected two")
    comparison = compare(reading.findings_of(store, one), reading.findings_of(store, two))
    where = folder or FOLDER / "comparisons" / f"{one.name} and {two.name}"
    given = ["python", "-m", "ablation.compare", first, second, *(["--folder", str(folder)] if folder else [])]
    page = write(comparison, where, shlex.join(given))
    _print(comparison, page)


def write(comparison: Comparison, folder: Path, command: str) -> Path:
    """Write a comparison's picture, tables and page into a folder, and return the page."""
    from ablation.charts.drawing.page import save
    from ablation.compare.picture import picture
    from ablation.compare.words import document
    from ablation.report import html, latex, text

    save(picture(comparison), folder, "comparison")
    report = document(comparison, folder / "comparison.svg", command)
    for name, content in {"report.html": html(report), "report.md": text(report), "table.tex": latex(report)}.items():
        (folder / name).write_text(content, encoding="utf-8")
    return folder / "report.html"


def _print(comparison: Comparison, page: Path) -> None:
    from ablation.compare.words import answer, notes, table, who
    from ablation.report.screen import screen_console, show_report
    from ablation.report.terminal import Fitted

    console = screen_console()
    for sentence in (who(comparison), *answer(comparison)):
        console.print(sentence, markup=False)
    for each in comparison.designs:
        shown = table(comparison, each)
        console.print(Fitted(shown, ("feature", "B − A [95 %]", "differs", "verdict A", "verdict B", *shown.heads)))
    for note in notes(comparison):
        console.print(f"• {note}", markup=False)
    show_report(page, console)


if __name__ == "__main__":
    sys.exit(main())
