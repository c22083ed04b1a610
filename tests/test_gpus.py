"""GPUs are dealt out to processes by what each finds in its environment before it imports a framework."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from test_schedule import Trained

from ablation.engine.execution import Local
from ablation.engine.execution.gpus import Gpu, chosen, environments, found
from ablation.engine.worker import packed
from ablation.errors import InputError

TWO = (Gpu("0", "Big"), Gpu("2", "Big"))


@pytest.fixture
def driver(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine whose driver lists three GPUs."""
    program = tmp_path / "nvidia-smi"
    program.write_text('#!/bin/sh\nfor n in 0 1 2; do echo "$n, GPU-uuid$n, NVIDIA H100, 80GB"; done\n')
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)


@pytest.mark.parametrize(
    ("allowed", "names"),
    [
        (None, ["0", "1", "2"]),
        ("2,0", ["2", "0"]),
        ("GPU-uuid1", ["GPU-uuid1"]),
        ("MIG-a", ["MIG-a"]),
        ("", []),
        ("-1", []),
        ("1,-1,2", ["1"]),
    ],
)
def test_only_gpus_that_the_process_may_use_are_found(
    allowed: str | None, names: list[str], driver: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    if allowed is not None:
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", allowed)
    assert [gpu.name for gpu in found()] == names


def test_a_machine_without_a_driver_has_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    assert found() == ()
    assert Local(workers=3).slots == 3
    assert Local(workers=3).remarks() == ()


@pytest.mark.parametrize(
    ("wanted", "there", "words"),
    [
        ("all", (), "finds no GPU"),
        ([1], TWO, "names GPU 1, which this machine does not have; it has 0 and 2"),
        ([0], (), "it has none"),
        ("two", TWO, "execution.gpus=two names no GPUs; expected all, a list"),
        (["0"], TWO, "names no GPUs"),
        (2, TWO, "execution.gpus=2 names no GPUs"),
    ],
)
def test_gpus_that_are_not_there_are_refused(wanted: Any, there: Sequence[Gpu], words: str) -> None:
    with pytest.raises(InputError, match=words):
        chosen(wanted, there)


def test_each_process_has_one_gpu_and_takes_memory_as_it_needs_it() -> None:
    alone = environments(TWO, 2)
    assert [each["CUDA_VISIBLE_DEVICES"] for each in alone] == ["0", "2"]
    assert all(each["TF_FORCE_GPU_ALLOW_GROWTH"] == "true" and "XLA_PYTHON_CLIENT_PREALLOCATE" not in each for each in alone)
    shared = environments(TWO, 4)
    assert [each["CUDA_VISIBLE_DEVICES"] for each in shared] == ["0", "2", "0", "2"]
    assert all(each["XLA_PYTHON_CLIENT_PREALLOCATE"] == "false" for each in shared)


def test_workers_find_their_gpu_in_their_environment(driver: None) -> None:
    local = Local(gpus=[1], runs_per_gpu=2)
    assert local.remarks() == ("Runs use 1 GPU (NVIDIA H100, 80GB), 2 runs at once; execution.gpus=[] uses the processor.",)
    with local.open(packed(Trained(0.0)), print) as pool:
        seen = [pool.submit(os.getenv, name).result(60) for name in ("CUDA_VISIBLE_DEVICES", "XLA_PYTHON_CLIENT_PREALLOCATE")]
    assert seen == ["1", "false"]
    assert Local().slots == 3, "all that there are"
