"""From a part of the configuration to what it names: classes and functions, ours or the user's."""

import re
from collections.abc import Iterator
from inspect import signature
from typing import Any

from hydra.errors import InstantiationException
from hydra.utils import instantiate
from omegaconf import DictConfig, OmegaConf

from ablation.configuration.files import MODERN
from ablation.errors import InputError, first_line, nearest
from ablation.study.cause import explained
from ablation.study.imported import imported
from ablation.wording import listed


def plain(value: Any) -> Any:
    """Return a list of the configuration as a plain one, and anything else as it is."""
    return OmegaConf.to_container(value) if OmegaConf.is_config(value) else value


def instantiated(config: Any) -> Any:
    """Instantiate, and let what a part says of its parameters through as it is."""
    # What a user's own command or file names is what the user wants to run.
    packages = sorted({f"{target.partition('.')[0]}.*" for _, target in _targets(config)})
    allowed: dict[str, Any] = {"_execution_whitelist_": packages} if MODERN else {}
    for setting, target in _targets(config):
        imported(target, f"{setting}={target}")
    try:
        return instantiate(config, _convert_="all", **allowed)
    except InstantiationException as error:
        cause = error.__cause__
        if isinstance(cause, InputError):
            raise _with_own_name(cause, str(error)) from None
        if cause is None:
            raise InputError(first_line(error)) from error
        called = re.search(r"call to target '([^']+)'", str(error))
        raise InputError(_wrong_argument(cause, config) or f"{called[1] if called else 'a class'}: {explained(cause)}") from error


def _with_own_name(cause: InputError, error: str) -> InputError:
    """Return what a feature says of its parameters, with the name that the catalogue gives it where that is another one than its own."""
    feature = re.search(r"full_key: (?:.*\.)?features\.(.+)", error)
    if feature is None or str(cause).startswith(f"{feature[1]}."):
        return cause
    return InputError(f"catalogue feature '{feature[1]}': {cause}")


def _targets(config: Any) -> Iterator[tuple[str, str]]:
    """Walk the settings that name a class or a function, each with the name."""
    values = config.values() if isinstance(config, DictConfig) else config if OmegaConf.is_list(config) else ()
    if isinstance(config, DictConfig) and "_target_" in config:
        yield config._get_full_key("_target_"), str(config._target_)
    for value in values:
        yield from _targets(value)


def _wrong_argument(error: BaseException, config: Any) -> str | None:
    """Return a sentence on a parameter that a class or a function does not have, with its nearest one, or that it lacks."""
    unknown = re.match(r"(?:(\w+)\.__init__|([\w.<>]+))\(\) got an unexpected keyword argument '(\w+)'", str(error))
    missing = re.match(r"(?:(\w+)\.__init__|([\w.<>]+))\(\) missing \d+ required .*argument", str(error))
    found = unknown or missing
    for setting, target in _targets(config) if found else ():
        name = target.rpartition(".")[2]
        if found is None or name not in (found[1], found[2]):
            continue
        parameters = signature(imported(target, setting)).parameters.values()
        if unknown:
            known = [each.name for each in parameters if each.kind in (each.KEYWORD_ONLY, each.POSITIONAL_OR_KEYWORD)]
            return f"{name} has no parameter '{unknown[3]}'{nearest(unknown[3], known)}"
        needed = re.findall(r"'(\w+)'", str(error))
        given = [f"{setting.removesuffix('_target_')}{each}=…" for each in needed]
        return f"{name} needs {listed([repr(each) for each in needed], 'and')}; expected {listed(given, 'and')}"
    return None
