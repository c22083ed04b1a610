"""The console: what a person sees while a study runs. A live display in a terminal, plain lines elsewhere."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from threading import Lock
from typing import Any

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from ablation.images.run import Run
from ablation.study.findings import RunResult
from ablation.wording import duration


class Screen:
    """Shows a study as it goes. Events may come from any thread."""

    def __init__(self, console: Console | None = None) -> None:
        self.console = console or Console(highlight=False, soft_wrap=True)
        self._lock = Lock()
        self._live: Live | None = None
        self._running: dict[str, tuple[Run, dict[str, Any]]] = {}
        self._done, self._total, self._slots = 0, 0, 1
        self._seconds: list[float] = []

    @contextmanager
    def watching(self, total: int, results: Mapping[str, RunResult], slots: int) -> Iterator[None]:
        """Show ``total`` runs, of which ``results`` are there already, while ``slots`` of them run at once."""
        self._done, self._total, self._slots = len(results), total, slots
        self._seconds = [result.seconds for result in results.values()]
        if results:
            self.say(f"{len(results)} of {total} runs are finished already and are not trained again.")
        if not self.console.is_terminal:
            yield
            return
        with Live(get_renderable=self._render, console=self.console, refresh_per_second=4, transient=True) as self._live:
            yield
        self._live = None

    def say(self, line: str, style: str = "") -> None:
        """Print one line."""
        self.console.print(Text(line, style=style))

    def started(self, run: Run) -> None:
        with self._lock:
            self._running[run.key] = (run, {})

    def heard(self, event: dict[str, Any]) -> None:
        """Take what a worker reports of a run."""
        with self._lock:
            if event["run"] in self._running:
                self._running[event["run"]][1].update(event)

    def finished(self, run: Run, result: RunResult) -> None:
        with self._lock:
            self._running.pop(run.key, None)
            self._done += 1
            self._seconds.append(result.seconds)
        self.say(f"{self._count()}  {run.name}: {100 * result.score:.1f} %  ({result.seconds:.0f} s{self._left()})")

    def failed(self, run: Run, message: str) -> None:
        with self._lock:
            self._running.pop(run.key, None)
            self._done += 1
        self.say(f"{self._count()}  {run.name} FAILED: {message}", style="bold red")

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
        for run, event in running:
            epoch, accuracy = event.get("epoch"), event.get("val_accuracy")
            told = "starting" if epoch is None else "compiling" if epoch == 0 else f"epoch {epoch} of {run.training.epochs}"
            body.add_row(Text(f"  {run.name}"), Text(told), Text("" if accuracy is None else f"validation accuracy {100 * accuracy:.1f} %"))
        return Group(head, body)
