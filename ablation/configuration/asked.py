"""What a configuration asks for: a study, where it is logged, and where it runs."""

import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from hydra.core.hydra_config import HydraConfig
from omegaconf import DictConfig, OmegaConf

from ablation.checks import choice, flag
from ablation.configuration.files import IMAGES
from ablation.configuration.instances import instantiated, plain
from ablation.configuration.settings import check_keys
from ablation.designs import Design, check_chosen
from ablation.engine.execution import Execution
from ablation.errors import InputError
from ablation.store.connection import Store
from ablation.study.study import Adaptive, Sequential, Study, designed, seeds_of
from ablation.study.subject import Subject


@dataclass(frozen=True)
class Asked:
    """What a configuration asks for: a study, where it is logged, and where it runs."""

    study: Study
    store: Store
    execution: Execution
    plan: bool


def asked_for(config: DictConfig) -> Asked:
    """Instantiate a study's parts. Nothing is read but the configuration."""
    choices = HydraConfig.get().runtime.choices
    check_keys(config, choices.get("subject"))
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
    subject: Subject = _images(config, choices) if choices["subject"] == IMAGES else instantiated(config.subject)
    if not isinstance(subject, Subject):
        raise InputError(
            f"subject={choices['subject']} does not say what to run; expected '_target_', or as its first line "
            "'defaults: [command, _self_]'"
        )
    for setting in ("on", "of"):
        if config.features[setting] is not None:
            check_chosen(f"features.{setting}", plain(config.features[setting]), subject.features)
    if config.seeds == "auto" and config.effects.precision is None:
        raise InputError("seeds=auto needs effects.precision, the half-width that the 95 % intervals are to have")
    # Both are made, so that a wrong value is named in any study.
    stopped = Sequential(plain(config.effects.looks), config.effects.futility)
    precise = None if config.effects.precision is None else Adaptive(plain(config.effects.precision), config.effects.max_seeds)
    sequential = stopped if config.seeds == "sequential" else None
    adaptive = precise if config.seeds == "auto" else None
    designs = [_design(name, design, subject) for name, design in instantiated(config.features.designs).items()]
    study = Study(
        subject=subject,
        designs=tuple(designs),
        seeds=seeds_of(adaptive.pilot if adaptive else sequential.looks[-1] if sequential else plain(config.seeds)),
        adaptive=adaptive,
        sequential=sequential,
        smallest=plain(config.effects.smallest),
        stop_on_error=config.on_error == "stop",
        given_name=plain(config.study.name),
        configuration=OmegaConf.to_yaml(config, resolve=True),
        command=shlex.join(["python", "-m", "ablation", *_where_files_are(), *HydraConfig.get().overrides.task]),
    )
    return Asked(study, Store.of_environment(plain(config.study.experiment)), instantiated(config.execution), config.plan)


def _where_files_are() -> list[str]:
    """Return the words of the command that name folders of the user's own configuration files."""
    known = HydraConfig.get()
    here = Path.cwd()
    folders = [Path(each.path) for each in known.runtime.config_sources if each.provider == "command-line"]
    given = [str(folder.relative_to(here) if folder.is_relative_to(here) else folder) for folder in folders]
    searched = [each for each in known.overrides.hydra if each.startswith("hydra.searchpath=")]
    return [*(word for folder in given for word in ("--config-dir", folder)), *searched]


def _design(name: str, design: Any, subject: Subject) -> Design:
    """Let what stands among the designs choose arms of the subject's features."""

    def make(features: Sequence[str]) -> Design:
        made = design(features) if callable(design) else design
        if not isinstance(made, Design):
            raise InputError(f"features.designs.{name} makes no design; expected settings with '_target_' and '_partial_: true'")
        return made

    return designed(make, subject)


def _images(config: DictConfig, choices: Any) -> Subject:
    """Make the subject of images out of its own part of the configuration."""
    from ablation.images.catalogue import Catalogue
    from ablation.images.data import CentreCrop
    from ablation.images.process import PACKAGES, choose
    from ablation.images.subject import Images

    choice("backend", config.backend, PACKAGES)
    # Files of the user's may import Keras here.
    choose(config.backend)
    if find_spec(config.backend) is None and "Dask" not in config.execution._target_:
        raise InputError(f"backend={config.backend} is not installed; install it with: pip install {config.backend}")
    if config.data.path is not None and "path" not in config.data.source:
        raise InputError(f"data.path goes with data=npz or data=folder, and this study has data={choices['data']}")
    catalogue = instantiated(config.catalogue)
    source = instantiated(config.data.source)
    return Images(
        catalogue=Catalogue(
            catalogue["features"],
            catalogue.get("order"),
            catalogue.get("groups") or {},
            catalogue.get("exclusive") or (),
            catalogue.get("always") or (),
        ),
        model=instantiated(config.model),
        model_name=_name(config.model, choices["model"]),
        training=instantiated(config.training),
        source=source if config.data.crop is None else CentreCrop(source, plain(config.data.crop)),
        data_name=_name(config.data.source, choices["data"]),
        limit=plain(config.data.limit),
        validation=plain(config.data.validation),
        fraction=plain(config.data.validation_fraction),
        normalise=plain(config.data.normalise),
        backend=config.backend,
        save_model=config.save_model,
    )


def _name(config: DictConfig, chosen: str) -> str:
    """Return what the user chose, or the name of the outside class that stands in its place."""
    target = str(config._target_)
    return chosen if target.startswith("ablation.") else target.rpartition(".")[2]
