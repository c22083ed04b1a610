"""What an analysis leaves: a study's folder, and a study in MLflow if that is asked for."""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from ablation.designs import Arm, label
from ablation.errors import InputError
from ablation.report.logged import summary
from ablation.store.connection import Store
from ablation.store.names import ANALYSED
from ablation.store.study_log import StudyLog
from ablation.study.findings import Findings
from ablation.study.key import digest
from ablation.study.outcome import Result
from ablation.study.study import STUDIES, owner_of
from ablation.study.subject import Trial


def written(findings: Findings, key: str) -> tuple[Path, ...]:
    """Write the files of an analysis into the folder of its name, and return those that people read.

    Args:
        key: what the analysis is known by.

    Raises:
        InputError: if the folder holds another study's files.
    """
    check_folder(findings, key)
    from ablation.report.publish import publish

    return publish(findings, STUDIES / findings.name, {}, lambda _: [], key)


def check_folder(findings: Findings, key: str) -> None:
    """Keep an analysis from writing over another study's files."""
    folder = STUDIES / findings.name
    if folder.exists() and owner_of(folder) != key:
        raise InputError(f"'{folder}' holds the files of another study; expected another name, or remove them")


def logged(findings: Findings, key: str, store: Store) -> tuple[Findings, tuple[Path, ...]]:
    """Log an analysis and its runs as a study to MLflow, and write its files; runs that are logged already are not logged again.

    Returns:
        The findings, whose runs are now those in MLflow, and the files as :func:`written` does.
    """
    check_folder(findings, key)
    log = StudyLog.open(store, key, key, findings.name, findings.metric.key, _params(findings))
    try:
        log.save_view(findings.metric)
        found = replace(findings, runs=_runs(findings, key, log))
        files = written(found, key)
        log.close("FINISHED", summary(found), STUDIES / found.name)
    except BaseException:
        with suppress(Exception):  # What went wrong is the message, not that the store cannot take even this.
            log.kill()
        raise
    return found, files


def _runs(findings: Findings, key: str, log: StudyLog) -> Mapping[tuple[Arm, int], Result]:
    trials = {each: _trial(findings, key, *each, result) for each, result in findings.runs.items()}
    there = {child.key: child.run_id for child in log.children() if child.status == "FINISHED"}
    runs = {}
    for each, trial in trials.items():
        runs[each] = result = replace(findings.runs[each], run_id=there.get(trial.key) or log.start_run(trial, None))
        if trial.key not in there:
            log.finish_run(result.run_id, result, {}, {})
    return runs


def _trial(findings: Findings, key: str, arm: Arm, seed: int, result: Result) -> Trial:
    on, off = (tuple(name for name in findings.features if (name in arm) is there) for there in (True, False))
    known = digest([key, sorted(arm), seed, result.score])
    return Trial(arm, seed, ANALYSED + known, known, label(arm, findings.features), on, {"seed": str(seed)}, off)


def _params(findings: Findings) -> dict[str, str]:
    """Return what the list of studies shows of an analysis."""
    return {
        "designs": ", ".join(design.name for design in findings.designs),
        "order": ", ".join(findings.features),
        "seeds": ", ".join(map(str, findings.seeds)),
        "arms": str(len(findings.arms)),
        "subject": findings.description.partition(": ")[2],
        "metric": findings.metric.key,
    }
