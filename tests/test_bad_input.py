"""Bad input: one plain sentence, exit status 1, no traceback, nothing trained, nothing logged."""

from pathlib import Path

import numpy as np
import pytest
from command import ablation, write_function

from ablation.configuration import asked_in_words
from ablation.engine.plan import plan
from ablation.errors import InputError

FUNCTION = ["subject=function", "subject.target=toy.train", "subject.features=[one]"]

CASES = {
    "unknown design": (["features=cumlative"], "did you mean 'cumulative'?"),
    "unknown data": (["data=cifar"], "did you mean 'cifar10'?"),
    "unknown model": (["model=cn"], "did you mean 'cnn'?"),
    "unknown setting": (["trainig.epochs=3"], "did you mean 'training.epochs'?"),
    "unknown key": (["training.epoch=3"], "did you mean 'training.epochs'?"),
    "unknown key, nearly another": (["training.precison=bfloat16"], "did you mean 'training.precision'?"),
    "unknown parameter of a feature": (["catalogue.features.mixup.alpah=1"], "did you mean 'catalogue.features.mixup.alpha'?"),
    "unknown parameter of an added feature": (
        ["+catalogue.features.more={_target_: ablation.images.features.Dropout, rato: 0.5}"],
        "Dropout has no parameter 'rato'; did you mean 'rate'?",
    ),
    "setting that nothing reads": (["+effects.smalest=1"], "did you mean 'smallest'?"),
    "setting that is added": (["+trainng=1"], "the setting 'trainng' is not known; did you mean 'training'?"),
    "setting of another network": (["model.hidden=[3]"], "it belongs to model=mlp or model=vgg16"),
    "width in words": (["model.width=true"], "model.width must be a whole number of at least 1, not true"),
    "rate in words": (["catalogue.features.dropout.rate=many"], "dropout.rate must be a number above 0 and below 1, not many"),
    "network for a function": (["subject=function", "model=mlp"], "'model' belongs to subject=images, and this study has subject=function"),
    "epochs for a function": ([*FUNCTION, "+training.epochs=3"], "'training' belongs to subject=images"),
    "experiment for a function": (["subject=function", "experiment=article"], "'experiment' belongs to subject=images"),
    "function without a name": (["subject=function"], "subject.target=null names no function"),
    "module that is not there": (["subject=function", "subject.target=tyo.train", "subject.features=[one]"], "did you mean 'toy'?"),
    "function that is not there": (["subject=function", "subject.target=toy.trian", "subject.features=[one]"], "did you mean 'train'?"),
    "function without features": (["subject=function", "subject.target=toy.train"], "subject.features is missing"),
    "argument that is not there": ([*FUNCTION, "subject.features=[oen]"], "did you mean 'one'?"),
    "direction in words": ([*FUNCTION, "subject.higher_is_better=up"], "subject.higher_is_better must be true or false, not up"),
    "adaptive function without a precision": ([*FUNCTION, "seeds=auto"], "seeds=auto needs effects.precision"),
    "unknown feature": (["catalogue.order=[augmentaton]"], "did you mean 'augmentation'?"),
    "feature twice": (["catalogue.order=[mixup,mixup]"], "names 'mixup' twice"),
    "no feature": (["catalogue.order=[]"], "catalogue.order is empty"),
    "unknown feature that is on": (["features=only", "features.on=[mixp]"], "did you mean 'mixup'?"),
    "only without features": (["features=only"], "features.on=[augmentation]"),
    "unknown feature to credit": (["features=bookends", "features.of=[mixp]"], "did you mean 'mixup'?"),
    "of without bookends": (["features.of=[mixup]"], "features=bookends"),
    "on without only": (["features.on=[mixup]"], "features=only"),
    "no epochs": (["training.epochs=0"], "training.epochs must be a whole number of at least 1, not 0"),
    "epochs in words": (["training.epochs=many"], "not many"),
    "negative batch": (["training.batch_size=-4"], "training.batch_size must be a whole number of at least 1, not -4"),
    "no seeds": (["seeds=0"], "seeds must be a whole number of at least 1"),
    "seed twice": (["seeds=[1,1]"], "names a seed twice"),
    "negative seed": (["seeds=[-1]"], "seeds must be"),
    "no width": (["model.width=0"], "model.width must be a whole number of at least 1, not 0"),
    "learning rate": (["training.learning_rate=-1"], "training.learning_rate must be a number above 0, not -1"),
    "optimiser": (["training.optimizer=adm"], "did you mean 'adam'?"),
    "precision": (["training.precision=float16"], "training.precision=float16 is not known; did you mean 'bfloat16'?"),
    "optimiser without amsgrad": (
        ["training.optimizer=sgd"],
        "amsgrad does not apply to training.optimizer=sgd, which has no amsgrad; "
        "leave it out: 'catalogue.order=[augmentation,batch_norm,residual,gap,dropout,mixup]'",
    ),
    "network without blocks": (
        ["model=mlp"],
        "leave residual and gap out: 'catalogue.order=[augmentation,batch_norm,dropout,mixup,amsgrad]'",
    ),
    "backend": (["backend=tensorflw"], "did you mean 'tensorflow'?"),
    "scaling": (["data.normalise=symetric"], "did you mean 'symmetric'?"),
    "residual in an mlp": (["model=mlp", "data=npz", "data.path=missing.npz"], "residual does not apply to model=mlp"),
    "head of random weights": (["model=resnet50", "model.trainable=head"], "expected model.weights=imagenet with it"),
    "weights": (["model=mobilenet", "model.weights=imagnet"], "did you mean 'imagenet'?"),
    "hidden layers": (["model=mlp", "model.hidden=[]"], "model.hidden must be a list"),
    "scaling of pretrained weights": (
        ["model=mobilenet", "model.weights=imagenet", "data.normalise=symmetric", "catalogue.order=[dropout]"],
        "data.normalise=symmetric does not apply to model=mobilenet, which has no scaling of pixels but its own",
    ),
    "on_error": (["on_error=stopp"], "did you mean 'stop'?"),
    "validation": (["data.validation=tests"], "did you mean 'test'?"),
    "fraction": (["data.validation_fraction=1.5"], "data.validation_fraction must be a number above 0 and below 1, not 1.5"),
    "limit": (["data.limit=0"], "data.limit must be a whole number of at least 1"),
    "npz without path": (["data=npz"], "data.path"),
    "npz that is missing": (["data=npz", "data.path=missing.npz"], "missing.npz"),
    "folder without path": (["data=folder"], "data.path=DIR"),
    "folder that is missing": (["data=folder", "data.path=missing"], "'missing' does not exist"),
    "what to do with bad images": (["data=folder", "data.path=.", "data.on_bad=skp"], "did you mean 'skip'?"),
    "size of images": (["data=folder", "data.path=.", "data.size=[0,8]"], "data.size must be a height and a width"),
    "size of other data": (["data.size=[8,8]"], "the setting 'data.size' does not go with the data that this study has chosen"),
    "path without npz": (["data.path=images.npz"], "data=npz"),
    "study name": (["study.name=a/b"], "study.name=a/b"),
    "smallest effect": (["effects.smallest=-1"], "effects.smallest"),
    "batch larger than the data": (["data=digits", "data.limit=50", "training.batch_size=64"], "larger than the 40 training images"),
    "dropout rate": (["catalogue.features.dropout.rate=1.5"], "dropout.rate must be a number above 0 and below 1, not 1.5"),
    "workers": (["execution.workers=0"], "execution.workers must be a whole number of at least 1, or null, not 0"),
    "scheduler without address": (["execution=dask"], "execution.address"),
    "a class that is not there": (["+catalogue.features.x={_target_: nowhere.X}"], "nowhere"),
}


def planned(arguments: list[str]) -> None:
    """Do what ``plan=true`` does, in this process."""
    asked = asked_in_words(arguments)
    plan(asked.study, asked.store, asked.execution)


@pytest.mark.parametrize(("arguments", "words"), CASES.values(), ids=CASES.keys())
def test_bad_input_is_refused_in_one_sentence(arguments: list[str], words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    write_function(tmp_path, database=False)
    with pytest.raises(InputError) as raised:
        planned(arguments)
    assert words in str(raised.value)
    assert len(str(raised.value).splitlines()) == 1
    assert not (tmp_path / "mlflow.db").exists()
    assert not (tmp_path / "mlruns" / "studies").exists()


PROCESSES = {
    "of Hydra": (["features=cumlative"], "did you mean 'cumulative'?"),
    "of a setting": (["training.epochs=0"], "training.epochs must be a whole number of at least 1, not 0"),
    "of the images": (["data=npz", "data.path=missing.npz"], "missing.npz"),
    "of the scheduler": (["execution=dask", "execution.address=tcp://127.0.0.1:9"], "cannot be reached"),
    "of a sweep": (["-m", "backend=tensorflow,jax", "execution=inline"], "cannot switch backends inside one process"),
}


@pytest.mark.parametrize(("arguments", "words"), PROCESSES.values(), ids=PROCESSES.keys())
def test_the_command_prints_the_sentence_and_exits_with_one(arguments: list[str], words: str, tmp_path: Path) -> None:
    ended = ablation(tmp_path, *arguments)
    assert ended.code == 1
    assert words in ended.err
    assert len(ended.err.splitlines()) == 1, ended.err
    assert not (tmp_path / "mlflow.db").exists()


def test_a_tracking_server_that_is_not_there(tmp_path: Path) -> None:
    ended = ablation(tmp_path, MLFLOW_TRACKING_URI="http://127.0.0.1:9")
    assert ended.code == 1
    assert "the tracking server http://127.0.0.1:9 cannot be reached" in ended.err
    assert len(ended.err.splitlines()) == 1


def test_images_that_are_too_small_for_the_network(tmp_path: Path) -> None:
    x, y = np.zeros((40, 9, 9), np.uint8), np.arange(40) % 2
    np.savez(tmp_path / "small.npz", x_train=x, y_train=y, x_test=x, y_test=y)
    ended = ablation(tmp_path, "data=npz", "data.path=small.npz")
    assert ended.code == 1
    assert "at least 15 × 15 pixels, and these have 9 × 9" in ended.err
    assert not (tmp_path / "mlflow.db").exists()


def test_a_data_set_that_is_nowhere(tmp_path: Path) -> None:
    ended = ablation(tmp_path, "data=npz", "data.path=.")
    assert ended.code == 1
    assert len(ended.err.splitlines()) == 1


def test_a_feature_that_the_model_does_not_take(tmp_path: Path) -> None:
    (tmp_path / "flat.py").write_text(
        "from dataclasses import dataclass\nfrom typing import ClassVar\n@dataclass(frozen=True)\nclass Flat:\n"
        "    slots: ClassVar = frozenset({'dropout'})\n    def check(self, image_shape): ...\n    def build(self, *_): ...\n"
    )
    ended = ablation(tmp_path, "model._target_=flat.Flat", "~model.width", "features=all", "catalogue.order=[residual]")
    assert ended.code == 1
    assert "residual does not apply to model=Flat, which has no convolution blocks" in ended.err


def test_a_folder_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "mlruns").write_text("a file where a folder should be")
    ended = ablation(tmp_path)
    assert ended.code == 1
    assert len(ended.err.splitlines()) == 1, ended.err
    assert "mlruns" in ended.err


def test_the_other_studies_of_a_sweep_still_run(tmp_path: Path) -> None:
    ended = ablation(tmp_path, "-m", "features=none,all", "training.epochs=0,1", "plan=true")
    assert ended.code == 1
    assert ended.out.count("1 arm × 8 seeds") == 2
    assert len(ended.err.splitlines()) == 2
