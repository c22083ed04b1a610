"""The GPUs of this machine: which there are, and how processes share them."""

import os
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ablation.errors import InputError
from ablation.wording import counted, listed

VISIBLE = "CUDA_VISIBLE_DEVICES"
ALL = "all"
NONE = {VISIBLE: "-1"}
"""The environment of a process that is to use no GPU."""

PATIENCE = 10
"""Seconds that the driver may take to list its GPUs."""


@dataclass(frozen=True)
class Gpu:
    """One GPU: what CUDA takes as its name, such as its number, and its model."""

    name: str
    model: str


def found() -> tuple[Gpu, ...]:
    """Return the GPUs that this process may use, as the driver lists them; no framework is imported for that."""
    command = ["nvidia-smi", "--query-gpu=index,uuid,name", "--format=csv,noheader"]
    try:
        lines = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE, check=True).stdout.splitlines()
    except (OSError, subprocess.SubprocessError):
        return ()
    listing = [tuple(word.strip() for word in line.split(",", 2)) for line in lines]
    there = [each for each in listing if len(each) == 3]
    allowed = os.environ.get(VISIBLE)
    if allowed is None:
        return tuple(Gpu(number, model) for number, _, model in there)
    # Somebody has chosen, such as a batch system. CUDA ends the list at the first name that it does not know.
    models = {name: model for number, uuid, model in there for name in (number, uuid)}
    gpus = []
    for name in map(str.strip, allowed.split(",")):
        if name not in models and not name.startswith("MIG-"):
            break
        gpus.append(Gpu(name, models.get(name, "a part of a GPU")))
    return tuple(gpus)


def chosen(wanted: str | Sequence[int] | None, there: Sequence[Gpu]) -> tuple[Gpu, ...]:
    """Return the GPUs that ``execution.gpus`` asks for: all that there are, or the ones that it names.

    Raises:
        InputError: if there are none, or not these.
    """
    if wanted is None:
        return tuple(there)
    if wanted == ALL:
        if not there:
            raise InputError("execution.gpus=all finds no GPU on this machine (nvidia-smi lists none); leave it out to use its cores")
        return tuple(there)
    numbers = isinstance(wanted, Sequence) and not isinstance(wanted, str)
    if not numbers or any(isinstance(each, bool) or not isinstance(each, int) for each in wanted):
        raise InputError(f"execution.gpus={wanted} names no GPUs; expected all, a list such as [0,2], or [] for none")
    by_name = {gpu.name: gpu for gpu in there}
    for number in wanted:
        if str(number) not in by_name:
            known = listed(list(by_name), "and") if by_name else "none"
            raise InputError(f"execution.gpus={list(wanted)} names GPU {number}, which this machine does not have; it has {known}")
    return tuple(by_name[str(number)] for number in dict.fromkeys(wanted))


def environments(gpus: Sequence[Gpu], slots: int) -> tuple[Mapping[str, str], ...]:
    """Deal GPUs out to processes, and return the variables of each. They count only before a framework is imported."""
    shared = growing(shared=slots > len(gpus))
    dealt = [gpus[slot % len(gpus)] for slot in range(slots)]
    return tuple({"CUDA_DEVICE_ORDER": "PCI_BUS_ID", VISIBLE: gpu.name, **shared} for gpu in dealt)


def growing(shared: bool) -> Mapping[str, str]:
    """Return variables by which frameworks take the memory of a GPU as they need it; JAX only where several processes share one."""
    variables = {"TF_FORCE_GPU_ALLOW_GROWTH": "true"}
    return {**variables, "XLA_PYTHON_CLIENT_PREALLOCATE": "false"} if shared else variables


def in_words(gpus: Sequence[Gpu], slots: int) -> str:
    """Say which GPUs a study uses."""
    models = listed(list(dict.fromkeys(gpu.model for gpu in gpus)), "and")
    runs = f"{counted(slots, 'run')} at once" if slots > 1 else "one run after the other"
    return f"Runs use {counted(len(gpus), 'GPU')} ({models}), {runs}; execution.gpus=[] uses the processor."
