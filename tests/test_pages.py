"""What MLflow's pages show of a study: the view of its runs, its series, its effects, and the unit of all that."""

import base64
import json
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from findings import FEATURES, GAINS, enriched, synthetic

from ablation.designs import BASELINE, cumulative, fractional
from ablation.report.logged import in_own_units, summary
from ablation.store.connection import Store
from ablation.store.names import EFFECTS, NOTE, TABLES
from ablation.store.study_log import StudyLog, Summary
from ablation.study.metric import Metric


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> StudyLog:
    """A study in a store of its own."""
    folder = tmp_path_factory.mktemp("store")
    store = Store(f"sqlite:///{folder / 'mlflow.db'}", "ablation")
    store.client.create_experiment("ablation", artifact_location=str(folder / "runs"))
    return StudyLog.open(store, "key", "asked", "a study", "val_accuracy", {})


def view_of(log: StudyLog) -> dict[str, Any]:
    """Return the shared view that a study's address names, as MLflow's pages read it."""
    tags = log.store.client.get_experiment(log.experiment_id).tags
    key = log.address.partition("viewStateShareKey=")[2].partition("&")[0]
    kind, _, packed = tags[f"mlflow.sharedViewState.{key}"].partition(";")
    assert kind == "deflate" and len(packed) < 5000, "what a tag of an experiment holds"
    return dict(json.loads(zlib.decompress(base64.b64decode(packed))))


def test_the_address_of_a_study_opens_its_runs_with_what_is_compared_of_them(log: StudyLog) -> None:
    log.save_view(Metric("val_accuracy"))
    assert log.address.startswith(f"http://127.0.0.1:5000/#/experiments/{log.experiment_id}/runs?")
    view = view_of(log)
    assert view["selectedColumns"] == ["metrics.`val_accuracy`", "metrics.`val_accuracy_delta`", "tags.`arm`", "params.`seed`"]
    assert view["searchFilter"] == f"tags.`mlflow.parentRunId` = '{log.parent}'"
    assert (view["orderByKey"], view["orderByAsc"]) == ("metrics.`val_accuracy`", False)
    assert [card["metricKey"] for card in view["compareRunCharts"]] == ["val_accuracy", "val_accuracy_delta", "val_accuracy"]
    assert log.store.client.get_experiment(log.experiment_id).tags["mlflow.experimentKind"] == "custom_model_development"
    log.save_view(Metric("loss", higher_is_better=False))
    assert view_of(log)["orderByAsc"] is True, "the best first"


def test_pages_of_a_server_are_the_servers() -> None:
    assert Store("http://tracking:5001/", "ablation").pages == "http://tracking:5001"


def test_a_study_that_ends_keeps_series_and_a_table_and_logs_them_once(log: StudyLog, tmp_path: Path) -> None:
    client = log.store.client
    way = client.get_run(log.parent).data.tags[NOTE]
    assert f"(#/experiments/{log.experiment_id}/runs?viewStateShareKey={log.parent}&" in way, "while it runs, too"
    found = Summary(
        "the answer", {"arms/best": 0.8}, {"path/effect": {1: 0.1, 2: float("nan"), 3: -0.1}}, {"feature": ["one"], "low": [None]}
    )
    for _ in range(2):
        log.close("FINISHED", found, tmp_path)
    run = client.get_run(log.parent)
    assert run.data.tags[NOTE] == f"{way}\n\nthe answer"
    assert [(each.step, each.value) for each in client.get_metric_history(log.parent, "path/effect")] == [(1, 0.1), (3, -0.1)]
    assert len(client.get_metric_history(log.parent, "arms/best")) == 1
    assert json.loads(run.data.tags[TABLES]) == [{"path": EFFECTS, "type": "table"}]
    assert json.loads(Path(run.info.artifact_uri, EFFECTS).read_text()) == {"columns": ["feature", "low"], "data": [["one", None]]}


def test_what_is_logged_of_a_path_is_its_scores_and_steps_in_fractions() -> None:
    two = FEATURES[:2]
    findings = enriched(synthetic(cumulative(two), features=two, gains=GAINS[:2]))
    assert findings.metric.scale == 100
    logged = summary(findings)
    means = findings.scores.mean(axis=0)
    assert logged.series["path/val_accuracy"] == pytest.approx(dict(enumerate(means)))
    assert logged.series["path/effect"] == pytest.approx(dict(enumerate(np.diff(means), start=1)))
    assert logged.metrics == pytest.approx({"arms/baseline": means[0], "arms/all": means[-1], "arms/best": means.max()})
    assert list(zip(logged.effects["feature"], logged.effects["design"], strict=True)) == [(name, "cumulative") for name in two]
    assert all(low < effect < high for low, effect, high in zip(*(logged.effects[head] for head in ("low", "effect", "high")), strict=True))
    assert f"{means[0]:.3f}"[:4] in logged.note and f"{100 * means[0]:.1f}" not in logged.note
    assert "percentage" not in logged.note and " points" not in logged.note
    shown = in_own_units(findings)
    assert "test %" not in [measure.heading for measure in shown.measures]


def test_a_study_without_a_path_has_no_series() -> None:
    findings = enriched(synthetic(fractional(FEATURES), features=FEATURES, gains=GAINS))
    logged = summary(findings)
    assert logged.series == {} and len(logged.effects["effect"]) == len(FEATURES)
    assert BASELINE in findings.arms and "arms/baseline" in logged.metrics
