"""What is in MLflow's SQLite database, read without MLflow, whose import alone takes longer than a plan may."""

import sqlite3
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

FINISHED = """
    SELECT keys.value, keys.run_uuid, runs.artifact_uri, studies.value
    FROM experiments
    JOIN runs ON runs.experiment_id = experiments.experiment_id
    JOIN tags AS keys ON keys.run_uuid = runs.run_uuid AND keys.key = :key
    LEFT JOIN tags AS parents ON parents.run_uuid = runs.run_uuid AND parents.key = :parent
    LEFT JOIN tags AS studies ON studies.run_uuid = parents.value AND studies.key = :study
    WHERE experiments.name = :experiment AND experiments.lifecycle_stage = 'active'
        AND runs.status = 'FINISHED' AND runs.lifecycle_stage = 'active'
    ORDER BY runs.start_time
"""


STUDIES = """
    SELECT runs.run_uuid, runs.name, runs.status, designs.value, subject.value, seeds.value, COALESCE(runs.end_time, runs.start_time)
    FROM runs
    JOIN experiments ON experiments.experiment_id = runs.experiment_id AND experiments.lifecycle_stage = 'active'
    JOIN tags ON tags.run_uuid = runs.run_uuid AND tags.key = :study
    JOIN params AS designs ON designs.run_uuid = runs.run_uuid AND designs.key = 'designs'
    JOIN params AS subject ON subject.run_uuid = runs.run_uuid AND subject.key = 'subject'
    JOIN params AS seeds ON seeds.run_uuid = runs.run_uuid AND seeds.key = 'seeds'
    WHERE runs.lifecycle_stage = 'active'
"""


@dataclass(frozen=True)
class Entry:
    """A finished run: its key, its id, where its artifacts are, the key of the study that made it, and its result where a tag has that."""

    key: str
    run_id: str
    artifacts: str
    study: str | None
    brief: str = ""


@dataclass(frozen=True)
class LoggedStudy:
    """One study, as a list of studies shows it.

    Attributes:
        run_id: of its parent run.
        name: of the study.
        status: MLflow's: ``FINISHED``, ``FAILED`` where some of its runs failed, ``RUNNING``, or ``KILLED`` where it was stopped.
        designs, subject, seeds: as its parent run has them, in words.
        ended: when it came to its end, else when it began, in milliseconds since 1970.
    """

    run_id: str
    name: str
    status: str
    designs: str
    subject: str
    seeds: str
    ended: int

    @property
    def finished(self) -> bool:
        """Whether it came to its end."""
        return self.status in ("FINISHED", "FAILED")


def finished_runs(database: Path, experiment: str, key: str, parent: str, study: str) -> list[Entry]:
    """Return the finished runs of an experiment, the oldest first.

    Args:
        database: MLflow's SQLite file.
        experiment: its name.
        key, parent, study: names of the tags that hold a run's key, the id of its parent run, and the parent's study.

    Raises:
        sqlite3.Error: if the file is not such a database, or of a version whose tables differ.
    """
    names = {"experiment": experiment, "key": key, "parent": parent, "study": study}
    return [Entry(*row) for row in _rows(database, FINISHED, names)]


def logged_studies(database: Path, study: str) -> list[LoggedStudy]:
    """Return the studies of every experiment; ``study`` names the tag that holds a study's key.

    Raises:
        sqlite3.Error: if the file is not such a database, or of a version whose tables differ.
    """
    return [LoggedStudy(*row) for row in _rows(database, STUDIES, {"study": study})]


def _rows(database: Path, query: str, names: dict[str, str]) -> list[tuple[Any, ...]]:
    with closing(sqlite3.connect(f"{database.absolute().as_uri()}?mode=ro", uri=True)) as connection:
        return connection.execute(query, names).fetchall()
