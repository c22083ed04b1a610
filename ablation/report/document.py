"""The report's content, before it takes a form: the answer, the figures, the tables, the protocol, the notes."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ablation.effects import ALPHA, Interactions, LackOfFit, OrderDependence, signed_points
from ablation.report.answer import answer
from ablation.report.cells import cells_of
from ablation.report.notes import notes
from ablation.report.protocol import protocol
from ablation.report.rows import rows
from ablation.study.findings import Findings
from ablation.wording import probability


@dataclass(frozen=True)
class Picture:
    """A figure: its title, and the drawing (SVG) and picture (PNG) that show it."""

    title: str
    drawing: Path
    picture: Path


@dataclass(frozen=True)
class Table:
    """A table: its title, what to know before and after reading it, and its text cells; columns of words stand to the left."""

    title: str
    lead: str
    heads: tuple[str, ...]
    lines: tuple[tuple[str, ...], ...]
    foot: str = ""


@dataclass(frozen=True)
class Document:
    """What HTML and Markdown both say, in order."""

    name: str
    data: str
    answer: tuple[str, ...]
    pictures: tuple[Picture, ...]
    tables: tuple[Table, ...]
    protocol: tuple[tuple[str, str], ...]
    command: str
    notes: tuple[str, ...]


WORDS = {"arm", "feature", "pair", "verdict", "order", "beyond noise"}
"""Heads of the columns of words."""

NAMED = 12
"""Three-way terms that are named; more are counted."""

TITLES = {
    "forest": "Effects with intervals and verdicts",
    "order": "Dependence on the order",
    "interactions": "Interactions of pairs",
    "contribution": "What each feature contributes, seed by seed",
    "climb": "From the baseline to all features",
    "arms": "Every arm",
    "cost": "Cost against gain",
    "learning_curves": "Learning curves",
    "predictions": "Held-out images and what the networks said of them",
    "confusion": "Which class is taken for which",
    "class_accuracy": "Accuracy of each class",
}


def document(findings: Findings, files: Sequence[Path]) -> Document:
    """Gather the report of a study.

    Args:
        findings: what it found.
        files: its charts in the order to be read, an SVG and a PNG file of each name.
    """
    return Document(
        name=findings.name,
        data=findings.data,
        answer=tuple(answer(findings)),
        pictures=tuple(_picture(file) for file in files if file.suffix == ".svg"),
        tables=(*_effects(findings), *_order(findings), *_pairs(findings)),
        protocol=tuple(protocol(findings)),
        command=findings.provenance.command if findings.provenance else "",
        notes=tuple(notes(findings)[1:]),  # the first is the score's definition, which the protocol holds
    )


def _picture(drawing: Path) -> Picture:
    kind = next(kind for kind in TITLES if drawing.stem == kind or drawing.stem.startswith(f"{kind}_"))
    design = drawing.stem.removeprefix(kind).lstrip("_")
    return Picture(TITLES[kind] + (f" ({design})" if design else ""), drawing, drawing.with_suffix(".png"))


def _effects(findings: Findings) -> list[Table]:
    """Return the tables of every design; where effects belong to no single arm, they come first and the arms after them."""
    tables = []
    indices = sorted(range(len(findings.designs)), key=lambda index: index != findings.headline)
    for index in indices:
        design = findings.designs[index]
        every = rows(findings, index)
        apart = [row for row in every if row.measured is None]
        fit = _fit(findings.lack_of_fit[index]) if findings.lack_of_fit else ""
        for title, chosen in ((design.name, apart), (f"{design.name}: arms" if apart else design.name, [r for r in every if r.measured])):
            if chosen:
                heads, lines = cells_of(chosen, findings)
                heads = ["feature", *heads[1:]] if chosen is apart else heads
                first = title == design.name
                lead, foot = (design.meaning, fit) if first else ("", "")
                tables.append(Table(title, lead, tuple(heads), tuple(map(tuple, lines)), foot))
    return tables


def _fit(fit: LackOfFit | None) -> str:
    """Tell the lack-of-fit test, with the terms that it sees and how many it cannot."""
    if fit is None or np.isnan(fit.p):
        return ""
    freedom = ", ".join(f"{each:.3g}" for each in fit.freedom)
    said = f"Lack of fit: F({freedom}) = {fit.statistic:.2f}, p {probability(fit.p)}."
    if fit.terms:
        terms = ", ".join(" × ".join(term) for term in fit.terms)
        named = f" ({terms})" if len(fit.terms) <= NAMED else ""
        said += f" It sees {len(fit.terms)} three-way {'term' if len(fit.terms) == 1 else 'terms'}{named}"
        said += f"; the other {fit.hidden} are aliased with main effects and would bias them unseen." if fit.hidden else "."
    return said


def _order(findings: Findings) -> list[Table]:
    found = findings.order
    if found is None:
        return []
    names = {"first": "added first", "chosen": "in the order", "last": "added last", "shapley": "Shapley value"}
    kept = [name for name in names if not np.isnan(getattr(found, name)).all()]
    heads = ("feature", *(names[name] for name in kept), "order")
    lines = tuple(
        (feature, *(_gain(found, name, row, findings.digits) for name in kept), "matters" if found.differs[row] else "")
        for row, feature in enumerate(found.features)
    )
    lead = "A feature's gain in percentage points by when it is added, ± 1 standard error. “Matters”: two of its gains differ beyond noise."
    return [Table("Dependence on the order", lead, heads, lines)]


def _gain(found: OrderDependence, name: str, row: int, digits: int) -> str:
    gain, error = getattr(found, name)[row], getattr(found, f"{name}_error")[row]
    if np.isnan(gain):
        return ""
    return signed_points(gain, digits) + (f" ± {100 * error:.{digits}f}" if not np.isnan(error) else "")


def _pairs(findings: Findings) -> list[Table]:
    tables = []
    for design, found in zip(findings.designs, findings.interactions, strict=False):
        if found is not None:
            grouped = any(len(pairs) > 1 for pairs in found.pairs)
            lead = "What features add together beyond what each adds alone, in percentage points."
            lead += " Pairs on one line are aliased: the design tells only their sum." if grouped else ""
            heads = ("pair", "interaction", "95 % interval", "p (Holm)", "beyond noise")
            lines = tuple(_pair(found, row, findings.digits) for row in range(len(found.pairs)))
            tables.append(Table(f"Interactions of pairs ({design.name})", lead, heads, lines))
    return tables


def _pair(found: Interactions, row: int, digits: int) -> tuple[str, ...]:
    pairs = " + ".join(" × ".join(pair) for pair in found.pairs[row])
    if np.isnan(found.estimate[row]):
        return pairs, "no result", "", "", ""
    low, high, p = found.low[row], found.high[row], found.p_holm[row]
    interval = "" if np.isnan(low) else f"{signed_points(low, digits)}, {signed_points(high, digits)}"
    return (
        pairs,
        signed_points(found.estimate[row], digits),
        interval,
        "" if np.isnan(p) else probability(p).removeprefix("= "),
        "yes" if p < ALPHA else "",
    )
