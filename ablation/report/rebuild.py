"""A study's report from nothing but what MLflow holds, also while the study runs."""

import json
import shutil
from functools import partial
from pathlib import Path

from ablation.engine.analysis import analysed, shows_effects
from ablation.report.publish import OWN, publish
from ablation.store import reading
from ablation.store.connection import Store
from ablation.store.names import CONFIGURATION
from ablation.store.shown import note_look
from ablation.store.sqlite import LoggedStudy
from ablation.study.findings import Findings
from ablation.study.study import STUDIES


def rebuild(store: Store, study: LoggedStudy) -> tuple[Path, ...]:
    """Write a study's files anew, and return those that people read; while it is not finished they show what there is, and say so.

    Raises:
        InputError: if MLflow lacks what is needed.
    """
    findings = found_so_far(store, study)
    own = json.loads(reading.study_file(store, study.run_id, OWN) or "{}")
    texts = {name: reading.study_file(store, study.run_id, name) for name in own.get("texts", (CONFIGURATION,))}
    # The subject's own pictures show what only it has at hand.
    kept = partial(reading.copy_files, store, study.run_id, own.get("pictures", ()))
    # The study itself writes its folder when it ends, which can be at any time.
    folder, passing = STUDIES / study.name, STUDIES / f"{study.name} in progress"
    if not findings.unfinished:
        shutil.rmtree(passing, ignore_errors=True)
    return publish(
        findings, passing if findings.unfinished else folder, {name: text for name, text in texts.items() if text is not None}, kept
    )


def found_so_far(store: Store, study: LoggedStudy) -> Findings:
    """Return what a study has found so far; all of it where it has come to its end.

    Whoever sees effects before the end may stop or go on by them: that is a look, and is noted, unless the study counts its own looks.
    """
    findings = reading.findings_of(store, study)
    if not findings.unfinished:
        return findings
    found = analysed(findings, reading.results_of(store, study))
    if found.looks is None and shows_effects(found):
        note_look(store, study.run_id, max(int(effects.seeds.max(initial=0)) for effects in found.effects))
    return found
