"""The command ``python -m ablation``: conducts the study that its arguments ask for, or shows its plan."""

import os
import signal
import sys
from collections.abc import Callable
from types import FrameType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ablation.configuration import Asked

INTERRUPTED = 130


def conduct(asked: "Asked") -> bool:
    """Conduct a study, or show its plan; return whether every run finished and is logged, and every effect could be estimated."""
    if asked.plan:
        from ablation.engine.plan import plan
        from ablation.report.screen import show_plan

        show_plan(plan(asked.study, asked.store, asked.execution))
        return True
    from ablation.engine.conduct import conduct as conduct_study
    from ablation.report.screen import Screen, show_findings, show_way_to_runs
    from ablation.report.summary import shortfall

    _heed(signal.default_int_handler)
    screen = Screen()
    conducted = conduct_study(asked.study, asked.store, asked.execution, screen)
    show_findings(conducted.findings, conducted.files, screen.console)
    show_way_to_runs(conducted.address, asked.store.shown_uri, asked.store.is_default, screen.console)
    if why := shortfall(conducted.findings):
        print(f"ablation: the exit status is 1, for {why}", file=sys.stderr)
    if conducted.lacking:
        print(f"ablation: {conducted.lacking}", file=sys.stderr)
    return conducted.went_well


def main() -> None:
    """Run the command; exit with 0, 1 where something failed, or 130 after Ctrl-C."""
    _heed(_end_at_once)
    try:
        from ablation.configuration import command

        went_well = command(conduct)()
    except KeyboardInterrupt:
        print("ablation: stopped; the same command continues the study", file=sys.stderr)
        sys.exit(INTERRUPTED)
    sys.exit(0 if went_well else 1)


def _heed(handler: Callable[[int, FrameType | None], object]) -> None:
    """Let Ctrl-C, and SIGTERM with which a batch system ends its jobs, call this."""
    signal.signal(signal.SIGTERM, handler)
    if signal.getsignal(signal.SIGINT) != signal.SIG_IGN:  # as in the background of a shell
        signal.signal(signal.SIGINT, handler)


def _end_at_once(number: int, frame: FrameType | None) -> None:
    """End before a study begins: nothing can be lost yet, and an exception would come up, or be swallowed, in the midst of imports."""
    os.write(2, b"ablation: stopped before the study began\n")
    os._exit(INTERRUPTED)


if __name__ == "__main__":
    main()
