"""The ledger: the finished runs in MLflow's SQLite database, read without MLflow, whose import alone takes longer than a plan may."""

import sqlite3
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

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


@dataclass(frozen=True)
class Entry:
    """A finished run: its key, its id, where its artifacts are, and the key of the study that trained it."""

    key: str
    run_id: str
    artifacts: str
    study: str | None


def finished_runs(database: Path, experiment: str, key: str, parent: str, study: str) -> list[Entry]:
    """Return the finished runs of an experiment, the oldest first.

    Args:
        database: MLflow's SQLite file.
        experiment: its name.
        key, parent, study: names of the tags that hold a run's key, the id of its parent run, and the parent's study.

    Raises:
        sqlite3.Error: if the file is not such a database, or of a version whose tables differ.
    """
    with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as connection:
        names = {"experiment": experiment, "key": key, "parent": parent, "study": study}
        return [Entry(*row) for row in connection.execute(FINISHED, names)]
