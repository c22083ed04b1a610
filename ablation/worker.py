"""What happens in the process that trains: one run, from staged images to its result."""

import atexit
import gc
import json
import logging
import os
import platform
import sys
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ablation.data import Dataset, divide, open_staged
from ablation.predictions import packed
from ablation.results import RunResult
from ablation.run import Run
from ablation.tracking import CLASSES, CORRECT, PREDICTIONS, Destination, Epoch
from ablation.training.draws import SPLIT, generator

if TYPE_CHECKING:
    from ablation.training.program import Program

Report = Callable[[dict[str, Any]], None]
"""Tells whoever watches how a run goes: ``{"run": key, "run_id": id, "epoch": 3, "val_accuracy": 0.71, "epochs": […]}``; the epochs are
those that ended since it was told last."""

PACKAGES = {"tensorflow": ("tensorflow",), "jax": ("jax", "jaxlib"), "torch": ("torch",)}


NEEDLESS = ("jax", "matplotlib", "pandas", "pyarrow", "sklearn")
"""What Keras and TensorFlow import where it is installed, a third of all that they do, and no training uses."""

REFRESH = 0.5
"""Seconds between two reports of a run's progress."""


@dataclass(frozen=True)
class Trained:
    """What a run leaves behind.

    Attributes:
        result: its numbers.
        texts, arrays: the files that go with them, by name.
    """

    result: RunResult
    texts: dict[str, str]
    arrays: dict[str, dict[str, np.ndarray]]


class WrongBackendError(RuntimeError):
    """Keras already runs on another backend in this process."""


def prepare(backend: str, threads: int | None, own: bool = False) -> None:
    """Choose backend and CPU threads for this process, before Keras is first imported; afterwards both can only be confirmed.

    Args:
        own: whether the process does nothing but train for one study, so that it may be set up for that alone.

    Raises:
        WrongBackendError: if Keras runs on another backend here.
    """
    if "keras" in sys.modules:
        running = sys.modules["keras"].backend.backend()
        if running != backend:
            raise WrongBackendError(f"this process already runs Keras on {running}, and one process cannot switch to {backend}")
        return
    os.environ["KERAS_BACKEND"] = backend
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    if threads is not None:
        for name in ("OMP_NUM_THREADS", "TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS", "NPROC"):
            os.environ[name] = str(threads)
        os.environ["XLA_FLAGS"] = (
            f"{os.environ.get('XLA_FLAGS', '')} --xla_cpu_multi_thread_eigen={'true' if threads > 1 else 'false'}".strip()
        )
    if backend == "jax":
        _keep_compiled(threads)
    # Such as that a function was traced anew for images of another number, which it was meant to be.
    logging.getLogger("tensorflow").setLevel(logging.ERROR)
    with _silent_start(), _hidden([name for name in NEEDLESS if own and name != backend]):
        import keras

    # Whatever the user's keras.json says: a run's key stands for this precision and this order of axes.
    keras.config.set_floatx("float32")
    keras.config.set_dtype_policy("float32")
    keras.config.set_image_data_format("channels_last")
    if backend == "torch" and threads is not None:
        import torch

        torch.set_num_threads(threads)
    if own:
        # Tracing a network makes so many objects that Python would look a hundred times whether the frameworks' own can go; they cannot.
        gc.freeze()
        gc.set_threshold(10_000)
        # Nor is it worth the time to take them apart one by one at the end.
        atexit.register(os._exit, 0)


@contextmanager
def _hidden(names: Sequence[str]) -> Iterator[None]:
    """Hide packages, but for those that are imported already, from whoever imports them only where they are installed."""
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
    folder = Path(os.environ.get("ABLATION_DATA_DIR", "~/.cache/ablation")).expanduser() / "jax" / f"threads-{threads or os.cpu_count()}"
    with suppress(OSError):  # such as where the home is read-only: then nothing is kept
        folder.mkdir(parents=True, exist_ok=True)
        os.environ.setdefault("JAX_COMPILATION_CACHE_DIR", str(folder))
        os.environ.setdefault("JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS", "0.1")
    # An entry that another worker has only half written, or left so when it was killed, is compiled anew.
    warnings.filterwarnings("ignore", message="Error (reading|writing) persistent compilation cache entry")


@contextmanager
def _silent_start() -> Iterator[None]:
    """Swallow what TensorFlow's C++ code writes to standard error while it is imported; Python's own errors still come through."""
    sys.stderr.flush()
    kept, nowhere = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)
    try:
        yield
    finally:
        sys.stderr.flush()
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)


def perform(run: Run, run_id: str, destination: Destination, report: Report) -> Trained:
    """Train one run, and return what is to be logged of it. Whoever gives out the runs does that, for MLflow takes seconds to import.

    Args:
        run: what to train.
        run_id: the run as MLflow has it.
        destination: where its network is stored, if it is to be.
        report: hears of the run while it trains.
    """
    prepare(run.backend, run.threads)
    from ablation.training.cost import cost, layer_summary
    from ablation.training.train import train

    _reset_peak_memory()
    dataset = open_staged(run.staged)
    training, validation = divide(dataset, run.data.validation, run.data.fraction, generator(run.seed, SPLIT))
    began = time.perf_counter()
    program = _program(run, dataset)
    building = time.perf_counter() - began
    program.verify(dict(run.features), training, run.seed)

    untold: list[Epoch] = []
    told = time.monotonic()

    def tell() -> None:
        nonlocal told
        last, accuracy = (untold[-1][0], untold[-1][1]["val_accuracy"]) if untold else (0, None)
        report({"run": run.key, "run_id": run_id, "epoch": last, "val_accuracy": accuracy, "epochs": list(untold)})
        untold.clear()
        told = time.monotonic()

    def on_epoch(epoch: int, metrics: dict[str, float]) -> None:
        untold.append((epoch, metrics, int(time.time() * 1000)))
        # As often as a screen shows it: the processor that would tell of every short epoch is wanted for the next one.
        if time.monotonic() - told >= REFRESH:
            tell()

    tell()
    try:
        outcome = train(program, run.seed, run.training.epochs, training, validation, dataset.test if run.test else None, on_epoch)
    finally:
        if untold:
            tell()
    counts = cost(program.network)
    result = RunResult(
        score=outcome.score,
        history=outcome.history,
        test_score=outcome.test_score,
        parameters=counts.parameters,
        trainable=counts.trainable,
        convolutions=counts.convolutions,
        flops=counts.flops,
        seconds_per_epoch=outcome.seconds_per_epoch,
        seconds=outcome.seconds,
        peak_memory=_peak_memory(),
        first_epoch=building + outcome.first_epoch,
        processor_use=outcome.processor_seconds / outcome.seconds,
        environment=environment(run.backend, run.threads),
        saved_model=run.save_model,
        run_id=run_id,
    )
    texts = {"network.txt": layer_summary(program.network)}
    if run.save_model:
        from ablation.training.saving import standalone

        texts[CLASSES] = json.dumps(dataset.classes)

        packages = ("keras", *PACKAGES[run.backend])
        destination.save_model(run_id, standalone(program.network), [f"{name}=={version(name)}" for name in packages])
        destination.save_weights(run_id, program.network)
    arrays = {CORRECT: packed(outcome.predictions.correct)}
    if run.test:
        # They are large, and what a reader looks at are the first and the last arm.
        arrays[PREDICTIONS] = asdict(outcome.predictions)
    return Trained(result, texts, arrays)


_latest: "tuple[str, Program] | None" = None


def _program(run: Run, dataset: Dataset) -> "Program":
    """Return the compiled network of the run's arm. One is kept: the seeds of an arm come one after the other."""
    global _latest
    if _latest is None or _latest[0] != run.program_key:
        import keras

        from ablation.training.program import Program

        _latest = None
        # Frees the last network, and makes the names of unnamed layers count from one again, whatever was built before.
        keras.utils.clear_session()
        # Weights for which a layer declares no initialiser are drawn by Keras, and must not depend on what was built before.
        keras.utils.set_random_seed(0)
        height, width, channels = dataset.train.x.shape[1:]
        shape = (height, width, channels)
        training = run.training
        program = Program.build(run.model, run.recipe, shape, len(dataset.classes), training.batch_size, training.precision)
        _latest = (run.program_key, program)
    return _latest[1]


def environment(backend: str, threads: int | None) -> dict[str, str]:
    """Return what a reader must know to judge whether two runs are alike: versions, threads, processor."""
    return {
        "python": platform.python_version(),
        "keras": version("keras"),
        backend: version(PACKAGES[backend][0]),
        "ablation": version("ablation"),
        "threads": str(threads or os.cpu_count()),
        "processor": _processor(),
    }


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        return next(line.split(":", 1)[1].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()


def _reset_peak_memory() -> None:
    """Let the process's peak start from here, where Linux allows it; elsewhere it counts from the process's start."""
    with suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5")


def _peak_memory() -> int:
    """Return the process's peak resident memory in bytes."""
    try:
        line = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM"))
        return int(line.split()[1]) * 1024
    except (OSError, StopIteration):
        import resource

        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return peak if sys.platform == "darwin" else peak * 1024
