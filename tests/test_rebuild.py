"""``python -m ablation.report`` lists what has ended, and makes a study's files anew from MLflow alone."""

import dataclasses
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest
from command import Ended, environment
from findings import FEATURES, GAINS, enriched, synthetic

from ablation.api import chosen
from ablation.designs import BASELINE, cumulative, leave_one_out
from ablation.report.publish import publish
from ablation.store.connection import COPY, KEY, STUDY, Destination, Store
from ablation.store.sqlite import LoggedStudy, ended_studies
from ablation.study.findings import Findings

NAME = "made-up study"
PARAMS = {"designs": "cumulative, leave_one_out", "data": "sprites", "seeds": "0, 1, 2"}


def told(folder: Path, *arguments: str, **more: str) -> Ended:
    """Run the command in a folder."""
    command = [sys.executable, "-W", "ignore", "-m", "ablation.report", *arguments]
    path = os.pathsep.join([str(Path(__file__).parents[1]), os.environ.get("PYTHONPATH", "")])
    kept = environment(PYTHONPATH=path, **more)
    ended = subprocess.run(command, cwd=folder, env=kept, capture_output=True, text=True, check=False, timeout=120)
    return Ended(ended.returncode, ended.stdout, ended.stderr)


def log(destination: Destination, findings: Findings) -> Findings:
    """Log every run of a study as a worker does, but the first as a copy of a run that another study trained."""
    logged = {}
    for number, ((arm, seed), result) in enumerate(findings.runs.items()):
        name = f"{'+'.join(sorted(arm))} · seed {seed}"
        data = {"name": "sprites", "digest": "0", "description": ""}
        run_id = destination.start_run(name, f"key{number}", {}, {}, data)
        destination.finish_run(run_id, result, {}, {})
        if number == 0:
            original, run_id = run_id, destination.client.create_run(destination.experiment_id, tags={COPY: run_id}).info.run_id
            assert KEY in destination.client.get_run(original).data.tags
        logged[arm, seed] = dataclasses.replace(result, run_id=run_id)
    return dataclasses.replace(findings, runs=logged)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which a study was conducted, another one killed, and one logged nothing of itself."""
    folder = tmp_path_factory.mktemp("work")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.delenv("MLFLOW_TRACKING_URI", raising=False)
        store = Store.of_environment("ablation")
        two = FEATURES[:2]
        designs = (cumulative(two), leave_one_out(two))
        findings = enriched(synthetic(*designs, features=two, gains=GAINS[:2], epochs=3, failed=[(BASELINE, 2)]))
        destination = store.open_study("abc", NAME, PARAMS)
        findings = dataclasses.replace(log(destination, findings), name=NAME)
        publish(findings, Path("mlruns/studies") / NAME, "seeds: 3\n", lambda _: [])
        destination.close("FAILED", {}, Path("mlruns/studies") / NAME, "")
        store.open_study("def", "killed study", PARAMS).kill()
        (folder / "empty").mkdir()
        store.open_study("ghi", "bare study", PARAMS).close("FINISHED", {}, folder / "empty", "")
    return folder


def test_finished_studies_are_listed_the_latest_first(folder: Path) -> None:
    ended = told(folder)
    assert ended.code == 0, ended.err
    lines = [line for line in ended.out.splitlines() if "study" in line][1:]
    assert [line.split("  ")[0] for line in lines] == ["bare study", f"{NAME} (some runs failed)"]
    for each in PARAMS.values():
        assert each in lines[1]
    assert time.strftime("%Y-%m-%d") in lines[1]


def test_listing_without_mlflow_says_what_mlflow_says(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    store = Store.of_environment("ablation")
    quick = ended_studies(folder / "mlflow.db", STUDY)
    assert len(quick) == 2
    assert sorted(quick, key=str) == sorted(store._studies_asked_for(), key=str)


def test_a_study_is_rebuilt_as_it_was_from_mlflow_alone(folder: Path, tmp_path: Path) -> None:
    study = folder / "mlruns" / "studies" / NAME
    before = {file.name: file.read_bytes() for file in study.iterdir()}
    assert len(before) > 15
    shutil.move(study, tmp_path / "away")
    try:
        ended = told(folder, NAME)
        assert ended.code == 0, ended.err
        assert "report.html" in ended.out
        assert {file.name: file.read_bytes() for file in study.iterdir()} == before
    finally:
        shutil.rmtree(study, ignore_errors=True)
        shutil.move(tmp_path / "away", study)


def test_a_study_is_found_by_its_name_or_its_run_id_the_latest_of_a_name() -> None:
    older, newer = (LoggedStudy(run_id, NAME, "FINISHED", "", "", "", ended) for run_id, ended in (("1a", 1), ("2b", 2)))
    assert chosen([newer, older], NAME) is newer and chosen([newer, older], "1a") is older


def test_a_wrong_name_is_told_in_one_sentence_with_the_nearest(folder: Path) -> None:
    ended = told(folder, "made-up studdy")
    assert ended.code == 1 and ended.out == ""
    assert (
        ended.err
        == "ablation: no finished study is called 'made-up studdy'; did you mean 'made-up study'? known: bare study, made-up study\n"
    )


def test_a_wrong_name_does_not_wait_for_mlflow(folder: Path) -> None:
    program = "import sys; from ablation.report.__main__ import main; main(['nothing']); sys.exit('mlflow' in sys.modules)"
    path = str(Path(__file__).parents[1])
    assert subprocess.run([sys.executable, "-c", program], cwd=folder, env=environment(PYTHONPATH=path), check=False).returncode == 0


def test_a_killed_study_is_not_offered_and_a_bare_one_says_what_it_lacks(folder: Path) -> None:
    assert "no finished study is called 'killed study'" in told(folder, "killed study").err
    ended = told(folder, "bare study")
    assert ended.code == 1
    assert ended.err == (
        "ablation: the study 'bare study' has no findings.json in MLflow; its own command, given again, adds it and trains nothing\n"
    )


def test_a_folder_without_studies_says_so_and_stays_empty(tmp_path: Path) -> None:
    ended = told(tmp_path)
    assert (ended.code, ended.out) == (0, "no finished study is here; python -m ablation makes one\n")
    assert list(tmp_path.iterdir()) == []
    assert told(tmp_path, "x").err == "ablation: no finished study is called 'x'; known: none\n"
