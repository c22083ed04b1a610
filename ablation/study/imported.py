"""A class or a function by its dotted name, and what is wrong with the name or the file where there is none."""

from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

from ablation.errors import InputError, nearest
from ablation.study.cause import explained


def imported(name: str, setting: str) -> Any:
    """Return what a dotted name such as ``my_module.MyClass`` stands for.

    Args:
        setting: what was given, for messages, such as ``subject.target=my_module.train``.

    Raises:
        InputError: if there is no such module or nothing of that name in it, or if importing it fails.
    """
    parts = name.split(".")
    if not all(part.isidentifier() for part in parts) or parts[-1] == "py":
        raise InputError(f"{setting} is no name that Python can import; expected module.name, with dots for slashes and without .py")
    found: Any = _module(parts[0], setting)
    for count, part in enumerate(parts[1:], 2):
        if isinstance(found, ModuleType) and not hasattr(found, part) and hasattr(found, "__path__"):
            found = _module(".".join(parts[:count]), setting, package=found)
        else:
            found = _attribute(found, part, setting)
    if not callable(found):
        raise InputError(f"{setting} is a {type(found).__name__}, which cannot be called; expected a class or a function")
    return found


def _module(name: str, setting: str, package: ModuleType | None = None) -> ModuleType:
    """Import a module, of a package where one is given."""
    try:
        return import_module(name)
    except ModuleNotFoundError as error:
        if error.name != name:
            raise InputError(f"{setting} cannot be imported: {explained(error)}") from error
        beside = _names_of(package) if package else _modules_in(Path.cwd())
        where = f"the package '{package.__name__}' has no" if package else "there is no module"
        raise InputError(f"{setting}: {where} '{name.rpartition('.')[2]}'{nearest(name.rpartition('.')[2], beside)}") from error
    except SystemExit as error:
        raise InputError(
            f"{setting} cannot be imported, because importing it exits the program: {explained(error)}; put what the script does behind "
            "if __name__ == '__main__'"
        ) from error
    except Exception as error:
        raise InputError(f"{setting} cannot be imported: {explained(error)}") from error


def _attribute(holder: Any, name: str, setting: str) -> Any:
    if not hasattr(holder, name):
        what = f"the module '{holder.__name__}'" if isinstance(holder, ModuleType) else f"'{getattr(holder, '__name__', holder)}'"
        raise InputError(f"{setting}: {what} has no '{name}'{nearest(name, _names_of(holder))}")
    return getattr(holder, name)


def _names_of(holder: Any) -> list[str]:
    """Return what something defines that can be called, and of a package its modules; what it imports where it defines nothing."""
    public = {each: value for each, value in vars(holder).items() if not each.startswith("_")}
    called = [each for each, value in public.items() if callable(value)]
    own = [each for each in called if getattr(public[each], "__module__", None) == getattr(holder, "__name__", "")]
    modules = [name for folder in getattr(holder, "__path__", ()) for name in _modules_in(Path(folder))]
    return [*(own or called), *modules]


def _modules_in(folder: Path) -> list[str]:
    names = {file.stem for file in folder.glob("*.py")} | {file.parent.name for file in folder.glob("*/__init__.py")}
    return sorted(names - {"__init__"})
