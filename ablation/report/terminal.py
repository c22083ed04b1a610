"""The table for a terminal."""

from typing import TYPE_CHECKING

from ablation.report.cells import TEST, WORDS, cells
from ablation.study.findings import Findings

if TYPE_CHECKING:
    from rich.table import Table


def console_table(findings: Findings, design_index: int) -> "Table":
    """Return the table of one design for a terminal of 100 columns; long names and verdicts wrap, numbers never do.

    Test accuracies, which few arms have, stand below the table.
    """
    from rich import box
    from rich.table import Table
    from rich.text import Text

    design = findings.designs[design_index]
    heads, lines = cells(findings, design_index)
    told = [dict(zip(heads, line, strict=True)) for line in lines]
    tests = [f"{line['arm']} {line[TEST]} %" for line in told if line.get(TEST)]
    table = Table(
        title=Text(f"{design.name}: effects in percentage points" if design.features else design.name, style="bold"),
        caption=Text(f"Accuracy on the test images: {', '.join(tests)}.") if tests else None,
        title_justify="left",
        caption_justify="left",
        box=box.SIMPLE_HEAD,
        padding=(0, 1, 0, 0),
        show_edge=False,
        pad_edge=False,
    )
    shown = [head for head in heads if head != TEST]
    for head in shown:
        words = head in WORDS
        table.add_column(head, justify="left" if words else "right", no_wrap=not words, overflow="fold", min_width=12 if words else None)
    for line in told:
        table.add_row(*(Text(line[head]) for head in shown))
    return table
