"""The table as Markdown, and the answer in one line."""

from ablation.report.cells import WORDS, cells
from ablation.report.notes import notes
from ablation.study.findings import Findings


def markdown(findings: Findings) -> str:
    """Return the whole report: a table a design, effects in percentage points, and the notes."""
    count = len(findings.seeds)
    parts = [f"# {findings.name}", f"Data: {findings.data}. {count} {'seed' if count == 1 else 'seeds'}. Effects are percentage points."]
    for index, design in enumerate(findings.designs):
        heads, lines = cells(findings, index)
        rule = [":--" if head in WORDS else "--:" for head in heads]
        table = ["| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in (heads, rule, *lines)]
        parts += [f"## {design.name}", *filter(None, [design.meaning]), "\n".join(table)]
    parts += ["## Notes", "\n".join(f"- {note}" for note in notes(findings))]
    return "\n\n".join(parts) + "\n"
