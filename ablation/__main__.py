"""The command ``python -m ablation``: conducts the study that its arguments ask for, or shows its plan."""

import signal
import sys

from ablation.configuration import Asked, command

INTERRUPTED = 130


def conduct(asked: Asked) -> bool:
    """Conduct a study, or show its plan; return whether every run finished and every effect could be estimated."""
    if asked.plan:
        from ablation.engine.plan import plan
        from ablation.report.screen import show_plan

        show_plan(plan(asked.study, asked.store, asked.execution))
        return True
    from ablation.engine.conduct import conduct as conduct_study
    from ablation.report.screen import Screen, show_findings, show_way_to_runs

    screen = Screen()
    conducted = conduct_study(asked.study, asked.store, asked.execution, screen)
    show_findings(conducted.findings, conducted.files, screen.console)
    show_way_to_runs(conducted.address, asked.store.uri, asked.store.is_default, screen.console)
    return conducted.findings.went_well


def main() -> None:
    """Run the command; exit with 0, 1 where something failed, or 130 after Ctrl-C."""
    # A batch system ends its jobs with SIGTERM; the study then stops as it does after Ctrl-C.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        went_well = command(conduct)()
    except KeyboardInterrupt:
        print("ablation: stopped; the same command continues the study", file=sys.stderr)
        sys.exit(INTERRUPTED)
    sys.exit(0 if went_well else 1)


if __name__ == "__main__":
    main()
