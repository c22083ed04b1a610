"""Bad input: one plain sentence, exit status 1, no traceback, nothing trained, nothing logged."""

import errno
import os
import re
from pathlib import Path

import numpy as np
import pytest
from command import ablation, write_function

from ablation.configuration import asked_in_words
from ablation.engine.execution.local import Local
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
    "setting of the data that nothing reads": (["+data.limits=100"], "the setting 'data.limits' is not known; did you mean 'limit'?"),
    "setting of the catalogue that nothing reads": (["+catalogue.exclusve=[]"], "did you mean 'exclusive'?"),
    "setting of the features that nothing reads": (["+features.ofs=[mixup]"], "the setting 'features.ofs' is not known"),
    "setting of another network": (["model.hidden=[3]"], "it belongs to model=mlp or model=vgg16"),
    "width in words": (["model.width=true"], "model.width must be a whole number from 1 to 100000, not true"),
    "rate in words": (["catalogue.features.dropout.rate=many"], "dropout.rate must be a number above 0 and below 1, not many"),
    "rate of a feature under another name": (
        ["+catalogue.features.more={_target_: ablation.images.features.Dropout, rate: 2}"],
        "catalogue feature 'more': dropout.rate must be a number above 0 and below 1, not 2",
    ),
    "network for a function": (["subject=function", "model=mlp"], "'model' belongs to subject=images, and this study has subject=function"),
    "epochs for a function": ([*FUNCTION, "+training.epochs=3"], "'training' belongs to subject=images"),
    "experiment for a function": (["subject=function", "experiment=article"], "'experiment' belongs to subject=images"),
    "function without a name": (["subject=function"], "subject.target=null names no function"),
    "module that is not there": (["subject=function", "subject.target=tyo.train", "subject.features=[one]"], "did you mean 'toy'?"),
    "function that is not there": (["subject=function", "subject.target=toy.trian", "subject.features=[one]"], "did you mean 'train'?"),
    "function without features": (["subject=function", "subject.target=toy.train"], "subject.features is missing"),
    "argument that is not there": ([*FUNCTION, "subject.features=[oen]"], "did you mean 'one'?"),
    "a metric that MLflow cannot take": ([*FUNCTION, "subject.metric='acc*'"], "subject.metric=acc* cannot name a metric in MLflow"),
    "a number as a unit": ([*FUNCTION, "subject.unit=5"], "subject.unit must be text, not 5"),
    "direction in words": ([*FUNCTION, "subject.higher_is_better=up"], "subject.higher_is_better must be true or false, not up"),
    "adaptive function without a precision": ([*FUNCTION, "seeds=auto"], "seeds=auto needs effects.precision"),
    "unknown feature": (["catalogue.order=[augmentaton]"], "did you mean 'augmentation'?"),
    "feature twice": (["catalogue.order=[mixup,mixup]"], "names 'mixup' twice"),
    "no feature": (["catalogue.order=[]"], "catalogue.order is empty"),
    "unknown feature that is on": (["features=only", "features.on=[mixp]"], "did you mean 'mixup'?"),
    "only without features": (["features=only"], "features.on=[augmentation]"),
    "unknown feature to credit": (["features=bookends", "features.of=[mixp]"], "did you mean 'mixup'?"),
    "unknown feature to credit, beside one that is there": (["features=bookends", "features.of=[gap,mixp]"], "did you mean 'mixup'?"),
    "unknown feature that is on, where others exclude each other": (
        ["features=only", "features.on=[gap,mixp]", "catalogue.exclusive=[[gap,residual]]"],
        "did you mean 'mixup'?",
    ),
    "of without bookends": (["features.of=[mixup]"], "features=bookends"),
    "on without only": (["features.on=[mixup]"], "features=only"),
    "no epochs": (["training.epochs=0"], "training.epochs must be a whole number from 1 to 1000000, not 0"),
    "epochs in words": (["training.epochs=many"], "not many"),
    "negative batch": (["training.batch_size=-4"], "training.batch_size must be a whole number of at least 1, not -4"),
    "no seeds": (["seeds=0"], "seeds must be a whole number of at least 1"),
    "seed twice": (["seeds=[1,1]"], "names a seed twice"),
    "negative seed": (["seeds=[-1]"], "seeds must be"),
    "no width": (["model.width=0"], "model.width must be a whole number from 1 to 100000, not 0"),
    "learning rate": (["training.learning_rate=-1"], "training.learning_rate must be a number above 0 and at most 1000, not -1"),
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
    "npz that is a folder": (["data=npz", "data.path=."], "data.path '.' is a folder; expected an .npz file"),
    "npz that is missing": (["data=npz", "data.path=missing.npz"], "missing.npz"),
    "folder without path": (["data=folder"], "data.path=DIR"),
    "folder that is missing": (["data=folder", "data.path=missing"], "'missing' does not exist"),
    "what to do with bad images": (["data=folder", "data.path=.", "data.on_bad=skp"], "did you mean 'skip'?"),
    "size of images": (["data=folder", "data.path=.", "data.size=[0,8]"], "data.size must be a height and a width"),
    "size of other data": (["data.size=[8,8]"], "the setting 'data.size' does not go with the data that this study has chosen"),
    "path without npz": (["data.path=images.npz"], "data=npz"),
    "study name": (["study.name=a/b"], "study.name=a/b"),
    "a number as the study's name": (["study.name=5"], "study.name must be text, not 5; a number needs quotes: 'study.name=\"5\"'"),
    "a long study name": (["study.name=" + "a" * 300], "study.name=aaaaaaaaaaaaaaaaaaaa… has 300 letters; expected at most 100"),
    "experiment without a name": (["study.experiment="], "study.experiment must be text of at least one character, not ''"),
    "experiment of null": (["study.experiment=null"], "study.experiment must be text of at least one character, not null"),
    "experiment of a list": (["study.experiment=[a]"], "study.experiment must be text of at least one character, not ['a']"),
    "a long experiment name": (["study.experiment=" + "a" * 600], "study.experiment has 600 letters"),
    "smallest effect that is no number": (["effects.smallest=nan"], "effects.smallest must be a number of at least 0, not nan"),
    "endless precision": (["effects.precision=inf"], "effects.precision must be a number above 0, not inf"),
    "a huge learning rate": (["training.learning_rate=1e300"], "a number above 0 and at most 1000, not 1e+300"),
    "epochs without end": (["training.epochs=100000000000000000000"], "training.epochs must be a whole number from 1 to 1000000"),
    "a huge width": (["model.width=100000000000000000000"], "model.width must be a whole number from 1 to 100000"),
    "a huge limit": (["data.limit=100000000000000000000"], "data.limit must be a whole number from 1 to 1000000000, or null"),
    "a huge seed": (["seeds=[100000000000000000000]"], "seeds must be whole numbers up to 4294967295"),
    "too many seeds": (["seeds=1000000"], "seeds=1000000 asks for too many runs; expected at most 100000"),
    "too many runs": (["seeds=50000"], "8 arms with 50,000 seeds are 400,000 runs; expected at most 100,000"),
    "too many looks": (["effects.looks=[5,1000000]"], "effects.looks=[5, 1000000] ends with 1000000 seeds; expected at most 1000"),
    "too many orders": (["features=shapley", "features.orders=100000000"], "features.orders must be an even number from 2 to 1000"),
    "endless mixup": (["catalogue.features.mixup.alpha=inf"], "mixup.alpha must be a number above 0, not inf"),
    "a list in the order": (["catalogue.order=[[mixup]]"], "catalogue.order must be a list of names, such as [a,b], not [['mixup']]"),
    "an order that is no list": (["catalogue.order=mixup"], "catalogue.order must be a list of names"),
    "features that are no list": (["features=only", "features.on=5"], "features.on must be a list of names"),
    "credits that are no list": (["features=bookends", "features.of=mixup"], "features.of must be a list of names"),
    "groups that are no mapping": (["catalogue.groups=[mixup]"], "catalogue.groups must be lists of features by name"),
    "a group of lists": (["catalogue.groups={mine: [[mixup]]}"], "catalogue.groups.mine must be a list of features"),
    "exclusive that is no list": (["catalogue.exclusive=true"], "catalogue.exclusive is True; expected groups of features"),
    "exclusive of lists": (
        ["catalogue.exclusive=[[[mixup],gap]]"],
        "catalogue.exclusive has [['mixup'], 'gap']; expected groups of features",
    ),
    "a list of optimisers": (["training.optimizer=[sgd]"], "training.optimizer=['sgd'] is not known; did you mean 'sgd'?"),
    "a number as a path": (["data=npz", "data.path=5"], "data.path must be a path, or null, not 5"),
    "a list as a path": (["data=npz", "data.path=[a]"], "data.path must be a path, or null, not ['a']"),
    "a home that does not exist": (["data=npz", 'data.path="~nouser/x.npz"'], "names the home ~nouser, which this machine does not know"),
    "another home that does not exist": (["data=folder", 'data.path="~nouser/x"'], "names the home ~nouser"),
    "a download to such a home": (["data=mnist", 'data.dir="~nouser/x"'], "data.dir=~nouser/x names the home ~nouser"),
    "a device": (["data=npz", "data.path=/dev/zero"], "data.path '/dev/zero' is a device or a pipe; expected an .npz file"),
    "a pipe": (["data=npz", "data.path=pipe.npz"], "data.path 'pipe.npz' is a device or a pipe; expected an .npz file"),
    "no catalogue": (["catalogue=null"], "catalogue=null is not known; known: article, controlled, modern, placebo"),
    "no option in a list": (["features=[cumulative,5]"], "features=5 is not known"),
    "no design": (["features=[]"], "features=[] chooses nothing"),
    "nested brackets": (["seeds=" + "[" * 300 + "]" * 300], "the value of seeds has brackets 300 deep; expected at most 20"),
    "a part that is null": (["study=null"], "study holds settings, such as study.name=…; expected one of them, not study=null"),
    "a part that is a number": (["effects=5"], "effects holds settings, such as effects.smallest=…"),
    "data that are null": (["data.source=null"], "data.source holds settings"),
    "a setting taken away": (["~plan"], "a study needs the setting 'plan'; ~ may not take it away"),
    "a choice taken away": (["~data"], "a study needs the setting 'data.source'; ~ may not take it away"),
    "the subject taken away": (["~subject"], "a study needs a subject"),
    "added for nothing": (["+foo=1"], "the setting 'foo' is not known"),
    "added for nothing to a function": ([*FUNCTION, "+foo=1"], "the setting 'foo' is not known"),
    "a setting without a name": (["=5"], "'=5' is no setting"),
    "a value that cannot be merged": (["catalogue.features=[1]"], "catalogue.features=[1] does not fit"),
    "a setting of itself": (["seeds=${seeds}"], "seeds: "),
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
    os.mkfifo("pipe.npz")
    with pytest.raises(InputError) as raised:
        planned(arguments)
    assert words in str(raised.value)
    assert len(str(raised.value).splitlines()) == 1
    assert not (tmp_path / "mlflow.db").exists()
    assert not (tmp_path / "mlruns" / "studies").exists()


PROCESSES = {
    "of Hydra": (["features=cumlative"], "did you mean 'cumulative'?"),
    "of a setting": (["training.epochs=0"], "training.epochs must be a whole number from 1 to 1000000, not 0"),
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


ADDRESSES = {
    "a port that none has": ("http://127.0.0.1:99999", "names no server (Port out of range 0-65535)"),
    "a bracket that is not closed": ("http://[::1", "names no server (Invalid IPv6 URL)"),
    "no server": ("http://", "names no server"),
    "Databricks": ("databricks", "names Databricks, which this package does not log to"),
    "a folder": ("mlruns", "'mlruns' names a folder, which MLflow no longer logs to"),
    "another kind": ("foo://bar", "names a store of the kind 'foo', which MLflow does not have"),
    "no file": ("sqlite:///", "'sqlite:///' names no database's file"),
    "a pipe": ("sqlite:///pipe.db", "'sqlite:///pipe.db' names a device or a pipe"),
    "a folder that is not there": ("sqlite:////nowhere/x.db", "'/nowhere/x.db' cannot be written"),
    "a driver that nobody knows": ("mysql+foo://x", "names a mysql database by the driver 'foo', which SQLAlchemy does not know"),
}


@pytest.mark.parametrize(("address", "words"), ADDRESSES.values(), ids=ADDRESSES.keys())
def test_a_store_that_cannot_be_one(address: str, words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", address)
    os.mkfifo("pipe.db")
    with pytest.raises(InputError) as raised:
        planned([])
    assert words in str(raised.value)
    assert len(str(raised.value).splitlines()) == 1


def test_an_account_without_a_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(number: int) -> None:
        raise KeyError(number)

    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("HOME")
    monkeypatch.setattr("pwd.getpwuid", unknown)
    with pytest.raises(InputError, match="this account has no home folder, and MLflow needs one; expected HOME to name a writable folder"):
        planned(["data.dir=data"])


def test_shared_memory_that_cannot_be_written(monkeypatch: pytest.MonkeyPatch) -> None:
    def read_only() -> None:
        raise OSError(errno.EROFS, os.strerror(errno.EROFS))

    monkeypatch.setattr("multiprocessing.Lock", read_only)
    words = "worker processes need shared memory, and /dev/shm cannot be used (Read-only file system)"
    with pytest.raises(InputError, match=re.escape(words)), Local(1).open(lambda: None, print):
        pass


def test_a_tracking_server_that_is_not_there(tmp_path: Path) -> None:
    ended = ablation(tmp_path, MLFLOW_TRACKING_URI="http://127.0.0.1:9")
    assert ended.code == 1
    assert "the tracking server http://127.0.0.1:9 cannot be reached" in ended.err
    assert len(ended.err.splitlines()) == 1


def test_images_that_are_too_small_for_the_network(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    x, y = np.zeros((40, 9, 9), np.uint8), np.arange(40) % 2
    np.savez(tmp_path / "small.npz", x_train=x, y_train=y, x_test=x, y_test=y)
    with pytest.raises(InputError, match="at least 15 × 15 pixels, and these have 9 × 9"):
        planned(["data=npz", "data.path=small.npz"])
    assert not (tmp_path / "mlflow.db").exists()


def test_a_feature_that_the_model_does_not_take(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "flat.py").write_text(
        "from dataclasses import dataclass\nfrom typing import ClassVar\n@dataclass(frozen=True)\nclass Flat:\n"
        "    slots: ClassVar = frozenset({'dropout'})\n    def check(self, image_shape): ...\n    def build(self, *_): ...\n"
    )
    with pytest.raises(InputError, match="residual does not apply to model=Flat, which has no convolution blocks"):
        planned(["model._target_=flat.Flat", "~model.width", "features=all", "catalogue.order=[residual]"])


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
