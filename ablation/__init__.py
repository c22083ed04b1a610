"""Which technique earned the accuracy? Ablation studies of image classifiers.

``python -m ablation`` is the command. From Python, :func:`run_study` runs a study from the same settings, and :func:`load_study` reads
a finished one from MLflow; both give a :class:`FinishedStudy`.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ablation.__main__ import run_study
    from ablation.api import FinishedStudy, load_study
    from ablation.errors import InputError

__all__ = ["FinishedStudy", "InputError", "load_study", "run_study"]

_HOMES = {"FinishedStudy": "api", "InputError": "errors", "load_study": "api", "run_study": "__main__"}


def __getattr__(name: str) -> Any:
    """Import what is public when it is first asked for, so that importing the package costs nothing."""
    if name in _HOMES:
        return getattr(import_module(f"ablation.{_HOMES[name]}"), name)
    raise AttributeError(f"module 'ablation' has no attribute '{name}'")
