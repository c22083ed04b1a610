"""What the README says is so: its worked example runs, its commands are accepted, its module map is the package."""

import os
import re
import shlex
import sys
from pathlib import Path

import pytest
from command import TINY, ablation, in_this_process, logged

ROOT = Path(__file__).parent.parent
TEXT = (ROOT / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```python\n(.*?)```", TEXT, re.DOTALL)
COMMANDS = sorted(set(re.findall(r"python -m ablation(?!\.)[^\n`#|]*", TEXT)))


def write_examples(folder: Path) -> None:
    """Write the README's worked examples under the names that it gives them."""
    for name, word in (("my_model.py", "class TwoLayers"), ("label_smoothing.py", "class LabelSmoothing")):
        [code] = [block for block in BLOCKS if word in block]
        (folder / name).write_text(code)
    [code] = [block for block in BLOCKS if "def train(" in block]
    (folder / "my_training.py").write_text(code.partition("\nstudy = ")[0])
    [code] = re.findall(r"```yaml\n(.*?)```", TEXT, re.DOTALL)
    (folder / "mine/subject").mkdir(parents=True)
    (folder / "mine/subject/mytrain.yaml").write_text(code)
    (folder / "train.py").touch()


def test_label_smoothing_from_outside_is_one_file_and_one_line(tmp_path: Path) -> None:
    write_examples(tmp_path)
    [line] = [command for command in COMMANDS if "label_smoothing" in command]
    arguments = shlex.split(line)[3:]
    order = "catalogue.order=[batch_norm,label_smoothing]"
    ended = in_this_process(tmp_path, *arguments, "features=cumulative", order, "seeds=1", *TINY[:-1])
    assert ended.code == 0, ended.err
    arms = {run.data.tags["ablation.arm"]: run for run in logged(tmp_path).trained}
    assert set(arms) == {"", "batch_norm", "batch_norm,label_smoothing"}
    assert arms["batch_norm,label_smoothing"].data.params["feature.label_smoothing"] == "amount=0.1"


def test_a_network_from_outside_trains(tmp_path: Path) -> None:
    write_examples(tmp_path)
    [line] = [command for command in COMMANDS if "my_model" in command]
    arguments = [each for each in (*shlex.split(line)[3:], *TINY[:-1]) if not each.startswith("model.width")]
    ended = in_this_process(tmp_path, *arguments, "catalogue.order=[dropout]", "seeds=1")
    assert ended.code == 0, ended.err
    assert {run.data.params["model"] for run in logged(tmp_path).trained} == {"TwoLayers"}


# Those that need a scheduler, a data set or no study at all are left out.
ELSEWHERE = ("dask", "article", "cifar10", "help", "DIR", "backend=")
PLANNED = [command for command in COMMANDS if not any(word in command for word in ELSEWHERE)]


@pytest.mark.parametrize("command", PLANNED)
def test_every_command_is_accepted(command: str, tmp_path: Path) -> None:
    write_examples(tmp_path)
    # Where the suite runs in an environment that is not activated, there may be no other python.
    path = f"{os.environ['PATH']}{os.pathsep}{Path(sys.executable).parent}"
    ended = ablation(tmp_path, *shlex.split(command)[3:], "plan=true", PATH=path)
    if "--help" in command:
        return
    assert ended.code == 0, ended.err
    assert "seeds = " in ended.out


def test_the_module_map_is_the_package() -> None:
    block = TEXT.split("    ablation/\n")[1].split("    conf/")[0]
    folder, named = "", set()
    for line in block.splitlines():
        names = re.findall(r"\b\w+\.py|\b\w+/(?:\w+)?", line[: line.find("   ", 10)] if line.find("   ", 10) > 0 else line)
        names += re.findall(r"\b\w+\.py", line)
        folder = names[0].rstrip("/") if line.startswith(" " * 6) and line[6] != " " and names and names[0].endswith("/") else folder
        nested = line.startswith(" " * 8)
        named |= {f"{folder}/{name.rstrip('/')}" if nested else name.rstrip("/") for name in names}
    top = {name for name in named if "/" not in name}
    there = {path.name for path in (ROOT / "ablation").iterdir() if path.name not in ("__init__.py", "__pycache__", "py.typed")}
    assert top == there
    for folder in ("effects", "study", "engine", "store", "report", "subjects"):
        files = {path.name for path in (ROOT / "ablation" / folder).glob("*.py") if not path.name.startswith("__")}
        missing = {name for name in files if f"{folder}/{name}" not in named}
        assert not missing, f"{folder}: {missing}"
    for name in named - top:
        folder, _, file = name.partition("/")
        assert list((ROOT / "ablation" / folder).rglob(file)), name


def test_pictures_and_files_that_it_names_are_there() -> None:
    for link in re.findall(r"!\[[^]]*\]\(([^)]+)\)", TEXT):
        assert (ROOT / link).is_file(), link
