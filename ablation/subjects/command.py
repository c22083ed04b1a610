"""A command as the subject of a study: a script that knows nothing of this package, and the score that it leaves."""

import os
import re
import secrets
import shlex
import shutil
from collections.abc import Collection, Iterable, Mapping, Sequence
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

from ablation.checks import choice, flag, number
from ablation.designs import Arm, excluded, exclusive_groups
from ablation.engine.execution import THREADS
from ablation.errors import InputError, nearest
from ablation.store.connection import Store
from ablation.store.names import FILES
from ablation.store.script_run import marked_run, marking
from ablation.study.metric import Measure, Metric, own_metric
from ablation.study.outcome import Outcome, Result
from ablation.study.study import FOLDER
from ablation.study.subject import ReadArrays, Report, Scoring, Subject, Trial
from ablation.subjects.command_line import RUN_DIR, SEED, CommandLine, flags
from ablation.subjects.covered import Covered
from ablation.subjects.failure import CommandError, bad_end, failure, kept_texts
from ablation.subjects.guarded import Stream, run_guarded
from ablation.subjects.output import Printed
from ablation.subjects.results import JSON, MLFLOW, OUTPUT, NoScoreError, Score, Wanted, check_result, score_of_json, score_of_output
from ablation.subjects.sources import steady
from ablation.wording import listed

RUN_DIRS = FOLDER / "commands"
"""Where runs have folders of their own, in the working folder."""

_SHOWN = 5
"""Names in a list beyond which only their number is shown."""


class Command(Subject):
    """A command that trains and leaves a score: on a line that it prints, in a JSON file, or in its own MLflow run.

    It runs without a shell in a process group of its own, which ends with the process that started it.

    Args:
        command: with the placeholders ``{seed}``, ``{features}``, ``{feature.NAME}``, ``{run_dir}`` and ``{arm}``.
        features: for each feature what it adds to the command, or a list of what it is on and off.
        metric, higher_is_better, unit, scale, bounds: of the score.
        result: where the score is read: ``output``, ``json:FILE`` or ``mlflow``.
        pick: which score of several counts: ``last`` or ``best``.
        sources: files, folders and patterns by whose content a run is recognised again, beside the files that the command names.
        folder: where the command runs; None for the working folder.
        environment: variables for the command, with the same placeholders.
        timeout: seconds after which a run is ended as failed; None for never.
        keep: patterns of files in ``{run_dir}`` that are kept as artifacts.
        shell: whether a shell runs the command, for pipes and the like.
        seedless: whether the command may do without ``{seed}``.
        exclusive: groups of features of which an arm has at most one.

    Raises:
        InputError: if a setting cannot work.
    """

    def __init__(
        self,
        command: str | None,
        features: Mapping[str, Any] | None,
        metric: str = "score",
        higher_is_better: bool = True,
        unit: str = "",
        scale: float = 1.0,
        bounds: Sequence[float] | None = None,
        result: str = OUTPUT,
        pick: str = "last",
        sources: Sequence[str] = (),
        folder: str | None = None,
        environment: Mapping[str, Any] | None = None,
        timeout: float | None = None,
        keep: Sequence[str] = (),
        shell: bool = False,
        seedless: bool = False,
        exclusive: Iterable[Iterable[str]] = (),
    ) -> None:
        if not isinstance(command, str) or not command.strip():
            raise InputError("subject.command is missing; expected for instance subject.command='python train.py --seed {seed} {features}'")
        if os.name != "posix":
            raise InputError("subject=command needs process groups, which this system does not have; expected Linux or macOS")
        for name, value in (("shell", shell), ("seedless", seedless)):
            flag(f"subject.{name}", value)
        choice("subject.pick", pick, ("last", "best"))
        if timeout is not None:
            number("subject.timeout", timeout, above=0)
        self._metric = own_metric(metric, unit, scale, higher_is_better, bounds, setting="subject.")
        self._wanted = Wanted(self._metric.key, pick, higher_is_better)
        variables = {str(name): "" if value is None else str(value) for name, value in (environment or {}).items()}
        self._line = CommandLine(command, flags(features), variables, shell)
        self.features = tuple(self._line.flags)
        self.exclusive = exclusive_groups(exclusive, self.features)
        self._result = check_result(result)
        self._folder = folder or "."
        self._keep = _texts("subject.keep", keep)
        self.stores = bool(self._keep)
        self._timeout = timeout
        for name, text in (("subject.result", self._result), ("subject.folder", self._folder)):
            self._line.check(name, text, ("seed", "run_dir", "arm"))
        self._check_placeholders(seedless)
        # The file system of a worker elsewhere is that of the working folder here.
        self._here = Path.cwd()
        self._run_dirs = self._here / RUN_DIRS
        base = self._here if RUN_DIR in self._folder else (self._here / self._folder).resolve()
        if not base.is_dir():
            raise InputError(f"subject.folder={self._folder} is no folder; expected one to run the command in")
        self._base = base
        words = self._words(frozenset())
        self._check_program(words[0])
        self._covered = Covered(self._line, base, _texts("subject.sources", sources))
        self.name = _name(shlex.split(words[2]) if shell else words)
        self.description = f"Command: {command}"
        self._store = Store.of_environment("ablation") if self._result == MLFLOW else None
        self._inherited = frozenset(os.environ)
        self._threads: int | None = None

    # ---- what is checked before anything runs ------------------------------------------------------------------------------

    def _check_placeholders(self, seedless: bool) -> None:
        if not seedless and not self._line.uses("seed"):
            raise InputError(
                "subject.command has no {seed}, so that all seeds would be the same run; add it, such as --seed {seed}, "
                "or set subject.seedless=true for a command that draws anew by itself"
            )
        file = self._result.removeprefix(JSON) if self._result.startswith(JSON) else None
        if file is not None and RUN_DIR not in file + self._folder and not (SEED in file and "{arm}" in file):
            raise InputError(
                f"subject.result={self._result} is one file for all runs, and runs beside each other would overwrite it; "
                f"expected a folder of the run's own, such as '{JSON}{RUN_DIR}/{Path(file).name}'"
            )
        if self._keep and not self._uses_run_dir():
            raise InputError("subject.keep keeps files of {run_dir}, which the command is not given; add it, such as --out {run_dir}")

    def _uses_run_dir(self) -> bool:
        return self._line.uses("run_dir") or RUN_DIR in self._result + self._folder

    def _check_program(self, program: str) -> None:
        path = {**os.environ, **self._line.variables(frozenset(), SEED, RUN_DIR)}.get("PATH")
        there = (self._base / program).is_file() if "/" in program else shutil.which(program, path=path)
        if not there:
            near = nearest(program, ["python3", "python", "bash"]) if "/" not in program else ""
            raise InputError(f"subject.command starts the program '{program}', which is not there{near}")

    # ---- what a run is recognised by ---------------------------------------------------------------------------------------

    def _words(self, arm: Arm) -> tuple[str, ...]:
        """Return the command with the placeholders of what is a run's own."""
        return self._line.words(arm, SEED, RUN_DIR)

    def identity(self, arm: Arm) -> Mapping[str, Any]:
        """Return the command of an arm with the content of its files; what features are called is no part of it."""
        return {
            "command": list(self._words(arm)),
            "environment": self._line.variables(arm, SEED, RUN_DIR),
            "sources": self._covered.contents(arm),
            "folder": self._folder,
            "metric": self._metric.key,
            "result": self._result,
            "pick": [self._wanted.pick, self._wanted.higher_is_better if self._wanted.pick == "best" else None],
        }

    def serves(self, arm: Arm, result: Result) -> bool:
        """Say whether a finished run has kept what is to be kept."""
        return all(any(fnmatch(name, f"{FILES}/{pattern}") for name in result.stored) for pattern in self._keep)

    def doubts(self, finished: Collection[Result]) -> tuple[str, ...]:
        """Name files beside the covered ones that have changed since one of these runs."""
        if not any(result.uncovered for result in finished):
            return ()
        now = self._covered.others()
        changed = sorted({name for result in finished for name, was in result.uncovered.items() if now.get(name) != was})
        if not changed:
            return ()
        return (
            f"Changed since runs that are used again, and not covered by their key: {_few(changed)}. If that changes scores, name it in "
            f"subject.sources, and runs are made anew whenever it changes.",
        )

    # ---- a run -------------------------------------------------------------------------------------------------------------

    def start(self, threads: int | None, own: bool) -> Mapping[str, str]:
        """Let the commands of this process have as many threads as a run is given."""
        self._threads = threads
        return {"threads": str(threads)} if threads else super().start(threads, own)

    def run(self, trial: Trial, report: Report) -> Outcome:
        """Run the command to its end, and read its score.

        Raises:
            CommandError: if it fails, takes too long, or leaves no score.
        """
        if changed := self._covered.changed(trial.arm):
            raise CommandError(f"{_few(changed)} changed while the study ran; the same command starts again with what it is now")
        mark = secrets.token_hex(8)
        run_dir = self._run_dirs / f"{trial.key[:12]}-{mark[:6]}"
        if self._uses_run_dir():
            run_dir.mkdir(parents=True)
        before = self._covered.others()
        printed: dict[Stream, Printed] = {stream: Printed(self._metric.key) for stream in ("stdout", "stderr")}

        def hear(stream: Stream, line: str) -> None:
            live = self._result == OUTPUT and (stream == "stdout" or self._metric.key not in printed["stdout"].history)
            if not printed[stream].add(line, report if live else None) and line.strip():
                report.stage(line.strip())

        seed = str(trial.seed)
        words = self._line.words(trial.arm, seed, str(run_dir))
        folder = self._here / self._line.fill(self._folder, trial.arm, seed, str(run_dir))
        variables = {**self._environment(mark), **self._line.variables(trial.arm, seed, str(run_dir))}
        ended = run_guarded(words, folder, variables, self._timeout, hear)
        if (reason := bad_end(ended, printed, self._timeout)) is not None:
            raise failure(reason, printed, "stderr")
        try:
            if self._result == OUTPUT:
                score, note = score_of_output(self._wanted, printed["stdout"], printed["stderr"]), ""
            elif self._result == MLFLOW:
                score, note = self._logged(mark)
            else:
                file = self._line.fill(self._result.removeprefix(JSON), trial.arm, seed, str(run_dir))
                score, note = score_of_json(self._wanted, folder / file), ""
            kept = self._kept(run_dir)
        except NoScoreError as error:
            raise failure(str(error), printed, "stdout") from None
        if self._result != OUTPUT:
            for value in score.history.get(self._metric.key, ()):
                epoch: dict[str, Any] = {self._metric.key: value}
                report(**epoch)
        return Outcome(
            score.value,
            score.history,
            score.measures,
            texts=kept_texts(printed),
            folder=kept,
            note=note,
            uncovered=steady(before, self._covered.others()),
        )

    def _environment(self, mark: str) -> dict[str, str]:
        """Return the variables that every command gets: those of this process, but for what MLflow's client here has set for itself."""
        given = {name: value for name, value in os.environ.items() if not name.startswith("MLFLOW_") or name in self._inherited}
        given.pop("MLFLOW_RUN_ID", None)
        threads = {} if self._threads is None else {name: str(self._threads) for name in THREADS}
        return {"PYTHONUNBUFFERED": "1", **given, **threads, **(marking(self._store, mark) if self._store else {})}

    def _logged(self, mark: str) -> tuple[Score, str]:
        assert self._store is not None
        found = marked_run(self._store, mark, self._metric.key)
        if found is None:
            raise NoScoreError(
                f"no MLflow run of the command in {self._store.shown_uri}; expected it to log '{self._metric.key}' there, "
                f"and not to choose another tracking URI"
            )
        return self._wanted.of_history(found.history, "the command's MLflow run"), f"The command logged [a run of its own]({found.link})."

    def _kept(self, run_dir: Path) -> Path | None:
        """Reduce a run's folder to what is kept of it, and return it; without anything to keep, it goes."""
        if not self._keep:
            shutil.rmtree(run_dir, ignore_errors=True)
            return None
        names = {file: file.relative_to(run_dir).as_posix() for file in run_dir.rglob("*") if file.is_file()}
        for pattern in self._keep:
            if not any(fnmatch(name, pattern) for name in names.values()):
                raise NoScoreError(f"subject.keep has '{pattern}', and {RUN_DIR} has no such file{nearest(pattern, names.values())}")
        for file, name in names.items():
            if not any(fnmatch(name, pattern) for pattern in self._keep):
                file.unlink()
        return run_dir

    # ---- what people read --------------------------------------------------------------------------------------------------

    @property
    def metric(self) -> Metric:
        """What a score is."""
        return self._metric

    @property
    def measures(self) -> tuple[Measure, ...]:
        """What a run costs; other numbers that the command leaves are kept with the run."""
        return (Measure("seconds", "s/run", "seconds", "median", "seconds a run"),)

    def preview(self, trial: Trial) -> str:
        """Return the command of a run, ready to paste into a shell."""
        seed, run_dir = str(trial.seed), str(RUN_DIRS / trial.key[:12])
        if self._folder != ".":
            run_dir = str(self._run_dirs / trial.key[:12])
        folder = self._line.fill(self._folder, trial.arm, seed, run_dir)
        make = f"mkdir -p {shlex.quote(run_dir)} && " if self._uses_run_dir() else ""
        line = self._line.pasted(trial.arm, seed, run_dir)
        return f"{make}{line}" if self._folder == "." else f"({make}cd {shlex.quote(folder)} && {line})"

    def protocol(self) -> Scoring:
        """Say where a score comes from."""
        where = {OUTPUT: "that the command prints", MLFLOW: "of the command's own MLflow run"}
        place = where.get(self._result, f"in {self._result.removeprefix(JSON)}")
        return Scoring(f"A score is the {self._wanted.pick} {self._metric.name} {place}.", "whatever the command draws from its seed")

    def allows(self, arm: Arm) -> str | None:
        """Return None, or why these features cannot be on together."""
        return excluded(self.exclusive, arm)

    def params(self, arm: Arm) -> Mapping[str, str]:
        """Return the command of an arm, and what each feature that is on gives it."""
        on = {f"feature.{name}": self._line.flag(name, True) or "on" for name in self.features if name in arm}
        return {**on, "command": self._words(arm)[2] if self._line.shell else shlex.join(self._words(arm))}

    def settings(self) -> Mapping[str, str]:
        """Return which command it is."""
        return {"command": self._line.template}

    def remarks(self) -> tuple[str, ...]:
        """Say what a run is recognised by."""
        covered = self._covered.names()
        if not covered:
            return ("The key of a run covers the command alone and none of its files; name them in subject.sources.",)
        return (f"The key of a run covers the command and {_few(covered)}; files that it reads beside them belong in subject.sources.",)

    def variability(self, runs: Mapping[tuple[Arm, int], Result], read: ReadArrays) -> tuple[str, ...]:
        """Say that intervals cover the seed alone, and where seeds change nothing."""
        scores: dict[Arm, list[float]] = {}
        for (arm, _), result in runs.items():
            scores.setdefault(arm, []).append(result.score)
        same = [arm for arm, values in scores.items() if len(values) > 1 and len(set(values)) == 1]
        names = [" + ".join(name for name in self.features if name in arm) or "baseline" for arm in same]
        identical = [f"All seeds gave exactly the same score in {_few(names)}: does the command use its seed?"] if same else []
        return (
            *identical,
            "Intervals cover the seed, as far as the command uses it; not other data, other settings or other hardware.",
        )


def _name(words: Sequence[str]) -> str:
    """Return what a command is called: by its script, else by its program."""
    script = next((word for word in words[1:] if word.endswith((".py", ".sh", ".R", ".jl"))), words[0])
    return re.sub(r"[^\w.+-]", "_", Path(script).stem)


def _few(names: Sequence[str]) -> str:
    return listed(names if len(names) <= _SHOWN else [*names[:_SHOWN], f"{len(names) - _SHOWN} more"], "and")


def _texts(setting: str, given: object) -> tuple[str, ...]:
    if not isinstance(given, list | tuple) or not all(isinstance(each, str) and each for each in given):
        raise InputError(f"{setting} must be a list of names or patterns, such as [train.py], not {given!r}")
    return tuple(given)
