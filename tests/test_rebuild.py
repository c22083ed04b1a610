"""``python -m ablation.report`` lists studies, and makes one's files anew from MLflow alone, also while it runs."""

import dataclasses
import io
import json
import shutil
import subprocess
import sys
import time
from contextlib import chdir, redirect_stderr, redirect_stdout
from pathlib import Path

import pytest
from command import Ended, ablation, add_database, environment, undrawn
from findings import FEATURES, GAINS, enriched, synthetic

from ablation.designs import BASELINE, cumulative, leave_one_out
from ablation.report.__main__ import main
from ablation.report.page import REFRESH, REFRESHES
from ablation.report.publish import publish
from ablation.store.claims import Owner
from ablation.store.connection import Store
from ablation.store.names import CLAIM, CONFIGURATION, COPY, FINDINGS, KEY, LOOKED, PARENT
from ablation.store.reading import chosen
from ablation.store.sqlite import LoggedStudy
from ablation.store.study_log import StudyLog, Summary
from ablation.study.findings import Findings, to_json
from ablation.study.study import STUDIES
from ablation.study.subject import Trial

NAME = "made-up study"
PARAMS = {"designs": "cumulative, leave_one_out", "subject": "sprites", "seeds": "0, 1, 2"}

NOTHING = Summary("", {}, {}, {})
"""What is logged of a study when it ends, where nobody looks at it."""


def rebuilt(folder: Path, *arguments: str) -> Ended:
    """Do in this process what the command does in a folder."""
    with chdir(folder), redirect_stdout(io.StringIO()) as out, redirect_stderr(io.StringIO()) as err:
        return Ended(main(arguments), out.getvalue(), err.getvalue())


def log_runs(log: StudyLog, findings: Findings) -> Findings:
    """Log every run of a study as the engine does, but the first as a copy of a run that another study made."""
    logged, client = {}, log.store.client
    for number, ((arm, seed), result) in enumerate(findings.runs.items()):
        features = tuple(sorted(arm))
        run_id = log.start_run(Trial(arm, seed, f"key{number}", "group", "+".join(features), features, {}), None)
        log.finish_run(run_id, dataclasses.replace(result, run_id=run_id), {}, {})
        if number == 0:
            original = client.get_run(run_id)
            assert KEY in original.data.tags
            client.set_tag(run_id, PARENT, "another study")
            tags = {**{name: value for name, value in original.data.tags.items() if name.startswith("ablation.")}, COPY: run_id}
            del tags[KEY]
            run_id = client.create_run(log.experiment_id, tags={**tags, PARENT: log.parent}).info.run_id
            client.set_terminated(run_id, "FINISHED")
        logged[arm, seed] = dataclasses.replace(result, run_id=run_id)
    return dataclasses.replace(findings, runs=logged)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which a study was conducted, another one killed half-way, and one logged nothing of itself."""
    folder = tmp_path_factory.mktemp("work")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.delenv("MLFLOW_TRACKING_URI", raising=False)
        store = Store.of_environment("ablation")
        two = FEATURES[:2]
        designs = (cumulative(two), leave_one_out(two))
        findings = enriched(synthetic(*designs, features=two, gains=GAINS[:2], epochs=3, failed=[(BASELINE, 2)]))
        log = StudyLog.open(store, "abc", "first", NAME, "val_accuracy", PARAMS)
        findings = dataclasses.replace(log_runs(log, findings), name=NAME)
        publish(findings, STUDIES / NAME, {CONFIGURATION: "seeds: 3\n", "left_out.txt": "one.png\n"}, lambda _: [], "abc")
        log.close("FAILED", NOTHING, STUDIES / NAME)

        half = synthetic(cumulative(two), features=two, gains=GAINS[:2], epochs=3, failed=[(BASELINE, 2), (frozenset(two), 1)])
        log = StudyLog.open(store, "def", "second", "killed study", "val_accuracy", PARAMS)
        asked = dataclasses.replace(half, name="killed study", runs={}, failures=(), effects=(), unfinished=True)
        log.keep({FINDINGS: to_json(asked), CONFIGURATION: "seeds: 3\n"})
        log_runs(log, half)
        log.kill()

        (folder / "empty").mkdir()
        StudyLog.open(store, "ghi", "third", "bare study", "val_accuracy", PARAMS).close("FINISHED", NOTHING, folder / "empty")
    return folder


def test_studies_are_listed_the_latest_first(folder: Path) -> None:
    ended = ablation(folder, module="ablation.report")
    assert ended.code == 0, ended.err
    lines = [line for line in ended.out.splitlines() if "study" in line][1:]
    assert [line.split("  ")[0] for line in lines] == ["bare study", "killed study", f"{NAME} (some runs failed)"]
    for each in PARAMS.values():
        assert each in lines[2]
    assert time.strftime("%Y-%m-%d") in lines[2] and "not yet" in lines[1]


def test_a_study_is_rebuilt_as_it_was_from_mlflow_alone(folder: Path, tmp_path: Path) -> None:
    study = folder / "mlruns" / "studies" / NAME
    before = {file.name: file.read_bytes() for file in study.iterdir()}
    assert len(before) > 15 and before[".study"], "it says whose folder it is"
    shutil.move(study, tmp_path / "away")
    try:
        ended = rebuilt(folder, NAME)
        assert ended.code == 0, ended.err
        assert "report.html" in ended.out
        assert {file.name: file.read_bytes() for file in study.iterdir()} == before
    finally:
        shutil.rmtree(study, ignore_errors=True)
        shutil.move(tmp_path / "away", study)


def test_a_study_is_found_by_its_name_or_its_run_id_the_latest_of_a_name() -> None:
    older, newer = (LoggedStudy(run_id, NAME, "FINISHED", "", "", "", ended) for run_id, ended in (("1a", 1), ("2b", 2)))
    assert chosen([newer, older], NAME) is newer and chosen([newer, older], "1a") is older


def test_a_wrong_name_is_reported_in_one_sentence_with_the_nearest(folder: Path) -> None:
    ended = rebuilt(folder, "made-up studdy")
    assert ended.code == 1 and ended.out == ""
    assert (
        ended.err
        == "ablation: no study is called 'made-up studdy'; did you mean 'made-up study'? known: bare study, killed study, made-up study\n"
    )


def test_a_wrong_name_does_not_wait_for_mlflow(folder: Path) -> None:
    program = "import sys; from ablation.report.__main__ import main; main(['nothing']); sys.exit('mlflow' in sys.modules)"
    path = str(Path(__file__).parents[1])
    assert subprocess.run([sys.executable, "-c", program], cwd=folder, env=environment(PYTHONPATH=path), check=False).returncode == 0


def test_a_study_that_was_stopped_shows_what_has_finished(folder: Path) -> None:
    with undrawn():
        ended = rebuilt(folder, "killed study")
    assert ended.code == 0, ended.err
    passing = folder / STUDIES / "killed study in progress"
    assert REFRESHES not in (passing / "report.html").read_text(), "nothing will change in it"
    assert not list(passing.parent.glob(".*")), "what it was written to first is gone"
    page = (passing / "report.md").read_text()
    assert page.startswith("# killed study, in progress: 7 of 9 runs\n")
    assert "In progress: 7 of 9 runs have finished" in page
    assert "augmentation" in page and "did not finish" not in page


def test_the_page_of_a_study_that_runs_follows_it_and_leads_on_to_its_report(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    store, two = Store.of_environment("ablation"), FEATURES[:2]
    whole = synthetic(cumulative(two), features=two, gains=GAINS[:2], epochs=3, failed=[(BASELINE, 2)])
    last = (frozenset(two), 2)
    first = dataclasses.replace(whole, runs={key: run for key, run in whole.runs.items() if key != last})
    log = StudyLog.open(store, "abc", "first", "running study", "val_accuracy", PARAMS)
    asked = dataclasses.replace(whole, name="running study", runs={}, failures=(), effects=(), unfinished=True)
    log.keep({FINDINGS: to_json(asked), CONFIGURATION: "seeds: 3\n"})
    log_runs(log, first)
    shown: list[str] = []
    monkeypatch.setattr("webbrowser.open", lambda address: shown.append(address) or True)
    page, waited, drawn = STUDIES / "running study in progress" / "report.html", [], []

    def goes_on(seconds: float) -> None:
        """Let one more run finish meanwhile, then nothing, then the study."""
        waited.append(seconds)
        drawn.append(page.stat().st_mtime_ns)
        assert REFRESHES in page.read_text()
        if len(waited) == 1:
            log_runs(log, dataclasses.replace(whole, runs={last: whole.runs[last]}))
        if len(waited) == 3:
            assert "running study, in progress: 8 of 9 runs" in page.read_text()
            (tmp_path / "report").mkdir()
            log.close("FAILED", NOTHING, tmp_path / "report")
            (STUDIES / "running study").mkdir()
            (STUDIES / "running study" / "report.html").write_text("the report")

    monkeypatch.setattr("time.sleep", goes_on)
    with undrawn():
        assert main(["running study", "--open"]) == 0
    assert shown == [page.absolute().as_uri()]
    assert len(waited) == 3 and all(seconds >= REFRESH for seconds in waited)
    assert drawn[0] < drawn[1] == drawn[2], "it is drawn anew only where a run has finished"
    assert "url=../running%20study/report.html" in page.read_text() and [file.name for file in page.parent.iterdir()] == ["report.html"]
    assert (STUDIES / "running study" / "report.html").read_text() == "the report", "the study wrote it itself"
    looks = store.client.get_run(log.parent).data.tags[LOOKED]
    assert [entry.partition("@")[0] for entry in looks.split(",")] == ["3"], "two pages after as many seeds are one look"


@pytest.mark.parametrize("how", ["stopped", "deleted", "killed"])
def test_the_page_of_a_study_that_is_stopped_killed_or_deleted_no_longer_reads_itself_again(
    how: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    add_database(tmp_path)
    two = FEATURES[:2]
    findings = synthetic(cumulative(two), features=two, gains=GAINS[:2], epochs=3, failed=[(BASELINE, 2)])
    log = StudyLog.open(Store.of_environment("ablation"), "abc", "first", "a study", "val_accuracy", PARAMS)
    asked = dataclasses.replace(findings, name="a study", runs={}, failures=(), effects=(), unfinished=True)
    log.keep({FINDINGS: to_json(asked), CONFIGURATION: "seeds: 3\n"})
    log_runs(log, findings)
    page = STUDIES / "a study in progress" / "report.html"

    def ends(seconds: float) -> None:
        assert REFRESHES in page.read_text()
        if how == "stopped":
            log.kill()
        elif how == "killed":
            dead = {"machine": Owner.this_process().machine, "pid": 2**30, "born": 1.0, "beat": time.time(), "parts": 0}
            log.store.client.set_tag(log.parent, f"{CLAIM}dead", json.dumps(dead))
        else:
            log.store.client.delete_run(log.parent)

    monkeypatch.setattr("webbrowser.open", lambda address: True)
    monkeypatch.setattr("time.sleep", ends)
    with undrawn():
        assert main(["a study", "--open"]) == 0
    assert ("The study's process has died." if how == "killed" else f"The study was {how}") in capsys.readouterr().out
    shown = page.read_text()
    assert REFRESHES not in shown and "a study, in progress: 8 of 9 runs" in shown


def test_to_open_needs_a_name(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--open"]) == 1
    assert "--open needs the name of a study" in capsys.readouterr().err


def test_a_bare_study_says_what_it_lacks(folder: Path) -> None:
    ended = rebuilt(folder, "bare study")
    assert ended.code == 1
    assert ended.err == (
        "ablation: the study 'bare study' has no findings.json in MLflow; its own command, given again, adds it and trains nothing\n"
    )


def test_a_folder_without_studies_says_so_and_stays_empty(tmp_path: Path) -> None:
    ended = rebuilt(tmp_path)
    assert (ended.code, ended.out) == (0, "no study is here; python -m ablation makes one\n")
    assert list(tmp_path.iterdir()) == []
    assert rebuilt(tmp_path, "x").err == "ablation: no study is called 'x'; known: none\n"


def test_a_study_that_was_moved_is_found_again_after_a_repair(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    elsewhere = tmp_path / "else where"
    shutil.move(folder, elsewhere)
    monkeypatch.chdir(elsewhere)
    try:
        before = {file.name: file.read_bytes() for file in (STUDIES / NAME).iterdir()}
        shutil.rmtree(STUDIES / NAME)
        assert main([NAME]) == 1
        moved = f"ablation: mlflow.db was moved: it names files in '{folder}', and they are in '{elsewhere}'; "
        assert capsys.readouterr() == ("", f"{moved}python -m ablation.report --repair corrects that\n")
        assert main(["--repair"]) == 0
        assert f"now name '{elsewhere}' in place of '{folder}'; mlflow.db.before-repair is the file as it was." in capsys.readouterr().out
        assert main([NAME]) == 0
        assert {file.name: file.read_bytes() for file in (STUDIES / NAME).iterdir()} == before
    finally:
        monkeypatch.undo()
        shutil.move(elsewhere, folder)
        shutil.move(folder / "mlflow.db.before-repair", folder / "mlflow.db")
