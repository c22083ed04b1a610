"""Following: the page of a study in progress in the browser, made anew as its runs finish, without slowing it down."""

import time
import webbrowser
from pathlib import Path
from urllib.parse import quote

from ablation.report.page import REFRESH
from ablation.report.rebuild import in_progress, rebuild, stop_refresh
from ablation.store import reading
from ablation.store.claims import Watch, claims_in
from ablation.store.connection import Store
from ablation.store.sqlite import LoggedStudy
from ablation.study.study import STUDIES

SHARE = 0.05
"""Of one processor's time, the most that is taken from the study to draw its page."""

AFTERWARDS = "The page shows the runs that had finished; the study's own command, given again, continues it."

MOVED = """<!DOCTYPE html>
<meta charset="utf-8"><meta http-equiv="refresh" content="0; url={where}"><title>The study has ended</title>
<p>The study has ended: <a href="{where}">its report</a>.</p>
"""


def opened(page: Path) -> bool:
    """Open a page in the browser; return whether there is one."""
    return webbrowser.open(page.absolute().as_uri())


def follow(store: Store, study: LoggedStudy) -> str:
    """Make the page of a study in progress anew as runs finish, until the study ends or is stopped, and return a sentence on how it ended.

    The page of a study that has ended leads on to its report; that of one that was stopped, killed or deleted no longer reads itself again.

    Each page that shows effects after more seeds than the one before is a look at them, noted as :func:`rebuild` does.

    Args:
        study: one that runs.
    """
    shown, due, watch = _finished(store, study), 0.0, Watch()
    while study.status == "RUNNING":
        time.sleep(REFRESH)
        now = next((each for each in reading.studies(store) if each.run_id == study.run_id), None)
        if now is None:
            stop_refresh(in_progress(study.name) / "report.html")
            return "The study was deleted; its page stays as it is."
        study = now
        began = time.monotonic()
        if study.status != "RUNNING" or began < due:
            continue
        finished = _finished(store, study)
        if finished != shown:
            shown = finished
            rebuild(store, study, followed=True)
        elif not _lives(store, study, watch):
            rebuild(store, study)
            return f"The study's process has died. {AFTERWARDS}"
        ended = time.monotonic()
        due = ended + (ended - began) / SHARE
    if study.finished:
        _lead_on(store, study)
        return "The study has ended; the page leads on to its report."
    rebuild(store, study)
    return f"The study was stopped. {AFTERWARDS}"


def _finished(store: Store, study: LoggedStudy) -> int:
    runs = reading.children(store, study.run_id, store.client.get_run(study.run_id).info.experiment_id)
    return sum(run.info.status == "FINISHED" for run in runs)


def _lives(store: Store, study: LoggedStudy, watch: Watch) -> bool:
    """Say whether a study that is said to run does: one whose process was killed can no longer say that it does not."""
    claims = claims_in(store.client.get_run(study.run_id).data.tags)
    return not claims or any(watch.lives(claim) is not False for claim in claims)


def _lead_on(store: Store, study: LoggedStudy) -> None:
    """Put in place of the page of a study in progress one that leads to its report."""
    report = STUDIES / study.name / "report.html"
    if not report.is_file():
        rebuild(store, study)
    page = in_progress(study.name) / "report.html"
    page.parent.mkdir(exist_ok=True)
    for file in page.parent.iterdir():
        if file != page:
            file.unlink()
    fresh = page.with_suffix(".new")
    fresh.write_text(MOVED.format(where=f"../{quote(study.name)}/report.html"), encoding="utf-8")
    fresh.replace(page)
