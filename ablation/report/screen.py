"""The screen: what a person sees of a plan, of a study while it runs, and at its end.

In a terminal a live display, elsewhere plain lines.
"""

import os
import shlex
import textwrap
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any

from rich.console import Console, Group, RenderableType
from rich.constrain import Constrain
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from ablation.report import summary
from ablation.report.notes import warnings
from ablation.report.pace import Pace
from ablation.report.terminal import UNBOUNDED, Name, console_table
from ablation.study.findings import Findings
from ablation.study.metric import Metric
from ablation.study.outcome import Result
from ablation.study.subject import Trial
from ablation.wording import counted, duration

if TYPE_CHECKING:
    from ablation.engine.failed import Failed
    from ablation.engine.plan import Plan
    from ablation.engine.worker import Made


WIDTH, MOST_RUNS = 58, 8
"""Columns of the live display and runs that it names at most. A display that fits the narrowest terminal and has few lines is still where
it was drawn, and can be drawn over, after the terminal was made narrower: some terminals break longer lines then and others cut them."""

BAR, STAGE, HEAD = 16, 16, 3
"""Columns of the bar and of what a run is doing, and lines of the display that name no run."""

BESIDE = 8
"""Columns of the words beside which the end of a study is printed."""


def screen_console() -> Console:
    """Return a console that breaks lines between words and leaves out what does not fit; neither in a pipe or a file."""
    console = Console(highlight=False)
    if not console.is_terminal:
        console.soft_wrap = True
        console.width = console.width if "COLUMNS" in os.environ else UNBOUNDED
    return console


class Screen:
    """Shows a study as it goes. Events may come from any thread."""

    def __init__(self, console: Console | None = None) -> None:
        self.console = console or screen_console()
        self._metric = Metric("score")
        self._lock = Lock()
        self._live: Live | None = None
        self._running: dict[str, tuple[Trial, dict[str, Any]]] = {}
        self._done, self._total = 0, 0
        self._slots: Callable[[], int] = lambda: 1
        self._most_slots = 1
        self._epochs: int | None = None
        self._pace = Pace()

    @contextmanager
    def watching(
        self, metric: Metric, total: int, results: Mapping[str, Result], slots: Callable[[], int], epochs: int | None
    ) -> Iterator[None]:
        """Show ``total`` runs, of which ``results`` are there already, while ``slots`` of them can run at once, of ``epochs`` each."""
        self._metric = metric
        self._done, self._total, self._slots, self._epochs = len(results), total, slots, epochs
        self._pace = Pace(result.seconds for result in results.values())
        if not self.console.is_terminal:
            # Or nothing would be seen before the first run has ended.
            runs = total - len(results)
            at_once = min(slots(), runs)
            self.say(f"{self._count()}  {counted(runs, 'run')} to make{f', {at_once} at once' if at_once > 1 else ''}{self._left()}")
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
            self._pace.ended(result.seconds)
        left = "" if self._live else self._left()  # which the live display says
        self.say(f"{self._count()}  {trial.name}: {self._score(result.score)}  ({duration(result.seconds)}{left})")

    def adopted(self, trial: Trial, result: Result) -> None:
        """Show a run that another study has made meanwhile."""
        with self._lock:
            self._done += 1
        self.say(f"{self._count()}  {trial.name}: {self._score(result.score)}  (made by another study)")

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
        runs = self._total - self._done
        seconds = self._pace.left(runs, self._slots())
        return f"; about {duration(seconds)} left" if runs and seconds is not None else ""

    def _render(self) -> RenderableType:
        with self._lock:
            running = list(self._running.values())
        head = Table.grid(padding=(0, 2))
        bar = ProgressBar(total=self._total, completed=self._done, width=BAR)
        head.add_row(bar, Text(f"{self._done} of {self._total} runs{self._left()}", no_wrap=True))
        body = Table.grid(padding=(0, 2))
        body.add_column()
        body.add_column(max_width=STAGE)
        # As many lines each time: where one thread prints while another draws, rich then still finds what it has drawn.
        self._most_slots = max(self._most_slots, self._slots())
        lines = max(min(self._most_slots, MOST_RUNS, self.console.height - HEAD), 1)
        for trial, event in running[:lines]:
            stage = Text(self._stage(event), no_wrap=True, overflow="ellipsis")
            body.add_row(Name(f"  {trial.name}", lines=1), stage, Text(self._latest(event), no_wrap=True))
        for _ in range(lines - len(running)):
            body.add_row("", "", "")
        more = [Text(f"  and {len(running) - lines} more" if len(running) > lines else "")] if self._most_slots >= lines else []
        return Constrain(Group(head, body, *more), WIDTH)

    def _stage(self, event: Mapping[str, Any]) -> str:
        epoch, stage = event.get("epoch"), str(event.get("stage", "waiting"))
        if not epoch:
            return stage
        done = f"epoch {epoch} of {self._epochs}" if self._epochs else f"epoch {epoch}"
        return f"{done} · {stage}" if stage else done

    def _latest(self, event: Mapping[str, Any]) -> str:
        score = event.get("metrics", {}).get(self._metric.key)
        return "" if score is None else f"{self._metric.short} {self._score(score)}"


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
        print(f"  {finished:>{len(str(plan.seeds))}} of {plan.seeds} finished  {name}")
    for name, preview in plan.previews:
        print(f"# {name}\n{preview}")
    print(f"finished already: {plan.finished}; to run: {most if plan.missing else ''}{plan.missing}")
    if plan.seconds is None:
        print("time left: not known before the first run has finished")
    else:
        print(f"time left: {most}about {duration(plan.seconds)}")


def show_findings(findings: Findings, files: Sequence[Path], console: Console) -> None:
    """Print what a study found and which arm to keep, its tables, what nobody may miss, and where its report and its files are."""
    console.print()
    lines = [("Found", line) for line in summary.found(findings)] + [("Keep", line) for line in summary.kept(findings)]
    for (what, line), before in zip(lines, [("", ""), *lines], strict=False):
        _print_beside("" if what == before[0] else what, line, console)
    for index in range(len(findings.designs)):
        console.print()
        console.print(console_table(findings, index))
    console.print()
    for sentence in warnings(findings):
        _print_beside("•", sentence, console)
    if findings.unfinished or warnings(findings):
        console.print()
    for page in (file for file in files if file.name == "report.html"):
        show_report(page, console)


def _print_beside(what: str, text: str, console: Console) -> None:
    """Print a text beside a word that says what it is, or a bullet, so that its further lines stay beside it."""
    indent = " " * (2 if what == "•" else BESIDE)
    line = " ".join(text.split())
    if not console.soft_wrap:
        line = textwrap.fill(line, max(console.width - len(indent), 1), break_long_words=False, break_on_hyphens=False)
    console.print(Text.assemble((what.ljust(len(indent)), "bold"), textwrap.indent(line, indent).lstrip()))


def show_place(what: str, place: str, console: Console) -> None:
    """Print where something is, in one piece that can be copied."""
    console.print(Text.assemble((what.ljust(BESIDE), "bold"), place), soft_wrap=True)


def show_report(page: Path, console: Console) -> None:
    """Print where a report and the files beside it are."""
    show_place("Report", str(page), console)
    show_place("Folder", str(page.parent), console)


def show_way_to_runs(address: str, uri: str, is_default: bool, console: Console) -> None:
    """Print where a browser shows a study's runs in MLflow, and what serves them there."""
    where = "" if is_default else f" --backend-store-uri {shlex.quote(uri)}"
    show_place("MLflow", address if uri.startswith("http") else f"{address}   (served by: mlflow ui{where})", console)
