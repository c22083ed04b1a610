"""The command ``python -m ablation.report``: list finished studies, or make one's files anew from MLflow. Trains nothing."""

import argparse
import sys
from collections.abc import Sequence
from datetime import datetime
from functools import partial
from pathlib import Path

from ablation.api import chosen, findings_of
from ablation.errors import InputError, expected
from ablation.report.publish import CONFIGURATION, PREDICTED, STUDIES, publish
from ablation.store.connection import Store
from ablation.store.sqlite import LoggedStudy


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; return 0, or 1 where something failed."""
    words = "List the finished studies of this folder's MLflow store, or write one's report, charts and tables anew. Trains nothing."
    parser = argparse.ArgumentParser("python -m ablation.report", description=words)
    parser.add_argument("study", nargs="?", help="its name or its run id; without it, the finished studies are listed")
    wanted = parser.parse_args(arguments).study
    try:
        # Only an experiment's name would be missing, and studies are looked for in all.
        store = Store.of_environment("ablation")
        studies = store.studies()
        if wanted is None:
            _list(studies)
            return 0
        for file in rebuild(store, chosen(studies, wanted)):
            if file.suffix != ".svg":
                print(file)
    except Exception as error:
        told = expected(error)
        if told is None:
            raise
        print(f"ablation: {told}", file=sys.stderr)
        return 1
    return 0


def rebuild(store: Store, study: LoggedStudy) -> tuple[Path, ...]:
    """Write a finished study's files anew, from nothing but what MLflow holds, and return those that people read.

    Raises:
        InputError: if MLflow lacks what is needed.
    """
    findings = findings_of(store, study)
    configuration = store.study_file(study.run_id, CONFIGURATION)
    if configuration is None:
        raise InputError(
            f"the study '{study.name}' has no {CONFIGURATION} in MLflow; its own command, given again, adds it and trains nothing"
        )
    # These show images, which MLflow does not hold.
    kept = partial(store.copy_files, study.run_id, [f"{name}.{kind}" for name in PREDICTED for kind in ("png", "svg")])
    return publish(findings, STUDIES / study.name, configuration, kept)


def _list(studies: Sequence[LoggedStudy]) -> None:
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    if not studies:
        print("no finished study is here; python -m ablation makes one")
        return
    table = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False)
    for head in ("study", "designs", "data", "seeds", "ended", "run id"):
        table.add_column(head, overflow="fold", no_wrap=head in ("ended", "run id"))
    for study in studies:
        ended = datetime.fromtimestamp(study.ended / 1000).strftime("%Y-%m-%d %H:%M")
        some = " (some runs failed)" if study.status == "FAILED" else ""
        cells = (study.name + some, study.designs, study.data, study.seeds, ended, study.run_id)
        table.add_row(*map(Text, cells))
    console = Console(highlight=False)
    if not console.is_terminal:
        console.width = 400  # In a pipe or a file, a line is a study.
    console.print(table)


if __name__ == "__main__":
    sys.exit(main())
