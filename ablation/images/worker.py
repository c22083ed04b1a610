"""One training in the process of a worker, from staged images to its outcome."""

import json
import time
from dataclasses import asdict
from importlib.metadata import version
from typing import TYPE_CHECKING

from ablation.images.data import Dataset, divide
from ablation.images.held_out import packed
from ablation.images.process import PACKAGES, peak_memory, reset_peak_memory
from ablation.images.subject import CLASSES, CORRECT, PREDICTIONS, Images, image_shape
from ablation.images.training.draws import SPLIT, generator
from ablation.study.outcome import KerasModel, Outcome
from ablation.study.subject import Report, Trial

if TYPE_CHECKING:
    from ablation.images.training.program import Program


def train_trial(images: Images, trial: Trial, report: Report) -> Outcome:
    """Train the network of a trial's arm with its seed. The process must run the right backend."""
    from ablation.images.training.cost import cost, layer_summary
    from ablation.images.training.fit import train

    reset_peak_memory()
    dataset = images.dataset()
    training, validation = divide(dataset, images.validation, images.fraction, generator(trial.seed, SPLIT))
    report.stage("compiling")
    began = time.perf_counter()
    program = _program(images, trial, dataset)
    building = time.perf_counter() - began
    program.verify(images.on(trial.arm), training, trial.seed)

    test = dataset.test if images.tested(trial.arm) else None
    trained = train(
        program,
        trial.seed,
        images.training.epochs,
        training,
        validation,
        test,
        lambda epoch, metrics: report(epoch=epoch, **metrics),
    )
    counts = cost(program.network)
    measures: dict[str, float] = {
        "parameters": counts.parameters,
        "trainable_parameters": counts.trainable,
        "convolutions": counts.convolutions,
        "flops": counts.flops,
        "seconds_per_epoch": trained.seconds_per_epoch,
        "peak_memory_mb": peak_memory() / 1e6,
        "seconds_to_first_epoch": building + trained.first_epoch,
        "processor_use": trained.processor_seconds / trained.seconds,
    }
    if trained.test_score is not None:
        measures["test_accuracy"] = trained.test_score
    texts = {"network.txt": layer_summary(program.network)}
    arrays = {CORRECT: packed(trained.predictions.correct)}
    if images.tested(trial.arm):
        # They are large, and what a reader looks at are the first and the last arm.
        arrays[PREDICTIONS] = asdict(trained.predictions)
    model = None
    packages = ("keras", *PACKAGES[images.backend])
    if images.save_model:
        from ablation.images.training.program import standalone

        texts[CLASSES] = json.dumps(dataset.classes)
        requirements = tuple(f"{name}=={version(name)}" for name in packages)
        model = KerasModel(standalone(program.network), program.network, requirements)
    return Outcome(
        score=trained.score,
        history=trained.history,
        measures=measures,
        texts=texts,
        arrays=arrays,
        environment={name: version(name) for name in ("keras", PACKAGES[images.backend][0])},
        start_up=max(building + trained.first_epoch - trained.seconds_per_epoch, 0.0),
        model=model,
    )


_latest: "tuple[str, Program] | None" = None


def _program(images: Images, trial: Trial, dataset: Dataset) -> "Program":
    """Return the compiled network of the trial's arm. One is kept: the seeds of an arm come one after the other where that pays."""
    global _latest
    if _latest is None or _latest[0] != trial.group:
        import keras

        from ablation.images.training.program import Program

        _latest = None
        # Frees the last network, and makes the names of unnamed layers count from one again, whatever was built before.
        keras.utils.clear_session()
        # Weights for which a layer declares no initialiser are drawn by Keras, and must not depend on what was built before.
        keras.utils.set_random_seed(0)
        training, recipe = images.training, images.recipe(trial.arm)
        program = Program.build(images.model, recipe, image_shape(dataset), len(dataset.classes), training.batch_size, training.precision)
        _latest = (trial.group, program)
    return _latest[1]
