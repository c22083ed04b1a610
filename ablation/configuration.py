"""The configuration: from words such as ``features=cumulative`` to a study. All that knows Hydra."""

import os
import re
import shlex
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from inspect import signature
from pathlib import Path
from typing import Any

# Hydra then raises what goes wrong while it composes, and it can be shown in one sentence.
os.environ.setdefault("HYDRA_FULL_ERROR", "1")
# The command is `python -m ablation` from a checkout, or `ablation` from anywhere: either finds classes in the working folder.
if os.getcwd() not in sys.path:
    sys.path.insert(0, os.getcwd())

import hydra
from hydra.core.global_hydra import GlobalHydra
from hydra.core.hydra_config import HydraConfig
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.errors import HydraException, InstantiationException, OverrideParseException
from hydra.utils import instantiate
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import InterpolationKeyError, OmegaConfBaseException
from yaml import MarkedYAMLError

from ablation.checks import choice, flag
from ablation.engine.execution import Execution
from ablation.errors import InputError, exit_status, expected, first_line, nearest
from ablation.quiet import quiet
from ablation.store.connection import Store
from ablation.study.cause import explained, in_words, place
from ablation.study.imported import imported
from ablation.study.study import Adaptive, Sequential, Study, fitted, seeds_of
from ablation.study.subject import Subject
from ablation.wording import listed

quiet()

HERE = Path(__file__).resolve().parent
FOLDER = next(folder for folder in (HERE / "conf", HERE.parent / "conf") if folder.is_dir())

MODERN = tuple(int(part) for part in hydra.__version__.split(".")[:2]) >= (1, 4)
"""Whether Hydra takes no ``version_base`` any more, and instantiates only what it is allowed to."""

HYDRA: dict[str, Any] = {} if MODERN else {"version_base": "1.3"}

IMAGES = "images"
BACKENDS = ("tensorflow", "jax", "torch")


@dataclass(frozen=True)
class Asked:
    """What a configuration asks for: a study, where it is logged, and where it runs."""

    study: Study
    store: Store
    execution: Execution
    plan: bool


def command(conduct: Callable[[Asked], bool]) -> Callable[[], bool]:
    """Return the command that composes the configuration of its arguments, sweeps included, and conducts each study.

    What the user, the disk or the store caused is printed in one sentence, so that the other studies of a sweep still run.

    Args:
        conduct: conducts a study, and returns whether every run finished.

    Returns:
        The command; it returns whether every study went well.
    """
    went_well: list[bool] = []

    @hydra.main(config_path=str(FOLDER), config_name="config", **HYDRA)
    def each(config: DictConfig) -> None:
        status = exit_status(lambda: went_well.append(conduct(_asked(config))), in_a_sentence)
        went_well.append(status == 0)

    def every_study() -> None:
        _refuse_backends_inline(sys.argv[1:])
        each()

    return lambda: exit_status(every_study, in_a_sentence) == 0 and all(went_well)


def asked_in_words(settings: Sequence[str]) -> Asked:
    """Return what settings such as ``"features=cumulative"`` ask for.

    Raises:
        InputError: if a setting cannot work.
    """
    GlobalHydra.instance().clear()
    try:
        with hydra.initialize_config_dir(str(FOLDER), **HYDRA):
            composed = hydra.compose("config", list(settings), return_hydra_config=True)
    except (HydraException, OmegaConfBaseException) as error:
        raise InputError(_sentence(error, settings)) from error
    if composed.plan:
        raise InputError("plan=true is for the command; expected settings of a study to run")
    HydraConfig.instance().set_config(composed)
    return _asked(OmegaConf.masked_copy(composed, [str(key) for key in composed if key != "hydra"]))


# ---- from a configuration to a study --------------------------------------------------------------------------------------------


def _asked(config: DictConfig) -> Asked:
    """Instantiate a study's parts. Nothing is read but the configuration."""
    choices = HydraConfig.get().runtime.choices
    _check_keys(config, choices["subject"])
    flag("plan", config.plan)
    choice("on_error", config.on_error, ("continue", "stop"))
    if config.features.on is not None and "only" not in config.features.designs:
        raise InputError("features.on names the features that are on with features=only, and this study has another design")
    if config.features.of is not None and "bookends" not in config.features.designs:
        raise InputError("features.of names the features that features=bookends credits, and this study has another design")
    if config.features.orders is not None and "shapley" not in config.features.designs:
        raise InputError("features.orders goes with features=shapley, and this study has another design")
    flag("effects.futility", config.effects.futility)
    if config.effects.futility and config.seeds != "sequential":
        raise InputError(f"effects.futility goes with seeds=sequential, and this study has seeds={config.seeds}")
    subject: Subject = _images(config, choices) if choices["subject"] == IMAGES else _instantiate(config.subject)
    if not isinstance(subject, Subject):
        raise InputError(
            f"subject={choices['subject']} does not say what to run; expected '_target_', or as its first line "
            "'defaults: [command, _self_]'"
        )
    adaptive = None
    if config.seeds == "auto":
        if config.effects.precision is None:
            raise InputError("seeds=auto needs effects.precision, the half-width that the 95 % intervals are to have")
        adaptive = Adaptive(config.effects.precision, config.effects.max_seeds)
    sequential = None
    if config.seeds == "sequential":
        sequential = Sequential(_plain(config.effects.looks), config.effects.futility)
    designs = [design(subject.features) for design in _instantiate(config.features.designs).values()]
    study = Study(
        subject=subject,
        designs=tuple(fitted(design, subject.features, subject.allows, subject.without) for design in designs),
        seeds=seeds_of(adaptive.pilot if adaptive else sequential.looks[-1] if sequential else _plain(config.seeds)),
        adaptive=adaptive,
        sequential=sequential,
        smallest=config.effects.smallest,
        stop_on_error=config.on_error == "stop",
        given_name=config.study.name,
        configuration=OmegaConf.to_yaml(config, resolve=True),
        command=shlex.join(["python", "-m", "ablation", *HydraConfig.get().overrides.task]),
    )
    return Asked(study, Store.of_environment(config.study.experiment), _instantiate(config.execution), config.plan)


def _plain(value: Any) -> Any:
    """Return a list of the configuration as a plain one, and anything else as it is."""
    return OmegaConf.to_container(value) if OmegaConf.is_config(value) else value


def _images(config: DictConfig, choices: Any) -> Subject:
    """Make the subject of images out of its own part of the configuration."""
    from ablation.images.catalogue import Catalogue
    from ablation.images.process import choose
    from ablation.images.subject import Images

    choice("backend", config.backend, BACKENDS)
    # Files of the user's may import Keras here.
    choose(config.backend)
    if find_spec(config.backend) is None and "Dask" not in config.execution._target_:
        raise InputError(f"backend={config.backend} is not installed; install it with: pip install 'ablation[{config.backend}]'")
    if config.data.path is not None and "path" not in config.data.source:
        raise InputError(f"data.path goes with data=npz or data=folder, and this study has data={choices['data']}")
    catalogue = _instantiate(config.catalogue)
    return Images(
        catalogue=Catalogue(catalogue["features"], catalogue["order"]),
        model=_instantiate(config.model),
        model_name=_name(config.model, choices["model"]),
        training=_instantiate(config.training),
        source=_instantiate(config.data.source),
        data_name=_name(config.data.source, choices["data"]),
        limit=config.data.limit,
        validation=config.data.validation,
        fraction=config.data.validation_fraction,
        normalise=config.data.normalise,
        backend=config.backend,
        save_model=config.save_model,
    )


def _name(config: DictConfig, chosen: str) -> str:
    """Return what the user chose, or the name of the outside class that stands in its place."""
    target = str(config._target_)
    return chosen if target.startswith("ablation.") else target.rpartition(".")[2]


def _instantiate(config: Any) -> Any:
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
            raise cause from None
        if cause is None:
            raise InputError(first_line(error)) from error
        called = re.search(r"call to target '([^']+)'", str(error))
        raise InputError(_wrong_argument(cause, config) or f"{called[1] if called else 'a class'}: {explained(cause)}") from error


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


# ---- which settings there are ---------------------------------------------------------------------------------------------------


def _check_keys(config: DictConfig, subject: str) -> None:
    """Refuse settings that were added (``+key=value``) where nothing reads them."""
    ours = OmegaConf.load(FOLDER / "config.yaml")
    assert isinstance(ours, DictConfig)
    known = {*ours, "features", "subject", "execution"} - {"defaults", "hydra"}
    if subject == IMAGES:
        known |= _of_images()
    for name in map(str, config):
        if name not in known:
            raise InputError(_wrong_setting(name, subject, sorted(known)))
    for part in ("effects", "study"):
        for name in map(str, config[part]):
            if name not in ours[part]:
                raise InputError(f"the setting '{part}.{name}' is not known{nearest(name, map(str, ours[part]))}")


def _of_images() -> set[str]:
    """Return the settings and groups that only ``subject=images`` has."""
    own = OmegaConf.load(FOLDER / "subject" / f"{IMAGES}.yaml")
    assert isinstance(own, DictConfig)
    groups = {name.lstrip("/") for each in own.defaults if isinstance(each, DictConfig) for name in map(str, each)}
    return groups | {str(name) for name in own if name not in ("defaults", "effects")}


def _wrong_setting(name: str, subject: str, known: Sequence[str]) -> str:
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
            found[f"{file.parent.name}={file.stem}"] = _keys(OmegaConf.load(file), f"{file.parent.name}.")
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


def _known(arguments: Sequence[str]) -> list[str]:
    """Return the settings that a study with the choices among these arguments has."""
    groups = {folder.name for folder in FOLDER.iterdir() if folder.is_dir()}
    choices = [each for each in arguments if each.partition("=")[0] in groups and "," not in each and "[" not in each]
    for chosen in (choices, []):
        GlobalHydra.instance().clear()
        try:
            with hydra.initialize_config_dir(str(FOLDER), **HYDRA):
                return [*_keys(hydra.compose("config", chosen)), *groups]
        except (HydraException, OmegaConfBaseException):
            continue
    return sorted(groups)


def _refuse_backends_inline(arguments: Sequence[str]) -> None:
    """A sweep over backends needs a process for each, which ``execution=inline`` does not have."""
    given = [argument for argument in arguments if "=" in argument and not argument.startswith("-")]
    try:
        overrides = {each.key_or_group: each for each in OverridesParser.create().parse_overrides(given)}
    except HydraException:
        return  # Hydra says it better.
    backend, execution = overrides.get("backend"), overrides.get("execution")
    if backend and execution and backend.is_sweep_override() and execution.value() == "inline":
        raise InputError("execution=inline cannot switch backends inside one process; leave it out, or name one backend")


# ---- what goes wrong, in a sentence ---------------------------------------------------------------------------------------------


def in_a_sentence(error: Exception) -> str | None:
    """Return what to say of an error that the user, the disk or the store caused; None for one that is ours."""
    if isinstance(error, HydraException | OmegaConfBaseException):
        return _sentence(error, sys.argv[1:])
    if isinstance(error, MarkedYAMLError):
        return _unreadable(error)
    if not isinstance(error, InputError) and place(error):
        return explained(error)
    known = expected(error)
    return None if known is None else first_line(known)


def _unreadable(error: MarkedYAMLError) -> str:
    """Return what is wrong with a file of the configuration."""
    mark = error.problem_mark
    where = in_words(mark.name, mark.line + 1) if mark else "a file of the configuration"
    return f"{where} is no YAML: {error.problem or first_line(error)}; words with braces or colons need quotes"


def _unread(setting: str | None) -> str:
    """Return what is wrong with an argument that is no setting."""
    name, equals, value = (setting or "").partition("=")
    if not equals:
        return f"'{name}' is no setting; expected name=value, such as plan=true"
    if value.startswith(("[", "{")):
        return f"the value of {name} cannot be read: {value}; expected a list such as [a,b] or a mapping such as {{a: 1}}, in quotes"
    quoted = value.replace('"', '\\"')
    return f"the value of {name} cannot be read: {value}; one with brackets, braces, commas or colons needs quotes: '{name}=\"{quoted}\"'"


def _options(group: str) -> list[str]:
    return [file.stem for file in sorted((FOLDER / group).glob("*.yaml"))]


def _sentence(error: BaseException, arguments: Sequence[str]) -> str:
    """Return what Hydra says of a configuration, with the nearest right name where one is wrong."""
    if isinstance(error, OverrideParseException):
        return _unread(error.override)
    text = str(error)
    several = re.search(r"Ambiguous value for argument '([^']+)'", text)
    if several:
        name, _, values = several[1].partition("=")
        together = f"; for one study of all: '{name}=[{values}]'" if name == "features" else ""
        return f"{several[1]} names several; for a study each: python -m ablation -m {several[1]}{together}"
    given = dict(each.split("=", 1) for each in arguments if "=" in each and not each.startswith("-"))
    subject = given.get("subject", IMAGES)
    if subject != IMAGES and "experiment" in given:
        return _wrong_setting("experiment", subject, ())
    option = re.search(r"Could not find '([^/']+)/([^']+)'\s+Available options in '[^']+':\s*(.*?)\nConfig search path", text, re.DOTALL)
    if option:
        group, name, known = option.groups()
        return f"{group}={name} is not known{nearest(name, known.split())}"
    based = re.search(r"In '([^']+)': Could not load '([^']+)/([^'/]+)'", text)
    if based:
        file, group, name = based.groups()
        return f"the defaults of {file}.yaml name {name}, which is no {group}{nearest(name, _options(group))}"
    if isinstance(error, InterpolationKeyError) and error.full_key:
        missing = re.search(r"Interpolation key '([^']+)'", text)
        placeholder = "; a placeholder of a command has no $: {seed}" if error.full_key.startswith("subject.") else ""
        return f"{error.full_key} names ${{{missing[1] if missing else ''}}}, and no setting is called so{placeholder}"
    setting = re.search(r"Could not override '([^']+)'", text) or re.search(r"Key '([^']+)' is not in struct", text)
    if setting:
        full = re.search(r"full_key: (\S+)", text)
        return _wrong_setting(full[1] if full else setting[1], subject, _known(arguments))
    return first_line(error)
