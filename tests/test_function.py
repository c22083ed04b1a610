"""A function of the user's as a subject: how it is called, what it may return, and what it is recognised by."""

import math
import os
import pickle
import subprocess
import sys
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ablation.errors import InputError
from ablation.study.metric import Metric
from ablation.study.outcome import Outcome
from ablation.study.subject import Trial
from ablation.subjects.function import Function
from ablation.subjects.returned import ResultError

LOSS = Metric("log_loss", "log loss", higher_is_better=False)
ARMS = [frozenset[str](), frozenset({"mixup"}), frozenset({"mixup", "ema"})]


class Listener:
    """Keeps what is reported, as the engine does."""

    def __init__(self) -> None:
        self.history: dict[str, list[float]] = {}

    def __call__(self, *, epoch: int | None = None, **metrics: float) -> None:
        for name, value in metrics.items():
            self.history.setdefault(name, []).append(value)

    def stage(self, words: str) -> None:
        pass


def run(subject: Function, *on: str, seed: int = 7) -> Outcome:
    features = tuple(each for each in subject.features if each in on)
    return subject.run(Trial(frozenset(on), seed, "key", "group", "label", features, {}), Listener())


def train(seed: int, mixup: bool = False, ema: bool = False, alpha: float = 0.1, optimizer: str = "adam", scale: float = 1.0) -> float:
    return scale * (seed + 10 * mixup + 100 * ema) + alpha - 0.1


def loads_file(seed: int, mixup: bool = False) -> float:
    with open("data.csv") as file:
        return float(file.read())


def returning(result: Any) -> Function:
    return Function(lambda seed, mixup=False: result, ["mixup"], LOSS, version="1")


# How it is called ---------------------------------------------------------------------------------------------------------------


def test_features_that_are_on_are_passed_and_the_others_keep_their_defaults() -> None:
    calls = []

    def spied(seed: int, mixup: Any = None, alpha: float = 0.1, weights: Any = "all", ema: Any = False) -> float:
        calls.append((seed, mixup, alpha, weights, ema))
        return 0.5

    subject = Function(spied, {"mixed": {"alpha": 0.2, "mixup": "beta"}, "weights": {"weights": None}, "ema": None}, LOSS, version="1")
    assert subject.features == ("mixed", "weights", "ema")
    assert run(subject).score == run(subject, "mixed", "ema").score == run(subject, "weights", seed=8).score == 0.5
    assert calls == [(7, None, 0.1, "all", False), (7, "beta", 0.2, "all", True), (8, None, 0.1, None, False)]


def test_a_feature_without_a_default_is_false_where_it_is_off() -> None:
    def needs(seed: int, mixup: bool) -> float:
        return 1.0 if mixup is True else 0.0 if mixup is False else math.nan

    subject = Function(needs, ["mixup"], LOSS)
    assert (run(subject).score, run(subject, "mixup").score) == (0, 1)
    assert subject.identity(ARMS[0]) != subject.identity(ARMS[1])


def test_whatever_can_be_called_is_a_function() -> None:
    class Trainer:
        def fit(self, seed: int, mixup: bool = False) -> float:
            return seed + mixup

        def __call__(self, seed: int, mixup: bool = False) -> float:
            return seed - mixup

    def open_ended(**given: Any) -> float:
        return given["seed"] + given.get("mixup", 0)

    named = {
        "train": train,
        "lambda": lambda seed, mixup=False: seed + mixup,
        "Trainer.fit": Trainer().fit,
        "Trainer": Trainer(),
        "open_ended": open_ended,
    }
    scores = {}
    for name, target in named.items():
        subject = Function(target, ["mixup"], LOSS)
        assert subject.name == name
        scores[name] = run(subject, "mixup").score - run(subject).score
    assert scores == {"train": 10, "lambda": 1, "Trainer.fit": 1, "Trainer": -1, "open_ended": 1}


def test_a_partial_binds_what_is_neither_a_feature_nor_the_seed() -> None:
    subject = Function(partial(train, scale=2.0), ["mixup"], LOSS)
    assert run(subject, "mixup").score == 2 * run(Function(train, ["mixup"], LOSS), "mixup").score
    assert subject.name == "train"
    assert subject.params(frozenset())["argument.scale"] == "2.0"
    assert subject.identity(ARMS[0]) != Function(partial(train, scale=3.0), ["mixup"], LOSS).identity(ARMS[0])


def test_what_is_reported_becomes_the_history_and_a_function_need_not_report() -> None:
    def reports(seed: int, mixup: bool = False, report: Any = None) -> dict[str, Any]:
        for epoch in (1, 2):
            report(epoch=epoch, log_loss=1 / epoch)
        return {"log_loss": 0.5, "learning_rate": [0.1, 0.2]}

    assert run(Function(reports, ["mixup"], LOSS)).history == {"log_loss": [1, 0.5], "learning_rate": [0.1, 0.2]}
    assert run(Function(train, ["mixup"], LOSS)).history == {}


# What it may return --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("result", [2, 2.0, np.float32(2), np.int64(2), np.array(2.0), {"log_loss": np.float64(2)}], ids=repr)
def test_a_number_is_a_score(result: Any) -> None:
    score = run(returning(result)).score
    assert score == 2
    assert type(score) is float


def test_a_mapping_holds_the_score_and_more() -> None:
    result = {
        "log_loss": 0.5,
        "accuracy": np.float32(0.75),
        "steps": 10,
        "loss": [3, 2.5],
        "rate": np.array([0.1, 0.2]),
        "diverged": False,
        "spread": math.nan,
        "confusion": np.eye(2),
        "names": ["a", "b"],
        "none": None,
    }
    outcome = run(returning(result))
    assert outcome.score == 0.5
    assert outcome.measures == {"accuracy": 0.75, "steps": 10}
    assert outcome.history == {"loss": [3, 2.5], "rate": [0.1, 0.2]}


@pytest.mark.parametrize(
    ("result", "message"),
    [
        (None, "lambda returned None; expected a finite number, or a mapping that holds 'log_loss'"),
        (True, "lambda returned True; expected a finite number"),
        (np.bool_(True), "lambda returned True; expected"),
        ("0.5", "lambda returned '0.5'; expected"),
        (math.nan, "lambda returned nan; expected a finite number"),
        (np.float64("inf"), "lambda returned inf; expected a finite number"),
        ([0.5], "lambda returned a value of type list; expected"),
        (np.zeros(3), "lambda returned an array of shape (3,); expected"),
        ({}, "lambda returned a mapping without 'log_loss'; known: none"),
        ({"logloss": 1.0}, "lambda returned a mapping without 'log_loss'; did you mean 'logloss'?"),
        (
            {"log_loss": [0.2, 0.1]},
            "lambda returned under 'log_loss' a value of type list; expected a finite number, such as",
        ),
        ({"log_loss": math.nan}, "lambda returned under 'log_loss' nan; expected a finite number"),
    ],
    ids=lambda each: str(each)[:40],
)
def test_anything_else_is_an_error_in_one_sentence(result: Any, message: str) -> None:
    with pytest.raises(ResultError) as caught:
        run(returning(result))
    assert str(caught.value).startswith(message)
    assert "\n" not in str(caught.value)


# What is refused before it costs anything ------------------------------------------------------------------------------------------


def positional(seed: int, mixup: bool = False, /, ema: bool = False) -> float:
    return 0.0


def partly_positional(mixup: bool = False, /, seed: int = 0) -> float:
    return 0.0


def unseeded(mixup: bool = False) -> float:
    return 0.0


def demanding(path: str, seed: int, mixup: bool = False) -> float:
    return 0.0


def alpha_needed(alpha: float, seed: int) -> float:
    return 0.0


def already(seed: int, mixup: bool = True, alpha: float = 0.2) -> float:
    return 0.0


@pytest.mark.parametrize(
    ("target", "features", "message"),
    [
        (3, ["mixup"], "3 cannot be called"),
        (train, [], "features is empty"),
        (train, {}, "features is empty"),
        (train, "mixup", "features='mixup' is no list"),
        (train, {"mixup"}, "is no list; expected names of arguments in order"),
        (train, ["mixup", "mixup"], "the feature 'mixup' is given twice"),
        (train, [""], "'' cannot name a feature"),
        (train, ["a/b"], "'a/b' cannot name a feature"),
        (train, [3], "3 cannot name a feature"),
        (train, ["mixupp"], "train has no argument 'mixupp' for the feature 'mixupp'; did you mean 'mixup'?"),
        (train, {"adamw": {"optimiser": "adamw"}}, "train has no argument 'optimiser' for the feature 'adamw'; did you mean 'optimizer'?"),
        (train, {"mixup": 0.2}, "the feature 'mixup' is given 0.2; expected the arguments that it changes"),
        (train, ["seed"], "the feature 'seed' cannot have 'seed'"),
        (train, {"fixed": {"seed": 3}}, "the feature 'fixed' cannot have 'seed'"),
        (train, {"report": {"alpha": 3}}, "the feature 'report' cannot have 'report'"),
        (
            train,
            {"weak": {"alpha": 0.1, "ema": False}},
            "the feature 'weak' changes nothing: alpha=0.1 and ema=False by default",
        ),
        (already, ["mixup"], "the feature 'mixup' changes nothing: mixup=True by default; the default of already must be what is off"),
        (partial(train, mixup=True), ["mixup"], "the feature 'mixup' changes nothing"),
        (unseeded, ["mixup"], "unseeded has no argument 'seed', which every run is given"),
        (demanding, ["mixup"], "demanding needs the argument 'path', which nothing gives it; give it a default, or bind it with functools"),
        (alpha_needed, {"strong": {"alpha": 1}}, "alpha_needed needs the argument 'alpha', which only the feature 'strong' gives it"),
        (positional, ["ema"], "the argument 'seed' of positional can only be given by position"),
        (partly_positional, ["mixup"], "the argument 'mixup' of partly_positional can only be given by position"),
        (max, ["key"], "max"),
    ],
    ids=lambda each: str(getattr(each, "__name__", each))[:30],
)
def test_what_cannot_work_is_refused(target: Any, features: Any, message: str) -> None:
    with pytest.raises(InputError) as caught:
        Function(target, features, LOSS)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("exclusive", "message"),
    [
        ([("mixup", "emma")], "'emma', which is no feature; did you mean 'ema'?"),
        ([("mixup",)], "at least two"),
        ([("mixup", "mixup")], "at least two"),
        (["mixup", "ema"], "expected groups of features"),
    ],
)
def test_exclusive_groups_are_of_features(exclusive: Any, message: str) -> None:
    with pytest.raises(InputError, match="exclusive has") as caught:
        Function(train, ["mixup", "ema"], LOSS, exclusive)
    assert message in str(caught.value)


def test_an_argument_of_a_feature_by_which_no_run_is_recognised_is_refused(tmp_path: Path) -> None:
    with (tmp_path / "a").open("w") as stream, pytest.raises(InputError, match="the feature 'a' sets 'optimizer' \\(a TextIOWrapper\\)"):
        Function(train, {"a": {"optimizer": stream}}, LOSS)


def test_features_that_cannot_be_on_together_are_not() -> None:
    features = {"adamw": {"optimizer": "adamw", "alpha": 0.3}, "sgd": {"optimizer": "sgd"}, "strong": {"alpha": 0.3}, "mixup": None}
    subject = Function(train, features, LOSS, [("strong", "mixup")])
    assert subject.allows(frozenset({"adamw", "sgd"})) == "'adamw' and 'sgd' set the argument 'optimizer' to different values"
    assert subject.allows(frozenset({"strong", "mixup", "sgd"})) == "'strong' and 'mixup' exclude each other"
    assert subject.allows(frozenset({"adamw", "strong"})) is None


# What it is recognised by ----------------------------------------------------------------------------------------------------------


def test_arms_of_one_function_differ_and_names_of_features_do_not_count() -> None:
    subject = Function(train, ["mixup", "ema"], LOSS)
    renamed = Function(train, {"averaging": {"ema": True}, "mixing": {"mixup": True}}, LOSS)
    identities = [subject.identity(arm) for arm in ARMS]
    assert all(identities.count(each) == 1 for each in identities)
    assert subject.identity(ARMS[1]) == renamed.identity(frozenset({"mixing"}))
    assert subject.identity(ARMS[2]) == renamed.identity(frozenset({"mixing", "averaging"}))
    assert subject.identity(ARMS[0]) != Function(train, ["mixup"], Metric("accuracy")).identity(ARMS[0])


def test_the_version_and_what_a_feature_is_given_count() -> None:
    assert Function(train, ["mixup"], LOSS, version="1").identity(ARMS[0]) != Function(train, ["mixup"], LOSS).identity(ARMS[0])
    weak, strong = (Function(train, {"mixup": {"alpha": alpha}}, LOSS) for alpha in (0.2, 0.3))
    assert weak.identity(ARMS[0]) == strong.identity(ARMS[0])
    assert weak.identity(ARMS[1]) != strong.identity(ARMS[1])

    def hinge(x: float) -> float:
        return max(x, 0)

    def square(x: float) -> float:
        return x * x

    keys = [Function(train, {"mixup": {"optimizer": loss}}, LOSS).identity(ARMS[1]) for loss in (hinge, square)]
    assert keys[0] != keys[1]


def test_data_that_a_run_changes_does_not_change_the_key() -> None:
    data = np.zeros(3)

    def spoils(seed: int, mixup: bool = False) -> float:
        data[0] += 1
        return data[0]

    subject = Function(spoils, ["mixup"], LOSS)
    before = subject.identity(ARMS[1])
    run(subject)
    assert subject.identity(ARMS[1]) == before


def test_a_builtin_needs_a_version() -> None:
    generator = np.random.default_rng(0)
    with pytest.raises(InputError, match="max"):
        Function(max, ["key"], LOSS)
    with pytest.raises(InputError):
        Function(generator.random, ["size"], LOSS)


# What people read ------------------------------------------------------------------------------------------------------------------


def test_what_people_read_of_it() -> None:
    subject = Function(train, {"mixup": None, "strong": {"alpha": 0.2, "optimizer": "adamw"}}, LOSS)
    assert subject.description == "Function: train (test_function)"
    assert subject.settings() == {"function": "test_function.train"}
    assert subject.params(frozenset(subject.features)) == {
        "feature.mixup": "on",
        "feature.strong": "alpha=0.2, optimizer=adamw",
        "function": "train",
    }
    assert subject.params(frozenset()) == {"function": "train"}
    assert subject.protocol().score == "A score is the log loss that train returns."
    assert subject.protocol().intervals == "whatever train draws from its seed"
    assert subject.remarks() == ()
    assert subject.metric is LOSS
    assert [measure.key for measure in subject.measures] == ["seconds"]


def test_what_the_key_does_not_cover_is_a_remark() -> None:
    assert Function(loads_file, ["mixup"], LOSS).remarks() == ("Not covered by the key of a run: files that loads_file opens.",)


def test_versions_of_what_the_function_uses_are_in_the_environment() -> None:
    def uses(seed: int, mixup: bool = False) -> float:
        return float(np.mean([seed, mixup]))

    assert run(Function(uses, ["mixup"], LOSS)).environment == {"numpy": np.__version__}


def test_it_can_go_to_another_process() -> None:
    subject = Function(partial(train, scale=2.0), ["mixup"], LOSS)
    copy = pickle.loads(pickle.dumps(subject))
    assert copy.identity(ARMS[1]) == subject.identity(ARMS[1])
    assert run(copy, "mixup").score == run(subject, "mixup").score


def test_importing_it_imports_nothing_heavy() -> None:
    program = """import sys
import ablation.subjects.function
heavy = {"tensorflow", "keras", "mlflow", "matplotlib", "distributed", "sklearn", "joblib", "pandas"}
print(*heavy & set(sys.modules))"""
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])}
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, env=environment)
    assert ended.stdout.strip() == ""
