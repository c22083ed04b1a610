"""A study's report from nothing but what MLflow holds, also while the study runs."""

import json
import shutil
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

from ablation.engine.analysis import analysed, shows_effects
from ablation.errors import InputError
from ablation.report.page import REFRESHES
from ablation.report.publish import OWN, publish
from ablation.store import reading
from ablation.store.connection import Store
from ablation.store.names import CONFIGURATION, STUDY
from ablation.store.shown import note_look
from ablation.store.sqlite import LoggedStudy
from ablation.study.findings import Findings
from ablation.study.study import STUDIES, owner_of


def rebuild(store: Store, study: LoggedStudy, followed: bool = False) -> tuple[Path, ...]:
    """Write a study's files anew, and return those that people read; while it is not finished they show what there is, and say so.

    Args:
        followed: whether the page of a study in progress is written again and again, so that a browser is to read it again.

    Raises:
        InputError: if MLflow lacks what is needed, or the folder holds another study's files.
    """
    findings = found_so_far(store, study)
    own = json.loads(reading.study_file(store, study.run_id, OWN) or "{}")
    texts = {name: reading.study_file(store, study.run_id, name) for name in own.get("texts", (CONFIGURATION,))}
    # The subject's own pictures show what only it has at hand.
    kept = partial(reading.copy_files, store, study.run_id, own.get("pictures", ()))
    key = store.client.get_run(study.run_id).data.tags[STUDY]
    known, passing = {name: text for name, text in texts.items() if text is not None}, in_progress(study.name)
    if findings.unfinished:
        STUDIES.mkdir(parents=True, exist_ok=True)
        # A folder of its own, for another report on the study may be made at the same time.
        with TemporaryDirectory(prefix=f".{passing.name} ", dir=STUDIES) as own_folder:
            fresh = Path(own_folder) / "report"
            files = publish(findings, fresh, known, kept, key)
            if not followed:
                stop_refresh(fresh / "report.html")
            return _moved(files, fresh, passing)
    shutil.rmtree(passing, ignore_errors=True)
    folder = STUDIES / study.name
    if owner_of(folder) not in ("", key):
        raise InputError(f"'{folder}' holds the files of another study of this name; expected it to be moved or removed")
    return publish(findings, folder, known, kept, key)


def in_progress(name: str) -> Path:
    """Return the folder for a study's files until it ends, when the study itself writes its own folder, which can be at any time."""
    return STUDIES / f"{name} in progress"


def stop_refresh(page: Path) -> None:
    """Let a page no longer read itself again: one that nobody will write anew."""
    fresh = page.with_suffix(".new")
    fresh.write_text(page.read_text(encoding="utf-8").replace(REFRESHES, ""), encoding="utf-8")
    fresh.replace(page)


def _moved(files: Sequence[Path], fresh: Path, folder: Path) -> tuple[Path, ...]:
    """Put fresh files in place of those in a folder one by one, so that a browser that reads its page again always finds one."""
    folder.mkdir(exist_ok=True)
    for file in fresh.iterdir():
        file.replace(folder / file.name)
    return tuple(folder / file.name for file in files)


def found_so_far(store: Store, study: LoggedStudy) -> Findings:
    """Return what a study has found so far; all of it where it has come to its end.

    To see effects before the end is a look at them, for one may stop or go on by what they are. It is noted, unless the study counts its
    own looks.
    """
    findings = reading.findings_of(store, study)
    if not findings.unfinished:
        return findings
    found = analysed(findings, reading.results_of(store, study))
    if found.looks is None and shows_effects(found):
        note_look(store, study.run_id, max(int(effects.seeds.max(initial=0)) for effects in found.effects))
    return found
