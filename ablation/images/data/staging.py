"""Staging: a data set is written once as plain arrays, which all workers of a machine map into memory and share."""

import hashlib
import json
import os
import secrets
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np

from ablation.errors import InputError
from ablation.images.data.dataset import Dataset, Images, Source
from ablation.images.data.split import limit as limited

# Raised whenever the files below, or the images that a limit picks, would be different.
VERSION = 2

CLASSES, LEFT_OUT = "classes.json", "left_out.json"


def stage(source: Source, folder: Path, limit: int | None) -> Path:
    """Write a source's images below ``folder``, unless they are there, and return their path.

    Args:
        source: where the images come from.
        folder: of all staged data sets; created if missing.
        limit: number of training images to keep; None for all.

    Raises:
        InputError: if the folder cannot be written, or the source or the limit is wrong.
    """
    key = hashlib.blake2b(json.dumps([VERSION, source.identity(), limit]).encode(), digest_size=16).hexdigest()
    target = folder / key
    if target.is_dir():
        return target
    dataset = source.load()
    dataset = replace(dataset, train=limited(dataset.train, limit))
    # Written under another name and then renamed, so that the folder is complete even if a process is killed or two write it at once.
    partial = folder / f".{key}-{os.getpid()}-{secrets.token_hex(4)}"
    try:
        partial.mkdir(parents=True)
        for part, images in dataset.parts().items():
            np.save(partial / f"{part}_x.npy", images.x)
            np.save(partial / f"{part}_y.npy", images.y)
        for name, texts in ((CLASSES, dataset.classes), (LEFT_OUT, dataset.left_out)):
            (partial / name).write_text(json.dumps(texts), encoding="utf-8")
        _rename(partial, target)
    except OSError as error:
        raise InputError(f"the images cannot be written to '{folder}' ({error.strerror or error}); expected a folder with room") from error
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    return target


def _rename(partial: Path, target: Path) -> None:
    try:
        partial.rename(target)
    except OSError:
        # Another process has written the same images first.
        if not target.is_dir():
            raise


def open_staged(path: Path) -> Dataset:
    """Map a staged data set into memory, read-only.

    Raises:
        InputError: if it is missing or damaged.
    """

    def part(name: str) -> Images | None:
        if not (path / f"{name}_x.npy").exists():
            return None
        return Images(np.load(path / f"{name}_x.npy", mmap_mode="r"), np.load(path / f"{name}_y.npy", mmap_mode="r"))

    try:
        classes, left_out = (tuple(json.loads((path / name).read_text(encoding="utf-8"))) for name in (CLASSES, LEFT_OUT))
        train = part("train")
        if train is None:
            raise FileNotFoundError("train_x.npy")
        return Dataset(train, part("test"), classes, part("validation"), left_out)
    except (OSError, ValueError) as error:
        raise InputError(f"'{path}' holds no complete data set; remove it, and the next study writes it again") from error
