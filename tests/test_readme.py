"""What the README says is so: its worked example runs, its commands are accepted, its module map is the package."""

import re
import shlex
from pathlib import Path

import pytest
from command import TINY, ablation, logged

ROOT = Path(__file__).parent.parent
TEXT = (ROOT / "README.md").read_text(encoding="utf-8")
COMMANDS = sorted(set(re.findall(r"python -m ablation(?!\.)[^\n`#|]*", TEXT)))


def test_label_smoothing_from_outside_is_one_file_and_one_line(tmp_path: Path) -> None:
    [code] = re.findall(r"```python\n(.*?)```", TEXT, re.DOTALL)
    (tmp_path / "label_smoothing.py").write_text(code)
    [line] = [command for command in COMMANDS if "label_smoothing" in command]
    arguments = shlex.split(line)[3:]
    order = "catalogue.order=[batch_norm,label_smoothing]"
    ended = ablation(tmp_path, *arguments, "features=cumulative", order, "seeds=1", "execution=inline", *TINY[:-1])
    assert ended.code == 0, ended.err
    arms = {run.data.tags["ablation.arm"]: run for run in logged(tmp_path).trained}
    assert set(arms) == {"", "batch_norm", "batch_norm,label_smoothing"}
    assert arms["batch_norm,label_smoothing"].data.params["feature.label_smoothing"] == "amount=0.1"


# Those that need a scheduler, a data set or no study at all are left out.
PLANNED = [command for command in COMMANDS if not {"dask", "article", "cifar10", "help"} & set(re.findall(r"\w+", command))]


@pytest.mark.parametrize("command", PLANNED)
def test_every_command_is_accepted(command: str, tmp_path: Path) -> None:
    (tmp_path / "label_smoothing.py").write_text(re.findall(r"```python\n(.*?)```", TEXT, re.DOTALL)[0])
    ended = ablation(tmp_path, *shlex.split(command)[3:], "plan=true")
    if "--help" in command:
        return
    assert ended.code == 0, ended.err
    assert "seeds = " in ended.out


def test_the_module_map_is_the_package() -> None:
    block = TEXT.split("    ablation/\n")[1].split("    conf/")[0]
    named = {name.rstrip("/") for line in block.splitlines() for name in re.findall(r"\b\w+\.py|^ {6}\w+/", line)}
    named = {name.strip() for name in named}
    there = {path.name for path in (ROOT / "ablation").iterdir() if path.name not in ("__init__.py", "__pycache__", "py.typed")}
    assert named == there


def test_pictures_and_files_that_it_names_are_there() -> None:
    for link in re.findall(r"!\[[^]]*\]\(([^)]+)\)", TEXT):
        assert (ROOT / link).is_file(), link
