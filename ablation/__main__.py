"""The command: compose the configuration, make the study from it, conduct it. The only file that knows Hydra."""

import os
import re
import shlex
import signal
import sys
from collections.abc import Callable, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

# Hydra then raises what goes wrong while it composes, and it can be told in one sentence.
os.environ.setdefault("HYDRA_FULL_ERROR", "1")
# A design is `python -m ablation` from a checkout, or `ablation` from anywhere: either finds classes in the working folder.
if os.getcwd() not in sys.path:
    sys.path.insert(0, os.getcwd())

import hydra
from hydra.core.hydra_config import HydraConfig
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.errors import HydraException, InstantiationException
from hydra.utils import instantiate
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from ablation.errors import InputError, expected, first_line, nearest

if TYPE_CHECKING:
    from ablation.api import FinishedStudy

HERE = Path(__file__).resolve().parent
CONFIGURATION = next(folder for folder in (HERE / "conf", HERE.parent / "conf") if folder.is_dir())
BACKENDS = ("tensorflow", "jax", "torch")
INTERRUPTED = 130

_failed = False


@hydra.main(version_base="1.3", config_path=str(CONFIGURATION), config_name="config")
def _study(config: DictConfig) -> None:
    global _failed
    try:
        _failed |= not _conduct(config)
    except Exception as error:
        told = _expected(error)
        if told is None:
            raise
        # Told here, so that the other studies of a sweep still run.
        _tell(told)
        _failed = True


def _conduct(config: DictConfig) -> bool:
    """Make and conduct the study that a configuration asks for; return whether every run finished."""
    study = _make(config)
    if config.plan:
        from ablation.engine.plan import plan
        from ablation.report.announce import announce_plan

        announce_plan(plan(study))
        return True
    from ablation.engine.conduct import conduct
    from ablation.report.announce import announce_report
    from ablation.report.screen import Screen

    screen = Screen()
    result = conduct(study, screen)
    announce_report(study, result, screen.console)
    return not result.findings.failures


def run_study(*settings: str) -> "FinishedStudy":
    """Run a study from Python, in the words of the command, and return what it found. Its files and runs are where the command leaves them.

    Args:
        settings: such as ``"features=cumulative"``, ``"data=digits"``, ``"training.epochs=5"``.

    Raises:
        InputError: if a setting cannot work.
    """
    from rich.console import Console

    from ablation.api import FinishedStudy
    from ablation.engine.conduct import conduct
    from ablation.report.screen import Screen

    try:
        with hydra.initialize_config_dir(str(CONFIGURATION), version_base="1.3"):
            composed = hydra.compose("config", list(settings), return_hydra_config=True)
    except (HydraException, OmegaConfBaseException) as error:
        raise InputError(_told(error)) from error
    if composed.plan:
        raise InputError("plan=true is for the command; expected settings of a study to run")
    HydraConfig.instance().set_config(composed)
    study = _make(OmegaConf.masked_copy(composed, [str(key) for key in composed if key != "hydra"]))
    # Plain lines in a notebook too, not a picture of each.
    screen = Screen(Console(highlight=False, soft_wrap=True, force_jupyter=False, force_terminal=False))
    return FinishedStudy(conduct(study, screen).findings)


def _make(config: DictConfig) -> Any:
    """Instantiate a study's parts. Nothing is read but the configuration."""
    from ablation.images.catalogue import Catalogue, fitted
    from ablation.store.connection import Store
    from ablation.study.study import Adaptive, Study

    if not isinstance(config.plan, bool):
        raise InputError(f"plan must be true or false, not {config.plan}")
    if config.backend not in BACKENDS:
        raise InputError(f"backend={config.backend} is not known{nearest(config.backend, BACKENDS)}")
    if find_spec(config.backend) is None and "Dask" not in config.execution._target_:
        raise InputError(f"backend={config.backend} is not installed; install it with: pip install 'ablation[{config.backend}]'")
    if config.features.on is not None and "only" not in config.features.designs:
        raise InputError("features.on says which features are on with features=only, and this study has another design")
    if config.features.orders is not None and "shapley" not in config.features.designs:
        raise InputError("features.orders goes with features=shapley, and this study has another design")
    if config.data.path is not None and "path" not in config.data.source:
        raise InputError(
            f"data.path goes with data=npz or data=folder, and this study has data={HydraConfig.get().runtime.choices['data']}"
        )
    catalogue = _instantiate(config.catalogue)
    catalogue = Catalogue(catalogue["features"], catalogue["order"])
    choices = HydraConfig.get().runtime.choices
    model, model_name, training = _instantiate(config.model), _name(config.model, choices["model"]), _instantiate(config.training)
    asked = [design(catalogue.names) for design in _instantiate(config.features.designs).values()]
    adaptive = Adaptive(config.effects.precision, config.effects.max_seeds) if config.seeds == "auto" else None
    return Study(
        designs=tuple(fitted(design, catalogue, training.recipe(), model, model_name) for design in asked),
        catalogue=catalogue,
        model=model,
        model_name=model_name,
        training=training,
        source=_instantiate(config.data.source),
        data_name=_name(config.data.source, choices["data"]),
        limit=config.data.limit,
        validation=config.data.validation,
        fraction=config.data.validation_fraction,
        normalise=config.data.normalise,
        seeds=_seeds(adaptive.pilot if adaptive else config.seeds),
        adaptive=adaptive,
        backend=config.backend,
        execution=_instantiate(config.execution),
        store=Store.of_environment(config.study.experiment),
        given_name=config.study.name,
        smallest=config.effects.smallest,
        on_error=config.on_error,
        save_model=config.save_model,
        configuration=OmegaConf.to_yaml(config, resolve=True),
        command=shlex.join(["python", "-m", "ablation", *HydraConfig.get().overrides.task]),
    )


def _name(config: DictConfig, choice: str) -> str:
    """Return what the user chose, or the name of the outside class that stands in its place."""
    target = str(config._target_)
    return choice if target.startswith("ablation.") else target.rpartition(".")[2]


def _seeds(value: Any) -> tuple[int, ...]:
    given = OmegaConf.to_container(value) if OmegaConf.is_config(value) else value
    if isinstance(given, int) and not isinstance(given, bool) and given >= 1:
        return tuple(range(given))
    if isinstance(given, list) and given and all(isinstance(seed, int) and not isinstance(seed, bool) and seed >= 0 for seed in given):
        if len(set(given)) < len(given):
            raise InputError(f"seeds={given} names a seed twice; each may stand there once")
        return tuple(given)
    raise InputError(f"seeds must be a whole number of at least 1, a list of whole numbers such as [0,3,7], or auto, not {given}")


def _instantiate(config: Any) -> Any:
    """Instantiate, and let what a part says of its parameters through as it is."""
    try:
        return instantiate(config, _convert_="all")
    except InstantiationException as error:
        cause = error.__cause__
        if isinstance(cause, InputError):
            raise cause from None
        raise InputError(first_line(cause or error)) from error


def main() -> None:
    """Run the command; exit with 0, 1 where something failed, or 130 after Ctrl-C."""
    # A batch system ends its jobs with SIGTERM; the study then stops as it does after Ctrl-C.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        _refuse_backends_inline(sys.argv[1:])
        _study()
    except KeyboardInterrupt:
        print("ablation: stopped; the same command continues the study", file=sys.stderr)
        sys.exit(INTERRUPTED)
    except Exception as error:
        told = _expected(error)
        if told is None:
            raise
        _tell(told)
        sys.exit(1)
    sys.exit(1 if _failed else 0)


def _refuse_backends_inline(arguments: Sequence[str]) -> None:
    """A sweep over backends needs a process for each, which ``execution=inline`` does not have."""
    given = [argument for argument in arguments if "=" in argument and not argument.startswith("-")]
    try:
        overrides = {each.key_or_group: each for each in OverridesParser.create().parse_overrides(given)}
    except HydraException:
        return  # Hydra tells it better.
    backend, execution = overrides.get("backend"), overrides.get("execution")
    if backend and execution and backend.is_sweep_override() and execution.value() == "inline":
        raise InputError("execution=inline cannot switch backends inside one process; leave it out, or name one backend")


def _expected(error: Exception) -> Exception | None:
    """Return what to tell of an error that is not ours, what Hydra says of a configuration included; None for one that is."""
    return error if isinstance(error, HydraException | OmegaConfBaseException) else expected(error)


def _tell(error: BaseException) -> None:
    print(f"ablation: {_told(error)}", file=sys.stderr)


def _told(error: BaseException) -> str:
    """Tell an error in one sentence, with the nearest right name where one is wrong."""
    text = str(error)
    for pattern, tell in PATTERNS:
        found = re.search(pattern, text, re.DOTALL)
        if found:
            return tell(*found.groups())
    return first_line(error)


def _no_option(group: str, name: str, known: str) -> str:
    return f"{group}={name} is not known{nearest(name, known.split())}"


def _no_key(name: str) -> str:
    keys = _keys(OmegaConf.load(CONFIGURATION / "config.yaml")) + [
        f"training.{key}" for key in ("epochs", "batch_size", "optimizer", "learning_rate")
    ]
    keys += [f"model.{key}" for key in ("width", "hidden", "weights", "trainable")]
    keys += ["catalogue.order", "execution.workers", "execution.threads", "execution.address"]
    keys += ["data.size", "data.test_fraction", "data.on_bad", *_groups()]
    if name in keys:
        return f"the setting '{name}' does not go with the {name.partition('.')[0]} that this study has chosen"
    return f"the setting '{name}' is not known{nearest(name, sorted(set(keys)))}"


def _keys(config: Any, prefix: str = "") -> list[str]:
    keys = []
    for key, value in config.items():
        if key in ("defaults", "hydra"):
            continue
        keys += _keys(value, f"{prefix}{key}.") if isinstance(value, DictConfig) else [f"{prefix}{key}"]
    return keys


def _groups() -> list[str]:
    return [folder.name for folder in CONFIGURATION.iterdir() if folder.is_dir()]


# What Hydra says of a wrong name, and how we say it.
PATTERNS: list[tuple[str, Callable[..., str]]] = [
    (r"Could not find '([^/']+)/([^']+)'\s+Available options in '[^']+':\s*(.*?)\nConfig search path", _no_option),
    (r"Could not override '([^']+)'", _no_key),
    (r"Key '([^']+)' is not in struct", _no_key),
    (r"No match in the defaults list", lambda: "the setting is not known"),
]


if __name__ == "__main__":
    main()
