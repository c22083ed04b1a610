"""Backends beside each other, by finished runs of the same networks."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from statistics import fmean, median

from ablation.errors import InputError
from ablation.report import Table, markdown_table
from ablation.store.reading import LoggedTrial
from ablation.study.key import digest
from ablation.study.outcome import Result

BACKENDS = ("tensorflow", "torch", "jax")
PASSED_OVER = ("backend", "seed", "data.description")
HEADS = (
    *("network", "backend", "params", "s/epoch after the first", "s to the end of the first", "peak memory GB"),
    *("processor use", "final loss", "accuracy %", "seeds"),
)


@dataclass(frozen=True)
class Compared:
    """What one backend made of one network: the same arm, settings and seeds as on the others.

    Attributes:
        network: what tells it from the other networks compared.
        backend: tensorflow, jax or torch.
        seeds: how many runs.
        parameters: of the network.
        seconds_per_epoch: after the first epoch; median over the runs.
        first_epoch: seconds until the first epoch was over; of the run that compiled. None where it was not measured, and so is the next.
        processor_use: processor time over time, mean over the runs.
        peak_memory: bytes, the largest of the runs.
        loss, accuracy: of the last epoch on the validation images, mean over the runs.
        environment: versions, threads, hardware.
    """

    network: str
    backend: str
    seeds: int
    parameters: int
    seconds_per_epoch: float
    first_epoch: float | None
    processor_use: float | None
    peak_memory: float
    loss: float
    accuracy: float
    environment: Mapping[str, str] = field(default_factory=dict)


Setting = tuple[tuple[str, str], ...]
"""All that was set of a run but its backend and seed, and its arm, by name."""


def compare(logged: Sequence[LoggedTrial]) -> list[Compared]:
    """Return what each backend made of each network that at least two of them trained, with the seeds that all of those have.

    Raises:
        InputError: if there is none, or a network has other parameters on one backend than on another.
    """
    results: dict[Setting, dict[str, dict[int, Result]]] = {}
    for trial in logged:
        # An experiment may hold runs of other subjects.
        if trial.result and {"backend", "model"} <= trial.params.keys():
            settings = {name: value for name, value in trial.params.items() if name not in PASSED_OVER}
            setting = tuple(sorted({**settings, "arm": ", ".join(sorted(trial.arm))}.items()))
            results.setdefault(setting, {}).setdefault(trial.params["backend"], {})[trial.seed] = trial.result
    shared = {setting: _shared(runs) for setting, runs in results.items()}
    shared = {setting: runs for setting, runs in shared.items() if runs}
    if not shared:
        raise InputError(
            "no network was trained with the same settings and seeds on two backends; "
            "expected runs such as those of: python -m ablation -m backend=tensorflow,torch features=none"
        )
    names = _names(list(shared))
    return [
        _compared(names[setting], backend, runs[backend]) for setting, runs in shared.items() for backend in BACKENDS if backend in runs
    ]


def _shared(runs: Mapping[str, Mapping[int, Result]]) -> dict[str, list[Result]]:
    """Return each backend's runs with the seeds that all of them have; nothing for a single backend."""
    seeds = sorted(set.intersection(*(set(each) for each in runs.values())))
    return {backend: [each[seed] for seed in seeds] for backend, each in runs.items()} if len(runs) > 1 and seeds else {}


def _names(settings: list[Setting]) -> dict[Setting, str]:
    """Name each setting by its model, and by whatever else the settings of that model differ in."""
    names = {}
    for setting in settings:
        values = dict(setting)
        alike = [dict(other) for other in settings if dict(other)["model"] == values["model"]]
        differ = sorted(name for name in values if name != "data.identity" and len({other.get(name, "") for other in alike}) > 1)
        parts = [values["model"], *(f"{name}={values[name] or 'none'}" for name in differ)]
        same = [other for other in alike if all(other.get(name, "") == values[name] for name in differ)]
        if len({other.get("data.identity", "") for other in same}) > 1:
            parts.append(f"data {digest(values.get('data.identity', ''))[:6]}")
        names[setting] = ", ".join(parts)
    return names


def _compared(network: str, backend: str, runs: Sequence[Result]) -> Compared:
    def measured(key: str) -> list[float]:
        return [run.measures[key] for run in runs if key in run.measures]

    return Compared(
        network=network,
        backend=backend,
        seeds=len(runs),
        parameters=int(runs[0].measures["parameters"]),
        seconds_per_epoch=median(measured("seconds_per_epoch")),
        first_epoch=max(measured("seconds_to_first_epoch"), default=None),
        processor_use=fmean(measured("processor_use")) if measured("processor_use") else None,
        peak_memory=1e6 * max(measured("peak_memory_mb")),
        loss=fmean(run.history["val_loss"][-1] for run in runs),
        accuracy=fmean(run.history["val_accuracy"][-1] for run in runs),
        environment=runs[0].environment,
    )


def check_parameters(rows: Sequence[Compared]) -> None:
    """Raise ``InputError`` where a network does not have equally many parameters on all backends: then it is not one network."""
    for network in dict.fromkeys(row.network for row in rows):
        counts = {row.backend: row.parameters for row in rows if row.network == network}
        if len(set(counts.values())) > 1:
            found = ", ".join(f"{count:,} on {backend}" for backend, count in counts.items())
            raise InputError(f"{network} has {found} parameters; expected the same network on every backend")


def cells(rows: Sequence[Compared]) -> list[list[str]]:
    """Return the cells of the comparison, under ``HEADS``."""
    return [
        [
            row.network,
            row.backend,
            f"{row.parameters:,}",
            f"{row.seconds_per_epoch:.3g}",
            "" if row.first_epoch is None else f"{row.first_epoch:.3g}",
            f"{row.peak_memory / 1e9:.2f}",
            "" if row.processor_use is None else f"{row.processor_use:.0%}",
            f"{row.loss:.4f}",
            f"{100 * row.accuracy:.2f}",
            str(row.seeds),
        ]
        for row in rows
    ]


def notes(rows: Sequence[Compared]) -> list[str]:
    """Return what a reader must know beside the table."""
    sentences = [
        "On every backend the same initial weights, order and draws. The first epoch counts from building the network and includes its "
        "compilation; processor use is processor time over time, 100 % being one core; loss and accuracy are those of the last epoch on "
        "the validation images."
    ]
    for backend in dict.fromkeys(row.backend for row in rows):
        versions = {", ".join(f"{name} {value}" for name, value in row.environment.items()) for row in rows if row.backend == backend}
        sentences += [f"{backend}: {each}." for each in sorted(versions)]
    return sentences


def table(rows: Sequence[Compared]) -> Table:
    """Return the comparison as a table."""
    return Table("", "", HEADS, tuple(map(tuple, cells(rows))), words=frozenset(HEADS[:2]))


def markdown(rows: Sequence[Compared]) -> str:
    """Return the comparison as Markdown."""
    return "\n".join(["# Backends compared", "", markdown_table(table(rows)), "", *(f"- {note}" for note in notes(rows))]) + "\n"
