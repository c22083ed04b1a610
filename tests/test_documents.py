"""What README and docs say is so: commands work, examples run, links lead somewhere, and the map of modules is the package.

Every command is run, all of them in this process and in one empty folder, since a process of its own imports for seconds:

- ``python -m ablation …`` by the package's own entry, with ``plan=true``: it composes and checks everything, and trains nothing;
- cells of tables under *command*, *option* or *setting* are settings of that command, and are composed and planned without it;
- ``ablation.analyse`` on a small table, and ``ablation.report`` on a small study;
- benchmarks by their own parser of the command line.

What cannot be run so is listed under ``NOT_HERE``, each with its reason.
"""

import argparse
import importlib
import os
import re
import runpy
import shlex
import shutil
import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from command import ASKED, TINY, in_this_process, logged, undrawn, write_function
from PIL import Image

from ablation import configuration
from ablation.__main__ import main as of_studies
from ablation.elsewhere.command import main as of_results
from ablation.engine.plan import plan
from ablation.report.__main__ import main as of_reports

ROOT = Path(__file__).parent.parent
PAGES = (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")))
TEXTS = {page.relative_to(ROOT).as_posix(): page.read_text(encoding="utf-8") for page in PAGES}

NOT_HERE = {
    "python3 -m venv": "makes an environment; .ci/run does it",
    ".venv/bin/": "of the environment that it makes; .ci/run does the same",
    ".ci/run": "runs this test",
    "pip install": "installs; .ci/run does it",
    "python -W error -m pdoc": "reads every module; .ci/run does it",
    "mlflow ui": "a server, which does not end",
    "execution=dask": "needs a running scheduler; test_execution.py starts one",
    "execution.gpus=[0": "needs these GPUs; test_gpus.py has a stand-in for a driver",
    "tests/slurm.py": "needs a SLURM",
    "tests/postgres.py": "needs a PostgreSQL",
    "tests/scheduler.py": "starts schedulers and workers for minutes",
    "mlflow server": "a server, which does not end",
    "MLFLOW_TRACKING_URI=http": "needs such a server",
    "tests/fuzz.py": "takes a minute or more; test_fuzz.py runs a part",
    "python -m ablation.images.predict": "needs a trained network; test_predictions.py trains one",
    "python -m ablation.compare": "needs two finished studies; test_two_studies.py makes them",
    "python -m ablation.images.compare": "needs trained networks on several backends; test_compare.py has some",
}
STARTS = ("python", ".venv", ".ci", "pip ", "mlflow ", "PYTHONPATH=", "bench.py", "ablation ")


# ---- reading the documents ----------------------------------------------------------------------------------------------------


def blocks(text: str, language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", text, re.DOTALL)


def commands(text: str) -> Iterator[str]:
    """Walk the commands of a page: indented lines, code within a sentence, and the first cells of tables of commands."""
    prose = re.sub(r"```.*?```", "", text, flags=re.DOTALL)
    settings = False
    for line in prose.splitlines():
        if line.startswith("    "):
            words = re.sub(r"\s+#\s.*", "", line.strip())
            if words.startswith(STARTS):
                yield words
            continue
        if not line.startswith("|"):
            settings = False
        elif re.match(r"\| (command|option|setting) \|", line):
            settings = True
        elif settings:
            yield from re.findall(r"`([^`]+)`", line.split(" | ")[0])
        yield from (code for code in re.findall(r"`([^`]+)`", line) if code.startswith(STARTS) and " " in code)


COMMANDS = sorted({command for text in TEXTS.values() for command in commands(text)})
HERE = [command for command in COMMANDS if not any(part in command for part in NOT_HERE) and "…" not in command]
STUDIES = [command for command in HERE if re.match(r"python -m ablation( |$)|-m ", command)]
SETTINGS = [command for command in HERE if re.match(r"'?[\w.]+=", command) and "PATH=" not in command]
BENCHMARKS = [command for command in HERE if "benchmarks" in command or "bench.py" in command]
OTHERS = [command for command in HERE if command not in (*STUDIES, *SETTINGS, *BENCHMARKS)]


# ---- what they find in their folder -------------------------------------------------------------------------------------------


def write_examples(folder: Path) -> None:
    """Write the examples of the documents under the names that they give them."""
    python = [block for text in TEXTS.values() for block in blocks(text, "python")]
    for name, word in (("my_model.py", "class TwoLayers"), ("label_smoothing.py", "class LabelSmoothing")):
        [code] = [block for block in python if word in block]
        (folder / name).write_text(code)
    (folder / "my_training.py").write_text(blocks(TEXTS["docs/own_training.md"], "python")[0].partition("\nstudy = ")[0])
    (folder / "mine/subject").mkdir(parents=True)
    (folder / "mine/subject/mytrain.yaml").write_text(blocks(TEXTS["README.md"], "yaml")[0])
    (folder / "train.py").touch()
    shutil.copytree(ROOT / "docs/examples", folder, dirs_exist_ok=True)
    shutil.copytree(ROOT / "docs/examples/techniques", folder, dirs_exist_ok=True)


def write_data(folder: Path) -> None:
    """Write a table of results, a folder of images, an archive of images, and stand-ins for the data sets that are downloaded."""
    rows = [
        {"mixup": step > 0, "cosine": step > 1, "ema": step > 2, "seed": seed, "val_acc": 0.7 + 0.01 * step + 0.003 * seed * step}
        for step in range(4)
        for seed in range(3)
    ]
    pd.DataFrame(rows).to_csv(folder / "results.csv", index=False)
    for kind in ("cats", "dogs"):
        (folder / "DIR" / kind).mkdir(parents=True)
        for number in range(40):
            Image.new("RGB", (32, 32), (6 * number, 0, 0)).save(folder / "DIR" / kind / f"{number}.png")
    for name, shape, classes, count in (
        ("cifar10", (32, 32, 3), 10, 12_500),
        ("cifar100", (32, 32, 3), 100, 1_000),
        ("mnist", (28, 28), 10, 1_000),
        ("fashion_mnist", (28, 28), 10, 1_000),
    ):
        images = {f"x_{part}": np.zeros((size, *shape), np.uint8) for part, size in (("train", count), ("test", 200))}
        labels = {f"y_{part}": np.arange(size) % classes for part, size in (("train", count), ("test", 200))}
        np.savez_compressed(folder / f"{name}.npz", **images, **labels)
    os.link(folder / "mnist.npz", folder / "FILE")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a small finished study called NAME and all that the commands ask for."""
    folder = tmp_path_factory.mktemp("documents")
    write_examples(folder)
    write_data(folder)
    write_function(folder)
    assert in_this_process(folder, *ASKED, "seeds=3", "study.name=NAME").code == 0
    shutil.copy(folder / "mlruns/studies/NAME/runs.csv", folder)
    return folder


@pytest.fixture
def run(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., int]]:
    """Run one of the package's commands in that folder, and return its exit status."""
    # A command ends with its process, and leaves Ctrl-C to end it at once; this process has other tests.
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    monkeypatch.chdir(folder)
    monkeypatch.syspath_prepend(folder)
    monkeypatch.setenv("ABLATION_DATA_DIR", str(folder))
    monkeypatch.setenv("PATH", f"{os.environ['PATH']}{os.pathsep}{Path(sys.executable).parent}")
    # A plan does not import a backend, and the suite runs where only one is installed.
    monkeypatch.setattr("ablation.configuration.asked.find_spec", lambda name: name)

    def do(main: Callable[[], int | None], *words: str) -> int:
        monkeypatch.setattr(sys, "argv", ["ablation", *words])
        try:
            return main() or 0
        except SystemExit as ended:
            return int(ended.code or 0)

    yield do
    for number, handler in before.items():
        signal.signal(number, handler)


# ---- the commands -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("command", STUDIES)
def test_a_command_plans_its_study(command: str, run: Callable[..., int], capfd: pytest.CaptureFixture[str]) -> None:
    words = shlex.split(command.removeprefix("python -m ablation"))
    planned = [*words, *([] if "plan=true" in words or "--help" in words else ["plan=true"])]
    code, shown = run(of_studies, *planned), capfd.readouterr()
    assert code == 0, shown.err
    assert ("Choices (name=option)" if "--help" in words else "finished already: ") in shown.out


@pytest.mark.parametrize("settings", SETTINGS)
@pytest.mark.usefixtures("run")
def test_settings_make_a_study(settings: str) -> None:
    asked = configuration.asked_in_words(shlex.split(settings))
    assert plan(asked.study, asked.store, asked.execution).missing


@pytest.mark.parametrize("command", OTHERS)
def test_a_command_about_finished_runs_works(
    command: str, run: Callable[..., int], capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("webbrowser.open", lambda address: True)
    python, option, module, *words = shlex.split(command)
    mains = {"ablation.analyse": of_results, "ablation.report": of_reports}
    assert (python, option) == ("python", "-m") and module in mains, "no test runs this command"
    with undrawn():
        code, shown = run(lambda: mains[module](words)), capfd.readouterr()
    assert code == 0, shown.err


class ParsedError(Exception):
    """A benchmark has read its command line, and would begin."""


@pytest.mark.parametrize("command", BENCHMARKS)
def test_a_benchmark_takes_its_options(command: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def parsed(parser: argparse.ArgumentParser, words: Sequence[str] | None = None) -> None:
        _, unknown = parser.parse_known_args(words)
        raise ParsedError(*unknown)

    words = [word for word in shlex.split(command) if not word.startswith("PYTHONPATH=") and word != "python"]
    module = words[1] if words[0] == "-m" else None
    monkeypatch.setattr(argparse.ArgumentParser, "parse_args", parsed)
    monkeypatch.syspath_prepend(ROOT / "tests/benchmarks")
    monkeypatch.setattr(sys, "argv", words[1:] if module else words)
    run, what = (runpy.run_module, module) if module else (runpy.run_path, f"{ROOT}/tests/benchmarks/{Path(words[0]).name}")
    with pytest.raises(ParsedError) as began:
        run(what, run_name="__main__")
    assert not began.value.args, f"it has no {began.value.args}"


# ---- the examples -------------------------------------------------------------------------------------------------------------


STUBS = """
def fit(seed, *features):
    return seed + sum(features)


def accuracy(network):
    return network / 100


def one_epoch(seed, *features):
    return 0.5 + 0.01 * seed + 0.1 * sum(features)


"""


@pytest.mark.parametrize("page", ["README.md", "docs/own_training.md"])
def test_the_function_is_ablated(page: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import ablation

    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    whole = ablation.run
    made = []
    monkeypatch.setattr(
        ablation, "run", lambda *a, **k: made.append(whole(*a, **{**k, "seeds": 1}, execution="inline")) or made[0], raising=False
    )
    name = f"example_{Path(page).stem.lower()}"
    (tmp_path / f"{name}.py").write_text(STUBS + blocks(TEXTS[page], "python")[0])
    with undrawn():
        importlib.import_module(name)
        assert list(made[0].effects.feature) == ["mixup", "cosine", "ema"]
        assert made[0].report().is_file()


def test_features_from_outside_train_and_prove_themselves(tmp_path: Path) -> None:
    write_examples(tmp_path)
    page = blocks(TEXTS["docs/features.md"], "python")
    (tmp_path / "my_features.py").write_text("\n\n".join(page[1:]))
    [line] = [command for command in STUDIES if "label_smoothing" in command]
    added = {"layer_norm": "LayerNorm", "brightness": "Brightness", "nesterov": "Nesterov"}
    assert {"LabelSmoothing", *added.values()} == set(re.findall(r"^class (\w+)", "\n".join(page), re.MULTILINE))
    more = [f"+catalogue.features.{name}={{_target_: my_features.{kind}}}" for name, kind in added.items()]
    order = f"catalogue.order=[label_smoothing,{','.join(added)}]"
    ended = in_this_process(tmp_path, *shlex.split(line)[3:], *more, order, "features=all", "seeds=1", "training.optimizer=sgd", *TINY[:-1])
    assert ended.code == 0, ended.err
    [run] = logged(tmp_path).trained
    assert run.data.params["feature.label_smoothing"] == "amount=0.1"


def test_a_network_from_outside_trains(tmp_path: Path) -> None:
    write_examples(tmp_path)
    [line] = [command for command in STUDIES if "my_model" in command]
    arguments = [each for each in (*shlex.split(line)[3:], *TINY[:-1]) if not each.startswith("model.width")]
    ended = in_this_process(tmp_path, *arguments, "catalogue.order=[dropout]", "features=all", "seeds=1")
    assert ended.code == 0, ended.err
    assert {run.data.params["model"] for run in logged(tmp_path).trained} == {"TwoLayers"}


# ---- the pages ----------------------------------------------------------------------------------------------------------------


def anchors(text: str) -> set[str]:
    """Return the anchors of a page's headings, as GitHub makes them."""
    heads = re.findall(r"^#+ (.*)", re.sub(r"```.*?```", "", text, flags=re.DOTALL), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", head.lower()).replace(" ", "-") for head in heads}


@pytest.mark.parametrize("page", TEXTS)
def test_links_lead_somewhere(page: str) -> None:
    text = re.sub(r"```.*?```", "", TEXTS[page], flags=re.DOTALL)
    for link in re.findall(r"\]\(([^)\s]+)\)", text):
        if link.startswith(("https://", "http://")):
            continue
        path, _, anchor = link.partition("#")
        target = (ROOT / page).parent / path if path else ROOT / page
        assert target.exists(), link
        assert not anchor or anchor in anchors(target.read_text(encoding="utf-8")), link


def test_every_page_and_picture_is_linked() -> None:
    linked = {link.partition("#")[0].rpartition("/")[2] for text in TEXTS.values() for link in re.findall(r"\]\(([^)\s]+)\)", text)}
    there = {file.name for file in (ROOT / "docs").iterdir() if file.suffix in (".md", ".png")}
    assert there <= linked


def test_the_readme_is_short() -> None:
    assert len(TEXTS["README.md"].split()) <= 1_500


OF_A_KIND = ("designs", "charts", "images/features", "images/models", "images/data", "images/training/loops", "images/charts")
"""Folders of one file a thing, which the map describes as a whole."""


def test_the_module_map_is_the_package() -> None:
    block = TEXTS["docs/CONTRIBUTING.md"].split("    ablation/\n")[1].split("    conf/")[0]
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
    missing = set()
    for path in (ROOT / "ablation").rglob("*.py"):
        place = path.relative_to(ROOT / "ablation")
        alike = any(place.is_relative_to(folder) for folder in OF_A_KIND)
        if not alike and len(place.parts) > 1 and not path.name.startswith("__") and f"{place.parts[0]}/{path.name}" not in named:
            missing.add(place.as_posix())
    assert not missing
    for name in named - top:
        folder, _, file = name.partition("/")
        assert list((ROOT / "ablation" / folder).rglob(file)), name
