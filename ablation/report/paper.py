"""The main table for a paper, in LaTeX."""

from ablation.report.page import Document
from ablation.report.tables import Table

HEAD = r"""% For a paper: \usepackage{booktabs} and \input this file. It also compiles as it is.
\ifdefined\maketitle\else
\documentclass[10pt]{article}
\usepackage[a4paper,margin=1.5cm]{geometry}
\usepackage{booktabs}
\begin{document}
\def\ablationalone{}
\fi
"""

FOOT = r"""\ifdefined\ablationalone\expandafter\enddocument\fi
"""

WIDE = 26
"""A column of words whose longest cell has more characters than this is broken into lines."""

SPECIAL = {
    **{character: "\\" + character for character in "&%$#_{}"},
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": "$<$",
    ">": "$>$",
    "|": "$|$",
    "−": "$-$",
    "±": r"$\pm$",
    "·": r"$\cdot$",
    "√": r"$\surd$",
    "≤": r"$\leq$",
    "≥": r"$\geq$",
    "×": r"$\times$",
    "→": r"$\rightarrow$",
    "“": "``",
    "”": "''",
    "–": "--",
    "…": r"\ldots{}",
}


def latex(report: Document) -> str:
    """Return the study's first table as a floating table with booktabs' rules; a study without one has none."""
    body = "".join(_table(table, f"{report.name}. {report.data}. {report.units} {table.lead}") for table in report.tables[:1])
    return HEAD + body + FOOT


def latex_of(table: Table, caption: str) -> str:
    """Return a table as :func:`latex` writes it, with a caption."""
    return HEAD + _table(table, caption) + FOOT


def _table(table: Table, caption: str) -> str:
    columns = [_column(table, index) for index in range(len(table.heads))]
    lines = [" & ".join(map(_cell, line, columns)) + r" \\" for line in (table.heads, *table.lines)]
    return "\n".join(
        [
            r"\begin{table}[htbp]",
            r"\centering\footnotesize",
            r"\setlength{\tabcolsep}{4pt}",
            rf"\caption{{{escaped(caption)}}}\vspace{{4pt}}",
            rf"\begin{{tabular}}{{@{{}}{''.join(columns)}@{{}}}}",
            r"\toprule",
            lines[0],
            r"\midrule",
            *lines[1:],
            r"\bottomrule",
            r"\end{tabular}",
            r"\end{table}",
            "",
        ]
    )


def _column(table: Table, index: int) -> str:
    if table.heads[index] not in table.words:
        return "r"
    longest = max((len(line[index]) for line in table.lines), default=0)
    return "l" if longest <= WIDE else "p{3.4cm}"


def _cell(text: str, column: str) -> str:
    return (r"\raggedright " if column.startswith("p") and text else "") + escaped(text)


def escaped(text: str) -> str:
    """Return text as LaTeX sets it."""
    escaped = "".join(SPECIAL.get(character, character) for character in text)
    return escaped.replace(r"\_", r"\_\allowbreak{}")
