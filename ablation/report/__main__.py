"""The command ``python -m ablation.report``: list finished studies, or make one's files anew from MLflow. Trains nothing."""

import argparse
import sys
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from ablation.errors import InputError, nearest
from ablation.ledger import EndedStudy
from ablation.publish import CONFIGURATION, FINDINGS, STUDIES, publish
from ablation.results import from_json
from ablation.tracking import Store

OF_IMAGES = ("predictions", "confusion", "class_accuracy")
"""Charts of what networks said of held-out images."""


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
        for file in rebuild(store, chosen(wanted, studies)):
            if file.suffix != ".svg":
                print(file)
    except InputError as error:
        print(f"ablation: {error}", file=sys.stderr)
        return 1
    except OSError as error:
        print(f"ablation: '{error.filename}' cannot be used ({error.strerror}); expected a writable folder with room", file=sys.stderr)
        return 1
    return 0


def rebuild(store: Store, study: EndedStudy) -> tuple[Path, ...]:
    """Write a finished study's files anew, from nothing but what MLflow holds, and return those that people read.

    Raises:
        InputError: if MLflow lacks what is needed.
    """
    findings, configuration = store.study_file(study.run_id, FINDINGS), store.study_file(study.run_id, CONFIGURATION)
    if findings is None or configuration is None:
        lacking = FINDINGS if findings is None else CONFIGURATION
        raise InputError(f"the study '{study.name}' has no {lacking} in MLflow; its own command, given again, adds it and trains nothing")

    def others(folder: Path) -> list[Path]:
        """Charts that show images are taken as they are, for MLflow does not hold the images."""
        kept = {name: store.study_file(study.run_id, name) for kind in OF_IMAGES for name in (f"{kind}.png", f"{kind}.svg")}
        for name, content in kept.items():
            if content is not None:
                (folder / name).write_bytes(content)
        return [folder / name for name, content in kept.items() if content is not None]

    return publish(from_json(findings.decode(), store.result), STUDIES / study.name, configuration.decode(), others)


def chosen(wanted: str, studies: Sequence[EndedStudy]) -> EndedStudy:
    """Return the study of that name or run id, the latest where several have the name."""
    for study in studies:
        if wanted in (study.name, study.run_id):
            return study
    names = list(dict.fromkeys(study.name for study in studies))
    raise InputError(f"no finished study is called '{wanted}'{nearest(wanted, names)}")


def _list(studies: Sequence[EndedStudy]) -> None:
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
