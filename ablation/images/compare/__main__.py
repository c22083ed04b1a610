"""The command that compares backends by finished runs of the same networks, in a table and a chart.

python -m ablation -m backend=tensorflow,torch,jax features=none model=mlp,mobilenet
python -m ablation.images.compare
"""

import argparse
import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from ablation.errors import exit_status
from ablation.images.compare import Compared, check_parameters, compare, markdown, notes, table
from ablation.store.connection import Store
from ablation.store.reading import trials

FOLDER = Path("mlruns") / "comparison"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; return its exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m ablation.images.compare",
        description="Compare backends by finished runs of the same networks, settings and seeds in MLflow.",
    )
    parser.add_argument("--experiment", default="ablation", help="MLflow's experiment (default: %(default)s)")
    parser.add_argument("--folder", type=Path, default=FOLDER, help="where table and chart go (default: %(default)s)")
    given = parser.parse_args(arguments)
    return exit_status(partial(_compare, given.experiment, given.folder))


def _compare(experiment: str, folder: Path) -> None:
    rows = compare(trials(Store.of_environment(experiment)))
    check_parameters(rows)
    files = _write(rows, folder)
    _print(rows)
    print(*files, sep="\n")


def _write(rows: Sequence[Compared], folder: Path) -> list[Path]:
    from ablation.charts.drawing.page import save
    from ablation.images.charts.backends import comparison

    folder.mkdir(parents=True, exist_ok=True)
    text = folder / "table.md"
    text.write_text(markdown(rows), encoding="utf-8")
    return [text, *save(comparison(rows, notes(rows)), folder, "comparison")]


def _print(rows: Sequence[Compared]) -> None:
    from ablation.report.screen import screen_console
    from ablation.report.terminal import Fitted

    console, whole = screen_console(), table(rows)
    console.print(Fitted(whole, whole.heads, "table.md"))
    for note in notes(rows):
        console.print(f"• {note}", markup=False)


if __name__ == "__main__":
    sys.exit(main())
