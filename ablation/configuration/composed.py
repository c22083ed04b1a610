"""From words such as ``features=cumulative`` to what they ask for."""

import sys
from collections.abc import Callable, Sequence

import hydra
from hydra.core.global_hydra import GlobalHydra
from hydra.core.hydra_config import HydraConfig
from hydra.errors import HydraException
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from ablation.configuration.asked import Asked, asked_for
from ablation.configuration.files import FOLDER, HYDRA
from ablation.configuration.sentences import hydra_in_a_sentence, in_a_sentence
from ablation.configuration.words import check_words
from ablation.errors import InputError, exit_status
from ablation.quiet import quiet


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
        status = exit_status(lambda: went_well.append(conduct(asked_for(config))), in_a_sentence)
        went_well.append(status == 0)

    def every_study() -> None:
        quiet()
        check_words(sys.argv[1:])
        each()

    return lambda: exit_status(every_study, in_a_sentence) == 0 and all(went_well)


def asked_in_words(settings: Sequence[str]) -> Asked:
    """Return what settings such as ``"features=cumulative"`` ask for.

    Raises:
        InputError: if a setting cannot work.
    """
    quiet()
    check_words(settings)
    GlobalHydra.instance().clear()
    try:
        with hydra.initialize_config_dir(str(FOLDER), **HYDRA):
            composed = hydra.compose("config", list(settings), return_hydra_config=True)
        HydraConfig.instance().set_config(composed)
        asked = asked_for(OmegaConf.masked_copy(composed, [str(key) for key in composed if key != "hydra"]))
    except (HydraException, OmegaConfBaseException) as error:
        raise InputError(hydra_in_a_sentence(error, settings)) from error
    if asked.plan:
        raise InputError("plan=true is for the command; expected settings of a study to run")
    return asked
