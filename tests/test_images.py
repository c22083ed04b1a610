"""What a study of images says of itself: how many images it has, what is left over, what its noise is made of."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import ClassVar

import numpy as np
import pytest

from ablation.configuration import asked_in_words
from ablation.errors import InputError
from ablation.images.catalogue import Catalogue
from ablation.images.features.feature import Evidence
from ablation.images.held_out import packed
from ablation.images.recipe import Recipe
from ablation.images.subject import Images
from ablation.study.outcome import Result


@dataclass(frozen=True)
class NeedsAnother:
    """A feature that cannot be on by itself."""

    known_as: ClassVar[str] = "needs_another"

    def __call__(self, recipe: Recipe) -> Recipe:
        raise InputError("it goes with a warp alone")

    def verify(self, evidence: Evidence) -> bool:
        return True


@pytest.fixture
def subject(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Images:
    """Thirty digits of ten classes, of which an eighth is to be held out, in the order in which they are stored."""
    monkeypatch.chdir(tmp_path)
    words = ("data=digits", "data.limit=30", "data.validation_fraction=0.125", "training.batch_size=8", "training.shuffle=false")
    found = asked_in_words(words).study.subject
    assert isinstance(found, Images)
    found.prepare()
    return found


def test_images_are_counted_as_a_run_divides_them(subject: Images) -> None:
    assert "20 training and 10 validation images" in subject.methods()[0], "one of each class at least"
    assert subject.metric.step == 1 / 10
    assert "on 12.5% of the training images" in subject.protocol().score


def test_images_that_are_never_trained_on_are_pointed_out(subject: Images) -> None:
    said = "Without shuffling, the last 4 training images fill no whole batch and are never trained on."
    assert said in subject.remarks()
    assert said not in replace(subject, training=replace(subject.training, shuffle=True)).remarks()


def test_a_feature_that_needs_another_one_is_not_called_idle(subject: Images) -> None:
    remarks = replace(subject, catalogue=Catalogue({"needs": NeedsAnother()})).remarks()
    assert not [each for each in remarks if "needs" in each]


def test_one_validation_image_says_nothing_of_noise(subject: Images) -> None:
    runs = {(frozenset[str](), seed): Result(float(seed)) for seed in (0, 1)}
    sentences = subject.variability(runs, lambda result, name: packed(np.array([result.score > 0])))
    assert len(sentences) == 1 and sentences[0].startswith("Intervals cover")
