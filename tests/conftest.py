"""What several test files share. The backend is chosen here, before anything imports Keras."""

import json
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar
from unittest.mock import patch

os.environ["KERAS_BACKEND"] = "tensorflow"
os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"

import numpy as np
import pytest
from command import ORDER, TINY, Ended, ablation, add_database
from filelock import FileLock
from hypothesis import settings

from ablation.images.catalogue import compose
from ablation.images.data import Images
from ablation.images.features import (
    AMSGrad,
    BatchNorm,
    Dropout,
    Evidence,
    Feature,
    GlobalAveragePooling,
    Mixup,
    RandomWarp,
    Residual,
)
from ablation.images.models import CNN, Model
from ablation.images.models.model import ImageShape
from ablation.images.recipe import Recipe
from ablation.images.training.settings import Training
from ablation.store.connection import Store

if TYPE_CHECKING:
    import keras

    from ablation.images.training.program import Program

# The same examples each time, none of them timed, and no folder of past ones.
settings.register_profile("ablation", deadline=None, derandomize=True, database=None)
settings.load_profile("ablation")

BATCH = 16
CLASSES = 4


@dataclass(frozen=True)
class Plain:
    """The smallest network that learns: one convolution and one dense layer, and no slot that a feature could fill."""

    slots: ClassVar[frozenset[str]] = frozenset()

    def check(self, image_shape: ImageShape) -> None:
        pass

    def build(self, recipe: Recipe, image_shape: ImageShape, classes: int) -> "keras.Model":
        import keras

        inputs = keras.layers.Input(image_shape)
        x = keras.layers.Conv2D(3, 3, strides=2, activation="relu", name="stem")(inputs)
        return keras.Model(inputs, keras.layers.Dense(classes, name="logits")(keras.layers.Flatten()(x)))


@pytest.fixture(scope="session")
def article() -> dict[str, Feature]:
    """The seven features of the article, in its order."""
    return {
        "augmentation": RandomWarp(),
        "batch_norm": BatchNorm(),
        "residual": Residual(),
        "gap": GlobalAveragePooling(),
        "dropout": Dropout(),
        "mixup": Mixup(),
        "amsgrad": AMSGrad(),
    }


@pytest.fixture
def plain() -> Plain:
    return Plain()


@pytest.fixture(scope="session")
def photos() -> Callable[..., Images]:
    """Make random images, with every class in turn."""

    def make(count: int = 64, height: int = 16, width: int = 16, channels: int = 1, seed: int = 0) -> Images:
        pixels = np.random.default_rng(seed).integers(0, 256, (count, height, width, channels), dtype=np.uint8)
        return Images(pixels, np.arange(count, dtype=np.int64) % CLASSES)

    return make


@pytest.fixture(scope="session")
def build() -> Callable[..., "Program"]:
    """Build the program of an arm: tiny, for batches of 16 images of 16 × 16 in four classes."""

    def make(
        features: Mapping[str, Any] | None = None, model: Model | None = None, batch: int = BATCH, steps: int = 1, **training: Any
    ) -> "Program":
        from ablation.images.training.program import Program

        network = model or CNN(2)
        settings = Training(1, batch, **training)
        recipe = compose(settings.recipe(), features or {}, network, "tiny")
        return Program.build(network, recipe, (16, 16, 1), CLASSES, batch, settings.precision, steps)

    return make


@pytest.fixture(scope="session")
def shown() -> "Callable[[Program, Images, int], Evidence]":
    """Return what a program shows its features to prove themselves with."""

    class Witness:
        def __call__(self, recipe: Recipe) -> Recipe:
            return recipe

        def verify(self, evidence: Evidence) -> bool:
            self.evidence = evidence
            return True

    def show(program: "Program", images: Images, seed: int = 0) -> Evidence:
        witness = Witness()
        program.verify({"witness": witness}, images, seed)
        return witness.evidence

    return show


@pytest.fixture(scope="session", autouse=True)
def shared(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Path:
    """A folder for what all processes of the suite share."""
    base = tmp_path_factory.getbasetemp()
    folder = base if worker_id == "master" else base.parent
    os.environ["SHARED_BY_TESTS"] = str(folder)
    return folder


@pytest.fixture(scope="session", autouse=True)
def _new_databases_are_copies(shared: Path) -> Iterator[None]:
    """Let a store of this process begin with a copy of an empty database, for MLflow takes seconds to make one; commands make their own."""
    sole_maker = Store._sole_maker

    @contextmanager
    def copied(store: Store) -> Iterator[None]:
        if store.is_new and store.database is not None and store.database.name == "mlflow.db":
            add_database(store.database.parent)
        with sole_maker(store):
            yield

    with patch.object(Store, "_sole_maker", copied):
        yield


@pytest.fixture(scope="session")
def study(shared: Path) -> tuple[Path, Ended]:
    """A finished tiny study of images: three arms, two seeds. All processes of the suite share it, and only read it."""
    folder = shared / "study"
    with FileLock(f"{folder}.lock"):
        ended = folder / "ended.json"
        if not ended.is_file():
            folder.mkdir()
            made = ablation(folder, "-m", "features=cumulative", ORDER, "seeds=2", "study.name=first", *TINY)
            ended.write_text(json.dumps(asdict(made)))
        return folder, Ended(**json.loads(ended.read_text()))
