"""Tables as text: of a design, of the dependence on the order, of pairs; and any table as Markdown or for a terminal."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from ablation.designs import label
from ablation.effects import ALPHA, FEWEST_SEEDS, Interactions, LackOfFit, OrderDependence, SampledOrders, sampled_orders, seeds_in_words
from ablation.report.aliases import MEANING, aliased, separation
from ablation.report.keep import Candidate, candidates, found_best
from ablation.report.rows import Row, rows
from ablation.study.findings import Findings
from ablation.study.measured import written
from ablation.study.metric import Measure, Metric
from ablation.wording import counted, p_value, probability, unlike

WORDS = frozenset({"arm", "feature", "pair", "verdict", "order", "beyond noise", "cheaper", "aliased with"})
"""Heads of the columns of words, which stand to the left while numbers stand to the right."""

NEEDED = {"seed": "seeds needed", "run": "runs needed"}
"""Head of the column that says how many seeds would settle an open effect."""

LEGENDS = {
    each: f"{each.capitalize()}: about how many would settle an open effect; empty where that is not known." for each in NEEDED.values()
}

MOST_ARMS = 32
"""Arms that a table of a report shows at most, where effects are not read off them."""

NAMED = 12
"""Three-way terms that are named; more are counted."""


@dataclass(frozen=True)
class Table:
    """A table of text cells.

    Attributes:
        title: of the table.
        lead, foot: what to know before and after reading it.
        heads: of its columns.
        lines: the cells of each line.
        words: the heads of the columns of words.
    """

    title: str
    lead: str
    heads: tuple[str, ...]
    lines: tuple[tuple[str, ...], ...]
    foot: str = ""
    words: frozenset[str] = WORDS


def markdown_table(table: Table) -> str:
    """Return a table's cells between Markdown's pipes."""
    rule = [":--" if head in table.words else "--:" for head in table.heads]
    lines = (table.heads, rule, *table.lines)
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines)


# ---- the table of a design --------------------------------------------------------------------------------------------------


def design_table(findings: Findings, design_index: int) -> Table:
    """Return the whole table of a design; a column in which every cell is empty is left out."""
    design = findings.designs[design_index]
    return _table_of(rows(findings, design_index), findings, design.name, design.meaning)


def effects_table(findings: Findings, design_index: int) -> tuple[Table, bool]:
    """Return the table of a design with its effects, and whether arms are left out of it because no effect is read off them."""
    design, every = findings.designs[design_index], rows(findings, design_index)
    apart = [row for row in every if row.measured is None]
    table = _table_of(apart or every, findings, design.name, design.meaning)
    return (replace(table, heads=("feature", *table.heads[1:])) if apart else table), bool(apart)


def so_far(findings: Findings) -> str:
    """Return what a title says of a study that has not come to its end; nothing of one that has."""
    return f", in progress: {len(findings.runs)} of {findings.total} runs" if findings.unfinished else ""


def _table_of(chosen: Sequence[Row], findings: Findings, title: str, lead: str, foot: str = "") -> Table:
    lines = [_line(row, findings) for row in chosen]
    heads = tuple(head for head in lines[0] if any(line[head] for line in lines)) if lines else ()
    foot = " ".join(filter(None, [*(LEGENDS[head] for head in heads if head in LEGENDS), foot]))
    return Table(title, lead, heads, tuple(tuple(line[head] for head in heads) for line in lines), foot)


def needed(findings: Findings) -> str:
    """Return the head of that column, which counts runs where arms share no seeds."""
    return NEEDED[findings.sample]


def _line(row: Row, findings: Findings) -> dict[str, str]:
    """Write one row for people, under the heads of the table."""
    arm, credit, metric, digits, seeds = row.measured, row.credit, findings.metric, findings.digits, row.asked
    score = "no result" if arm else ""
    if arm and arm.seeds:
        score = metric.mean(arm.score, arm.score_sd, digits)
    finished = arm.seeds if arm else credit.seeds if credit else 0
    named = {"arm": row.step, metric.heading: score}
    judged = {
        "effect": metric.signed(credit.effect, digits) if credit and credit.seeds else "",
        "95 % interval": metric.ends(credit.low, credit.high, digits) if credit else "",
        "verdict": credit.verdict if credit else "",
        needed(findings): seeds_in_words(*credit.seeds_needed) if credit else "",
        "look": str(credit.look) if credit and credit.look else "",
    }
    runs = {f"{findings.sample}s": str(finished) if finished == seeds else f"{finished}/{seeds}"}
    costs = [
        (
            unlike(each.heading, (*named, *judged, *runs), "measured"),
            written(each, arm.measures[each.key], metric, digits) if arm and each.key in arm.measures else "",
            bool(each.below),
        )
        for each in findings.measures
        if each.heading
    ]
    beside, after = ({head: cell for head, cell, below in costs if below is first} for first in (True, False))
    return {**named, **beside, **judged, **after, **runs}


# ---- the tables of a report -------------------------------------------------------------------------------------------------


def tables(findings: Findings) -> list[Table]:
    """Return the tables of a study's report but that of the best arms, those of its designs first."""
    parts = (_designs, _order, _pairs, _sampling, _aliases)
    return [table for part in parts for table in part(findings)]


def _designs(findings: Findings) -> list[Table]:
    """Return the tables of every design; where effects belong to no single arm, they come first and the arms after them."""
    made = []
    for index in sorted(range(len(findings.designs)), key=lambda index: index != findings.headline):
        design, every = findings.designs[index], rows(findings, index)
        apart = [row for row in every if row.measured is None]
        with_arms = [row for row in every if row.measured]
        foot = _fit(findings.lack_of_fit[index]) if findings.lack_of_fit else ""
        if apart:
            effects = _table_of(apart, findings, design.name, design.meaning, foot)
            made.append(Table(effects.title, effects.lead, ("feature", *effects.heads[1:]), effects.lines, effects.foot))
            shown, which = _few(with_arms, findings)
            made.append(_table_of(shown, findings, f"{design.name}: arms", which))
        elif with_arms:
            made.append(_table_of(with_arms, findings, design.name, design.meaning, foot))
    return made


def _few(arms: Sequence[Row], findings: Findings) -> tuple[Sequence[Row], str]:
    """Return the rows of arms that a report shows, in their order, and a sentence on those that it leaves out."""
    if len(arms) <= MOST_ARMS:
        return arms, ""
    ends = {label(arm, findings.features) for arm in (frozenset[str](), frozenset(findings.features))}
    known = [row for row in arms if row.measured and row.measured.arm not in ends and not np.isnan(row.measured.score)]
    sign = 1 if findings.metric.higher_is_better else -1
    ranked = sorted(known, key=lambda row: sign * row.measured.score if row.measured else 0.0)
    half = (MOST_ARMS - len(ends)) // 2
    kept = {id(row) for row in (*ranked[:half], *ranked[-half:])}
    shown = [row for row in arms if id(row) in kept or (row.measured and row.measured.arm in ends)]
    return (
        shown,
        f"Of {len(arms)} arms these are the baseline, all features, and the {half} worst and the {half} best; table.csv has every one.",
    )


def _fit(fit: LackOfFit | None) -> str:
    """Write the lack-of-fit test, with the terms that it sees and how many it cannot."""
    if fit is None or np.isnan(fit.p):
        return ""
    freedom = ", ".join(f"{each:.3g}" for each in fit.freedom)
    sentence = f"Lack of fit: F({freedom}) = {fit.statistic:.2f}, p {probability(fit.p)}."
    if fit.terms:
        terms = ", ".join(" × ".join(term) for term in fit.terms)
        named = f" ({terms})" if len(fit.terms) <= NAMED else ""
        sentence += f" It sees {counted(len(fit.terms), 'three-way term')}{named}"
        sentence += f"; the other {fit.hidden} are aliased with main effects and would bias them unseen." if fit.hidden else "."
    return sentence


def _sampling(findings: Findings) -> list[Table]:
    """Return how far effects that rest on sampled orders may be from the averages over all orders."""
    heads = ("feature", "effect", "± sampling", "95 % interval over seeds and orders")
    made = []
    for design, effects in zip(findings.designs, findings.effects, strict=True):
        found = sampled_orders(design, findings.scores_of(design), (effects.high - effects.low) / 2, effects.freedom)
        if found is None or np.isnan(found.error).all():
            continue
        lead = (
            f"The intervals above cover the seeds and take the {len(design.orders)} sampled orders as they are. Sampling: the standard "
            "error that the choice of orders adds, from how much a feature's step differs between them. The last column covers both, for "
            "the average over all orders."
        )
        lines = tuple(_sampled(findings, design.features[row], effects.estimate[row], found, row) for row in range(len(design.features)))
        made.append(Table(f"Sampling of orders ({design.name})", lead, heads, lines))
    return made


def _sampled(findings: Findings, feature: str, effect: float, found: SampledOrders, row: int) -> tuple[str, ...]:
    metric, digits, error, half = findings.metric, findings.digits, found.error[row], found.half_width[row]
    return (
        feature,
        "" if np.isnan(effect) else metric.signed(effect, digits),
        "" if np.isnan(error) else metric.level(error, digits),
        metric.ends(effect - half, effect + half, digits),
    )


def _aliases(findings: Findings) -> list[Table]:
    heads = ("feature", "aliased with")
    return [
        Table(f"Aliases ({design.name})", " ".join([MEANING, *separation(design, next(iter(found)))]), heads, tuple(found.items()))
        for design in findings.designs
        if (found := aliased(design))
    ]


def candidates_table(findings: Findings) -> list[Table]:
    found = found_best(findings)
    if found is None or len(findings.seeds) < FEWEST_SEEDS or len(found.contenders) == 1:
        return []
    costs = [each for each in findings.measures if each.words and each.heading]
    shown = candidates(findings, found)
    lines = tuple(_candidate(each, findings, costs) for each in shown)
    lead = (
        "The arm with the best mean score and those that may be as good: an arm is left out where another one is better by a "
        "paired t test at p < 0.05 / (arms − 1), one-sided, so that the best arm is among these with 95 %. Difference: from the best mean, "
        "over the seeds that both have, ± 1 standard error. Cheaper: a cost is lower by a tenth or more and none is higher by as much."
    )
    more = len(found.contenders) - len(shown)
    foot = f"And {counted(more, 'more arm')} with worse means." if more else ""
    heads = ("arm", findings.metric.heading, "difference", *(cost.heading for cost in costs), "cheaper", "seeds")
    return [_without_empty(Table("What to keep", lead, heads, lines, foot))]


def _candidate(each: Candidate, findings: Findings, costs: Sequence[Measure]) -> tuple[str, ...]:
    metric, digits, known = findings.metric, findings.digits, each.measured.measures
    return (
        each.measured.arm,
        metric.level(each.measured.score, digits),
        "best" if each.best else "" if np.isnan(each.difference) else _with_error(metric, each.difference, each.error, digits),
        *(written(cost, known[cost.key], metric, digits) if cost.key in known else "" for cost in costs),
        "yes" if each.saved else "",
        str(each.measured.seeds),
    )


def _without_empty(table: Table) -> Table:
    """Return a table without the columns in which every cell is empty."""
    kept = [index for index in range(len(table.heads)) if any(line[index] for line in table.lines)]
    lines = tuple(tuple(line[index] for index in kept) for line in table.lines)
    return replace(table, heads=tuple(table.heads[index] for index in kept), lines=lines)


def _order(findings: Findings) -> list[Table]:
    found = findings.order
    if found is None:
        return []
    names = {"first": "added first", "chosen": "in the order", "last": "added last", "shapley": "Shapley value"}
    kept = [name for name in names if not np.isnan(getattr(found, name)).all()]
    heads = ("feature", *(names[name] for name in kept), "order")
    lines = tuple(
        (feature, *(_by_order(findings, found, name, row) for name in kept), "matters" if found.differs[row] else "")
        for row, feature in enumerate(found.features)
    )
    lead = (
        f"A feature's effect, in {findings.metric.effects_are}, by when it is added, ± 1 standard error. "
        "“Matters”: two of its effects differ beyond noise."
    )
    return [Table("Dependence on the order", lead, heads, lines)]


def _by_order(findings: Findings, found: OrderDependence, name: str, row: int) -> str:
    effect, error = getattr(found, name)[row], getattr(found, f"{name}_error")[row]
    if np.isnan(effect):
        return ""
    return _with_error(findings.metric, effect, error, findings.digits)


def _with_error(metric: Metric, effect: float, error: float, digits: int) -> str:
    return metric.signed(effect, digits) + (f" ± {metric.level(error, digits)}" if not np.isnan(error) else "")


def _pairs(findings: Findings) -> list[Table]:
    made = []
    for design, found in zip(findings.designs, findings.interactions, strict=False):
        if found is not None:
            grouped = any(len(pairs) > 1 for pairs in found.pairs)
            lead = f"What features add together beyond what each adds alone, in {findings.metric.effects_are}."
            lead += " Pairs on one line are aliased: the design estimates only their sum." if grouped else ""
            heads = ("pair", "interaction", "95 % interval", "p (Holm)", "beyond noise")
            lines = tuple(_pair(found, row, findings) for row in range(len(found.pairs)))
            made.append(Table(f"Interactions of pairs ({design.name})", lead, heads, lines))
    return made


def _pair(found: Interactions, row: int, findings: Findings) -> tuple[str, ...]:
    pairs = " + ".join(" × ".join(pair) for pair in found.pairs[row])
    if np.isnan(found.estimate[row]):
        return pairs, "no result", "", "", ""
    metric, digits = findings.metric, findings.digits
    low, high, p = found.low[row], found.high[row], found.p_holm[row]
    interval = "" if np.isnan(low) else f"{metric.signed(low, digits)}, {metric.signed(high, digits)}"
    return (
        pairs,
        metric.signed(found.estimate[row], digits),
        interval,
        p_value(p),
        "yes" if p < ALPHA else "",
    )
