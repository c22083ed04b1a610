"""Tables and text: what a study found, for people, papers and machines.

Accuracies and effects are fractions in rows and in the CSV, and percent and percentage points wherever people read.
"""

from ablation.report.notes import notes
from ablation.report.rows import Credit, Measured, Row, rows
from ablation.report.spreadsheet import csv
from ablation.report.table import headline, markdown
from ablation.report.terminal import console_table

__all__ = ["Credit", "Measured", "Row", "console_table", "csv", "headline", "markdown", "notes", "rows"]
