"""Captions: the words that several pictures share, as far as they are true of a study."""

from ablation.study.findings import Findings

COLORS = "Blue: better. Vermillion: worse."


def means(findings: Findings, marks: str, ring: str = "") -> str:
    """Say over what the means of arms are taken, and how single runs and the spread between them are drawn.

    Args:
        marks: the mark of a mean, such as ``Filled dots``.
        ring: the mark of a standard deviation, such as ``Vertical lines``; where it is empty, nothing is said of single runs either.
    """
    if len(findings.seeds) == 1:
        return f"{marks}: one run of each arm."
    spread = f" Rings: single {findings.sample}s. {ring}: ± 1 standard deviation." if ring else ""
    return f"{marks}: mean over {findings.seeds_in_words}.{spread}"


def source(findings: Findings, *more: str) -> str:
    """Say where the numbers of a picture come from, and whatever else its reader must know of them."""
    return " ".join(filter(None, [f"Study: {findings.name}. {findings.description}.", *more]))
