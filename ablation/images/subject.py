"""Image classification as a subject: which arms there are, what identifies their runs, how a score is made."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property, partial, reduce
from pathlib import Path
from typing import Any

import numpy as np

from ablation.checks import choice, flag, number, whole
from ablation.designs import BASELINE, Arm, Groups, excluded
from ablation.errors import InputError, nearest
from ablation.images.catalogue import Catalogue, DoesNotApplyError, applied, compose
from ablation.images.data import Dataset, Source, divide, open_staged, stage
from ablation.images.data.split import TEST, VALIDATIONS, followed, held_out_count
from ablation.images.features.feature import Feature
from ablation.images.held_out import CLASSES, CORRECT, PREDICTIONS, ArmPredictions, Predictions, unpacked
from ablation.images.models import Model, idle
from ablation.images.noise import about, noise
from ablation.images.process import PACKAGES, prepare
from ablation.images.recipe import NETWORK_SLOTS, Recipe, filled
from ablation.images.training.draws import SPLIT, generator
from ablation.images.training.settings import SCALINGS, VERSION, Training
from ablation.images.worker import Job, run_job
from ablation.study.findings import Findings
from ablation.study.key import described, digest
from ablation.study.metric import Measure, Metric
from ablation.study.outcome import Outcome, Result
from ablation.study.staged import located
from ablation.study.study import FOLDER
from ablation.study.subject import ReadArrays, Report, Scoring, Subject, Trial, features_in_words
from ablation.wording import counted, listed

LEFT_OUT, MOST_LEFT_OUT = "left_out.txt", 5
"""The file that names all that could not be used of the data, and how many of them a remark names."""

SCALED = {"unit": "to [0, 1]", "symmetric": "to [−1, 1]", "per_image": "to mean 0 and standard deviation 1 in each image"}
"""Where pixels lie by how they are scaled."""

MEASURES = (
    Measure("test_accuracy", "test %", "score", "mean", below="Accuracy on the test images"),
    Measure("parameters", "params", "count", "first", "parameters", confounds=True),
    Measure("flops", "FLOPs", "short", "first", "FLOPs an image"),
    Measure("seconds_per_epoch", "s/epoch", "seconds", "median", "seconds an epoch"),
    Measure("trainable_parameters", pooled="first"),
    Measure("convolutions", pooled="first"),
    Measure("peak_memory_mb", pooled="max"),
    Measure("seconds_to_first_epoch"),
    Measure("processor_use"),
)


@dataclass(frozen=True, eq=False)
class Images(Subject):
    """A network on images, trained with the features of an arm.

    Attributes:
        catalogue: the features and their order.
        model, model_name: the network, and what the user calls it.
        training: epochs, batches, optimiser.
        source, data_name: the images, and what the user calls them.
        limit, validation, fraction: how they are limited and divided.
        normalise: how their pixels are scaled: ``unit``, ``symmetric`` or ``per_image``; None is symmetric, unless the network scales
            pixels itself.
        backend: what Keras runs on: tensorflow, jax or torch.
        save_model: whether trained networks are stored.
    """

    catalogue: Catalogue
    model: Model
    model_name: str
    training: Training
    source: Source
    data_name: str
    limit: int | None = None
    validation: str = "held_out"
    fraction: float = 0.2
    normalise: str | None = None
    backend: str = "tensorflow"
    save_model: bool = False
    name: str = field(init=False)
    description: str = field(init=False)
    features: tuple[str, ...] = field(init=False)
    epochs: int | None = field(init=False)
    exclusive: Groups = field(init=False)

    def __post_init__(self) -> None:
        choice("backend", self.backend, tuple(PACKAGES))
        self._check_parts()
        choice("data.validation", self.validation, VALIDATIONS)
        choice("data.normalise", self.normalise, (None, *SCALINGS))
        number("data.validation_fraction", self.fraction, above=0, below=1)
        whole("data.limit", self.limit, 1, optional=True)
        flag("save_model", self.save_model)
        for name, value in {
            "name": self.data_name,
            "description": f"Data: {self.source.description}",
            "features": self.catalogue.names,
            "epochs": self.training.epochs,
            "stores": self.save_model,
            "exclusive": self.catalogue.excluding,
        }.items():
            object.__setattr__(self, name, value)
        self.start_recipe()

    def _check_parts(self) -> None:
        """Refuse a network or a source from outside that cannot be one."""
        parts = {"model": (self.model, ("slots", "check", "build")), "data.source": (self.source, ("description", "identity", "load"))}
        for setting, (part, needed) in parts.items():
            lacks = [name for name in needed if getattr(part, name, None) is None]
            if lacks:
                raise InputError(
                    f"{setting} is a {type(part).__name__}, which has no {listed(lacks, 'or')}; expected {listed(needed, 'and')}"
                )

        for slot in self.model.slots:
            if slot not in NETWORK_SLOTS:
                raise InputError(
                    f"model={self.model_name} has the slot '{slot}', which is none that networks read{nearest(slot, NETWORK_SLOTS)}"
                )

    # ---- arms ----------------------------------------------------------------------------------------------------------

    def start_recipe(self) -> Recipe:
        """Return the recipe of the baseline."""
        scaling = SCALINGS[self._normalised()]
        if scaling and "scaling" not in self.model.slots:
            raise InputError(
                f"data.normalise={self.normalise} does not apply to model={self.model_name}, which has no {NETWORK_SLOTS['scaling']}"
            )
        return replace(self.training.recipe(), scaling=scaling)

    def _normalised(self) -> str:
        """Say how pixels are scaled: as asked for, else symmetric where the network leaves it to its user."""
        return self.normalise or ("symmetric" if "scaling" in self.model.slots else "unit")

    def on(self, arm: Arm) -> dict[str, Feature]:
        """Return the features of an arm, in the order in which they are applied."""
        return self.catalogue.of(arm)

    def recipe(self, arm: Arm) -> Recipe:
        """Return what the features of an arm make of the baseline's recipe."""
        return compose(self.start_recipe(), self.on(arm), self.model, self.model_name)

    def allows(self, arm: Arm) -> str | None:
        if (reason := excluded(self.exclusive, arm)) is not None:
            return reason
        try:
            self.recipe(arm)
        except DoesNotApplyError as error:
            return str(error)
        return None

    def without(self, left: Sequence[str]) -> str:
        return f"'catalogue.order=[{','.join(left)}]'"

    def tested(self, arm: Arm) -> bool:
        """Say whether an arm's networks see the test images: the first and the last arm alone, and never for contrasts."""
        return arm in (BASELINE, frozenset(self.features))

    # ---- identity ------------------------------------------------------------------------------------------------------

    @cached_property
    def _identity_of_source(self) -> str:
        return self.source.identity()

    def _data_settings(self) -> dict[str, Any]:
        return {
            "identity": self._identity_of_source,
            "limit": self.limit,
            "validation": self.validation,
            "fraction": self.fraction,
            "normalise": self._normalised(),
        }

    def identity(self, arm: Arm) -> Mapping[str, Any]:
        return {
            "subject": "images",
            "version": VERSION,
            "model": described(self.model),
            "features": [described(feature) for feature in self.on(arm).values()],
            "training": described(self.training),
            "data": self._data_settings(),
            "backend": self.backend,
        }

    def params(self, arm: Arm) -> Mapping[str, str]:
        on = {f"feature.{name}": _short(feature) for name, feature in self.on(arm).items()}
        model = {f"model.{name}": value for name, value in described(self.model)["parameters"].items()}
        training = {f"training.{name}": value for name, value in described(self.training)["parameters"].items()}
        data = {"data.name": self.data_name, "data.description": self.source.description}
        data |= {f"data.{name}": value for name, value in self._data_settings().items()}
        settings = {**on, "model": type(self.model).__name__, **model, **training, **data, "backend": self.backend}
        return {name: str(value) for name, value in settings.items()}

    def settings(self) -> Mapping[str, str]:
        return {
            "model": self.model_name,
            "data": self.data_name,
            "epochs": str(self.training.epochs),
            "batch_size": str(self.training.batch_size),
            "backend": self.backend,
        }

    def data(self) -> Mapping[str, str]:
        content = digest([self._identity_of_source, self.limit])
        return {"name": self.data_name, "digest": content, "description": self.source.description}

    def serves(self, arm: Arm, result: Result) -> bool:
        tested = not self.tested(arm) or "test_accuracy" in result.measures or self.validation == TEST or self.dataset().test is None
        return tested and (not self.save_model or CLASSES in result.stored)

    # ---- data ----------------------------------------------------------------------------------------------------------

    @cached_property
    def staged(self) -> Path:
        """The folder of the staged images."""
        return stage(self.source, FOLDER.absolute() / "cache" / "data", self.limit)

    def dataset(self) -> Dataset:
        """Return the staged images."""
        return open_staged(located(self.staged))

    def prepare(self) -> None:
        dataset = self.dataset()
        self.model.check(dataset.image_shape)
        training, _ = divide(dataset, self.validation, self.fraction, generator(0, SPLIT))
        if self.training.batch_size > len(training.y):
            raise InputError(
                f"training.batch_size={self.training.batch_size} is larger than the {len(training)} training images; "
                "expected at most as many"
            )

    # ---- runs ----------------------------------------------------------------------------------------------------------

    def packages(self) -> tuple[str, ...]:
        return ("keras", *PACKAGES[self.backend], "numpy")

    def before(self) -> Callable[[int | None, bool], Mapping[str, str]]:
        return partial(prepare, self.backend)

    def start(self, threads: int | None, own: bool) -> Mapping[str, str]:
        return prepare(self.backend, threads, own)

    def run(self, trial: Trial, report: Report) -> Outcome:
        job = Job(
            seed=trial.seed,
            group=trial.group,
            features=self.on(trial.arm),
            recipe=self.recipe(trial.arm),
            model=self.model,
            training=self.training,
            dataset=self.dataset(),
            validation=self.validation,
            fraction=self.fraction,
            backend=self.backend,
            tested=self.tested(trial.arm),
            save_model=self.save_model,
        )
        return run_job(job, report)

    # ---- what a reader must know ---------------------------------------------------------------------------------------

    @property
    def metric(self) -> Metric:
        curves = (("accuracy", "training"), ("val_accuracy", "validation"))
        step = 1 / self._validation_images()
        return Metric("val_accuracy", "validation accuracy", "accuracy", "%", "points", 100.0, True, step, (0.0, 1.0), curves)

    @property
    def measures(self) -> tuple[Measure, ...]:
        return MEASURES

    def _validation_images(self) -> int:
        """Return how many images a score is taken on."""
        dataset = self.dataset()
        if self.validation == TEST and dataset.test is not None:
            return len(dataset.test.y)
        return len(dataset.validation.y) if dataset.validation is not None else held_out_count(dataset.train.y, self.fraction)

    def _training_images(self) -> int:
        """Return how many images a run trains on."""
        return len(self.dataset().train) - (0 if self._same_images() else self._validation_images())

    def _same_images(self) -> bool:
        """Say whether scores are taken on the same images with every seed."""
        return self.validation == TEST or self.dataset().validation is not None

    def protocol(self) -> Scoring:
        covers = "initial weights, order and other draws, on fixed images"
        if self.validation == TEST:
            images = "the test images, which makes every choice by it optimistic about new images"
        elif self._same_images():
            images = f"the source's own {self._validation_images():,} validation images"
        else:
            images = f"{100 * self.fraction:.3g}% of the training images, held out anew for each seed, stratified"
            covers = "the split, initial weights, order and other draws"
        epochs = self.training.epochs
        last = "the only epoch" if epochs == 1 else f"the last of {epochs} epochs"
        whole = self._validation_images()
        part = len(followed(whole, self._training_images()))
        before = f"; the epochs before it are validated on {part:,} of these" if part < whole and epochs > 1 else ""
        return Scoring(f"A score is the accuracy after {last} on {images}{before}.", covers)

    def methods(self) -> tuple[str, ...]:
        training, dataset = self.training, self.dataset()
        parameters = _short(self.model)
        network = f"The network is {self.model_name}{'' if parameters == 'on' else f' ({parameters})'}"
        height, width, channels = dataset.image_shape
        data = (
            f"The data is {self.source.description}: {self._training_images():,} training and {self._validation_images():,} validation "
            f"images of {height} × {width} × {channels} values, scaled {SCALED[self._normalised()]}."
        )
        steps = (
            f"It is trained for {counted(training.epochs, 'epoch')} in batches of {training.batch_size} with {training.in_words()}, in "
            f"{training.precision}, by Keras on {self.backend}."
        )
        features = {name: self._in_words(name) for name in (*self.catalogue.always, *self.features)}
        always = [name if features[name] == "on" else f"{name} ({features[name]})" for name in self.catalogue.always]
        every = (f"Every arm has {listed(always, 'and')}.",) if always else ()
        return data, f"{network}.", steps, *every, features_in_words({name: features[name] for name in self.features})

    def _in_words(self, name: str) -> str:
        """Name the parameters of a feature, or the features of a group with theirs."""
        members = self.catalogue.members(name)
        if name in members:
            return _short(members[name])
        return ", ".join(each if _short(feature) == "on" else f"{each} {_short(feature)}" for each, feature in members.items())

    def remarks(self) -> tuple[str, ...]:
        dataset = self.dataset()
        height, width, _ = shape = dataset.image_shape
        start, nothing = self.start_recipe(), idle(self.model, shape)
        said = [
            f"{name} changes nothing in model={self.model_name} at {height} × {width} pixels: "
            "the network computes the same with and without it."
            for name in self.features
            if self._is_idle(name, start, nothing)
        ]
        said += self._never_trained_on()
        if "synthetic" in self.source.description.lower():
            said.append("The data is synthetic: what helps here need not help on photographs.")
        if dataset.left_out:
            said.append(_about_left_out(dataset.left_out))
        return tuple(said)

    def _is_idle(self, name: str, start: Recipe, nothing: frozenset[str]) -> bool:
        """Say whether all that a feature fills by itself is of no use in this network."""
        try:
            after = reduce(lambda recipe, each: applied(each[0], each[1], recipe), self.catalogue.members(name).items(), start)
        except InputError:
            return False  # it needs another feature; the study's arms are composed elsewhere
        slots = set(filled(start, after))
        return bool(slots) and slots <= nothing

    def _never_trained_on(self) -> list[str]:
        """Say how many images fill no whole batch, where the same are left over in each epoch."""
        left = 0 if self.training.shuffle else self._training_images() % self.training.batch_size
        if not left:
            return []
        fill = "fills no whole batch and is" if left == 1 else "fill no whole batch and are"
        return [f"Without shuffling, the last {counted(left, 'training image')} {fill} never trained on."]

    def files(self) -> Mapping[str, str]:
        left_out = self.dataset().left_out
        return {LEFT_OUT: "".join(f"{line}\n" for line in left_out)} if left_out else {}

    def variability(self, runs: Mapping[tuple[Arm, int], Result], read: ReadArrays) -> tuple[str, ...]:
        same = self._same_images()
        images = "the seed, on fixed validation images" if same else "the seed and the choice of validation images"
        sentences = [f"Intervals cover {images}; not other data, other settings or other hardware."]
        kept = {place: read(result, CORRECT) for place, result in runs.items()}
        right = {place: unpacked(arrays) for place, arrays in kept.items() if arrays is not None}
        sizes = {len(each) for each in right.values()}
        if len(sizes) == 1 and min(sizes) > 1:
            arms, seeds = (list(dict.fromkeys(place[axis] for place in right)) for axis in (0, 1))
            correct = np.zeros((len(seeds), len(arms), sizes.pop()), dtype=bool)
            finished = np.zeros(correct.shape[:2], dtype=bool)
            for (arm, seed), each in right.items():
                place = seeds.index(seed), arms.index(arm)
                correct[place], finished[place] = each, True
            sentences += about(noise(correct, finished, same))
        return tuple(sentences)

    def pictures(self, findings: Findings, read: ReadArrays, folder: Path) -> list[Path]:
        """Draw what the networks of the baseline and of the arm with every feature predicted for their validation images."""
        from ablation.images.charts import draw_predictions

        dataset, shown = self.dataset(), []
        for arm, name in ((BASELINE, "baseline"), (frozenset(self.features), "all features")):
            by_seed = {}
            for seed in findings.seeds:
                arrays = read(findings.runs[arm, seed], PREDICTIONS) if (arm, seed) in findings.runs else None
                if arrays is not None:
                    by_seed[seed] = Predictions(**arrays)
            if by_seed:
                _, validation = divide(dataset, self.validation, self.fraction, generator(next(iter(by_seed)), SPLIT))
                shown.append(ArmPredictions(name, by_seed, validation.x))
        return draw_predictions(findings, dataset.classes, shown, folder)


def _about_left_out(lines: tuple[str, ...]) -> str:
    """Say how many files of the data could not be used, and name the first of them."""
    shown = "; ".join(lines[:MOST_LEFT_OUT])
    more = f"; and {len(lines) - MOST_LEFT_OUT:,} more, all named in {LEFT_OUT}" if len(lines) > MOST_LEFT_OUT else ""
    return f"{len(lines):,} {'file of the data was' if len(lines) == 1 else 'files of the data were'} left out: {shown}{more}."


def _short(part: Feature | Model) -> str:
    parameters = described(part)["parameters"]
    return ", ".join(f"{name}={value}" for name, value in parameters.items()) or "on"
