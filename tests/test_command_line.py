"""The command line of an arm: placeholders, flags, words and shells."""

from typing import Any

import pytest

from ablation.errors import InputError
from ablation.subjects.command_line import CommandLine, flags

FLAGS = {"mixup": ("--mixup 0.2", ""), "ema": ("--ema", "--no-ema")}
BASE, MIXUP, BOTH = frozenset[str](), frozenset({"mixup"}), frozenset({"mixup", "ema"})


def words(template: str, arm: frozenset[str] = BOTH, run_dir: str = "/runs/a b", **more: Any) -> tuple[str, ...]:
    return CommandLine(template, more.pop("given", FLAGS), {}, **more).words(arm, "3", run_dir)


def test_what_the_features_add_becomes_words() -> None:
    template = "python train.py --seed {seed} {features} --name='a b'"
    assert words(template) == ("python", "train.py", "--seed", "3", "--mixup", "0.2", "--ema", "--name=a b")
    assert words(template, BASE) == ("python", "train.py", "--seed", "3", "--no-ema", "--name=a b")


def test_a_feature_with_a_place_of_its_own_is_given_there_alone() -> None:
    assert words("p {feature.ema} run {features}") == ("p", "--ema", "run", "--mixup", "0.2")
    assert words("p {feature.mixup} {feature.ema}", BASE) == ("p", "--no-ema")


def test_a_placeholder_within_a_word_stays_in_that_word() -> None:
    assert words("p --options={features} --out={run_dir}/x {arm}") == ("p", "--options=--mixup 0.2 --ema", "--out=/runs/a b/x", "mixup+ema")
    assert words("p {features} {arm}", BASE)[-1] == "baseline"


def test_flags_have_placeholders_too() -> None:
    assert words("p {features}", given={"save": ("--save {run_dir}/m.pt --of {seed}", "")}, arm=frozenset({"save"})) == (
        "p",
        "--save",
        "/runs/a b/m.pt",
        "--of",
        "3",
    )


def test_braces_that_name_nothing_are_left_alone() -> None:
    assert words('p \'{"lr": {"seed": {seed}}}\' {{seed}} {features}', BASE) == ("p", '{"lr": {"seed": 3}}', "{seed}", "--no-ema")


def test_a_shell_gets_the_line_with_values_in_quotes() -> None:
    line = words("python t.py {features} --out {run_dir} | tee ${HOME}/{seed}.log", shell=True)
    assert line == ("/bin/sh", "-c", "python t.py --mixup 0.2 --ema --out '/runs/a b' | tee ${HOME}/3.log")


def test_variables_have_placeholders() -> None:
    line = CommandLine("p {feature.mixup}", FLAGS, {"SEED": "{seed}", "FLAGS": "{features}"})
    assert line.variables(BOTH, "3", "/r") == {"SEED": "3", "FLAGS": "--ema"}
    assert line.uses("seed") and not line.uses("run_dir")


@pytest.mark.parametrize(
    ("template", "message"),
    [
        ("p {seeed} {features}", "has the unknown placeholder {seeed} (braces that are meant are doubled); did you mean 'seed'?"),
        ("p {feature.mixpu}", "did you mean 'feature.mixup'?"),
        ("p {seed}", "does nothing with the feature 'mixup'; expected {features} or {feature.mixup} in it"),
        ("p {seed} {feature.ema}", "does nothing with the feature 'mixup'"),
        ("p 'a {features}", "cannot be divided into words"),
    ],
)
def test_what_cannot_work_is_refused(template: str, message: str) -> None:
    with pytest.raises(InputError) as caught:
        CommandLine(template, FLAGS, {})
    assert message in str(caught.value) and "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("features", "message"),
    [
        (None, "subject.features is missing"),
        ({}, "expected what each feature adds to the command"),
        (["mixup"], "is no mapping"),
        ({"mixup": ""}, "the feature 'mixup' changes nothing"),
        ({"mixup": ["--a", " --a "]}, "the feature 'mixup' changes nothing"),
        ({"mixup": ["--a"]}, "or [on, off]"),
        ({"mixup": True}, "the feature 'mixup' is given True"),
        ({"a/b": "--a"}, "'a/b' cannot name a feature"),
    ],
)
def test_features_are_texts_or_pairs(features: Any, message: str) -> None:
    with pytest.raises(InputError) as caught:
        flags(features)
    assert message in str(caught.value)


def test_a_list_is_on_and_off() -> None:
    assert flags({"a": ["--a", None], "b": ["", "--no-b"], "c": 3}) == {"a": ("--a", ""), "b": ("", "--no-b"), "c": ("3", "")}
