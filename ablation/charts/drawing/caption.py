"""Captions: the words that several pictures share, as far as they are true of a study."""

import numpy as np

from ablation.charts.drawing.style import GAIN, LOSS, color_of
from ablation.study.findings import Findings
from ablation.study.metric import Metric

MEANINGS = {GAIN: "Blue: better.", LOSS: "Vermillion: worse."}


def colors(effects: np.ndarray, metric: Metric) -> str:
    """Say what the colours of effects mean, those that are there."""
    there = {color_of(effect, metric) for effect in effects[~np.isnan(effects)].tolist()}
    return " ".join(meaning for color, meaning in MEANINGS.items() if color in there)


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
