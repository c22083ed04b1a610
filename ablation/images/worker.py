"""One training in the process of a worker, from staged images to its outcome."""

import json
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from importlib.metadata import version
from typing import TYPE_CHECKING

from ablation.images.data import Dataset, divide
from ablation.images.features.feature import Feature
from ablation.images.held_out import CLASSES, CORRECT, PREDICTIONS, packed
from ablation.images.models import Model
from ablation.images.process import PACKAGES, peak_memory, reset_peak_memory
from ablation.images.recipe import Recipe
from ablation.images.training.draws import SPLIT, generator
from ablation.images.training.settings import Training
from ablation.study.outcome import KerasModel, Outcome
from ablation.study.subject import Report

if TYPE_CHECKING:
    from ablation.images.training.program import Program


@dataclass(frozen=True, eq=False)
class Job:
    """All that one training needs.

    Attributes:
        group: the same for all seeds of an arm, which share a compiled network.
        features, recipe: of the arm: the features that are on, in the order of application, and what they fill.
        dataset, validation, fraction: the images, and how they are divided.
        tested: whether the test images are evaluated at the end.
        save_model: whether the trained network is stored.
    """

    seed: int
    group: str
    features: Mapping[str, Feature]
    recipe: Recipe
    model: Model
    training: Training
    dataset: Dataset
    validation: str
    fraction: float
    backend: str
    tested: bool
    save_model: bool


def run_job(job: Job, report: Report) -> Outcome:
    """Train the network of an arm with a seed. The process must run the right backend."""
    from ablation.images.training.cost import cost, layer_summary
    from ablation.images.training.fit import train

    reset_peak_memory()
    dataset = job.dataset
    training, validation = divide(dataset, job.validation, job.fraction, generator(job.seed, SPLIT))
    report.stage("compiling")
    began = time.perf_counter()
    program = _program(job, job.training.epochs * (len(training) // job.training.batch_size))
    building = time.perf_counter() - began
    program.verify(dict(job.features), training, job.seed)

    test = dataset.test if job.tested else None
    trained = train(
        program,
        job.seed,
        job.training.epochs,
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
    if job.tested:
        # They are large, and what a reader looks at are the first and the last arm.
        arrays[PREDICTIONS] = asdict(trained.predictions)
    model = None
    packages = ("keras", *PACKAGES[job.backend])
    if job.save_model:
        from keras import ops

        from ablation.images.training.program import standalone

        texts[CLASSES] = json.dumps(dataset.classes)
        requirements = tuple(f"{name}=={version(name)}" for name in packages)
        network, example = standalone(program.network), validation.x[:1]
        answer = ops.convert_to_numpy(network(example, training=False))
        model = KerasModel(network, program.network, requirements, example, answer)
    return Outcome(
        score=trained.score,
        history=trained.history,
        measures=measures,
        texts=texts,
        arrays=arrays,
        environment={name: version(name) for name in ("keras", PACKAGES[job.backend][0])},
        start_up=max(building + trained.first_epoch - trained.seconds_per_epoch, 0.0),
        model=model,
    )


_latest: "tuple[str, Program] | None" = None


def _program(job: Job, steps: int) -> "Program":
    """Return the compiled network of the job's arm. One is kept: the seeds of an arm come one after the other where that pays."""
    global _latest
    if _latest is None or _latest[0] != job.group:
        import keras

        from ablation.images.training.program import Program

        _latest = None
        # Frees the last network, and makes the names of unnamed layers count from one again, whatever was built before.
        keras.utils.clear_session()
        # Weights for which a layer declares no initialiser are drawn by Keras, and must not depend on what was built before.
        keras.utils.set_random_seed(0)
        training, classes = job.training, len(job.dataset.classes)
        program = Program.build(job.model, job.recipe, job.dataset.image_shape, classes, training.batch_size, training.precision, steps)
        _latest = (job.group, program)
    return _latest[1]
