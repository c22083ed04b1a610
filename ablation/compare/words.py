"""A comparison in words: its tables and the report that holds them."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from ablation.compare import Compared, Comparison, differing
from ablation.report.page import Document, Picture
from ablation.report.tables import Table
from ablation.study.findings import Findings
from ablation.wording import counted, listed, p_value

MARKED = frozenset({"feature", "verdict A", "verdict B"})


def who(comparison: Comparison) -> str:
    """Say which study is A and which is B."""
    return f"A: {comparison.first.name}, B: {comparison.second.name}"


def answer(comparison: Comparison) -> tuple[str, ...]:
    """Return what differs, and which verdicts changed, a sentence or two a design."""
    sentences = []
    for each in comparison.designs:
        differ = [feature for feature, beyond in zip(each.features, each.differs, strict=True) if beyond]
        count = f"{len(differ)} of {counted(len(each.features), 'effect')}"
        sentences.append(f"{each.design}: {count} {'differs' if len(differ) == 1 else 'differ'} beyond noise{_names(differ)}.")
        changed = [f"{feature} from {one} to {two}" for feature, one, two in verdicts(comparison, each) if one != two]
        sentences.append(f"Verdicts that changed: {listed(changed, 'and')}." if changed else "No verdict changed.")
    return tuple(sentences)


def _names(features: list[str]) -> str:
    return f" ({', '.join(features)})" if features else ""


def verdicts(comparison: Comparison, each: Compared) -> Iterator[tuple[str, str, str]]:
    """Return each feature of a design with its verdict in the first and in the second study."""
    one, two = (findings.effects[index] for findings, index in zip((comparison.first, comparison.second), each.indices, strict=True))
    for feature, (left, right) in zip(each.features, each.rows, strict=True):
        yield feature, one.verdict[left], two.verdict[right]


def table(comparison: Comparison, each: Compared) -> Table:
    """Return a design's effects in both studies, and their differences."""
    heads = ("feature", "effect A [95 %]", "effect B [95 %]", "B − A [95 %]", "p (Holm)", "differs", "verdict A", "verdict B")
    lines = []
    for row, (feature, one, two) in enumerate(verdicts(comparison, each)):
        left, right = each.rows[row]
        p = each.p_holm[row]
        lines.append(
            (
                feature,
                _effect(comparison, comparison.first, each.indices[0], left),
                _effect(comparison, comparison.second, each.indices[1], right),
                _cell(comparison, each.difference[row], each.low[row], each.high[row], bounded=False),
                p_value(p),
                "" if np.isnan(p) else "yes" if each.differs[row] else "no",
                one,
                two,
            )
        )
    return Table(each.design, "", heads, tuple(lines), words=MARKED)


def digits(comparison: Comparison) -> int:
    """Return how many decimals both studies deserve."""
    return max(comparison.first.digits, comparison.second.digits)


def _effect(comparison: Comparison, findings: Findings, design: int, row: int) -> str:
    effects = findings.effects[design]
    return _cell(comparison, effects.estimate[row], effects.low[row], effects.high[row])


def _cell(comparison: Comparison, value: float, low: float, high: float, bounded: bool = True) -> str:
    if np.isnan(value):
        return ""
    metric, places = comparison.first.metric, digits(comparison)
    ends = metric.ends(low, high, places) if bounded else f"{metric.signed(low, places)}, {metric.signed(high, places)}"
    return f"{metric.signed(value, places)} [{ends}]" if not np.isnan(low) else metric.signed(value, places)


def notes(comparison: Comparison) -> Iterator[str]:
    """Return what a reader must know beside the tables."""
    yield comparison.why
    yield "Differs: p < 0.05 after Holm's adjustment over the features of the design. A changed verdict alone is no evidence."
    for of_a, of_b in differing(comparison.first, comparison.second):
        yield f"Runs are made in different ways. A: {of_a or '–'} B: {of_b or '–'}"
    for which, only in zip(("A", "B"), comparison.only(), strict=True):
        if only:
            yield f"Only in {which}: {listed(only, 'and')}."
    for each in comparison.designs:
        if each.among:
            them = listed(each.among, "and")
            yield f"{each.design}: the effect of {them} rests on other arms in A than in B; other features may explain a difference."
    one, two = ({design.name for design in findings.designs} for findings in (comparison.first, comparison.second))
    for which, apart in (("A", one - two), ("B", two - one)):
        if apart:
            yield f"Designs only in {which}: {listed(sorted(apart), 'and')}."
    if comparison.first.looks or comparison.second.looks:
        yield "A study that stops itself reaches its verdicts by looks; differences do not account for them."


def protocol(comparison: Comparison) -> Iterator[tuple[str, str]]:
    """Return what each study is, and what its numbers come from."""
    for which, findings in (("A", comparison.first), ("B", comparison.second)):
        known = findings.provenance
        versions = ", ".join(f"{name} {version}" for name, version in known.versions.items()) if known else ""
        parts = [findings.description, findings.seeds_in_words, known.hardware if known else "", versions, known.command if known else ""]
        yield f"{which}: {findings.name}", "; ".join(filter(None, parts))


def document(comparison: Comparison, drawing: Path, command: str) -> Document:
    """Return the comparison as a report."""
    metric = comparison.first.metric
    better = "" if metric.higher_is_better else "; lower is better"
    return Document(
        name=f"{comparison.first.name} and {comparison.second.name}",
        unfinished=False,
        data=who(comparison),
        answer=answer(comparison),
        keep=(),
        candidates=(),
        units=f"Effects are {metric.effects_are}{better}.",
        tables=tuple(table(comparison, each) for each in comparison.designs),
        notes=tuple(notes(comparison)),
        pictures=(Picture("Effects of both studies and their differences", drawing, drawing.with_suffix(".png")),),
        protocol=tuple(protocol(comparison)),
        repeats="This command repeats the comparison:",
        command=command,
    )
