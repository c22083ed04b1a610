"""A study: everything that it is asked for, and the runs that follow from it."""

import re
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

from ablation.designs import BASELINE, Arm, Design, arm_names, union
from ablation.engine.execution import Execution
from ablation.errors import InputError, nearest
from ablation.images.catalogue import Catalogue, compose
from ablation.images.data import Source
from ablation.images.models import Model, idle
from ablation.images.models.model import ImageShape
from ablation.images.recipe import NETWORK_SLOTS, Recipe, filled
from ablation.images.run import DataChoice, Run, digest
from ablation.images.training.settings import SCALINGS, Training
from ablation.report.publish import STUDIES
from ablation.store.connection import Store

FOLDER = Path("mlruns")
VALIDATIONS = ("held_out", "test")


@dataclass(frozen=True)
class Adaptive:
    """Seeds decided by Stein's rule: a pilot, then as many as its variance says are needed.

    Attributes:
        precision: wanted half-width of the 95 % intervals, in accuracy points.
        most: the cap.
        pilot: seeds of the pilot.
    """

    precision: float
    most: int
    pilot: int = 3

    def __post_init__(self) -> None:
        if not _is_number(self.precision) or self.precision <= 0:
            raise InputError(f"effects.precision must be a number of accuracy points above 0, not {self.precision}")
        if not isinstance(self.most, int) or isinstance(self.most, bool) or self.most < self.pilot:
            raise InputError(f"effects.max_seeds must be a whole number of at least {self.pilot}, the seeds of the pilot, not {self.most}")


@dataclass(frozen=True, eq=False)
class Study:
    """Everything that a study is asked for.

    Attributes:
        designs: as named functions of the features, in the order given.
        catalogue: the features and their order.
        model, model_name: the network, and what the user calls it.
        training: epochs, batches, optimiser.
        source, data_name: the images, and what the user calls them.
        limit, validation, fraction: how they are limited and divided.
        normalise: how their pixels are scaled: ``unit`` or ``symmetric``.
        seeds: one run of every arm each.
        backend: tensorflow, jax or torch.
        execution: where runs happen.
        store: where they are logged.
        given_name: of the study, or None to make one.
        smallest: the smallest effect of interest, in accuracy points.
        on_error: ``continue`` or ``stop``.
        save_model: whether trained networks are stored.
        configuration: the resolved configuration as YAML, to be kept.
        command: repeats the study, as it is typed.
        adaptive: how seeds are decided, where they are; ``seeds`` are then those of the pilot, and of all once that is decided.
    """

    designs: tuple[Design, ...]
    catalogue: Catalogue
    model: Model
    model_name: str
    training: Training
    source: Source
    data_name: str
    limit: int | None
    validation: str
    fraction: float
    normalise: str
    seeds: tuple[int, ...]
    backend: str
    execution: Execution
    store: Store
    given_name: str | None
    smallest: float
    on_error: str
    save_model: bool
    configuration: str
    command: str
    adaptive: Adaptive | None = None

    def __post_init__(self) -> None:
        if self.on_error not in ("continue", "stop"):
            raise InputError(f"on_error={self.on_error} is not known{nearest(self.on_error, ('continue', 'stop'))}")
        if self.validation not in VALIDATIONS:
            raise InputError(f"data.validation={self.validation} is not known{nearest(self.validation, VALIDATIONS)}")
        if self.normalise not in SCALINGS:
            raise InputError(f"data.normalise={self.normalise} is not known{nearest(str(self.normalise), SCALINGS)}")
        if not _is_number(self.fraction) or not 0 < self.fraction < 1:
            raise InputError(f"data.validation_fraction must lie between 0 and 1, not {self.fraction}")
        if self.limit is not None and (not isinstance(self.limit, int) or isinstance(self.limit, bool) or self.limit < 1):
            raise InputError(f"data.limit must be a whole number of at least 1, or null, not {self.limit}")
        if not _is_number(self.smallest) or self.smallest < 0:
            raise InputError(f"effects.smallest must be a number of accuracy points of at least 0, not {self.smallest}")
        if not isinstance(self.save_model, bool):
            raise InputError(f"save_model must be true or false, not {self.save_model}")
        if self.given_name is not None and not re.fullmatch(r"[\w][\w .+-]*", str(self.given_name)):
            raise InputError(f"study.name={self.given_name} cannot name a folder; expected letters, digits, spaces and . + - _")
        if not self.designs:
            raise InputError("features names no design; expected for instance features=cumulative")
        if self.adaptive and not any(design.features for design in self.designs):
            raise InputError("seeds=auto decides by the effects' intervals, and this study has no design that credits features")

    @cached_property
    def arms(self) -> tuple[Arm, ...]:
        """The distinct arms of all designs."""
        return union(self.designs)

    @property
    def features(self) -> tuple[str, ...]:
        """The features, in the study's order."""
        return self.catalogue.names

    @cached_property
    def arm_names(self) -> dict[Arm, str]:
        """What each arm is called in MLflow and on the screen: by the first design that has it."""
        names: dict[Arm, str] = {}
        for design in self.designs:
            for arm, name in zip(design.arms, arm_names(design, self.features), strict=True):
                names.setdefault(arm, name)
        return names

    @cached_property
    def runs(self) -> tuple[Run, ...]:
        """Every arm with every seed.

        Raises:
            InputError: if an arm has a feature that the model, the optimiser or another feature does not allow.
        """
        full, start = frozenset(self.features), self._start()
        # All of them before the data is looked at, which can take long.
        recipes = {arm: compose(start, self.catalogue.of(arm), self.model, self.model_name) for arm in self.arms}
        identity = self.source.identity()
        data = DataChoice(
            self.data_name, self.source.description, identity, self.limit, self.validation, self.fraction, normalise=self.normalise
        )
        runs = []
        for arm, recipe in recipes.items():
            features = self.catalogue.of(arm)
            for seed in self.seeds:
                runs.append(
                    Run(
                        arm=arm,
                        features=features,
                        model=self.model,
                        recipe=recipe,
                        training=self.training,
                        data=data,
                        seed=seed,
                        backend=self.backend,
                        # The test images are for the first and the last arm alone, and never for contrasts.
                        test=arm in (BASELINE, full),
                        save_model=self.save_model,
                        staged=FOLDER.absolute() / "cache" / "data",
                        threads=self.execution.threads,
                        label=self.arm_names[arm],
                    )
                )
        return tuple(runs)

    def _start(self) -> Recipe:
        """Return the recipe of the baseline."""
        scaling = SCALINGS[self.normalise]
        if scaling and "scaling" not in self.model.slots:
            raise InputError(
                f"data.normalise={self.normalise} does not apply to model={self.model_name}, which has no {NETWORK_SLOTS['scaling']}"
            )
        return replace(self.training.recipe(), scaling=scaling)

    def remarks(self, image_shape: ImageShape) -> tuple[str, ...]:
        """Say which of the features on trial change nothing of this network for images of this shape."""
        start, nothing, used = self._start(), idle(self.model, image_shape), frozenset().union(*self.arms)
        height, width, _ = image_shape
        return tuple(
            f"{name} changes nothing in model={self.model_name} at {height} × {width} pixels: "
            "the network computes the same with and without it."
            for name in self.features
            if name in used and set(filled(start, self.catalogue.features[name](start))) <= nothing
        )

    def with_seeds(self, count: int) -> "Study":
        """Return the same study with the first ``count`` seeds."""
        return replace(self, seeds=tuple(range(count)))

    @cached_property
    def key(self) -> str:
        """Identifies the study: its designs, catalogue, settings and seeds."""
        designs = [(design.name, design.features) for design in self.designs]
        if self.adaptive is None:
            return digest([designs, self.features, [run.key for run in self.runs]])
        # The same before and after it is known how many seeds there are.
        pilot = [run.key for run in self.runs if run.seed < self.adaptive.pilot]
        return digest([designs, self.features, pilot, [self.adaptive.precision, self.adaptive.most]])

    @cached_property
    def name(self) -> str:
        """What the study's folder and parent run are called."""
        return self.given_name or f"{'+'.join(design.name for design in self.designs)}-{self.data_name}-{self.key[:8]}"

    @property
    def folder(self) -> Path:
        """Where the study's files go."""
        return STUDIES / self.name


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
