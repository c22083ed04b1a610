"""Tables from MLflow: the runs of an experiment, whatever program logged them."""

from collections.abc import Iterable, Mapping, Sequence

from ablation.elsewhere.question import Question
from ablation.elsewhere.runs import Table
from ablation.errors import InputError, nearest
from ablation.store.connection import Store
from ablation.store.reading import LoggedRow, logged_rows
from ablation.wording import counted


def table_of_experiment(store: Store, condition: str, asked: Question) -> Table:
    """Return the finished runs of a store's experiment, a row each, with the columns that are asked for.

    A feature, the arm and the seed are parameters or else tags, and the score is a metric, with its last value. Runs that have none of them
    are left out.

    Args:
        condition: MLflow's filter, such as ``params.model = 'cnn'``; empty for all runs.

    Raises:
        InputError: if there is no such experiment, or none of its runs has what is asked for.
    """
    runs = logged_rows(store, condition)
    what = f"the experiment '{store.experiment}'"
    if not runs:
        raise InputError(f"{what} of {store.shown_uri} has no run{' with ' + condition if condition else ''}; expected finished runs")
    finished = [run for run in runs if run.finished]
    words = [*([asked.arm] if asked.arm else asked.features), *([asked.seed] if asked.seed else [])]
    cells: dict[str, list[object]] = {name: [run.params.get(name, run.tags.get(name)) for run in finished] for name in words}
    cells |= {name: [run.metrics.get(name) for run in finished] for name in asked.score}
    for name, values in cells.items():
        if not any(value is not None for value in values):
            is_score = name in asked.score
            known = dict.fromkeys(key for run in finished for key in _names(run, is_score))
            raise InputError(f"no run of {what} has a {'metric' if is_score else 'parameter or tag'} '{name}'{nearest(name, known)}")
    return _table(store.experiment, what, finished, cells, len(runs) - len(finished))


def _names(run: LoggedRow, is_score: bool) -> Iterable[str]:
    return run.metrics if is_score else (*run.params, *(tag for tag in run.tags if not tag.startswith("mlflow.")))


def _table(name: str, what: str, runs: Sequence[LoggedRow], cells: Mapping[str, list[object]], unfinished: int) -> Table:
    import pandas as pd

    kept = [place for place in range(len(runs)) if any(values[place] is not None for values in cells.values())]
    frame = pd.DataFrame({name: [values[place] for place in kept] for name, values in cells.items()})
    names = [f"run '{runs[place].name}' ({runs[place].run_id[:8]})" for place in kept]
    left = [(unfinished, "did not finish"), (len(runs) - len(kept), "had nothing of what is asked for")]
    remarks = tuple(
        f"{counted(count, 'run')} of {what} that {why} {'is' if count == 1 else 'are'} left out." for count, why in left if count
    )
    return Table(frame, name, what, lambda place: names[place], remarks)
