"""The command ``python -m ablation.report``: list the studies, or make one's files anew from MLflow. Runs nothing."""

import argparse
import sys
from collections.abc import Sequence
from datetime import datetime
from functools import partial

from ablation.errors import exit_status
from ablation.report.rebuild import rebuild
from ablation.report.tables import Table, rich_table
from ablation.store import reading
from ablation.store.connection import Store
from ablation.store.sqlite import LoggedStudy

HEADS = ("study", "designs", "subject", "seeds", "ended", "run id")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; return 0, or 1 where something failed."""
    words = "List the studies of this folder's MLflow store, or write one's report anew, also while the study runs. Trains nothing."
    parser = argparse.ArgumentParser("python -m ablation.report", description=words)
    parser.add_argument("study", nargs="?", help="its name or its run id; without it, the studies are listed")
    wanted = parser.parse_args(arguments).study
    return exit_status(partial(_report, wanted))


def _report(wanted: str | None) -> None:
    # Only an experiment's name would be missing, and studies are looked for in all.
    store = Store.of_environment("ablation")
    studies = reading.studies(store)
    if wanted is None:
        _list(studies)
        return
    for file in rebuild(store, reading.chosen(studies, wanted)):
        if file.suffix != ".svg":
            print(file)


def _list(studies: Sequence[LoggedStudy]) -> None:
    from rich.console import Console

    if not studies:
        print("no study is here; python -m ablation makes one")
        return
    console = Console(highlight=False)
    if not console.is_terminal:
        console.width = 400  # In a pipe or a file, a line is a study.
    console.print(rich_table(Table("", "", HEADS, tuple(map(_line, studies)), words=frozenset(HEADS))))


def _line(study: LoggedStudy) -> tuple[str, ...]:
    ended = datetime.fromtimestamp(study.ended / 1000).strftime("%Y-%m-%d %H:%M") if study.finished else "not yet"
    some = " (some runs failed)" if study.status == "FAILED" else ""
    return study.name + some, study.designs, study.subject, study.seeds, ended, study.run_id


if __name__ == "__main__":
    sys.exit(main())
