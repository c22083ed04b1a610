"""The report: what a study found, for people, papers and machines.

Scores and effects are in the metric's own units in rows and in the CSV, and as its scale shows them wherever people read.
"""

from ablation.report.answer import answer
from ablation.report.notes import notes
from ablation.report.page import Document, document, html, markdown, text
from ablation.report.paper import latex
from ablation.report.protocol import seeds_decided
from ablation.report.rows import Credit, Row, rows
from ablation.report.spreadsheet import csv, run_rows, runs_csv
from ablation.report.tables import Table, markdown_table

__all__ = [
    "Credit",
    "Document",
    "Row",
    "Table",
    "answer",
    "csv",
    "document",
    "html",
    "latex",
    "markdown",
    "markdown_table",
    "notes",
    "rows",
    "run_rows",
    "runs_csv",
    "seeds_decided",
    "text",
]
