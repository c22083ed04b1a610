"""The files that a command is made of: which are found, and which have changed."""

import os
import sys
from pathlib import Path

import pytest

from ablation.errors import InputError
from ablation.subjects.sources import contents, given_files, name_in, named_files, steady, watched


def files(folder: Path, **texts: str) -> Path:
    for name, text in {"train.py": "1", "conf/a.yaml": "2", "conf/more/b.yaml": "3", "pkg/__main__.py": "4", "go.sh": "5", **texts}.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    return folder


@pytest.mark.parametrize(
    ("words", "named"),
    [
        (["python", "train.py", "--seed", "3"], ["train.py"]),
        (["python", "-m", "pkg", "--config=conf/a.yaml"], ["pkg/__main__.py", "conf/a.yaml"]),
        (["python", "-m", "train"], ["train.py"]),
        (["./go.sh"], ["go.sh"]),
        ([sys.executable, "train.py"], ["train.py"]),
        (["echo", "conf", "", "x" * 5000], []),
    ],
    ids=str,
)
def test_files_that_a_command_names(words: list[str], named: list[str], tmp_path: Path) -> None:
    assert [name_in(each, tmp_path) for each in named_files(words, files(tmp_path))] == named


def test_the_python_of_an_environment_in_the_folder_is_no_source(tmp_path: Path) -> None:
    files(tmp_path, **{"venv/pyvenv.cfg": "", "venv/bin/python": "binary"})
    assert named_files(["venv/bin/python", "train.py"], tmp_path) == [tmp_path / "train.py"]


def test_a_script_that_is_not_there_is_refused_with_the_nearest(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"names 'trian.py', which is not in .*; did you mean 'train.py'\?"):
        named_files(["python", "trian.py"], files(tmp_path))


def test_patterns_and_folders(tmp_path: Path) -> None:
    files(tmp_path)
    assert [name_in(each, tmp_path) for each in given_files(["conf"], tmp_path)] == ["conf/a.yaml", "conf/more/b.yaml"]
    assert [name_in(each, tmp_path) for each in given_files(["**/*.yaml", "go.sh"], tmp_path)] == [
        "conf/a.yaml",
        "conf/more/b.yaml",
        "go.sh",
    ]
    with pytest.raises(InputError, match=r"has 'trian.py', which is no file in .*; did you mean 'train.py'\?"):
        given_files(["trian.py"], tmp_path)


def test_contents_change_with_a_file_and_not_with_its_time(tmp_path: Path) -> None:
    script = files(tmp_path) / "train.py"
    before = contents([script], tmp_path)
    os.utime(script, (1, 1))
    assert contents([script], tmp_path) == before
    script.write_text("another")
    assert contents([script], tmp_path) != before


def test_what_is_watched_is_the_rest_but_for_what_runs_write(tmp_path: Path) -> None:
    files(tmp_path, **{"data.csv": "1", ".git/config": "", "mlruns/x": "", "mlflow.db": "", "log.txt": "1", "__pycache__/a.pyc": ""})
    before = watched(tmp_path, {"train.py"})
    assert set(before) == {"conf/a.yaml", "conf/more/b.yaml", "pkg/__main__.py", "go.sh", "data.csv", "log.txt"}
    (tmp_path / "log.txt").write_text("2")
    (tmp_path / "new.txt").write_text("")
    assert set(steady(before, watched(tmp_path, {"train.py"}))) == set(before) - {"log.txt"}
