"""The whole report in order: answer, what to keep, tables, figures, protocol; as one HTML page, as Markdown, and in short for MLflow."""

import re
from base64 import b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from ablation.report.answer import answer
from ablation.report.keep import what_to_keep
from ablation.report.notes import notes
from ablation.report.protocol import protocol
from ablation.report.tables import Table, candidates_table, design_table, markdown_table, so_far, tables
from ablation.study.findings import Findings

TEMPLATE = Path(__file__).with_name("report.html")

REFRESH = 20
"""Seconds after which a browser reads the page of a study in progress again."""

REFRESHES = f'<meta http-equiv="refresh" content="{REFRESH}">'
"""Makes it do so, in the head of the page."""

TITLES = {
    "forest": "Effects with intervals",
    "order": "Dependence on the order",
    "interactions": "Interactions of pairs",
    "contribution": "What each feature contributes",
    "climb": "From the baseline to all features",
    "arms": "Every arm",
    "cost": "What it costs beside what it scores",
    "learning_curves": "Learning curves",
}
"""Titles of the pictures of any study; one of the subject's own goes by its file's name."""


@dataclass(frozen=True)
class Picture:
    """A figure: its title, and the drawing (SVG) and picture (PNG) that show it."""

    title: str
    drawing: Path
    picture: Path


@dataclass(frozen=True)
class Document:
    """What HTML and Markdown both say, in order. Of tables and pictures the first is the study's own answer.

    Attributes:
        name, data: of the study, and what its scores are of.
        unfinished: whether the study has not come to its end.
        answer, keep: sentences on effects, and on which arm to keep.
        candidates: the table of the arms that may be the best one, where there are several.
        units: what the effects in tables are measured in.
        tables, notes, pictures, protocol: what follows.
        repeats, command: what repeats what, and the command that does; both empty for a study that a program made.
    """

    name: str
    unfinished: bool
    data: str
    answer: tuple[str, ...]
    keep: tuple[str, ...]
    candidates: tuple[Table, ...]
    units: str
    tables: tuple[Table, ...]
    notes: tuple[str, ...]
    pictures: tuple[Picture, ...]
    protocol: tuple[tuple[str, str], ...]
    repeats: str
    command: str


def document(findings: Findings, files: Sequence[Path]) -> Document:
    """Gather the report of a study.

    Args:
        findings: what it found.
        files: its charts in the order to be read, an SVG and a PNG file of each name.
    """
    keep, source = what_to_keep(findings), findings.provenance
    command = source.command if source else ""
    return Document(
        name=f"{findings.name}{so_far(findings)}",
        unfinished=findings.unfinished,
        data=f"{findings.description}{f' · as of {datetime.now():%Y-%m-%d %H:%M}' if findings.unfinished else ''}",
        answer=tuple(sentence for sentence in answer(findings) if sentence not in keep),
        keep=tuple(keep),
        candidates=tuple(candidates_table(findings)),
        units=_units(findings),
        tables=tuple(tables(findings)),
        notes=tuple(notes(findings)[1:]),  # the first is the score's definition, which the protocol holds
        pictures=tuple(_picture(file) for file in files if file.suffix == ".svg"),
        protocol=tuple(protocol(findings)),
        repeats=f"This command repeats the {'analysis' if source and source.elsewhere else 'study'}:" if command else "",
        command=command,
    )


def _units(findings: Findings) -> str:
    better = "" if findings.metric.higher_is_better else "; lower is better"
    return f"Effects are {findings.metric.effects_are}{better}."


def _picture(drawing: Path) -> Picture:
    kind = next((kind for kind in TITLES if drawing.stem == kind or drawing.stem.startswith(f"{kind}_")), "")
    if not kind:
        return Picture(drawing.stem.replace("_", " ").capitalize(), drawing, drawing.with_suffix(".png"))
    design = drawing.stem.removeprefix(kind).lstrip("_")
    return Picture(TITLES[kind] + (f" ({design})" if design else ""), drawing, drawing.with_suffix(".png"))


def html(report: Document) -> str:
    """Return the report as a page that needs nothing else, on the screen and on paper, with its drawings inside."""
    from jinja2 import Environment, StrictUndefined

    environment = Environment(autoescape=True, undefined=StrictUndefined, keep_trailing_newline=True)
    environment.filters["held"] = _held
    page = environment.from_string(TEMPLATE.read_text("utf-8"))
    return page.render(report=report, refreshes=REFRESHES, pictures=[(each.title, _inline(each)) for each in report.pictures])


def _held(sentence: str) -> str:
    """Hold on one line a number and its unit, the ends of an interval, and the sign of a step and its first word."""
    return re.sub(r"(?<=\d) (?=%|points)|(?<=,) (?=[+−][\d.]+\])|(?<=^\+) ", "\u00a0", sentence)


def _inline(picture: Picture) -> str:
    # Each drawing is an image of its own, for the identifiers inside two drawings would clash on one page.
    return f"data:image/svg+xml;base64,{b64encode(picture.drawing.read_bytes()).decode()}"


def text(report: Document) -> str:
    """Return the report as a page of Markdown that names its pictures by their files."""
    parts = [f"# {report.name}", f"{report.data}.", *report.answer]
    if report.keep:
        parts += ["## What to keep", *report.keep, *(part for table in report.candidates for part in _parts(table))]
    parts += ["## Tables", report.units]
    for table in report.tables:
        parts += [f"### {table.title}", *_parts(table)]
    if report.notes:
        parts += ["### Notes", "\n".join(f"- {note}" for note in report.notes)]
    if report.pictures:
        parts += ["## Figures", *(f"![{picture.title}]({picture.picture.name})" for picture in report.pictures)]
    parts += ["## Protocol", "\n".join(f"- **{term}**: {words}" for term, words in report.protocol)]
    if report.command:
        parts += [report.repeats, f"    {report.command}"]
    return "\n\n".join(parts) + "\n"


def _parts(table: Table) -> list[str]:
    return [*filter(None, [table.lead]), markdown_table(table), *filter(None, [table.foot])]


def markdown(findings: Findings) -> str:
    """Return the report in short: a table a design, and the notes."""
    head = f"{findings.description}. {findings.seeds_in_words}. {_units(findings)}"
    parts = [f"# {findings.name}{so_far(findings)}", head]
    for index, design in enumerate(findings.designs):
        parts += [f"## {design.name}", *filter(None, [design.meaning]), markdown_table(design_table(findings, index))]
    parts += ["## Notes", "\n".join(f"- {note}" for note in notes(findings))]
    return "\n\n".join(parts) + "\n"
