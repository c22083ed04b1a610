"""What a process shows of itself before its numbers are believed: its versions, and the code of this package that it has."""

import hashlib
import platform
from collections.abc import Mapping, Sequence
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

CODE = "code"
"""What stands for the text of all modules of this package."""


def credentials(packages: Sequence[str]) -> dict[str, str]:
    """Return what this process is, by name: Python, this package with its code, and the versions of other packages that it has.

    It is quick, and imports none of the packages: a worker answers while it works.
    """
    found = {"Python": ".".join(platform.python_version_tuple()[:2]), "ablation": version("ablation"), CODE: code()}
    for package in packages:
        try:
            # Builds for other hardware say so behind a plus sign.
            found[package] = version(package).partition("+")[0]
        except PackageNotFoundError:
            continue
    return found


@cache
def code() -> str:
    """Return a digest of this package's own code as it is on the disk now."""
    folder = Path(__file__).parents[1]
    content = hashlib.blake2b(digest_size=8)
    for file in sorted(folder.rglob("*.py")):
        text = file.read_bytes()
        content.update(f"{file.relative_to(folder).as_posix()} {len(text)} ".encode() + text)
    return content.hexdigest()


def difference(theirs: Mapping[str, str], ours: Mapping[str, str]) -> str:
    """Say in which way a process is another than this study needs; empty where it is the same."""
    for name, wanted in ours.items():
        has = theirs.get(name)
        if has == wanted:
            continue
        if name == CODE:
            return f"its ablation {theirs.get('ablation', '')} has other code than this study's"
        return f"it has {f'{name} {has}' if has else f'no {name}'}, and this study {wanted}"
    return ""
