"""Reading: what finished runs and studies left in the store."""

import re
import shutil
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

import numpy as np

from ablation.designs import Arm
from ablation.errors import InputError, first_line, nearest
from ablation.store.away import is_away
from ablation.store.connection import Store
from ablation.store.index import THREADS, has_others, indexed_runs
from ablation.store.names import ANALYSED, ARM, BRIEF, COPY, FINDINGS, KEY, MODEL, PARENT, RESULT, SEED, STUDY
from ablation.store.results import of_brief, of_text
from ablation.store.sqlite import Entry, LoggedStudy, finished_runs, logged_studies
from ablation.study.findings import Findings, from_json
from ablation.study.outcome import Result

if TYPE_CHECKING:
    from mlflow.entities import Run as LoggedRun

FEW = 12
"""Keys that are looked for one by one where the store is a server."""


# ---- runs -------------------------------------------------------------------------------------------------------------------


def finished(store: Store, keys: Iterable[str], study: str, serves: Callable[[str, Result], bool]) -> dict[str, Result]:
    """Return the finished runs with these keys.

    Args:
        study: key of the study that asks; its own runs come before the same from elsewhere.
        serves: says of a key and a result whether it has all that is asked for.
    """
    entries: dict[str, list[Entry]] = {}
    for entry in _finished(store, keys):
        entries.setdefault(entry.key, []).append(entry)
    results = {}
    for key in keys:
        for entry in sorted(entries.get(key, ()), key=lambda entry: entry.study != study):
            found = of_brief(entry.brief, entry.run_id) if entry.brief else _result(store, entry.run_id, entry.artifacts)
            if found is not None and serves(key, found):
                results[key] = found
                break
    return results


def _finished(store: Store, keys: Iterable[str]) -> list[Entry]:
    """Return what is finished, at least of these keys: from the database itself where it is a file, else through MLflow."""
    if store.is_new:
        return []
    if store.database is not None:
        try:
            return finished_runs(store.database, store.experiment, KEY, PARENT, STUDY)
        except sqlite3.Error:
            pass  # of another version of MLflow, which then reads it
    experiment = store.experiment_id(create=False)
    if experiment is None:
        return []
    wanted = list(keys)
    if len(wanted) <= FEW:
        return [entry for key in wanted for entry in _with_key(store, experiment, key)]
    found = [_entry(each.run, each.study) for each in indexed_runs(store, experiment, wanted)]
    left = [key for key in wanted if key not in {entry.key for entry in found}]
    if left and has_others(store, experiment):
        with ThreadPoolExecutor(THREADS) as threads:
            found += [entry for own in threads.map(lambda key: _with_key(store, experiment, key), left) for entry in own]
    return found


def _with_key(store: Store, experiment: str, key: str) -> list[Entry]:
    """Return the finished runs with one key."""
    found = []
    for run in search(store, experiment, f"tags.`{KEY}` = '{key}' and attributes.status = 'FINISHED'"):
        parent = run.data.tags.get(PARENT)
        study = store.client.get_run(parent).data.tags.get(STUDY) if parent else None
        found.append(_entry(run, study))
    return found


def _entry(run: "LoggedRun", study: str | None) -> Entry:
    return Entry(run.data.tags.get(KEY, ""), run.info.run_id, run.info.artifact_uri, study, run.data.tags.get(BRIEF, ""))


def search(store: Store, experiment: str, condition: str) -> list["LoggedRun"]:
    """Return all runs of an experiment, by its id, that MLflow's filter lets through, the oldest first."""
    runs: list[LoggedRun] = []
    token = None
    while True:
        page = store.client.search_runs([experiment], condition, max_results=1000, page_token=token, order_by=["attributes.start_time ASC"])
        runs += page
        token = page.token
        if not token:
            return runs


def children(store: Store, parent: str, experiment: str) -> list["LoggedRun"]:
    """Return all child runs of a study."""
    return search(store, experiment, f"tags.`{PARENT}` = '{parent}'")


def result(store: Store, run_id: str) -> Result:
    """Return a run's result; that of a copy stands in the original run.

    Raises:
        InputError: if it has gone.
    """
    original = _original(store, run_id)
    found = _result(store, original.info.run_id, original.info.artifact_uri)
    if found is None:
        raise InputError(f"the result of the run '{run_id}' has gone from MLflow; the command of its study makes it again")
    return replace(found, run_id=run_id)


def _original(store: Store, run_id: str) -> "LoggedRun":
    """Return a run, or the one that it is a copy of."""
    run = store.client.get_run(run_id)
    return store.client.get_run(run.data.tags[COPY]) if COPY in run.data.tags else run


def _result(store: Store, run_id: str, artifacts: str) -> Result | None:
    """Read a run's result, or None where its artifact has gone."""
    text = _text(store, run_id, artifacts, RESULT)
    if text is None:
        return None
    return of_text(text, run_id)


def arrays(store: Store, run_id: str, name: str) -> dict[str, np.ndarray] | None:
    """Return the arrays that a run, or the one that it is a copy of, keeps under a name; None where there are none."""
    original = _original(store, run_id)
    with _file(store, original.info.run_id, original.info.artifact_uri, name) as path:
        if path is None:
            return None
        with np.load(path) as file:
            return dict(file)


@dataclass(frozen=True)
class LoggedTrial:
    """A run as MLflow has it.

    Attributes:
        arm, seed: what was run.
        params: the run's settings, as MLflow shows them.
        result: None where it did not finish.
    """

    arm: Arm
    seed: int
    params: Mapping[str, str]
    result: Result | None


def trials(store: Store) -> list[LoggedTrial]:
    """Return all runs that were made, in whichever study."""
    experiment = None if store.is_new else store.experiment_id(create=False)
    if experiment is None:
        return []
    return [_trial(store, run) for run in search(store, experiment, f"tags.`{KEY}` != ''")]


def _trial(store: Store, run: "LoggedRun") -> LoggedTrial:
    tags = run.data.tags
    found = _result(store, run.info.run_id, run.info.artifact_uri) if run.info.status == "FINISHED" else None
    return LoggedTrial(frozenset(filter(None, tags[ARM].split(","))), int(tags[SEED]), dict(run.data.params), found)


@dataclass(frozen=True)
class LoggedRow:
    """A run of any experiment, whatever program logged it.

    Attributes:
        run_id, name: MLflow's.
        finished: whether it came to its end.
        params, tags, metrics: as MLflow shows them, of each metric the last value.
    """

    run_id: str
    name: str
    finished: bool
    params: Mapping[str, str]
    tags: Mapping[str, str]
    metrics: Mapping[str, float]


def logged_rows(store: Store, condition: str) -> list[LoggedRow]:
    """Return the runs of an experiment that MLflow's filter lets through, the oldest first, without studies and copies of runs.

    Raises:
        InputError: if there is no such experiment, or MLflow does not understand the filter.
    """
    from mlflow.exceptions import MlflowException

    experiment = None if store.is_new else store.experiment_id(create=False)
    if experiment is None:
        known = [] if store.is_new else [each.name for each in store.client.search_experiments()]
        raise InputError(f"no experiment of {store.shown_uri} is called '{store.experiment}'{nearest(store.experiment, known)}")
    try:
        runs = search(store, experiment, condition)
    except MlflowException as error:
        if not condition:
            raise
        raise InputError(f"MLflow does not understand the filter {condition} ({first_line(error)})") from error
    return [
        LoggedRow(run.info.run_id, run.info.run_name, run.info.status == "FINISHED", run.data.params, run.data.tags, run.data.metrics)
        for run in runs
        if not (STUDY in run.data.tags or COPY in run.data.tags or run.data.tags.get(KEY, "").startswith(ANALYSED))
    ]


# ---- stored networks --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class StoredModel:
    """A network that a run has stored.

    Attributes:
        run_id: of the run that trained it.
        params: the run's settings, as MLflow shows them.
        text: reads a text file that the run keeps; None where there is none of that name.
    """

    run_id: str
    params: Mapping[str, str]
    text: Callable[[str], str | None]


def stored_model(store: Store, run_id: str) -> StoredModel:
    """Return which network a run has stored.

    Args:
        run_id: of the run, or enough of its beginning.

    Raises:
        InputError: if no run or more than one has an id that begins so, or it has stored no network.
    """
    found = [] if store.is_new or not re.fullmatch(r"[0-9a-z]+", run_id) else _runs_like(store, run_id)
    if not found:
        raise InputError(f"no run in {store.shown_uri} has an id that begins with '{run_id}'; expected one as MLflow shows it")
    if len(found) > 1:
        raise InputError(f"{len(found)} runs have ids that begin with '{run_id}'; expected more of one of them")
    run = found[0]
    if STUDY in run.data.tags:
        raise InputError(f"'{run_id}' is the study '{run.info.run_name}'; expected one of its runs")
    original = _original(store, run.info.run_id)
    place = original.info.run_id, original.info.artifact_uri
    known = _result(store, *place)
    if known is None or MODEL not in known.stored:
        raise InputError(f"the run '{run.info.run_name}' ({run_id}) has stored no network; expected one of a study with save_model=true")
    return StoredModel(original.info.run_id, original.data.params, lambda name: _text(store, *place, name))


def _runs_like(store: Store, beginning: str) -> list["LoggedRun"]:
    experiments = [each.experiment_id for each in store.client.search_experiments()]
    return list(store.client.search_runs(experiments, f"attributes.run_id LIKE '{beginning}%'"))


def load_model(store: Store, stored: StoredModel) -> Any:
    """Load a Keras network that a run has stored."""
    import mlflow

    with store.as_default():
        return mlflow.keras.load_model(f"runs:/{stored.run_id}/{MODEL}")


# ---- studies ----------------------------------------------------------------------------------------------------------------


def studies(store: Store) -> list[LoggedStudy]:
    """Return the studies of every experiment, the latest first."""
    if store.is_new:
        return []
    try:
        found = None if store.database is None else logged_studies(store.database, STUDY)
    except sqlite3.Error:
        found = None  # of another version of MLflow, which then reads it
    return sorted(_studies_by_mlflow(store) if found is None else found, key=lambda study: -study.ended)


def _studies_by_mlflow(store: Store) -> list[LoggedStudy]:
    experiments = [each.experiment_id for each in store.client.search_experiments()]
    runs = [run for experiment in experiments for run in search(store, experiment, f"tags.`{STUDY}` LIKE '%'")]
    return [
        LoggedStudy(
            run.info.run_id,
            run.info.run_name,
            run.info.status,
            run.data.params["designs"],
            run.data.params["subject"],
            run.data.params["seeds"],
            run.info.end_time or run.info.start_time,
        )
        for run in runs
        if {"designs", "subject", "seeds"} <= run.data.params.keys()
    ]


def chosen(found: Iterable[LoggedStudy], wanted: str | None) -> LoggedStudy:
    """Return the study of that name or run id, the latest where several have the name; without a name, the latest that has finished.

    Raises:
        InputError: if there is none.
    """
    known = list(found)
    for study in known:
        if wanted in (study.name, study.run_id) or (wanted is None and study.finished):
            return study
    if wanted is None:
        raise InputError("no finished study is here; python -m ablation makes one")
    raise InputError(f"no study is called '{wanted}'{nearest(wanted, dict.fromkeys(study.name for study in known))}")


def findings_of(store: Store, study: LoggedStudy) -> Findings:
    """Return what a study has found, or what it asks where it has not come to its end: from nothing but what MLflow holds.

    Raises:
        InputError: if MLflow lacks what is needed.
    """
    text = study_file(store, study.run_id, FINDINGS)
    if text is None:
        raise InputError(f"the study '{study.name}' has no {FINDINGS} in MLflow; its own command, given again, adds it and trains nothing")
    return from_json(text, lambda run_id: result(store, run_id))


def results_of(store: Store, study: LoggedStudy) -> dict[tuple[Arm, int], Result]:
    """Return the finished runs that a study has so far."""
    experiment = store.client.get_run(study.run_id).info.experiment_id
    finished_children = [run for run in children(store, study.run_id, experiment) if run.info.status == "FINISHED"]
    return {
        (frozenset(filter(None, run.data.tags[ARM].split(","))), int(run.data.tags[SEED])): result(store, run.info.run_id)
        for run in finished_children
    }


def study_file(store: Store, run_id: str, name: str) -> str | None:
    """Return the text of a file that a study's parent run holds, or None where it has none of that name."""
    return _text(store, run_id, store.client.get_run(run_id).info.artifact_uri, name)


def copy_files(store: Store, run_id: str, names: Iterable[str], folder: Path) -> list[Path]:
    """Copy those of some files that a study's parent run holds into a folder, and return the copies."""
    artifacts, copies = store.client.get_run(run_id).info.artifact_uri, []
    for name in names:
        with _file(store, run_id, artifacts, name) as file:
            if file is not None:
                copies.append(Path(shutil.copy(file, folder / name)))
    return copies


# ---- files ------------------------------------------------------------------------------------------------------------------


def _text(store: Store, run_id: str, artifacts: str, name: str) -> str | None:
    """Read a text file that a run keeps, or None where there is none."""
    with _file(store, run_id, artifacts, name) as file:
        return None if file is None else file.read_text(encoding="utf-8")


@contextmanager
def _file(store: Store, run_id: str, artifacts: str, name: str) -> Iterator[Path | None]:
    """Give a file that a run keeps: itself where it lies on this machine, else a passing copy; None where there is none.

    A store that cannot be reached is no answer: its error is raised.
    """
    place = urlsplit(artifacts)
    if place.scheme in ("", "file"):
        file = Path(unquote(place.path) if place.scheme else artifacts) / name
        yield file if file.exists() else None
        return
    from mlflow.exceptions import MlflowException

    with TemporaryDirectory() as folder:
        try:
            copy = Path(store.client.download_artifacts(run_id, name, folder))
        except (OSError, MlflowException) as error:
            # Of a download that failed MLflow may say no more than that; what it lists is there.
            if is_away(error) or name in {each.path for each in store.client.list_artifacts(run_id)}:
                raise
            yield None
        else:
            yield copy
