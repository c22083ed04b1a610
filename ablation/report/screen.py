"""The screen: what a person sees of a plan, of a study while it runs, and at its end.

In a terminal a live display, elsewhere plain lines.
"""

import shlex
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from ablation.report.keep import what_to_keep
from ablation.report.notes import notes
from ablation.report.tables import console_table
from ablation.study.findings import Findings
from ablation.study.metric import Metric
from ablation.study.outcome import Result
from ablation.study.subject import Trial
from ablation.wording import counted, duration

if TYPE_CHECKING:
    from ablation.engine.failed import Failed
    from ablation.engine.plan import Plan
    from ablation.engine.worker import Made


MOST_WORDS = 60
"""Characters of what a run says it is doing that a line has room for."""


class Screen:
    """Shows a study as it goes. Events may come from any thread."""

    def __init__(self, console: Console | None = None) -> None:
        self.console = console or Console(highlight=False, soft_wrap=True)
        self._metric = Metric("score")
        self._lock = Lock()
        self._live: Live | None = None
        self._running: dict[str, tuple[Trial, dict[str, Any]]] = {}
        self._done, self._total, self._slots = 0, 0, 1
        self._epochs: int | None = None
        self._seconds: list[float] = []

    @contextmanager
    def watching(self, metric: Metric, total: int, results: Mapping[str, Result], slots: int, epochs: int | None) -> Iterator[None]:
        """Show ``total`` runs, of which ``results`` are there already, while ``slots`` of them run at once, of ``epochs`` each."""
        self._metric = metric
        self._done, self._total, self._slots, self._epochs = len(results), total, slots, epochs
        self._seconds = [result.seconds for result in results.values()]
        if not self.console.is_terminal:
            yield
            return
        with Live(get_renderable=self._render, console=self.console, refresh_per_second=4, transient=True) as self._live:
            yield
        self._live = None

    def say(self, line: str, style: str = "") -> None:
        """Print one line."""
        self.console.print(Text(line, style=style))

    def started(self, trial: Trial) -> None:
        with self._lock:
            self._running[trial.key] = (trial, {})

    def progressed(self, event: Mapping[str, Any]) -> None:
        with self._lock:
            if event["run"] in self._running:
                self._running[event["run"]][1].update(event)

    def finished(self, trial: Trial, made: "Made") -> None:
        result = made.result
        with self._lock:
            self._running.pop(trial.key, None)
            self._done += 1
            self._seconds.append(result.seconds)
        self.say(f"{self._count()}  {trial.name}: {self._score(result.score)}  ({duration(result.seconds)}{self._left()})")

    def failed(self, trial: Trial, failed: "Failed") -> None:
        with self._lock:
            self._running.pop(trial.key, None)
            self._done += 1
        self.say(f"{self._count()}  {trial.name} FAILED: {failed.words}", style="bold red")

    def _score(self, score: float) -> str:
        digits = 1 if self._metric.unit == "%" else 4
        text = self._metric.level(score, digits) if digits == 1 else f"{self._metric.shown(score):.{digits}g}"
        return self._metric.with_unit(text)

    def _count(self) -> str:
        return f"[{self._done:>{len(str(self._total))}}/{self._total}]"

    def _left(self) -> str:
        remaining = self._total - self._done
        if not remaining or not self._seconds:
            return ""
        return f"; about {duration(sum(self._seconds) / len(self._seconds) * remaining / min(self._slots, remaining))} left"

    def _render(self) -> RenderableType:
        with self._lock:
            running = list(self._running.values())
        head = Table.grid(padding=(0, 2))
        head.add_row(
            ProgressBar(total=self._total, completed=self._done, width=30), Text(f"{self._done} of {self._total} runs{self._left()}")
        )
        body = Table.grid(padding=(0, 2))
        for trial, event in running:
            body.add_row(Text(f"  {trial.name}"), Text(self._stage(event)), Text(self._latest(event)))
        return Group(head, body)

    def _stage(self, event: Mapping[str, Any]) -> str:
        epoch, stage = event.get("epoch"), str(event.get("stage", "waiting for a worker"))
        stage = stage if len(stage) <= MOST_WORDS else f"{stage[:MOST_WORDS]}…"
        if not epoch:
            return stage
        done = f"epoch {epoch} of {self._epochs}" if self._epochs else f"epoch {epoch}"
        return f"{done} · {stage}" if stage else done

    def _latest(self, event: Mapping[str, Any]) -> str:
        score = event.get("metrics", {}).get(self._metric.key)
        return "" if score is None else f"{self._metric.name} {self._score(score)}"


def show_plan(plan: "Plan") -> None:
    """Print what a study would do."""
    shared = plan.listed - plan.arms
    most = "at most " if plan.stops_itself else ""
    print(
        f"{counted(plan.arms, 'arm')} × {most}{counted(plan.seeds, 'seed')} = {most}{counted(plan.arms * plan.seeds, 'run')}"
        + (f"; {counted(shared, 'arm')} {'is' if shared == 1 else 'are'} shared between designs" if shared else "")
    )
    for remark in plan.remarks:
        print(f"• {remark}")
    for name, finished in plan.names:
        print(f"  {name:<40} {finished} of {plan.seeds} finished")
    for name, preview in plan.previews:
        print(f"# {name}\n{preview}")
    print(f"finished already: {plan.finished}; to run: {most if plan.missing else ''}{plan.missing}")
    if plan.seconds is None:
        print("time left: not known before the first run has finished")
    else:
        print(f"time left: {most}about {duration(plan.seconds)}")


def show_findings(findings: Findings, files: Sequence[Path], console: Console) -> None:
    """Print a study's tables, the notes on them, and its files."""
    for index in range(len(findings.designs)):
        console.print()
        console.print(console_table(findings, index))
    console.print()
    for note in [*what_to_keep(findings), *notes(findings)]:
        console.print(Text(f"• {note}"))
    console.print()
    for file in files:
        if file.suffix != ".svg":
            console.print(Text(f"{file}"), soft_wrap=True)


def show_way_to_runs(uri: str, is_default: bool, experiment: str, study: str, console: Console) -> None:
    """Print how to browse a study's runs in MLflow."""
    console.print()
    place = f"experiment {experiment}, study {study}"
    if uri.startswith("http"):
        console.print(Text(f"Browse the runs: {uri}, {place}"), soft_wrap=True)
    else:
        where = "" if is_default else f" --backend-store-uri {shlex.quote(uri)}"
        console.print(Text(f"Browse the runs: mlflow ui{where}   ({place})"), soft_wrap=True)
