"""The report as Markdown, with its pictures beside it."""

from ablation.report.document import WORDS, Document, Table


def text(report: Document) -> str:
    """Return the report as a page of Markdown that names its pictures by their files."""
    parts = [f"# {report.name}", report.data, *report.answer, "## Figures"]
    parts += [f"![{picture.title}]({picture.picture.name})" for picture in report.pictures]
    parts += ["## Tables", "Effects are percentage points of accuracy."]
    for table in report.tables:
        parts += [f"### {table.title}", *filter(None, [table.lead]), grid(table), *filter(None, [table.foot])]
    parts += ["## Protocol", "\n".join(f"- **{term}**: {told}" for term, told in report.protocol)]
    if report.command:
        parts += ["This command repeats the study:", f"    {report.command}"]
    if report.notes:
        parts += ["## Notes", "\n".join(f"- {note}" for note in report.notes)]
    return "\n\n".join(parts) + "\n"


def grid(table: Table) -> str:
    """Return a table in Markdown's pipes."""
    rule = [":--" if head in WORDS else "--:" for head in table.heads]
    lines = (table.heads, rule, *table.lines)
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines)
