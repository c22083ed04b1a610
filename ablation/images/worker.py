"""One run in the process that trains, from staged images to its result."""

import json
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

import numpy as np

from ablation.images.data import Dataset, divide, open_staged
from ablation.images.held_out import packed
from ablation.images.process import PACKAGES, environment, peak_memory, prepare, reset_peak_memory
from ablation.images.run import Run
from ablation.images.training.draws import SPLIT, generator
from ablation.store.connection import CLASSES, CORRECT, PREDICTIONS, Destination, Epoch
from ablation.study.findings import RunResult

if TYPE_CHECKING:
    from ablation.images.training.program import Program

Report = Callable[[dict[str, Any]], None]
"""Tells whoever watches how a run goes: ``{"run": key, "run_id": id, "epoch": 3, "val_accuracy": 0.71, "epochs": […]}``; the epochs are
those that ended since it was told last."""

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


def perform(run: Run, run_id: str, destination: Destination, report: Report) -> Trained:
    """Train one run, and return what is to be logged of it. Whoever gives out the runs does that, for MLflow takes seconds to import.

    Args:
        run: what to train.
        run_id: the run as MLflow has it.
        destination: where its network is stored, if it is to be.
        report: hears of the run while it trains.
    """
    prepare(run.backend, run.threads)
    from ablation.images.training.cost import cost, layer_summary
    from ablation.images.training.fit import train

    reset_peak_memory()
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
        peak_memory=peak_memory(),
        first_epoch=building + outcome.first_epoch,
        processor_use=outcome.processor_seconds / outcome.seconds,
        environment=environment(run.backend, run.threads),
        saved_model=run.save_model,
        run_id=run_id,
    )
    texts = {"network.txt": layer_summary(program.network)}
    if run.save_model:
        from ablation.images.training.saving import standalone

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

        from ablation.images.training.program import Program

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
