"""MLflow's pages of a study: the columns and charts with which its table of runs opens, and the link to that."""

import base64
import json
import zlib
from typing import Any

from ablation.store.connection import Store
from ablation.store.names import ARM_NAME, PARENT
from ablation.study.metric import Metric

KIND, TRAINING = "mlflow.experimentKind", "custom_model_development"
"""The tag of an experiment by which MLflow opens it on its runs, and not on a page for language models."""

TRAINING_PAGES = "workflowType=machine_learning"
"""The part of a link by which MLflow's side bar is the one for trainings."""

VIEW = "mlflow.sharedViewState."
"""With this begins the name of the tag that holds what MLflow calls a shared view; the key in a link comes after it."""

RUNS_SHOWN = 20
"""The first runs of the table, of which MLflow draws charts when the page opens."""


def link(experiment_id: str, parent: str) -> str:
    """Return the link to the runs of a study, as it stands within MLflow's pages.

    Args:
        experiment_id, parent: MLflow's ids of the experiment and of the study's run.
    """
    return f"#/experiments/{experiment_id}/runs?viewStateShareKey={parent}&{TRAINING_PAGES}"


def run_link(experiment_id: str, run_id: str) -> str:
    """Return the link to a run, as it stands within MLflow's pages."""
    return f"#/experiments/{experiment_id}/runs/{run_id}?{TRAINING_PAGES}"


def address(store: Store, experiment_id: str, parent: str) -> str:
    """Return the address of the runs of a study, for a browser; of a store that is no server, with ``mlflow ui`` on this machine."""
    return f"{store.pages}/{link(experiment_id, parent)}"


def save_view(store: Store, experiment_id: str, parent: str, metric: Metric) -> None:
    """Let the link of a study open its runs with their score, difference, arm and seed, and with charts of these."""
    tags = store.client.get_experiment(experiment_id).tags
    wanted = {VIEW + parent: _packed(_view(parent, metric))}
    if KIND not in tags:
        wanted[KIND] = TRAINING
    for name, value in wanted.items():
        if tags.get(name) != value:
            store.client.set_experiment_tag(experiment_id, name, value)


def _packed(view: dict[str, Any]) -> str:
    """Write a view as MLflow's pages read it. A tag of an experiment holds 5,000 characters."""
    return "deflate;" + base64.b64encode(zlib.compress(json.dumps(view, separators=(",", ":")).encode())).decode()


def _view(parent: str, metric: Metric) -> dict[str, Any]:
    """Return the state of MLflow's page of runs, whole, for what a view leaves out is undefined there."""
    score, delta = metric.key, f"{metric.key}_delta"
    columns = [f"metrics.`{score}`", f"metrics.`{delta}`", f"tags.`{ARM_NAME}`", "params.`seed`"]
    # So wide that a window of 1,400 pixels shows all four.
    widths = dict(zip(columns, (90, 120, 95, 50), strict=True))
    section, others, system = "study", "others", "system"
    return {
        "searchFilter": f"tags.`{PARENT}` = '{parent}'",
        "orderByKey": columns[0],
        "orderByAsc": not metric.higher_is_better,
        "startTime": "ALL",
        "lifecycleFilter": "Active",
        "datasetsFilter": [],
        "modelVersionFilter": "All Runs",
        "selectedColumns": columns,
        "columnOrder": columns,
        "columnWidths": widths,
        "runsExpanded": {},
        "runsPinned": [],
        "runsHidden": [],
        "runsVisibilityMap": {},
        "runsHiddenMode": "FIRST_20_RUNS",
        "compareRunCharts": [
            _card("BAR", score, section),
            _card("BAR", delta, section),
            _card("LINE", score, section) | {"selectedMetricKeys": [score], "xAxisKey": "step"},
        ],
        "compareRunSections": [
            _section(section, "Study", display=True),
            _section(others, "Model metrics", display=False),
            _section(system, "System metrics", display=False),
        ],
        "viewMaximized": False,
        "runListHidden": False,
        "isAccordionReordered": False,
        "groupBy": None,
        "groupsExpanded": {},
        "autoRefreshEnabled": True,
        "useGroupedValuesInCharts": True,
        "hideEmptyCharts": True,
        "globalLineChartConfig": {"xAxisKey": "step", "lineSmoothness": 0, "selectedXAxisMetricKey": ""},
        "chartsSearchFilter": "",
    }


def _card(kind: str, metric: str, section: str) -> dict[str, Any]:
    return {
        "uuid": f"{kind}-{metric}",
        "type": kind,
        "metricKey": metric,
        "metricSectionId": section,
        "runsCountToCompare": RUNS_SHOWN,
        "deleted": False,
        "isGenerated": False,
    }


def _section(uuid: str, name: str, display: bool) -> dict[str, Any]:
    return {"uuid": uuid, "name": name, "display": display, "isReordered": False, "deleted": False, "isGenerated": True}
