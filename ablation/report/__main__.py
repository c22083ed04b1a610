"""The command ``python -m ablation.report``: list the studies, or make one's files anew from MLflow. Runs nothing."""

import argparse
import sys
from collections.abc import Sequence
from datetime import datetime
from functools import partial
from pathlib import Path

from ablation.errors import InputError, exit_status
from ablation.report.columns import COLUMNS, chosen_columns
from ablation.report.for_paper import check_for_paper, write_for_paper
from ablation.report.rebuild import found_so_far, rebuild, stop_refresh
from ablation.report.tables import Table
from ablation.store import reading
from ablation.store.address import database_of, named_uri
from ablation.store.connection import Store
from ablation.store.moved import repair
from ablation.store.sqlite import LoggedStudy

HEADS = ("study", "designs", "subject", "seeds", "ended", "run id")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; return 0, or 1 where something failed."""
    words = "List the studies of this folder's MLflow store, or write one's report anew, also while the study runs. Trains nothing."
    parser = argparse.ArgumentParser("python -m ablation.report", description=words)
    parser.add_argument("study", nargs="?", help="its name or its run id; without it, the studies are listed")
    parser.add_argument("--open", action="store_true", help="in the browser; while the study runs the page follows it, until Ctrl-C")
    parser.add_argument("--repair", action="store_true", help="let an MLflow database that was moved find its files again")
    parser.add_argument("--paper", action="store_true", help="also figures, a LaTeX table and a methods paragraph, in the folder paper/")
    parser.add_argument("--columns", help=f"of that table, such as feature,effect,interval; there are {', '.join(COLUMNS)}")
    given = parser.parse_args(arguments)
    return exit_status(_repair if given.repair else partial(_report, given.study, given.open, given.paper, given.columns))


def _repair() -> None:
    database = database_of(named_uri())
    if database is None:
        raise InputError(f"MLFLOW_TRACKING_URI={named_uri()} names no file; only a moved SQLite database can be repaired")
    for sentence in repair(database):
        print(sentence)


def _report(wanted: str | None, opens: bool, paper: bool, names: str | None) -> None:
    for option, asked in (("--open", opens), ("--paper", paper)):
        if asked and wanted is None:
            raise InputError(f"{option} needs the name of a study: python -m ablation.report NAME {option}")
    if names is not None and not paper:
        raise InputError(f"--columns are those of a paper's table: python -m ablation.report NAME --paper --columns {names}")
    columns = chosen_columns(names)
    # Only an experiment's name would be missing, and studies are looked for in all.
    store = Store.of_environment("ablation")
    studies = reading.studies(store)
    if wanted is None:
        _list(studies)
        return
    study = reading.chosen(studies, wanted)
    if paper:
        # Before effects are shown, which would be a look at them.
        check_for_paper(reading.findings_of(store, study))
    page = next(file for file in rebuild(store, study, opens and study.status == "RUNNING") if file.name == "report.html")
    _show(page, write_for_paper(found_so_far(store, study), page.parent, columns) if paper else None)
    if opens:
        _open(store, study, page)


def _show(page: Path, paper: Path | None) -> None:
    from ablation.report.screen import screen_console, show_place, show_report

    console = screen_console()
    show_report(page, console)
    if paper:
        show_place("Paper", str(paper), console)


def _open(store: Store, study: LoggedStudy, page: Path) -> None:
    from ablation.report.following import follow, opened

    if not opened(page):
        print("no browser could be started here; open the report by hand")
    if study.status == "RUNNING":
        print("The page follows the study until it ends; Ctrl-C ends this command, not the study.", flush=True)
        try:
            print(follow(store, study))
        except KeyboardInterrupt:
            stop_refresh(page)


def _list(studies: Sequence[LoggedStudy]) -> None:
    from ablation.report.screen import screen_console
    from ablation.report.terminal import Fitted

    if not studies:
        print("no study is here; python -m ablation makes one")
        return
    table = Table("", "", HEADS, tuple(map(_line, studies)), words=frozenset(HEADS))
    screen_console().print(Fitted(table, ("study", "ended", "run id", "designs", "seeds")))


def _line(study: LoggedStudy) -> tuple[str, ...]:
    ended = datetime.fromtimestamp(study.ended / 1000).strftime("%Y-%m-%d %H:%M") if study.finished else "not yet"
    some = " (some runs failed)" if study.status == "FAILED" else ""
    return study.name + some, study.designs, study.subject, study.seeds, ended, study.run_id


if __name__ == "__main__":
    sys.exit(main())
