"""Mistakes in a user's own files: the cause with file and line, before anything is run or logged."""

import sys
from pathlib import Path

import pytest
from command import ablation

from ablation.configuration import asked_in_words, in_a_sentence
from ablation.engine.plan import plan

FEATURE = """from dataclasses import dataclass, replace

@dataclass(frozen=True)
class Mine:
    rate: float

    def __call__(self, recipe):
        return BODY

    def verify(self, evidence):
        return True
"""
MINE = "+catalogue.features.mine={_target_: own.Mine, rate: 1}"
TRAIN = ["subject=function", "subject.target=own.train", "subject.features=[one]"]

CASES = {
    "a package that is missing": (
        "import os\nimport nowhere_to_be_found",
        [MINE],
        "No module named 'nowhere_to_be_found' (own.py, line 2)",
    ),
    "a syntax error": ("class Mine:\n    def f(self:\n", [MINE], "SyntaxError: '(' was never closed (own.py, line 2)"),
    "a class that is missing": ("class Mien: ...", [MINE], "the module 'own' has no 'Mine'; did you mean 'Mien'?"),
    "a file that is missing": ("", ["model._target_=owm.Net"], "model._target_=owm.Net: there is no module 'owm'; did you mean 'own'?"),
    "a module in place of a class": ("", ["data.source._target_=own"], "data.source._target_=own is a module, which cannot be called"),
    "a parameter that is missing": (
        FEATURE.replace("BODY", "recipe"),
        ["+catalogue.features.mine={_target_: own.Mine}"],
        "Mine needs 'rate'; expected catalogue.features.mine.rate=…",
    ),
    "a class that fails": (
        "class Mine:\n    def __init__(self, rate):\n        rate / 0",
        [MINE],
        "own.Mine: ZeroDivisionError: division by zero (own.py, line 3)",
    ),
    "a feature that fails": (
        FEATURE.replace("BODY", "replace(recipe, dropot=0.3)"),
        [MINE],
        "feature 'mine' cannot be applied: TypeError: Recipe.__init__() got an unexpected keyword argument 'dropot' (own.py, line 8)",
    ),
    "a feature without return": (FEATURE.replace("return BODY", "..."), [MINE], "feature 'mine' returns None; expected a recipe"),
    "a network that is none": (
        "class Net:\n    def build(self): ...",
        ["model._target_=own.Net", "~model.width"],
        "model is a Net, which has no slots or check; expected slots, check and build",
    ),
    "a network whose slot is misspelt": (
        "class Net:\n    slots = {'normalisation'}\n    def check(self, shape): ...\n    def build(self, *_): ...",
        ["model._target_=own.Net", "~model.width"],
        "has the slot 'normalisation', which is none that networks read; did you mean 'normalization'?",
    ),
    "a group among the features": (
        "",
        ["+catalogue.features.both=[dropout,mixup]"],
        "catalogue feature 'both' is a list; features that are toggled as one stand in catalogue.groups",
    ),
    "data that cannot be read": (
        "class Mine:\n    description = 'mine'\n    def identity(self):\n        return open('/nowhere/x.csv')\n    def load(self): ...",
        ["data.source={_target_: own.Mine}"],
        "No such file or directory: '/nowhere/x.csv' (own.py, line 4)",
    ),
    "a function's file that cannot be imported": ("from json import lods", TRAIN, "cannot import name 'lods' from 'json'"),
    "a script that runs when imported": (
        "import sys\nsys.exit(2)",
        TRAIN,
        "subject.target=own.train cannot be imported, because importing it exits the program: SystemExit: 2 (own.py, line 2)",
    ),
    "a file's name": ("", [*TRAIN, "subject.target=own.py"], "expected module.name, with dots for slashes and without .py"),
}


def said(*arguments: str) -> str:
    """Return what the command prints of a plan that cannot be made."""
    try:
        asked = asked_in_words(arguments)
        plan(asked.study, asked.store, asked.execution)
    except Exception as error:
        return str(in_a_sentence(error))
    raise AssertionError("nothing is wrong")


@pytest.mark.parametrize(("text", "arguments", "words"), CASES.values(), ids=CASES.keys())
def test_the_cause_is_named_with_file_and_line(
    text: str, arguments: list[str], words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "own", raising=False)
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    (tmp_path / "own.py").write_text(text)
    sentence = said(*arguments)
    sys.modules.pop("own", None)
    assert words in sentence
    assert len(sentence.splitlines()) == 1
    assert not (tmp_path / "mlflow.db").exists()


COMMAND = "command: python train.py --seed {seed}\nfeatures: {mixup: --mixup}\n"

CONFIGURED = {
    "no YAML": ("command: {seed} python\n", "mine/subject/own.yaml, line 1 is no YAML"),
    "a name that is wrong": (f"defaults: [command, _self_]\n{COMMAND}metrc: score\n", "has no parameter 'metrc'; did you mean 'metric'?"),
    "another base": (f"defaults: [comand, _self_]\n{COMMAND}", "name comand, which is no subject; did you mean 'command'?"),
    "no base": (COMMAND, "subject=own does not say what to run"),
    "a placeholder with a dollar": (
        "defaults: [command, _self_]\ncommand: python ${seed}\n",
        "subject.command names ${seed}, and no setting is called so; a placeholder of a command has no $: {seed}",
    ),
}


@pytest.mark.parametrize(("text", "words"), CONFIGURED.values(), ids=CONFIGURED.keys())
def test_a_file_of_the_configuration_is_read_with_a_sentence(
    text: str, words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "mine/subject").mkdir(parents=True)
    (tmp_path / "mine/subject/own.yaml").write_text(text)
    monkeypatch.chdir(tmp_path)
    assert words in said(f"hydra.searchpath=[file://{tmp_path}/mine]", "subject=own")


ARGUMENTS = {
    "no value": ("plan", "'plan' is no setting; expected name=value, such as plan=true"),
    "braces without quotes": ("subject.command=python train.py {seed}", "'subject.command=\"python train.py {seed}\"'"),
    "a list that is not closed": ("seeds=[1,2", "the value of seeds cannot be read: [1,2; expected a list such as [a,b]"),
    "several numbers": ("seeds=1,2", "seeds=1,2 names several; for a study each: python -m ablation -m seeds=1,2"),
    "a range": ("seeds=range(1,3)", "for a study each: python -m ablation -m 'seeds=range(1,3)'"),
    "a home": ("data.path=~nouser/x.npz", "needs quotes: 'data.path=\"~nouser/x.npz\"'"),
    "several": ("features=cumulative,fractional", "for one study of all: 'features=[cumulative,fractional]'"),
    "a setting of a command": ("subject.metric=acc", "'subject.metric' belongs to subject=command or subject=function"),
}


@pytest.mark.parametrize(("argument", "words"), ARGUMENTS.values(), ids=ARGUMENTS.keys())
def test_an_argument_that_cannot_be_read_says_what_to_type(argument: str, words: str) -> None:
    assert words in said(argument)


def test_the_command_prints_one_sentence_and_exits_with_one(tmp_path: Path) -> None:
    (tmp_path / "own.py").write_text("import nowhere_to_be_found")
    ended = ablation(tmp_path, MINE)
    assert ended.code == 1
    assert ended.err == (
        "ablation: catalogue.features.mine._target_=own.Mine cannot be imported: "
        "ModuleNotFoundError: No module named 'nowhere_to_be_found' (own.py, line 1)\n"
    )
