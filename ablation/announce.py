"""Announcements: what the command prints of a plan, and at the end of a study."""

import os

from rich.console import Console
from rich.text import Text

from ablation.conduct import Report
from ablation.plan import Plan
from ablation.report import console_table, notes
from ablation.study import Study
from ablation.wording import duration


def announce_plan(plan: Plan) -> None:
    """Print what a study would do."""
    shared = plan.listed - plan.arms
    print(
        f"{plan.arms} arms × {plan.seeds} seeds = {plan.arms * plan.seeds} runs"
        + (f"; {shared} arms are shared between designs" if shared else "")
    )
    for remark in plan.remarks:
        print(f"• {remark}")
    for name, finished in plan.names:
        print(f"  {name:<40} {finished} of {plan.seeds} finished")
    for remark in plan.remarks:
        print(remark)
    print(f"finished already: {plan.finished}; to train: {plan.missing}")
    if plan.seconds is None:
        print("time left: not known before the first run has finished")
    else:
        print(f"time left: about {duration(plan.seconds)}")


def announce_report(study: Study, report: Report, console: Console) -> None:
    """Print a study's tables, what must be said beside them, its files, and how to browse its runs."""
    findings = report.findings
    for index in range(len(findings.designs)):
        console.print()
        console.print(console_table(findings, index))
    console.print()
    for note in notes(findings):
        console.print(Text(f"• {note}"))
    console.print()
    for file in report.files:
        if file.suffix != ".svg":
            console.print(Text(f"{file}"), soft_wrap=True)
    where = (
        f" --backend-store-uri {os.environ['MLFLOW_TRACKING_URI']}"
        if os.environ.get("MLFLOW_TRACKING_URI", "").startswith("sqlite")
        else ""
    )
    console.print()
    if study.store.uri.startswith("http"):
        console.print(
            Text(f"Browse the runs: {study.store.uri}, experiment {study.store.experiment}, study {findings.name}"), soft_wrap=True
        )
    else:
        console.print(
            Text(f"Browse the runs: mlflow ui{where}   (experiment {study.store.experiment}, study {findings.name})"), soft_wrap=True
        )
