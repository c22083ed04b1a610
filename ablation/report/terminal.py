"""Tables for a terminal of any width: columns that do not fit are left out, those of least worth first, and names never break in a word."""

import re
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

from rich import box
from rich.console import Console, ConsoleOptions, RenderResult
from rich.measure import Measurement
from rich.table import Table as Grid
from rich.text import Text

from ablation.report.tables import LEGENDS, Table, effects_table, needed, so_far
from ablation.study.findings import Findings

VERDICTS = {
    "helps": "bold green",
    "probably helps": "green",
    "hurts": "bold red",
    "probably hurts": "red",
    "negligible": "dim",
    "open": "yellow",
    "given up": "yellow",
}
"""Their colours; the words alone say the same."""

NARROWEST, MOST_LINES = 16, 2
"""Characters that a column of names gets at least, where a name has as many, and the lines that a name takes at most."""

UNBOUNDED = 10_000
"""Columns of a terminal in which every table has room."""


@dataclass(frozen=True)
class Name:
    """A name in as many lines as it may take."""

    text: str
    lines: int = MOST_LINES

    def __rich_measure__(self, console: Console, options: ConsoleOptions) -> Measurement:
        return Measurement(min(NARROWEST, len(self.text)), len(self.text))

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        yield Text("\n".join(lines_of(self.text, options.max_width, self.lines)), no_wrap=True, overflow="crop")


def lines_of(name: str, width: int, most: int = MOST_LINES) -> list[str]:
    """Break a name after spaces and underscores into at most so many lines; what is too long loses its middle."""
    pieces = re.findall(r"[^ _]+[ _]*|[ _]+", name)
    lines = [""]
    for piece in pieces:
        if lines[-1] and len((lines[-1] + piece).rstrip()) > width:
            lines.append("")
        lines[-1] += piece
    if len(lines) <= most:
        return [elided(line.rstrip(), width) for line in lines]
    if most == 1:
        return [elided(name, width)]
    end = ""
    for piece in reversed(pieces):
        if len(piece + end) >= width:
            break
        end = piece + end
    return [*(elided(line.rstrip(), width) for line in lines[: most - 1]), elided(f"…{end}" if end else name[-width:], width)]


def elided(text: str, width: int) -> str:
    """Leave out the middle of a text that is too long."""
    if len(text) <= width:
        return text
    end = max(width - 1, 0) // 2
    return f"{text[: max(width - 1 - end, 0)]}…{text[len(text) - end :]}"


@dataclass(frozen=True)
class Fitted:
    """A table as wide as the terminal allows.

    Attributes:
        table: the whole of it.
        worth: heads of its columns, those that stay longest first; the others go before them, the last one first.
        where: a table that stands elsewhere and has every column, for the line that says what was left out; empty for no such line.
    """

    table: Table
    worth: Sequence[str] = ()
    where: str = ""

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        heads = list(self.table.heads)
        going = [*reversed([head for head in heads if head not in self.worth]), *reversed([head for head in self.worth if head in heads])]
        left_out: list[str] = []
        shown, made = self.table, _grid(self.table)
        wide = options.update(max_width=UNBOUNDED)
        while going[1:] and Measurement.get(console, wide, made).minimum > options.max_width:
            left_out.insert(0, going.pop(0))
            shown = _without(self.table, left_out)
            made = _grid(shown)
        yield made
        if shown.foot:
            yield Text(shown.foot, style="dim")
        if left_out and self.where:
            yield Text(f"No room for: {', '.join(left_out)}. {self.where} has every column.", style="dim")


def _without(table: Table, left_out: Sequence[str]) -> Table:
    """Return a table without some columns, and without the lines and the legend that then say nothing."""
    kept = [index for index, head in enumerate(table.heads) if head not in left_out]
    lines = (tuple(line[index] for index in kept) for line in table.lines)
    foot = table.foot
    for head in left_out:
        foot = foot.replace(LEGENDS.get(head, ""), "").strip()
    return replace(
        table, heads=tuple(table.heads[index] for index in kept), lines=tuple(line for line in lines if any(line[1:])), foot=foot
    )


def _grid(table: Table) -> Grid:
    """Lay a table out: the first column holds names, which may be made narrower, and everything else stays whole."""
    made = Grid(
        title=Text(table.title, style="bold") if table.title else None,
        title_justify="left",
        box=box.SIMPLE_HEAD,
        padding=(0, 1, 0, 0),
        show_edge=False,
        pad_edge=False,
    )
    made.add_column(Text(table.heads[0]))
    for index, head in enumerate(table.heads[1:], start=1):
        width = max(len(text) for text in (*(line[index] for line in table.lines), *head.split()))
        justify: Literal["left", "right"] = "left" if head in table.words else "right"
        made.add_column(Text(textwrap.fill(head, width)), justify=justify, no_wrap=True, min_width=width)
    for line in table.lines:
        first, *others = line
        made.add_row(Name(first), *(Text(cell, VERDICTS.get(cell, "")) for cell in others))
    return made


def console_table(findings: Findings, design_index: int) -> Fitted:
    """Return the table of one design for a terminal: its effects, or its arms where an effect is read off each or none is.

    Measures that few arms have stand below it, in words.
    """
    design, metric = findings.designs[design_index], findings.metric
    whole, apart = effects_table(findings, design_index)
    sentences = [whole.foot] if whole.foot else []
    for measure in findings.measures:
        if measure.below and measure.heading in whole.heads:
            place = whole.heads.index(measure.heading)
            values = [f"{line[0]} {metric.with_unit(line[place])}" for line in whole.lines if line[place]]
            sentences.append(f"{measure.below}: {', '.join(values)}.")
            whole = _without(whole, [measure.heading])
    if apart:
        sentences.append(f"The report has its {len(design.arms)} arms with their scores.")
    unit = f": effects in {metric.difference_in_words or metric.name}" if design.features else ""
    worth = (whole.heads[0], "effect", "verdict", "95 % interval", needed(findings), metric.heading, "look")
    return Fitted(replace(whole, title=design.name + unit + so_far(findings), lead="", foot=" ".join(sentences)), worth, "The report")
