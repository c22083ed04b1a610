"""Which technique earned it? Ablation studies of anything that trains, with intervals and honest verdicts.

``python -m ablation`` is the command. From Python, :func:`run` ablates a function, :func:`run_study` runs a study in the words of the
command, :func:`analyse` takes results that were made elsewhere, and :func:`load_study` reads a study from MLflow; all give a
:class:`FinishedStudy`.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ablation.api import FinishedStudy, analyse, load_study, run, run_study
    from ablation.errors import InputError

__all__ = ["FinishedStudy", "InputError", "analyse", "load_study", "run", "run_study"]

_HOMES = {"InputError": "errors"}


def __getattr__(name: str) -> Any:
    """Import what is public when it is first asked for, so that importing the package costs nothing."""
    if name in __all__:
        return getattr(import_module(f"ablation.{_HOMES.get(name, 'api')}"), name)
    raise AttributeError(f"module 'ablation' has no attribute '{name}'")
