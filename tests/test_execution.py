"""Runs happen where they are asked to, with the same numbers, and can be watched there."""

import asyncio
import os
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import pytest
from command import ASKED, ORDER, TINY, Ended, ablation, add_database, environment, logged, start, undrawn, write_function
from test_schedule import Trained

from ablation import run_study
from ablation.engine.execution import Local
from ablation.engine.execution.workers import Workers
from ablation.engine.worker import packed


def test_inline_and_local_workers_give_the_same_numbers(study: tuple[Path, Ended], tmp_path: Path) -> None:
    folder, _ = study
    add_database(tmp_path)
    ended = ablation(tmp_path, "features=all", ORDER, "seeds=1", "execution=inline", "execution.threads=1", *TINY[:-1])
    assert ended.code == 0, ended.err
    [run] = logged(tmp_path).trained
    [same] = [each for each in logged(folder).trained if each.data.tags["ablation.key"] == run.data.tags["ablation.key"]]
    for name in ("loss", "accuracy", "val_loss", "val_accuracy", "test_accuracy"):
        assert run.data.metrics[name] == same.data.metrics[name]


def test_local_workers_keep_the_memory_that_a_step_frees() -> None:
    with Local(workers=1).open(packed(Trained(0.0)), print) as pool:
        assert int(pool.submit(os.getenv, "MALLOC_TRIM_THRESHOLD_").result(60)) >= 2**25


def test_a_running_scheduler_is_used_whose_workers_have_none_of_the_users_files(tmp_path: Path) -> None:
    from distributed import LocalCluster

    write_function(tmp_path)
    with LocalCluster(n_workers=1, threads_per_worker=1, host="127.0.0.1", dashboard_address="127.0.0.1:0", memory_limit=0) as cluster:
        ended = ablation(tmp_path, *ASKED, "features=none", "seeds=2", "execution=dask", f"execution.address={cluster.scheduler_address}")
    assert ended.code == 0, ended.err
    assert len(logged(tmp_path).trained) == 2


def test_images_train_on_a_running_scheduler_with_the_threads_that_are_asked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from distributed import LocalCluster

    monkeypatch.chdir(tmp_path)
    with LocalCluster(n_workers=1, threads_per_worker=1, host="127.0.0.1", dashboard_address="127.0.0.1:0", memory_limit=0) as cluster:
        where = ("features=none", *TINY[:-1], "execution=dask", f"execution.address={cluster.scheduler_address}")
        for threads in (2, 1):
            # The process of the first study has two threads for good, and is not used again.
            with undrawn():
                found = run_study(f"seeds=[{threads}]", *where, f"execution.threads={threads}")
            assert f"{threads} thread" in found.report().with_name("report.md").read_text()


def has_runs(database: Path) -> bool:
    """Look without MLflow's client, which would make the tables itself while the command is making them."""
    try:
        with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as connection:
            return bool(connection.execute("SELECT COUNT(*) FROM runs").fetchone()[0])
    except sqlite3.Error:
        return False


def test_epochs_appear_while_a_run_goes(tmp_path: Path) -> None:
    write_function(tmp_path, pause=30.0)
    text = (tmp_path / "toy.py").read_text()
    (tmp_path / "toy.py").write_text(
        text.replace("        time.sleep(30.0)\n", "").replace("    return", "    time.sleep(30.0)\n    return")
    )
    process = start(tmp_path, *ASKED, "features=none", "seeds=1", "execution.workers=1")
    try:
        deadline = time.monotonic() + 60
        seen = 0
        while not seen and process.poll() is None and time.monotonic() < deadline:
            time.sleep(0.5)
            if has_runs(tmp_path / "mlflow.db"):
                running = [run for run in logged(tmp_path).runs if "ablation.key" in run.data.tags]
                seen = sum("val_score" in run.data.metrics and run.info.status == "RUNNING" for run in running)
        assert seen == 1
    finally:
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=60)
    assert {run.info.status for run in logged(tmp_path).runs} == {"KILLED"}


SCRIPT = """
import ablation
from toy import train

study = ablation.run(train, ["one", "two"], seeds=2, metric="val_score", name="script")
print("runs:", len(study.runs), study.report())
"""


def test_a_plain_script_needs_no_guard(tmp_path: Path) -> None:
    write_function(tmp_path)
    (tmp_path / "script.py").write_text(SCRIPT)
    ended = subprocess.run([sys.executable, "script.py"], cwd=tmp_path, env=environment(), capture_output=True, text=True, timeout=120)
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout.count("runs: 6") == 1
    assert len(logged(tmp_path).trained) == 6
    assert (tmp_path / "mlruns/studies/script/report.html").is_file()


def test_nobody_without_their_keys_can_use_local_workers() -> None:
    from distributed import Security
    from distributed.comm import connect

    with Local(workers=1).open(packed(Trained(0.0)), print) as pool:
        assert isinstance(pool, Workers)
        address = pool._client.scheduler.address
        assert address.startswith("tls://127.0.0.1:")
        # Another user of the machine has the port, and no keys or other ones.
        with pytest.raises(OSError, match="certificate does not match"):
            asyncio.run(connect(address, timeout=2, **Security.temporary().get_connection_args("client")))
        with pytest.raises(OSError, match="reset|closed|connect"):
            asyncio.run(connect(address.replace("tls:", "tcp:"), timeout=2))
