"""The MLflow run that a script logs by itself: how it is marked when it starts, and found again."""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass

from ablation.store.connection import Store
from ablation.store.names import PARENT
from ablation.store.pages import run_link

TAG = "ablation.script"
CONTEXT = "MLFLOW_RUN_CONTEXT"


@dataclass(frozen=True)
class ScriptRun:
    """What a script has logged.

    Attributes:
        link: to its run, in MLflow's pages.
        history: ``{metric: [value a step]}``.
    """

    link: str
    history: Mapping[str, list[float]]


def marking(store: Store, mark: str) -> dict[str, str]:
    """Return variables by which a script logs to a store, in whatever experiment it chooses, and each run that it starts has a tag.

    MLflow reads tags for new runs from ``MLFLOW_RUN_CONTEXT``. Naming a run of ours by ``MLFLOW_RUN_ID`` would not do: a script that calls
    ``set_experiment`` fails with it, and one that leaves ``start_run`` ends that run.
    """
    given = os.environ.get(CONTEXT)
    return {"MLFLOW_TRACKING_URI": store.uri, CONTEXT: json.dumps({**(json.loads(given) if given else {}), TAG: mark})}


def marked_run(store: Store, mark: str, metric: str) -> ScriptRun | None:
    """Return the run that a script has logged under a mark; None where there is none.

    Of several, it is the latest that has the metric; runs inside others come last.
    """
    client = store.client
    experiments = [each.experiment_id for each in client.search_experiments()]
    found = list(client.search_runs(experiments, f"tags.`{TAG}` = '{mark}'"))
    if not found:
        return None
    run = max(found, key=lambda run: (metric in run.data.metrics, PARENT not in run.data.tags, run.info.start_time))
    history = {name: [each.value for each in client.get_metric_history(run.info.run_id, name)] for name in run.data.metrics}
    return ScriptRun(run_link(run.info.experiment_id, run.info.run_id), history)
