"""Code is recognised again: an edit of what a function uses is noticed, and nothing else is."""

import importlib
import json
import logging
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import Enum
from functools import lru_cache, partial
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pandas as pd
import pytest

from ablation.errors import InputError
from ablation.subjects.source import Identity, identify

Edit = tuple[str, str, str]

FILES = {
    "mine/__init__.py": "",
    "mine/constants.py": "DEPTH = 3\n\ndef far():\n    return DEPTH\n",
    "mine/helpers.py": """
        import math

        from . import constants

        RATE = 0.1

        def build(width):
            return width * math.pi * constants.far()

        class Base:
            momentum = 0.9

            def step(self):
                return self.momentum
        """,
    "late.py": "import later\n\ndef load():\n    return later.VALUE\n",
    "later.py": "VALUE = 1\n",
    "tooling.py": """
        from functools import wraps

        def twice(function):
            @wraps(function)
            def wrapper(*given, **named):
                return 2 * function(*given, **named)
            return wrapper
        """,
    "work.py": """
        import numpy as np

        import mine.helpers
        from mine import helpers
        from mine.helpers import Base
        from tooling import twice

        BATCH = 32
        TABLE = np.arange(10)

        def inner(x):
            return x + 1

        class Net(Base):
            def fit(self):
                return self.step()

        def train(seed, mixup=False, rate=0.1):
            '''Train.'''
            # A comment.
            import late
            return inner(BATCH) + Net().fit() + mine.helpers.build(2) + np.sum(TABLE) + late.load() + helpers.RATE

        @twice
        def decorated(seed):
            return seed

        def even(n):
            return n == 0 or odd(n - 1)

        def odd(n):
            return n != 0 and even(n - 1)

        def unrelated():
            return 1
        """,
}


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., ModuleType]]:
    """Write the files with some edits, and import one of them afresh."""
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    mine = {name.removesuffix(".py").removesuffix("/__init__").replace("/", ".") for name in FILES} | {"moved"}

    def write(*edits: Edit, module: str = "work", files: dict[str, str] = FILES) -> ModuleType:
        from textwrap import dedent

        for name, text in files.items():
            for file, old, new in edits:
                if file == name:
                    assert old in text
                    text = text.replace(old, new)
            (tmp_path / name).parent.mkdir(exist_ok=True)
            (tmp_path / name).write_text(dedent(text))
        for name in mine:
            sys.modules.pop(name, None)
        importlib.invalidate_caches()
        return importlib.import_module(module)

    yield write
    for name in mine:
        sys.modules.pop(name, None)


def key(thing: Any, version: str | None = None) -> str:
    return json.dumps(identify(thing, version).content, sort_keys=True)


@pytest.mark.parametrize(
    "edit",
    [
        ("work.py", "inner(BATCH) +", "inner(BATCH) -"),
        ("work.py", "return x + 1", "return x + 2"),
        ("work.py", "BATCH = 32", "BATCH = 64"),
        ("work.py", "np.arange(10)", "np.arange(10) + (np.arange(10) == 7)"),
        ("work.py", "rate=0.1", "rate=0.2"),
        ("work.py", "class Net(Base)", "class Net(Base, object)"),
        ("work.py", "return self.step()", "return -self.step()"),
        ("mine/helpers.py", "width * math.pi", "width + math.pi"),
        ("mine/helpers.py", "RATE = 0.1", "RATE = 0.3"),
        ("mine/helpers.py", "return self.momentum", "return self.momentum / 2"),
        ("mine/helpers.py", "momentum = 0.9", "momentum = 0.99"),
        ("mine/constants.py", "return DEPTH", "return DEPTH + 1"),
        ("mine/constants.py", "DEPTH = 3", "DEPTH = 4"),
        ("late.py", "return later.VALUE", "return -later.VALUE"),
        ("later.py", "VALUE = 1", "VALUE = 2"),
    ],
    ids=lambda edit: f"{edit[0]}: {edit[2]}",
)
def test_an_edit_of_what_a_function_uses_is_noticed(project: Callable[..., ModuleType], edit: Edit) -> None:
    before = key(project().train)
    assert key(project(edit).train) != before


@pytest.mark.parametrize(
    "edit",
    [
        ("work.py", "def unrelated():\n            return 1", "def unrelated():\n            return 2"),
        ("work.py", "# A comment.", "# Another comment, and a blank line.\n\n"),
        ("work.py", "'''Train.'''", "'''Train, in other words.'''"),
        ("work.py", "BATCH = 32", "BATCH = 16 + 16; SPARE = 3"),
        ("tooling.py", "2 *", "3 *"),
        ("later.py", "VALUE = 1", "# The value.\nVALUE = 1"),
    ],
    ids=lambda edit: f"{edit[0]}: {edit[2]}",
)
def test_an_edit_elsewhere_is_not(project: Callable[..., ModuleType], edit: Edit) -> None:
    before = key(project().train)
    assert key(project(edit).train) == before


def test_a_file_can_move_and_a_module_can_have_another_name(project: Callable[..., ModuleType], tmp_path: Path) -> None:
    before = key(project().train)
    moved = {**FILES, "moved.py": "import os\n\n" + __import__("textwrap").dedent(FILES["work.py"])}
    assert key(project(module="moved", files=moved).train) == before


def test_a_file_that_is_run_as_a_program_is_the_same_as_one_that_is_imported(project: Callable[..., ModuleType], tmp_path: Path) -> None:
    program = "import os, test_source\nos.chdir('/')\nprint(test_source.key(train))\n"
    before = key(project().train)
    (tmp_path / "program.py").write_text((tmp_path / "work.py").read_text() + program)
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(map(str, Path(__file__).parents[:2]))}
    command = [sys.executable, "program.py"]
    ended = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True, env=environment)
    assert ended.stdout.strip() == before


def test_the_users_decorator_counts(project: Callable[..., ModuleType]) -> None:
    before = key(project().decorated)
    assert key(project(("work.py", "return seed", "return seed + 1")).decorated) != before
    assert key(project(("tooling.py", "2 *", "3 *")).decorated) != before
    assert key(project().decorated) == before


def test_functions_that_call_each_other_are_followed_once(project: Callable[..., ModuleType]) -> None:
    before = key(project().even)
    assert len(json.loads(before)["parts"]) == 2
    assert key(project(("work.py", "n != 0 and", "n > 0 and")).even) != before


def test_a_setting_changed_in_the_program_counts(project: Callable[..., ModuleType]) -> None:
    module = project()
    before = key(module.train)
    module.helpers.RATE = 0.7
    changed = key(module.train)
    module.Base.momentum = 0.7
    assert len({before, changed, key(module.train)}) == 3


def test_what_is_installed_counts_by_name_and_its_version_is_known(project: Callable[..., ModuleType]) -> None:
    found = identify(project().train)
    assert dict(found.packages) == {"numpy": np.__version__}
    assert found.left_out == ()


# Values ---------------------------------------------------------------------------------------------------------------------


def over(data: Any) -> Callable[[int], Any]:
    def train(seed: int) -> Any:
        return data

    return train


class Colour(Enum):
    RED = 1
    BLUE = 2


@dataclass(frozen=True)
class Settings:
    rate: float = 0.1
    sizes: tuple[int, ...] = (1, 2)


class Trainer:
    def __init__(self, rate: float) -> None:
        self.rate, self.itself = rate, self

    def fit(self, seed: int) -> float:
        return self.rate

    def __call__(self, seed: int) -> float:
        return self.rate


def loads_file(seed: int) -> str:
    with open("data.csv") as file:
        return file.read() + str(seed)


def squared(x: float) -> float:
    return x * x


def doubled(x: float) -> float:
    return x + x


def estimator(rate: float, function: Callable[[float], float]) -> Any:
    from sklearn.linear_model import SGDClassifier
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import FunctionTransformer

    return make_pipeline(FunctionTransformer(function), SGDClassifier(alpha=rate))


def changed(array: np.ndarray) -> np.ndarray:
    array = array.copy()
    array.flat[-1] += 1
    return array


class Tensor:
    """As PyTorch's: its numbers can be had once it is detached and on the host."""

    def __init__(self, *values: float) -> None:
        self.values, self.device = values, object()

    def __dlpack__(self) -> None:
        raise BufferError

    def detach(self) -> "Tensor":
        return self

    def cpu(self) -> np.ndarray:
        return np.array(self.values)


ARRAY = np.linspace(0, 1, 1000).reshape(10, 100)
FRAME = pd.DataFrame({"x": [1.0, 2.0], "name": ["a", "b"], "when": pd.to_datetime(["2024-01-01", "2024-01-02"])})

VALUES: list[tuple[Callable[[], Any], Callable[[], Any]]] = [
    (lambda: 1, lambda: 2),
    (lambda: 1, lambda: 1.0),
    (lambda: 1, lambda: True),
    (lambda: "a", lambda: b"a"),
    (lambda: float("nan"), lambda: float("inf")),
    (lambda: [1, [2, 3]], lambda: [1, [2, 4]]),
    (lambda: (1, 2), lambda: [1, 2]),
    (lambda: {"a": 1, "b": 2}, lambda: {"a": 1, "b": 3}),
    (lambda: {"one", "two", "three"}, lambda: {"one", "two", "four"}),
    (lambda: {squared, doubled, Colour.RED}, lambda: {squared, doubled, Colour.BLUE}),
    (lambda: Colour.RED, lambda: Colour.BLUE),
    (lambda: Path("a"), lambda: Path("b")),
    (lambda: Settings(), lambda: Settings(0.2)),
    (lambda: Settings(), lambda: Settings(sizes=(1, 3))),
    (lambda: Trainer(0.1), lambda: Trainer(0.2)),
    (lambda: Trainer(0.1).fit, lambda: Trainer(0.2).fit),
    (lambda: Trainer(0.1), lambda: Trainer(0.1).fit),
    (lambda: partial(squared, x=1), lambda: partial(squared, x=2)),
    (lambda: partial(squared, ARRAY), lambda: partial(squared, changed(ARRAY))),
    (lambda: lru_cache(squared), lambda: lru_cache(doubled)),
    (lambda: ARRAY, lambda: changed(ARRAY)),
    (lambda: ARRAY, lambda: ARRAY.astype(np.float32)),
    (lambda: ARRAY, lambda: ARRAY.T),
    (lambda: np.float32(1), lambda: np.float64(1)),
    (lambda: np.array(["a", None], dtype=object), lambda: np.array(["b", None], dtype=object)),
    (lambda: np.ma.array([1, 2], mask=[0, 1]), lambda: np.ma.array([1, 2], mask=[1, 1])),
    (lambda: np.random.default_rng(0), lambda: np.random.default_rng(1)),
    (lambda: FRAME, lambda: FRAME.assign(x=[1.0, 3.0])),
    (lambda: FRAME, lambda: FRAME.assign(name=["a", "c"])),
    (lambda: FRAME["x"], lambda: FRAME["x"].set_axis([5, 6])),
    (lambda: Tensor(1.0), lambda: Tensor(2.0)),
    (lambda: estimator(0.1, squared), lambda: estimator(0.2, squared)),
    (lambda: estimator(0.1, squared), lambda: estimator(0.1, doubled)),
    (lambda: np.mean, lambda: np.median),
    (lambda: np.exp, lambda: np.log),
    (lambda: sum, lambda: max),
    (lambda: np.zeros(2, [("a", "i1"), ("b", "f8")]), lambda: np.ones(2, [("a", "i1"), ("b", "f8")])),
    (lambda: __import__("re").compile("a"), lambda: __import__("re").compile("b")),
    (lambda: lambda x: x + 1, lambda: lambda x: x + 2),
]


@pytest.mark.parametrize("number", range(len(VALUES)))
def test_a_value_is_recognised_and_another_one_is_not(number: int) -> None:
    one, other = VALUES[number]
    assert key(over(one())) == key(over(one()))
    assert key(over(one())) != key(over(other()))


def test_all_keys_are_the_same_in_another_process() -> None:
    program = "import test_source as t, sys; sys.stdout.write('\\n'.join(t.key(t.over(one())) for one, _ in t.VALUES))"
    here = Path(__file__).parent
    environment = {**os.environ, "PYTHONPATH": f"{here.parent}{os.pathsep}{here}"}
    other = {**environment, "PYTHONHASHSEED": "1"}  # than this one's, which is drawn
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, env=other)
    assert ended.stdout.split("\n") == [key(over(one())) for one, _ in VALUES]


def test_using_a_data_frame_leaves_its_key_as_it_is() -> None:
    frame = FRAME.copy()
    before = key(over(frame))
    frame["x"].mean(), frame.index.is_unique, frame.groupby("name").sum(numeric_only=True)
    assert key(over(frame)) == before


def test_two_lambdas_on_one_line_are_two() -> None:
    one, other = lambda seed: seed + 1, lambda seed: seed + 2
    assert key(one) != key(other)
    outer, inner = (lambda seed: lambda: seed), (lambda seed: lambda: -seed)
    assert key(outer) != key(inner)
    assert key(outer(1)) != key(inner(1))
    assert key(outer(1)) == key(outer(1)) != key(outer(2))


def test_a_lambda_is_known_by_itself_and_not_by_the_rest_of_its_line(project: Callable[..., ModuleType]) -> None:
    files = {"moved.py": "train, other = (lambda seed: seed), 3\n"}
    before = key(project(module="moved", files=files).train)
    assert key(project(("moved.py", "3", "4"), module="moved", files=files).train) == before
    assert key(project(("moved.py", ": seed", ": -seed"), module="moved", files=files).train) != before


def test_the_name_of_a_logger_does_not_count() -> None:
    assert key(over(logging.getLogger("one"))) == key(over(logging.getLogger("other")))


# A notebook ------------------------------------------------------------------------------------------------------------------


def test_a_cell_of_a_notebook_is_read() -> None:
    from IPython.core.interactiveshell import InteractiveShell

    def cells(*texts: str) -> Identity:
        shell = InteractiveShell()
        for text in texts:
            shell.run_cell(text).raise_error()
        try:
            return identify(shell.user_ns["train"])
        finally:
            shell.history_manager.end_session()

    settings = "class Settings:\n    rate = 0.1\n"
    helper = "def helper():\n    return Settings.rate\n"
    train = "def train(seed):\n    return helper() + seed\n"
    before = cells(settings, helper, train).content
    assert cells(settings, helper, "x = 1\n" + train).content == before
    assert cells(settings, helper.replace("rate", "rate / 2"), train).content != before
    assert cells(settings.replace("0.1", "0.2"), helper, train).content != before
    assert cells(settings, train).left_out == ("helper, which is not defined yet",)


# What cannot be recognised ------------------------------------------------------------------------------------------------------


def test_an_open_file_is_refused_with_a_way_out(tmp_path: Path) -> None:
    with (tmp_path / "a").open("w") as stream:
        message = "the closure of over.train holds 'data' (a TextIOWrapper), by which a run cannot be recognised again; pass it in by name"
        with pytest.raises(InputError) as caught:
            identify(over(stream))
        assert str(caught.value).startswith(message)
        assert "version='1'" in str(caught.value)
        known = identify(over(stream), version="1")
        assert known.left_out == ("the closure of over.train holds 'data' (a TextIOWrapper)",)
        assert key(over(stream), "1") == key(over(stream), "1") != key(over(stream), "2")


def test_an_object_that_holds_a_lock_is_refused_by_the_name_of_the_lock() -> None:
    trainer = Trainer(0.1)
    vars(trainer)["lock"] = threading.Lock()
    with pytest.raises(InputError, match="the Trainer holds 'lock' \\(a lock\\)"):
        identify(trainer.fit)
    known = identify(trainer.fit, "1")
    assert len(known.left_out) == 1
    trainer.rate = 0.2
    assert known != identify(trainer.fit, "1")


@pytest.mark.parametrize("value", [(each for each in [1]), sys.modules, threading.Lock()], ids=lambda value: type(value).__name__)
def test_what_no_run_can_be_recognised_by_is_refused(value: Any) -> None:
    with pytest.raises(InputError, match="cannot be recognised again"):
        identify(over({"deep": [value]}))


def test_a_list_that_holds_itself_is_refused() -> None:
    endless: list[Any] = []
    endless.append(endless)
    with pytest.raises(InputError, match="reference to itself"):
        identify(over(endless))


def test_source_that_cannot_be_read_is_refused_with_a_way_out() -> None:
    program = """if True:
        from ablation.subjects.source import identify
        def train(seed): return seed
        try:
            identify(train)
        except ValueError as error:
            print(error)
        print(identify(train, version="3").left_out)
        """
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])}
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, env=environment)
    refused, left_out = ended.stdout.splitlines()
    assert refused.startswith("the source of train cannot be read")
    assert "version='1'" in refused
    assert left_out == "('the source of train',)"


def test_what_a_function_opens_by_itself_is_no_part_of_its_key() -> None:
    assert identify(loads_file).left_out == ("files that loads_file opens",)


def test_a_variable_of_the_closure_that_is_not_set_yet_is_left_out() -> None:
    def train(seed: int) -> Any:
        return later

    assert identify(train).left_out == ("later, which is not defined yet",)
    later = 1
    assert identify(train).left_out == ()
