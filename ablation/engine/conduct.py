"""Conducting a study: train what is missing, estimate effects, report.

The order of :func:`conduct` is the story: nothing is trained or logged before everything that can be checked has been, a finished run is
never trained again, and whatever stops the study, the same command continues it.
"""

from collections.abc import Iterator
from concurrent.futures import Future, wait
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from ablation.effects import Precision
from ablation.engine.analysis import decided, draw_held_out, findings_of
from ablation.engine.deltas import Deltas
from ablation.engine.execution import Pool
from ablation.engine.plan import checked, finished
from ablation.engine.schedule import train_all
from ablation.errors import InputError
from ablation.images.data import open_staged
from ablation.images.process import prepare
from ablation.report.publish import publish, unchanged
from ablation.report.screen import Screen
from ablation.store.connection import EpochLog
from ablation.study.findings import Failure, Findings
from ablation.study.study import FOLDER, Adaptive, Study

OWNER = ".study"
"""File in a study's folder that says whose it is, by the study's key."""


@dataclass(frozen=True)
class Report:
    """What a study leaves: its findings and the files that show them."""

    findings: Findings
    files: tuple[Path, ...]


def conduct(study: Study, screen: Screen) -> Report:
    """Train what is missing, and report.

    Raises:
        InputError: if something that the user gave cannot work; nothing was trained or logged then.
        KeyboardInterrupt: on Ctrl-C, after what was running was marked as killed.
    """
    from ablation.report import about_left_out

    staged = checked(study)
    dataset = open_staged(staged)
    for sentence in about_left_out(dataset.left_out):
        screen.say(sentence)
    _check_folder(study)
    with _alone(study), ExitStack() as stack:
        there = finished(study)
        missing = [replace(run, staged=staged) for run in study.runs if run.key not in there]
        epochs = EpochLog(study.store)

        def heard(event: dict[str, Any]) -> None:
            screen.heard(event)
            epochs.heard(event)

        # Workers are reached before anything is logged, and not at all where nothing is missing.
        pool = stack.enter_context(study.execution.open(heard)) if missing else None
        # The frameworks take seconds to import; the workers can do that while MLflow does the same here.
        ready = [] if pool is None else _prepare(pool, study)
        for each in ready:
            if each.done() and (error := each.exception()):  # in this process
                raise InputError(f"backend={study.backend} cannot be had: {error}") from error
        destination = study.store.open_study(study.key, study.name, _params(study))
        try:
            results = destination.adopt(there, study.runs)
            deltas = Deltas(study.designs, study.runs, destination, results)
            failures: tuple[Failure, ...] = ()
            if pool is not None:
                if pool.own:
                    wait(ready)  # A run that comes meanwhile brings imports of its own, in another thread than that of Keras.
                with screen.watching(len(study.runs), results, pool.slots):
                    trained, failures = train_all(missing, pool, destination, epochs, screen, deltas, study.on_error == "stop")
                results = {**results, **trained}
            precision: Precision | None = None
            if study.adaptive and not (failures and study.on_error == "stop"):
                precision = decided(study, dataset, results)
                screen.say(precision.told())
                study = study.with_seeds(precision.total)
                there = {key: result for key, result in finished(study).items() if key not in results}
                results = {**results, **destination.adopt(there, study.runs)}
                failed = {(failure.arm, failure.seed) for failure in failures}
                missing = [
                    replace(run, staged=staged) for run in study.runs if run.key not in results and (run.arm, run.seed) not in failed
                ]
                if missing:
                    pool = pool or stack.enter_context(study.execution.open(heard))
                    deltas = Deltas(study.designs, study.runs, destination, results)
                    with screen.watching(len(study.runs) - len(failed), results, pool.slots):
                        trained, more = train_all(missing, pool, destination, epochs, screen, deltas, study.on_error == "stop")
                    results, failures = {**results, **trained}, (*failures, *more)
            findings = findings_of(study, dataset, results, failures, destination.failed(), precision)
            files = unchanged(findings, study.folder) or publish(
                findings, study.folder, study.configuration, partial(draw_held_out, study, dataset, results, findings), pool
            )
            (study.folder / OWNER).write_text(study.key, encoding="utf-8")
            status = "FAILED" if failures else "FINISHED"
            destination.close(status, effect_metrics(findings), study.folder, description(findings))
        except BaseException:
            # First the workers, so that none logs to a run that is marked as killed.
            stack.close()
            with suppress(Exception):  # What stopped the study is told, not that its store cannot take even this.
                destination.kill()
            raise
    return Report(findings, files)


def _prepare(pool: Pool, study: Study) -> list[Future[None]]:
    """Let every process of a pool import what it trains with."""
    return [pool.executor.submit(prepare, study.backend, study.execution.threads, pool.own) for _ in range(pool.slots)]


def _check_folder(study: Study) -> None:
    """Keep a study from writing over another one's files."""
    owner = study.folder / OWNER
    if owner.is_file() and owner.read_text(encoding="utf-8") != study.key:
        raise InputError(f"'{study.folder}' holds the files of another study; expected another study.name, or remove them")


@contextmanager
def _alone(study: Study) -> Iterator[None]:
    """Keep a second process from conducting the same study at the same time. The lock goes with the process, however it ends."""
    from filelock import FileLock, Timeout

    locks = FOLDER / "cache" / "locks"
    locks.mkdir(parents=True, exist_ok=True)
    lock = FileLock(locks / f"{study.key}.lock", timeout=0)
    try:
        lock.acquire()
    except Timeout:
        raise InputError(f"the study '{study.name}' is being run by another process in this folder; wait until that has ended") from None
    try:
        yield
    finally:
        lock.release()


def _params(study: Study) -> dict[str, Any]:
    return {
        "designs": ", ".join(design.name for design in study.designs),
        "order": ", ".join(study.features),
        "seeds": ", ".join(map(str, study.seeds)) if study.adaptive is None else _told(study.adaptive),
        "arms": len(study.arms),
        "model": study.model_name,
        "data": study.data_name,
        "epochs": study.training.epochs,
        "batch_size": study.training.batch_size,
        "backend": study.backend,
    }


def _told(adaptive: Adaptive) -> str:
    return f"auto: intervals of ± {adaptive.precision:g} points, at most {adaptive.most}"


def effect_metrics(findings: Findings) -> dict[str, float]:
    """Return every effect with its interval, as fractions; those of a second design carry its name."""
    metrics = {}
    credited = [each for each in zip(findings.designs, findings.effects, strict=True) if each[0].features]
    for index, (design, effects) in enumerate(credited):
        prefix = "effect" if index == 0 else f"effect_{design.name}"
        for row, feature in enumerate(design.features):
            metrics[f"{prefix}_{feature}"] = effects.estimate[row]
            metrics[f"{prefix}_{feature}_low"], metrics[f"{prefix}_{feature}_high"] = effects.low[row], effects.high[row]
    return metrics


def description(findings: Findings) -> str:
    """Return what MLflow's page of the study opens with: the answer in words, then the tables."""
    from ablation import report

    return "\n\n".join([*report.answer(findings), report.markdown(findings)])
