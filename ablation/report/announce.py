"""Announcements: what the command prints of a plan, and at the end of a study."""

import shlex

from rich.console import Console
from rich.text import Text

from ablation.engine.conduct import Report
from ablation.engine.plan import Plan
from ablation.report import console_table, notes
from ablation.study.study import Study
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
    uri = study.store.uri
    where = "" if study.store.is_default else f" --backend-store-uri {shlex.quote(uri)}"
    console.print()
    if uri.startswith("http"):
        console.print(Text(f"Browse the runs: {uri}, experiment {study.store.experiment}, study {findings.name}"), soft_wrap=True)
    else:
        console.print(
            Text(f"Browse the runs: mlflow ui{where}   (experiment {study.store.experiment}, study {findings.name})"), soft_wrap=True
        )
