"""Imports run one way, downwards, and what is slow to import is imported where it is used."""

import ast
import json
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest
from command import environment, write_function

import ablation

PACKAGE = Path(ablation.__file__).parent
FILES = sorted(PACKAGE.rglob("*.py"))

# Each module or folder imports only from rows below its own. A new one gets a place here.
LAYERS = (
    ("__main__", "images.predict", "images.compare.__main__", "report.__main__", "compare.__main__", "analyse"),
    ("api",),
    ("configuration",),
    ("elsewhere",),
    ("report.following",),
    ("subjects", "report.rebuild", "report.screen"),
    ("images.subject",),
    ("images.worker",),
    ("images.charts",),
    ("images.compare",),
    ("compare",),
    ("engine",),
    ("report.publish",),
    ("images",),
    ("report",),
    ("charts",),
    ("store",),
    ("study",),
    ("effects",),
    ("designs",),
    ("checks",),
    ("errors", "wording", "quiet", "shell"),
)
DEPTH = {unit: depth for depth, units in enumerate(LAYERS) for unit in units}

# Who may import what is not ours; all others may not.
ONLY_IN = {
    "matplotlib": {"charts", "images.charts", "compare", "api"},  # in api, where the type of its figures is named
    "mlflow": {"store"},
    "hydra": {"configuration"},
    "omegaconf": {"configuration"},
    "distributed": {"engine"},
    "dask": {"engine"},
    "cloudpickle": {"engine"},
    "keras": {"images", "images.worker"},
    "tensorflow": {"images"},
    "jax": {"images"},
    "torch": {"images"},
}
STATISTICS = {"numpy", "scipy"}
SLOW = {"keras", "tensorflow", "jax", "torch", "mlflow", "matplotlib", "distributed", "sklearn", "pandas"}

# What may know that there are images: only the subject itself, and who makes it out of the user's words.
KNOW_IMAGES = {unit for unit in DEPTH if unit.partition(".")[0] == "images"} | {"configuration"}


def unit_of(file: Path) -> str:
    """Return the row's entry that a file of the package belongs to: its own where it has one, else its folder's."""
    return unit(".".join(file.relative_to(PACKAGE).with_suffix("").parts))


def unit(name: str) -> str:
    """Return the entry of a module, by its name within the package."""
    parts = name.split(".")
    return next((".".join(parts[:count]) for count in range(len(parts), 0, -1) if ".".join(parts[:count]) in DEPTH), parts[0])


@cache
def imports(file: Path) -> tuple[str, ...]:
    """Return everything that a file imports, at its top or inside, as dotted names."""
    found: list[str] = []
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found += (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{file} imports relatively"
            found += (f"{node.module}.{alias.name}" for alias in node.names)
    return tuple(found)


def outside(file: Path) -> set[str]:
    """Return the packages that a file imports from elsewhere, but for the standard library."""
    return {name.partition(".")[0] for name in imports(file)} - sys.stdlib_module_names - {"ablation"}


def identify(file: Path) -> str:
    return str(file.relative_to(PACKAGE))


@pytest.mark.parametrize("file", FILES, ids=identify)
def test_imports_run_downwards(file: Path) -> None:
    own = unit_of(file)
    if own == "__init__":
        return
    assert own in DEPTH, f"'{own}' has no place in LAYERS"
    for name in imports(file):
        top, _, rest = name.partition(".")
        target = unit(rest) if rest else ""
        if top == "ablation" and target not in ("", own):
            assert DEPTH[target] > DEPTH[own], f"{identify(file)} imports {name}, which is not below it"


@pytest.mark.parametrize("file", FILES, ids=identify)
def test_only_the_images_know_images(file: Path) -> None:
    if unit_of(file) not in KNOW_IMAGES:
        assert not [name for name in imports(file) if name.startswith("ablation.images")], identify(file)
        assert "keras" not in outside(file), identify(file)


@pytest.mark.parametrize("file", FILES, ids=identify)
def test_each_package_from_elsewhere_has_its_place(file: Path) -> None:
    unit = unit_of(file)
    for package in outside(file):
        assert unit in ONLY_IN.get(package, {unit}), f"{identify(file)} imports {package}, which only {ONLY_IN[package]} may"


@pytest.mark.parametrize("folder", ["designs", "effects"])
def test_designs_and_effects_know_only_numbers(folder: str) -> None:
    files = [file for file in FILES if unit_of(file) == folder]
    assert files
    assert {package for file in files for package in outside(file)} <= STATISTICS


@pytest.mark.parametrize("backend", ["tensorflow", "jax", "torch"])
def test_each_backend_is_known_to_files_of_its_own_loop(backend: str) -> None:
    files = {identify(file) for file in FILES if backend in outside(file) and "training" in file.parts}
    assert f"images/training/loops/{backend}_loop.py" in files
    more = {
        "tensorflow": ("compiled_augmentation", "fused_adam", "fused_batch_norm"),
        "jax": ("jax_compilation", "jax_gradients"),
        "torch": ("native_layers",),
    }[backend]
    assert files <= {f"images/training/loops/{name}.py" for name in (f"{backend}_loop", *more)}


def test_importing_the_package_imports_nothing_but_what_it_takes_to_import_later() -> None:
    program = "import sys; before = set(sys.modules); import ablation; print(*sorted(set(sys.modules) - before - {'ablation'}))"
    ended = subprocess.run([sys.executable, "-S", "-c", program], cwd=PACKAGE.parent, capture_output=True, text=True, check=True)
    assert all(name.partition(".")[0] in sys.stdlib_module_names for name in ended.stdout.split()), ended.stdout


@pytest.mark.parametrize("name", ablation.__all__)
def test_what_is_public_is_there(name: str) -> None:
    assert getattr(ablation, name).__name__ == name


def test_what_is_slow_to_import_waits_until_it_is_needed() -> None:
    modules = (
        "ablation.api",
        "ablation.images.compare",
        "ablation.compare.__main__",
        "ablation.engine.conduct",
        "ablation.engine.plan",
        "ablation.report.screen",
        "ablation.report.rebuild",
        "ablation.subjects.function",
        "ablation.subjects.command",
        "ablation.configuration",
        "ablation.elsewhere.command",
        "ablation.__main__",
        "ablation.images.worker",
        "ablation.images.subject",
        "ablation.images.process",
        "ablation.images.data",
    )
    program = (
        "import importlib, json, sys\n"
        f"early = {{}}\nfor module in {modules!r}:\n    before = set(sys.modules)\n    importlib.import_module(module)\n"
        f"    early[module] = sorted({SLOW!r} & (sys.modules.keys() - before))\nprint(json.dumps(early))"
    )
    ended = subprocess.run([sys.executable, "-c", program], cwd=PACKAGE.parent, capture_output=True, text=True, check=True)
    assert json.loads(ended.stdout) == {module: [] for module in modules}


def test_a_configuration_is_instantiated_without_keras() -> None:
    program = (
        "import sys; from ablation.images.features import *; from ablation.images.models import *; from ablation.images.data import *; "
        "from ablation.images.catalogue import compose; from ablation.images.training.settings import Training; "
        "compose(Training(1, 1).recipe(), {'residual': Residual(), 'batch_norm': BatchNorm()}, CNN(), 'cnn'); Sprites().identity(); "
        f"print(*sorted({SLOW!r} & sys.modules.keys()))"
    )
    ended = subprocess.run([sys.executable, "-c", program], cwd=PACKAGE.parent, capture_output=True, text=True, check=True)
    assert ended.stdout.split() == []


def test_a_function_study_imports_neither_keras_nor_tensorflow(tmp_path: Path) -> None:
    write_function(tmp_path)
    program = (
        "import sys, ablation; from toy import train\n"
        "study = ablation.run(train, ['one', 'two'], seeds=3, metric='val_score', execution='inline')\n"
        "study.contribution(); print(*sorted({'keras', 'tensorflow', 'jax', 'torch'} & sys.modules.keys()), file=sys.stderr)"
    )
    ended = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", program], cwd=tmp_path, env=environment(), capture_output=True, text=True, check=True
    )
    assert ended.stderr.split() == []
