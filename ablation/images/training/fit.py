"""One training: from a program, images and a seed to history and score."""

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from statistics import median

import numpy as np

from ablation.images.data import Images
from ablation.images.data.split import followed
from ablation.images.held_out import Predictions, softmax
from ablation.images.training.draws import one_hot, parts
from ablation.images.training.loops import Totals
from ablation.images.training.program import Program

STEPS_PER_CALL = 64  # The process can be interrupted only between calls; one call for a long epoch would delay Ctrl-C.

OnEpoch = Callable[[int, dict[str, float]], None]


class NotFiniteError(RuntimeError):
    """The loss became infinite or not a number."""


@dataclass(frozen=True)
class Fitted:
    """What a training returns.

    Attributes:
        history: ``loss``, ``accuracy``, ``val_loss``, ``val_accuracy``, one value per epoch; accuracies are fractions. The last epoch is
            validated on all validation images, those before it on the images of :func:`ablation.images.data.split.followed`.
        score: the last epoch's ``val_accuracy``.
        test_score: accuracy on the test images after the last epoch; None without test images.
        predictions: of the trained network for the validation images.
        seconds_per_epoch: median over the epochs after the first (or the first, if it is the only one), evaluation included.
        first_epoch: seconds until the end of the first epoch, compilation included.
        seconds: total, compilation included.
        processor_seconds: processor time in the same period, summed over all cores.
    """

    history: dict[str, list[float]]
    score: float
    test_score: float | None
    predictions: Predictions
    seconds_per_epoch: float
    first_epoch: float
    seconds: float
    processor_seconds: float


def train(
    program: Program, seed: int, epochs: int, train: Images, validation: Images, test: Images | None, on_epoch: OnEpoch = lambda *_: None
) -> Fitted:
    """Train a program's network from the initial weights of ``seed``; it holds the trained weights afterwards.

    Args:
        on_epoch: called after each epoch with its number, from 1, and its metrics.

    Raises:
        NotFiniteError: if the loss stops being finite; the message names the epoch.
    """
    began, processor_began = time.perf_counter(), time.process_time()
    program.start(seed)
    loop = program.loop
    images = loop.place(train.x)
    held_out, truth = loop.place(validation.x), one_hot(validation.y, program.classes)
    part = followed(len(validation), len(train))
    some, truth_of_some = (held_out, truth) if len(part) == len(validation) else (loop.place(validation.x[part]), truth[part])
    history: dict[str, list[float]] = {"loss": [], "accuracy": [], "val_loss": [], "val_accuracy": []}
    seconds: list[float] = []
    first_epoch = math.nan
    for epoch in range(1, epochs + 1):
        epoch_began = time.perf_counter()
        total = Totals()
        for draws in parts(program.draw(train, seed, epoch - 1), STEPS_PER_CALL * program.batch_size):
            total += loop.train(images, draws)
        validated, logits = loop.evaluate(some, truth_of_some) if epoch < epochs else loop.evaluate(held_out, truth)
        metrics = {
            "loss": total.loss / total.images,
            "accuracy": total.correct / total.images,
            "val_loss": validated.loss / validated.images,
            "val_accuracy": validated.correct / validated.images,
        }
        seconds.append(time.perf_counter() - epoch_began)
        if epoch == 1:
            first_epoch = time.perf_counter() - began
        for name in ("loss", "val_loss"):
            if not math.isfinite(metrics[name]):
                raise NotFiniteError(
                    f"{name} became {metrics[name]} in epoch {epoch} of {epochs}; a smaller training.learning_rate may help"
                )
        for name, value in metrics.items():
            history[name].append(value)
        on_epoch(epoch, metrics)
    loop.finish()
    test_score = None
    if test is not None:
        tested, _ = loop.evaluate(loop.place(test.x), one_hot(test.y, program.classes))
        test_score = tested.correct / tested.images
    return Fitted(
        history=history,
        score=history["val_accuracy"][-1],
        test_score=test_score,
        predictions=Predictions(softmax(logits), np.array(validation.y)),
        seconds_per_epoch=median(seconds[1:] or seconds),
        first_epoch=first_epoch,
        seconds=time.perf_counter() - began,
        processor_seconds=time.process_time() - processor_began,
    )
