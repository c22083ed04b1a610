"""A command as the subject: what it runs, what it is recognised by, how it fails, and whole studies of it."""

import json
import os
import signal
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil
import pytest
from command import Ended, add_database, in_this_process, line_of, logged, start
from test_function import Listener

from ablation.errors import InputError
from ablation.study.outcome import Outcome
from ablation.study.subject import Trial
from ablation.subjects.command import Command
from ablation.subjects.failure import CommandError

SCRIPT = """
import argparse, json, os, random, sys, time

parser = argparse.ArgumentParser()
parser.add_argument("--seed", type=int, default=0)
parser.add_argument("--mixup", type=float, default=0)
parser.add_argument("--ema", action="store_true")
parser.add_argument("--out", default=None)
parser.add_argument("--pause", type=float, default=0)
args = parser.parse_args()
draw = random.Random(args.seed)
for epoch in (1, 2):
    score = 0.5 + 0.1 * epoch + (args.mixup > 0) * 0.05 + draw.gauss(0, 0.01)
    print(f"epoch {epoch} loss: {1 - score:.4f} val_accuracy: {score:.4f}")
    time.sleep(args.pause)
print("done with", os.environ.get("NOTE"), file=sys.stderr)
if args.out:
    open(os.path.join(args.out, "model.pt"), "wb").write(bytes(3))
    open(os.path.join(args.out, "metrics.json"), "w").write(json.dumps({"val_accuracy": score, "size": 7}))
"""

FEATURES = {"mixup": "--mixup 0.2", "ema": "--ema"}
BASE, MIXUP = frozenset[str](), frozenset({"mixup"})


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "train.py").write_text(SCRIPT)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def of(command: str = "train.py --seed {seed} {features}", **settings: Any) -> Command:
    return Command(f"{sys.executable} {command}", **{"features": FEATURES, "metric": "val_accuracy", **settings})


def run(subject: Command, *on: str, seed: int = 7) -> Outcome:
    return subject.run(Trial(frozenset(on), seed, "0123456789abcdef", "group", "label", on, {}), Listener())


def failure(subject: Command, *on: str) -> CommandError:
    with pytest.raises(CommandError) as caught:
        run(subject, *on)
    return caught.value


# Runs ----------------------------------------------------------------------------------------------------------------------------


def test_the_last_printed_number_is_the_score_and_the_others_its_history(folder: Path) -> None:
    outcome = run(of())
    assert outcome.score == outcome.history["val_accuracy"][-1]
    assert len(outcome.history["val_accuracy"]) == len(outcome.history["loss"]) == 2
    assert outcome.texts["stdout.txt"].startswith("epoch 1 loss: ")
    assert outcome.texts["stderr.txt"] == "done with None\n"
    assert run(of(), "mixup").score == pytest.approx(outcome.score + 0.05)
    assert run(of(), seed=8).score != outcome.score


def test_a_file_in_the_folder_of_the_run_and_what_is_kept_of_it(folder: Path) -> None:
    settings: dict[str, Any] = {"result": "json:{run_dir}/metrics.json", "environment": {"NOTE": "{arm} {seed}"}}
    subject = of("train.py --seed {seed} --out {run_dir} {features}", **settings)
    outcome = run(subject, "mixup")
    assert outcome.measures == {"size": 7}
    assert outcome.texts["stderr.txt"] == "done with mixup 7\n"
    assert outcome.folder is None and not list((folder / "mlruns/commands").iterdir()), "nothing was to be kept"
    kept = run(of("train.py --seed {seed} --out {run_dir} {features}", keep=["*.pt"], **settings)).folder
    assert kept is not None and [each.name for each in kept.iterdir()] == ["model.pt"]


def test_a_shell_where_one_is_asked_for(folder: Path) -> None:
    assert run(of("train.py --seed {seed} {features} | tail -n 1", shell=True)).history["val_accuracy"][1:] == []


def test_a_script_elsewhere(folder: Path) -> None:
    (folder / "deep").mkdir()
    (folder / "train.py").rename(folder / "deep/train.py")
    subject = of(folder="deep")
    assert subject.identity(BASE)["sources"].keys() == {"train.py"}
    assert run(subject).score > 0


# How it fails ----------------------------------------------------------------------------------------------------------------------


def test_the_message_of_a_failed_run_is_the_end_of_its_errors(folder: Path) -> None:
    (folder / "train.py").write_text("print('fine so far')\nraise ValueError('no such layer')")
    error = failure(of())
    first, *lines = str(error).splitlines()
    assert first == "exit status 1: ValueError: no such layer"
    assert "Traceback" in lines[0] and lines[-1] == "ValueError: no such layer"
    assert error.texts["stdout.txt"] == "fine so far\n"


@pytest.mark.parametrize(
    ("script", "settings", "message"),
    [
        ("print('accuracy: 1')", {}, "no line such as 'val_accuracy: 0.913'"),
        ("print('val_accuracy: nan')", {}, "the last 'val_accuracy' in the output is nan"),
        ("import os; os.kill(os.getpid(), 9)", {}, "ended by SIGKILL (often for lack of memory)"),
        ("import time; time.sleep(60)", {"timeout": 0.2}, "stopped after 0.2 s, which subject.timeout allows"),
        ("", {"result": "json:{run_dir}/a.json"}, "'a.json' was not written"),
    ],
)
def test_a_run_without_a_score_has_failed(script: str, settings: dict[str, Any], message: str, folder: Path) -> None:
    (folder / "train.py").write_text(script)
    assert str(failure(of(**settings))).startswith(message)


def test_a_script_that_changes_meanwhile_is_not_run(folder: Path) -> None:
    subject = of()
    (folder / "train.py").write_text(SCRIPT + "\nprint('another')")
    assert "train.py changed while the study ran" in str(failure(subject))


def test_a_missing_file_that_was_to_be_kept_is_a_failed_run(folder: Path) -> None:
    assert "subject.keep has '*.pth'" in str(failure(of("train.py --seed {seed} --out {run_dir} {features}", keep=["*.pth"])))


@pytest.mark.parametrize(
    ("command", "settings", "message"),
    [
        ("train.py {features}", {}, "subject.command has no {seed}"),
        ("trian.py --seed {seed} {features}", {}, "did you mean 'train.py'?"),
        ("train.py --seed {seed} {features}", {"result": "json:metrics.json"}, "expected a folder of the run's own, such as"),
        ("train.py --seed {seed} {features}", {"result": "json:{rundir}/m.json"}, "did you mean 'run_dir'?"),
        ("train.py --seed {seed} {features}", {"keep": ["*.pt"]}, "subject.keep keeps files of {run_dir}"),
        ("train.py --seed {seed} {features}", {"folder": "nowhere"}, "subject.folder=nowhere is no folder"),
        ("train.py --seed {seed} {features}", {"sources": ["nothing/*.py"]}, "subject.sources has 'nothing/*.py'"),
        ("train.py --seed {seed} {features}", {"timeout": 0}, "subject.timeout must be"),
        ("train.py --seed {seed} {features}", {"pick": "first"}, "subject.pick=first is not known"),
        ("train.py --seed {seed} {features}", {"exclusive": [["mixup", "emma"]]}, "did you mean 'ema'?"),
    ],
)
def test_what_cannot_work_is_refused_before_anything_runs(command: str, settings: dict[str, Any], message: str, folder: Path) -> None:
    with pytest.raises(InputError) as caught:
        of(command, **settings)
    assert message in str(caught.value) and "\n" not in str(caught.value)


def test_a_program_that_is_not_there_is_refused(folder: Path) -> None:
    with pytest.raises(InputError, match="starts the program 'pyhton', which is not there"):
        Command("pyhton train.py {seed} {features}", FEATURES)


# What it is recognised by ----------------------------------------------------------------------------------------------------------


def test_the_key_covers_the_command_the_flags_and_the_files(folder: Path) -> None:
    (folder / "extra.yaml").write_text("1")
    first = of().identity(MIXUP)
    assert first == of(timeout=9, scale=100).identity(MIXUP)
    assert first == of(features={"blend": "--mixup 0.2", "ema": "--ema"}).identity(frozenset({"blend"}))
    others = [
        of().identity(BASE),
        of(features={**FEATURES, "mixup": "--mixup 0.3"}).identity(MIXUP),
        of("train.py --seed {seed} --pause 0.0 {features}").identity(MIXUP),
        of(sources=["*.yaml"]).identity(MIXUP),
        of(environment={"A": "1"}).identity(MIXUP),
        of(pick="best").identity(MIXUP),
    ]
    (folder / "extra.yaml").write_text("2")
    others.append(of(sources=["*.yaml"]).identity(MIXUP))
    (folder / "train.py").write_text(SCRIPT + "# changed")
    others.append(of().identity(MIXUP))
    assert len({json.dumps(each, sort_keys=True) for each in (first, *others)}) == 9


def test_without_a_seed_only_where_that_is_meant(folder: Path) -> None:
    assert run(of("train.py {features}", seedless=True)).score > 0


def test_features_that_exclude_each_other(folder: Path) -> None:
    assert of(exclusive=[["mixup", "ema"]]).allows(frozenset(FEATURES)) == "'mixup' and 'ema' exclude each other"


# Whole studies ---------------------------------------------------------------------------------------------------------------------

STUDY = (
    "subject=command",
    f"subject.command='{sys.executable} train.py --seed {{seed}} {{features}}'",
    'subject.features={mixup: "--mixup 0.2", ema: "--ema"}',
    "subject.metric=val_accuracy",
    "study.name=first",
    "seeds=2",
)


def test_a_study_is_continued_and_says_what_its_key_does_not_cover(folder: Path) -> None:
    (folder / "model.py").write_text("width = 1")
    ended = in_this_process(folder, *STUDY, "seeds=1")
    assert ended.code == 0
    assert "The key of a run covers the command and train.py" in ended.out
    [run, *others] = logged(folder).trained
    files = {each.path for each in logged(folder).client.list_artifacts(run.info.run_id)}
    assert files == {"stdout.txt", "stderr.txt", "result.json"}
    assert len(others) == 2
    (folder / "model.py").write_text("width = 2")
    again = in_this_process(folder, *STUDY, "study.name=second")
    assert "3 of 6 runs are finished already" in again.out
    assert "Changed since runs that are used again, and not covered by their key: model.py." in again.out
    assert len(logged(folder).trained) == 6


def test_a_script_that_ignores_its_seed_is_pointed_out(folder: Path) -> None:
    (folder / "train.py").write_text("print('val_accuracy=0.5')")
    in_this_process(folder, *STUDY)
    page = (folder / "mlruns/studies/first/report.md").read_text()
    assert "All seeds gave exactly the same score in baseline, mixup and mixup + ema" in page


def test_a_failed_run_keeps_what_it_printed(folder: Path) -> None:
    (folder / "train.py").write_text("import sys\nprint('val_accuracy=0.5')\nif '--ema' in sys.argv: raise ValueError('no ema')")
    ended = in_this_process(folder, *STUDY, "seeds=1")
    assert "+ ema · seed 0 FAILED: exit status 1: ValueError: no ema (train.py, line 3)" in ended.out
    store = logged(folder)
    [failed] = [run for run in store.runs if run.info.status == "FAILED" and "ablation.key" in run.data.tags]
    assert {each.path for each in store.client.list_artifacts(failed.info.run_id)} == {"stdout.txt", "stderr.txt", "error.txt"}


def plan(folder: Path, *arguments: str) -> Ended:
    return in_this_process(folder, *STUDY, *arguments, "plan=true")


def test_a_plan_prints_every_command(folder: Path) -> None:
    ended = plan(folder, 'subject.environment={NOTE: "a b"}')
    assert ended.code == 0, ended.err
    assert f"# + mixup · seed 1\nNOTE='a b' {sys.executable} train.py --seed 1 --mixup 0.2\n" in ended.out
    assert ended.out.count(" train.py --seed ") == 6


MLFLOW_SCRIPT = """
import argparse, mlflow
parser = argparse.ArgumentParser()
parser.add_argument("--seed", type=int); parser.add_argument("--mixup", default=None); parser.add_argument("--ema", action="store_true")
args = parser.parse_args()
mlflow.set_experiment("mine")
with mlflow.start_run() as run:
    for epoch in range(2):
        mlflow.log_metric("val_accuracy", 0.5 + 0.1 * epoch + 0.01 * args.seed, step=epoch)
    mlflow.log_metric("size", 3)
    with mlflow.start_run(nested=True):
        mlflow.log_metric("val_accuracy", 0)
"""


def test_a_script_with_an_mlflow_run_of_its_own(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / "train.py").write_text(MLFLOW_SCRIPT)
    monkeypatch.setenv("MLFLOW_RUN_ID", "0" * 32)
    ended = in_this_process(folder, *STUDY, "subject.result=mlflow", "seeds=1", "features=none")
    assert ended.code == 0, ended.out
    store = logged(folder)
    [run] = store.trained
    assert run.data.metrics["val_accuracy"] == 0.6
    assert run.data.metrics["size"] == 3
    mine = store.client.get_experiment_by_name("mine")
    assert mine is not None
    own = [each for each in store.client.search_runs([mine.experiment_id]) if "mlflow.parentRunId" not in each.data.tags]
    assert [each.info.status for each in own] == ["FINISHED"]
    assert own[0].info.run_id in run.data.tags["mlflow.note.content"]


def test_a_command_that_takes_too_long_is_a_failed_run_and_the_others_go_on(folder: Path) -> None:
    (folder / "train.py").write_text("import sys, time\ntime.sleep(100 * ('--ema' in sys.argv))\nprint('val_accuracy=0.5')")
    ended = in_this_process(folder, *STUDY, "features=one_at_a_time", "seeds=1", "subject.timeout=3")
    assert ended.code == 1
    assert "ema · seed 0 FAILED: stopped after 3 s, which subject.timeout allows" in ended.out
    assert {run.data.tags["ablation.arm"] for run in logged(folder).trained} == {"", "mixup"}


def running(folder: Path) -> list[psutil.Process]:
    """Return the processes that work in a folder, but for this one."""
    found = []
    for process in psutil.process_iter():
        with suppress(psutil.Error):
            if process.pid != os.getpid() and process.status() != psutil.STATUS_ZOMBIE and Path(process.cwd()).is_relative_to(folder):
                found.append(process)
    return found


def wait_until_none_runs(folder: Path) -> None:
    deadline = time.monotonic() + 60
    while (left := running(folder)) and time.monotonic() < deadline:
        time.sleep(0.2)
    assert not left


def test_two_studies_at_once_do_not_disturb_each_other_and_a_killed_one_leaves_nothing_running(folder: Path) -> None:
    slow = [each.replace("--seed", "--pause 100 --seed") for each in STUDY]
    add_database(folder)
    process = start(folder, *slow, "study.name=slow")
    deadline = time.monotonic() + 120
    while not any("train.py" in each.cmdline() for each in running(folder)) and time.monotonic() < deadline:
        time.sleep(0.2)
    ended = in_this_process(folder, *STUDY, "study.name=quick")
    assert ended.code == 0, ended.out
    [parent] = [run for run in logged(folder).parents if run.info.run_name == "quick"]
    assert len(logged(folder).children(parent)) == len(logged(folder).trained) == 6
    assert process.poll() is None and any("train.py" in each.cmdline() for each in running(folder)), "the slow study is still there"
    process.kill()
    process.communicate()
    wait_until_none_runs(folder)


def test_a_stopped_study_leaves_no_command_behind_and_continues(folder: Path) -> None:
    slow = [each.replace("--seed", "--pause 0.3 --seed") for each in STUDY]
    add_database(folder)
    process = start(folder, *slow)
    line_of(process, "[1/6]")
    os.killpg(process.pid, signal.SIGINT)
    process.communicate(timeout=120)
    assert process.returncode == 130
    wait_until_none_runs(folder)
    finished = {run.info.run_id for run in logged(folder).trained}
    ended = in_this_process(folder, *slow)
    assert ended.code == 0, ended.out
    assert finished <= {run.info.run_id for run in logged(folder).trained}
    assert len(logged(folder).trained) == 6
