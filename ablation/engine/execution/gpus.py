"""The GPUs of this machine: which there are, and how processes share them."""

import os
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ablation.errors import InputError
from ablation.wording import listed

VISIBLE = "CUDA_VISIBLE_DEVICES"
ALL = "all"
PATIENCE = 10
"""Seconds that the driver may take to list its GPUs."""


@dataclass(frozen=True)
class Gpu:
    """One GPU, by its number as the driver counts and its model."""

    number: int
    model: str


def found() -> tuple[Gpu, ...]:
    """Return the GPUs that this process may use, as the driver lists them; no framework is imported for that."""
    command = ["nvidia-smi", "--query-gpu=index,name", "--format=csv,noheader"]
    try:
        lines = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE, check=True).stdout.splitlines()
    except (OSError, subprocess.SubprocessError):
        return ()
    there = tuple(
        Gpu(int(number), model.strip()) for number, _, model in (line.partition(",") for line in lines) if number.strip().isdigit()
    )
    allowed = os.environ.get(VISIBLE)
    if allowed is None:
        return there
    # A batch system has chosen; it may also name them by other words than numbers, and then they cannot be divided.
    numbers = [int(each) for each in allowed.split(",") if each.strip().isdigit()]
    return tuple(gpu for gpu in there if gpu.number in numbers)


def chosen(wanted: str | Sequence[int] | None, there: Sequence[Gpu]) -> tuple[Gpu, ...]:
    """Return the GPUs that a setting asks for: those that there are, or the ones that it names.

    Raises:
        InputError: if there are none, or not these.
    """
    if wanted is None:
        return tuple(there)
    if wanted == ALL:
        if not there:
            raise InputError("execution.gpus=all finds no GPU on this machine (nvidia-smi lists none); leave it out to use its cores")
        return tuple(there)
    if isinstance(wanted, str) or any(isinstance(each, bool) or not isinstance(each, int) for each in wanted):
        raise InputError(f"execution.gpus={wanted} names no GPUs; expected all, a list such as [0,2], or [] for none")
    by_number = {gpu.number: gpu for gpu in there}
    for number in wanted:
        if number not in by_number:
            known = listed([str(each) for each in by_number], "and") if by_number else "none"
            raise InputError(f"execution.gpus={list(wanted)} names GPU {number}, which this machine does not have; it has {known}")
    return tuple(by_number[number] for number in dict.fromkeys(wanted))


def environment(gpu: Gpu | None, runs: int) -> Mapping[str, str]:
    """Return the variables of a process that trains on one GPU, which it shares with ``runs`` in all; without one, on none.

    They count only before a framework is imported.
    """
    if gpu is None:
        return {VISIBLE: "-1"}
    return {"CUDA_DEVICE_ORDER": "PCI_BUS_ID", VISIBLE: str(gpu.number), **shared_politely(runs)}


def shared_politely(runs: int) -> Mapping[str, str]:
    """Return variables by which frameworks take a GPU's memory as they need it, where several processes share one."""
    growing = {"TF_FORCE_GPU_ALLOW_GROWTH": "true"}
    return {**growing, "XLA_PYTHON_CLIENT_PREALLOCATE": "false"} if runs > 1 else growing
