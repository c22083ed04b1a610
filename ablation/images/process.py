"""The process that trains: the backend and threads that it runs with, what it imports, the memory that it takes."""

import atexit
import gc
import os
import sys
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from importlib import import_module
from pathlib import Path
from typing import Any

from ablation.quiet import quiet
from ablation.study.subject import WrongProcessError

PACKAGES = {"tensorflow": ("tensorflow",), "jax": ("jax", "jaxlib"), "torch": ("torch",)}

THREADS = "TF_NUM_INTRAOP_THREADS"
"""TensorFlow's variable, by which the threads of JAX are known here too: no other code changes it."""

NUMERIC = ("TF_ENABLE_ONEDNN_OPTS", "NVIDIA_TF32_OVERRIDE")
"""Variables by which a user chooses other arithmetic."""

NEEDLESS = ("jax", "matplotlib", "pandas", "pyarrow", "sklearn")
"""What Keras and TensorFlow import where it is installed, a third of all that they do, and no training uses."""


class WrongBackendError(WrongProcessError):
    """Keras already runs on another backend in this process."""


def choose(backend: str) -> None:
    """Choose the backend for this process, whatever code imports Keras first, and keep quiet about it."""
    quiet()
    os.environ["KERAS_BACKEND"] = backend
    # TensorFlow chooses these operations by itself only on processors with AVX-512; without it they are half as fast again, too.
    os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")


def prepare(backend: str, threads: int | None, own: bool = False) -> Mapping[str, str]:
    """Choose backend and CPU threads for this process, before Keras is first imported; afterwards both can only be confirmed.

    Returns:
        What the process runs with now, by name.

    Args:
        own: whether the process does nothing but train for one study, so that it may be set up for that alone.

    Raises:
        WrongBackendError: if Keras runs on another backend here.
    """
    if "keras" in sys.modules:
        running = sys.modules["keras"].backend.backend()
        if running != backend:
            raise WrongBackendError(
                f"backend={backend} cannot be used here: this process already runs Keras on {running}, and one process cannot switch"
            )
    else:
        _import_keras(backend, threads, own)
    return _set_up(backend, threads)


def _import_keras(backend: str, threads: int | None, own: bool) -> None:
    choose(backend)
    if threads is not None:
        for name in ("OMP_NUM_THREADS", THREADS, "TF_NUM_INTEROP_THREADS", "NPROC"):
            os.environ[name] = str(threads)
        os.environ["XLA_FLAGS"] = (
            f"{os.environ.get('XLA_FLAGS', '')} --xla_cpu_multi_thread_eigen={'true' if threads > 1 else 'false'}".strip()
        )
    if backend == "jax":
        _keep_compiled(threads)
    with _hidden([name for name in NEEDLESS if own and name != backend]):
        import_module("keras")
    if own:
        # Tracing a network makes so many objects that Python would look a hundred times whether the frameworks' own can go; they cannot.
        gc.freeze()
        gc.set_threshold(10_000)
        # Nor is it worth the time to take them apart one by one at the end.
        atexit.register(os._exit, 0)


def _set_up(backend: str, threads: int | None) -> Mapping[str, str]:
    import keras

    # Whatever the user's keras.json says: a run's key stands for this precision and this order of axes.
    keras.config.set_floatx("float32")
    keras.config.set_dtype_policy("float32")
    keras.config.set_image_data_format("channels_last")
    if backend == "torch" and threads is not None:
        import torch

        torch.set_num_threads(threads)
    return {"threads": str(_threads(backend)), "precision": keras.config.floatx(), **{name: os.environ.get(name, "") for name in NUMERIC}}


def _threads(backend: str) -> int:
    """Return the CPU threads that this process computes with, whoever imported the framework first."""
    if backend == "torch":
        import torch

        return torch.get_num_threads()
    return int(os.environ.get(THREADS) or os.cpu_count() or 1)


@contextmanager
def _hidden(names: Sequence[str]) -> Iterator[None]:
    """Hide packages, but for those that are imported already, from code that imports them only where they are installed."""
    modules: dict[str, Any] = sys.modules
    hidden = [name for name in names if name not in modules]
    for name in hidden:
        modules[name] = None  # Python's documented way to say that there is none.
    try:
        yield
    finally:
        for name in hidden:
            del modules[name]


def _keep_compiled(threads: int | None) -> None:
    """Let JAX keep what it compiles in ``jax`` beside the data sets of this user, for other processes and later studies.

    Compiling takes longer than many a training. JAX's own settings come first. No largest size is set: JAX would keep the time of each
    entry's use in a second file, and a worker killed between the two would leave a folder that takes no further entries.
    """
    # XLA divides loops among the threads that there are, which JAX does not tell its entries apart by.
    # Where the home is read-only or nobody knows of one, nothing is kept.
    with suppress(OSError, RuntimeError):
        home = Path(os.environ.get("ABLATION_DATA_DIR") or "~/.cache/ablation").expanduser()
        folder = home / "jax" / f"threads-{threads or os.cpu_count()}"
        folder.mkdir(parents=True, exist_ok=True)
        os.environ.setdefault("JAX_COMPILATION_CACHE_DIR", str(folder))
        os.environ.setdefault("JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS", "0.1")
    # An entry that another worker has only half written, or left so when it was killed, is compiled anew.
    warnings.filterwarnings("ignore", message="Error (reading|writing) persistent compilation cache entry")


def reset_peak_memory() -> None:
    """Let the process's peak start from here, where Linux allows it; elsewhere it counts from the process's start."""
    with suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5")


def peak_memory() -> int:
    """Return the process's peak resident memory in bytes."""
    try:
        line = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM"))
        return int(line.split()[1]) * 1024
    except (OSError, StopIteration):
        import resource

        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return peak if sys.platform == "darwin" else peak * 1024
