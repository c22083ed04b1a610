"""Tables and text: what a study found, for people, papers and machines.

Accuracies and effects are fractions in rows and in the CSV, and percent and percentage points wherever people read.
"""

from ablation.report.answer import answer
from ablation.report.document import Document, document
from ablation.report.latex import latex
from ablation.report.notes import LEFT_OUT, about_left_out, notes
from ablation.report.page import html
from ablation.report.rows import Credit, Measured, Row, rows
from ablation.report.spreadsheet import csv
from ablation.report.table import markdown
from ablation.report.terminal import console_table
from ablation.report.text import text

__all__ = [
    "LEFT_OUT",
    "Credit",
    "Document",
    "Measured",
    "Row",
    "about_left_out",
    "answer",
    "console_table",
    "csv",
    "document",
    "html",
    "latex",
    "markdown",
    "notes",
    "rows",
    "text",
]
