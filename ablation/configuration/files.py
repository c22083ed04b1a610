"""Where the configuration's files are, and which Hydra reads them."""

from pathlib import Path
from typing import Any

import hydra

PACKAGE = Path(__file__).resolve().parent.parent
FOLDER = next(folder for folder in (PACKAGE / "conf", PACKAGE.parent / "conf") if folder.is_dir())

MODERN = tuple(int(part) for part in hydra.__version__.split(".")[:2]) >= (1, 4)
"""Whether Hydra takes no ``version_base`` any more, and instantiates only what it is allowed to."""

HYDRA: dict[str, Any] = {} if MODERN else {"version_base": "1.3"}

IMAGES = "images"
"""The subject that has settings of its own at the top of the configuration."""


def groups() -> list[str]:
    """Return the choices that there are, such as ``model``: a folder each."""
    return sorted(folder.name for folder in FOLDER.iterdir() if folder.is_dir())


def options(group: str) -> list[str]:
    """Return the options of a choice: a file each."""
    return [file.stem for file in sorted((FOLDER / group).glob("*.yaml"))]
