"""Which settings a study has, and what to say of one that it does not have."""

import re
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

import hydra
from hydra.core.global_hydra import GlobalHydra
from hydra.errors import HydraException
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from ablation.checks import short
from ablation.configuration.files import FOLDER, HYDRA, IMAGES, groups
from ablation.errors import InputError, nearest

NEEDED: dict[str, Any] = {"features": {"designs": {}}, "execution": {}}
NEEDED_BY_IMAGES: dict[str, Any] = {"catalogue": {"features": {}, "order": None}, "model": {}, "training": {}, "data": {"source": {}}}
"""What choices bring to the settings at the top; an empty mapping stands for one of any settings."""


def check_keys(config: DictConfig, subject: str | None) -> None:
    """Refuse settings that were added (``+key=value``) where nothing reads them, and those that were taken away or have lost their form."""
    if subject is None:
        raise InputError("a study needs a subject; ~ may not take it away")
    ours = _read("config")
    needed = [ours, NEEDED, *([_read(f"subject/{IMAGES}"), NEEDED_BY_IMAGES] if subject == IMAGES else [{"subject": {}}])]
    known = {name for each in needed for name in each}
    for name in map(str, config):
        if name not in known:
            raise InputError(wrong_setting(name, subject, sorted(known)))
    for each in needed:
        _check_form(config, each)
    read = _used_by_others(config)
    for part, own in _parts(subject).items():
        for name in map(str, config[part]):
            if name not in own and f"{part}.{name}" not in read:
                raise InputError(f"the setting '{part}.{name}' is not known{nearest(name, own)}")


def _parts(subject: str) -> dict[str, list[str]]:
    """Return the settings of each part of a study's configuration that has settings of its own alone."""
    ours = _read("config")
    parts = {"effects": [*ours["effects"]], "study": [*ours["study"]], "features": [*ours["features"], "designs"]}
    if subject == IMAGES:
        parts |= {"catalogue": [*_read("catalogue/article")], "data": [*_read(f"subject/{IMAGES}")["data"], "source"]}
    return parts


def _used_by_others(config: DictConfig) -> set[str]:
    """Return the settings that others take their values from, as a file of the user's may have some of its own."""
    return set(re.findall(r"\$\{(\w+\.\w+)", OmegaConf.to_yaml(config)))


@cache
def _read(file: str) -> dict[str, Any]:
    """Return the settings of a file of ours."""
    settings = OmegaConf.to_container(OmegaConf.load(FOLDER / f"{file}.yaml"), resolve=False)
    assert isinstance(settings, dict)
    return {str(name): value for name, value in settings.items() if name not in ("defaults", "hydra")}


def _check_form(config: DictConfig, needed: Mapping[str, Any], prefix: str = "") -> None:
    """Refuse a configuration that lacks a needed setting, or has a single value where others should be below it."""
    for name, below in needed.items():
        full, node = f"{prefix}{name}", config._get_node(name)
        if node is None:
            raise InputError(f"a study needs the setting '{full}'; ~ may not take it away")
        if not isinstance(below, dict):
            continue
        if not isinstance(node, DictConfig) or node._is_none() or node._is_missing() or node._is_interpolation():
            example = f", such as {full}.{next(iter(below))}=…" if below else ""
            raise InputError(
                f"{full} holds settings{example}; expected one of them, not {full}={'null' if node._is_none() else short(str(node))}"
            )
        _check_form(node, below, f"{full}.")


def _of_images() -> set[str]:
    """Return the settings and groups that only ``subject=images`` has."""
    own = OmegaConf.load(FOLDER / "subject" / f"{IMAGES}.yaml")
    assert isinstance(own, DictConfig)
    chosen = {name.lstrip("/") for each in own.defaults if isinstance(each, DictConfig) for name in map(str, each)}
    return chosen | {str(name) for name in own if name not in ("defaults", *_read("config"))}


def wrong_setting(name: str, subject: str, known: Sequence[str]) -> str:
    """Return a sentence on a setting that this study does not have."""
    first = name.partition(".")[0]
    if subject != IMAGES and (first in _of_images() or first == "experiment"):
        return f"'{name}' belongs to subject={IMAGES}, and this study has subject={subject}"
    if subject == IMAGES and first == "subject":
        own = [each for each in ("command", "function") if name in _keys(OmegaConf.load(FOLDER / "subject" / f"{each}.yaml"), "subject.")]
        if own:
            return f"'{name}' belongs to {' or '.join(f'subject={each}' for each in own)}, and this study has subject={IMAGES}"
    others = [group_and_option for group_and_option, keys in _of_options().items() if name in keys]
    if others:
        return f"the setting '{name}' does not go with the {first} that this study has chosen; it belongs to {' or '.join(others)}"
    return f"the setting '{name}' is not known{nearest(name, known)}"


def _of_options() -> dict[str, list[str]]:
    """Return the settings of every option of every group, such as those of ``model=mlp``."""
    found = {}
    for file in sorted(FOLDER.glob("*/*.yaml")):
        if file.parent.name not in ("experiment", "subject"):
            of_all = file.read_text(encoding="utf-8").startswith("# @package _global_")
            found[f"{file.parent.name}={file.stem}"] = _keys(OmegaConf.load(file), "" if of_all else f"{file.parent.name}.")
    return found


def _keys(config: Any, prefix: str = "") -> list[str]:
    """Return all settings of a configuration, nested ones with dots, and the parts that hold them."""
    keys = []
    for key in config if isinstance(config, DictConfig) else ():
        if key in ("defaults", "hydra", "_target_", "_partial_"):
            continue
        name = prefix + str(key)
        keys += [name, *_keys(config._get_node(key), f"{name}.")]
    return keys


def known_settings(arguments: Sequence[str]) -> list[str]:
    """Return the settings that a study with the choices among these arguments has."""
    choices = [each for each in arguments if each.partition("=")[0] in groups() and "," not in each and "[" not in each]
    for chosen in (choices, []):
        try:
            return [*_of_choices(tuple(chosen)), *groups()]
        except (HydraException, OmegaConfBaseException):
            continue
    return groups()


@cache
def _of_choices(chosen: tuple[str, ...]) -> list[str]:
    GlobalHydra.instance().clear()
    with hydra.initialize_config_dir(str(FOLDER), **HYDRA):
        return _keys(hydra.compose("config", list(chosen)))
