"""What a run leaves: as its subject returns it, and as the store keeps it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np


@dataclass(frozen=True)
class KerasModel:
    """A trained network that is to be stored.

    Attributes:
        network: what is stored for use, such as pixels in and probabilities out.
        weights_of: the network whose weights are stored beside it.
        requirements: packages that it needs, as pip takes them.
        example: inputs of the network, shape ``(1, …)``.
        answer: what the network returns for them, shape ``(1, …)``.
    """

    network: Any
    weights_of: Any
    requirements: tuple[str, ...]
    example: np.ndarray
    answer: np.ndarray


@dataclass(frozen=True, eq=False)
class Outcome:
    """What a subject returns of one run.

    Attributes:
        score: the metric's value, in its own units.
        history: ``{name: [value an epoch]}``.
        measures: other numbers, by the keys of the subject's measures.
        texts, arrays: files to be kept with the run, by name; arrays go into ``.npz`` files.
        environment: versions and hardware that a reader needs to judge whether two runs are alike.
        start_up: seconds that went into what the next run of the same group need not do again, such as compiling.
        model: a network to be stored with the run; it never leaves the process that trained it.
        folder: a folder of files to be stored with the run; it is removed after that.
        note: what a reader of the run's page is shown first, as Markdown.
        uncovered: files that the run may depend on and its key does not cover, each with what changes whenever the file does.
    """

    score: float
    history: Mapping[str, list[float]] = field(default_factory=dict)
    measures: Mapping[str, float] = field(default_factory=dict)
    texts: Mapping[str, str] = field(default_factory=dict)
    arrays: Mapping[str, Mapping[str, np.ndarray]] = field(default_factory=dict)
    environment: Mapping[str, str] = field(default_factory=dict)
    start_up: float = 0.0
    model: KerasModel | None = None
    folder: Path | None = None
    note: str = ""
    uncovered: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Result:
    """A finished run as the store keeps it.

    Attributes:
        score, history, measures, environment, uncovered: as in :class:`Outcome`.
        seconds: the whole run.
        stored: names of the files and the model that are kept with it.
        run_id: the MLflow run that holds it.
    """

    score: float
    history: Mapping[str, list[float]] = field(default_factory=dict)
    measures: Mapping[str, float] = field(default_factory=dict)
    environment: Mapping[str, str] = field(default_factory=dict)
    seconds: float = 0.0
    stored: tuple[str, ...] = ()
    run_id: str = ""
    uncovered: Mapping[str, str] = field(default_factory=dict)


class RunError(Exception):
    """A run failed for a reason that its subject can name.

    Attributes:
        texts: files to be kept with the failed run, by name.
        place: where in the user's own code it failed, such as ``train.py, line 12``.
    """

    def __init__(self, message: str, texts: Mapping[str, str] | None = None, place: str = "") -> None:
        super().__init__(message)
        self.texts, self.place = dict(texts or {}), place
