"""The answer in words: what a reader who reads nothing else should know."""

import numpy as np

from ablation.designs import BASELINE
from ablation.effects import ALPHA, FEWEST_SEEDS, FUTILE, LOST, NO_VERDICT, OPEN, mean_and_sd
from ablation.report.keep import what_to_keep
from ablation.report.looks import uncounted
from ablation.study.findings import Findings
from ablation.wording import counted, listed, probability

SURE = ("helps", "hurts", "probably helps", "probably hurts")

SHOWN = 3
"""How many interactions the answer names, the largest first."""


def answer(findings: Findings) -> list[str]:
    """Return the answer in a few sentences, the most important first: verdicts, what to keep, the order, pairs, fit, what was lost."""
    if findings.unfinished and not findings.runs:
        return [f"No run has finished yet, of {findings.total}."]
    parts = (_verdicts, _unbuilt, uncounted, what_to_keep, _both_ends, _order, _pairs, _fit, _lost)
    sentences = [sentence for part in parts for sentence in part(findings)]
    return [*_so_far(findings), *(sentences or ["This study credits no feature."])]


def _so_far(findings: Findings) -> list[str]:
    if not findings.unfinished:
        return []
    return [f"In progress: {len(findings.runs)} of {findings.total} runs have finished, and what follows rests on these."]


def _capital(sentence: str) -> str:
    return sentence[:1].upper() + sentence[1:]


def _verdicts(findings: Findings) -> list[str]:
    """Say first what helps or hurts, then what may, then what is small, then what is open."""
    index = findings.headline
    if index is None:
        return []
    effects, features, digits = findings.effects[index], findings.designs[index].features, findings.digits

    metric = findings.metric

    def size(row: int) -> str:
        effect = metric.with_difference(metric.signed(effects.estimate[row], digits))
        ends = metric.ends(effects.low[row], effects.high[row], digits)
        return f"{effect} [{ends}]" if ends else effect

    def strength(row: int) -> float:
        return -abs(effects.estimate[row])

    sentences = []
    for verdict in SURE:
        rows = sorted((row for row, each in enumerate(effects.verdict) if each == verdict), key=strength)
        if rows:
            sentences.append("; ".join(f"{features[row]} {verdict}: {size(row)}" for row in rows) + ".")
    for verdict in ("negligible", OPEN, FUTILE, NO_VERDICT, LOST):
        rows = [row for row, each in enumerate(effects.verdict) if each == verdict]
        if rows and verdict == LOST:
            sentences.append(f"{_capital(verdict)}: {listed([features[row] for row in rows], 'and')}.")
        elif rows:
            count = counted(max(int(effects.seeds[row]) for row in rows), findings.sample)
            after = {"negligible": "", NO_VERDICT: f" ({count}; {FEWEST_SEEDS} are needed)"}.get(verdict, f" after {count}")
            sentences.append(f"{_capital(verdict)}{after}: " + "; ".join(f"{features[row]} {size(row)}" for row in rows) + ".")
    return sentences


def _unbuilt(findings: Findings) -> list[str]:
    """Say which effects cannot be estimated because an arm cannot be built."""
    return [design.lost[0] for design in findings.designs if design.reasons and design.uncredited]


def _both_ends(findings: Findings) -> list[str]:
    full = frozenset(findings.features)
    if len(findings.features) < 2 or BASELINE not in findings.arms or full not in findings.arms:
        return []
    scores, seeds = findings.scores[:, [findings.arms.index(arm) for arm in (BASELINE, full)]], ""
    if findings.looks is not None:  # One of them may have stopped before the other, and seeds differ.
        both = ~np.isnan(scores).any(axis=1)
        scores, seeds = scores[both], f", over the {both.sum()} seeds of both"
    first, last = mean_and_sd(scores)[0]
    if np.isnan(first) or np.isnan(last):
        return []
    metric = findings.metric
    below, above = (metric.with_unit(metric.level(score, findings.digits)) for score in (first, last))
    lower = "" if metric.higher_is_better else "; lower is better"
    every, none = ("both", "either") if len(findings.features) == 2 else (f"all {len(findings.features)}", "any")
    return [f"With {every} features the {metric.short} is {above}, against {below} without {none}{seeds}{lower}."]


def _order(findings: Findings) -> list[str]:
    found = findings.order
    if found is None or len(findings.seeds) < FEWEST_SEEDS:
        return []
    differs = [feature for feature, flag in zip(found.features, found.differs, strict=True) if flag]
    if not differs:
        return [f"With {findings.seeds_in_words} no effect can be shown to depend on the order of adding."]
    return [f"Order matters for {listed(differs, 'and')}: the effect depends on which features are there already."]


def _pairs(findings: Findings) -> list[str]:
    """Say which pairs interact, of the design that resolves most pairs."""
    known = [found for found in findings.interactions if found is not None]
    if not known or len(findings.seeds) < FEWEST_SEEDS:
        return []
    found = max(known, key=lambda each: len(each.pairs))
    sure = sorted(np.flatnonzero(found.p_holm < ALPHA), key=lambda row: -abs(found.estimate[row]))
    if not len(sure):
        return [f"With {findings.seeds_in_words} no interaction of two features stands out from noise."]
    shown = []
    for row in sure[:SHOWN]:
        pairs = [" × ".join(pair) for pair in found.pairs[row]]
        size = findings.metric.with_difference(findings.metric.signed(found.estimate[row], findings.digits))
        shown.append(
            f"{pairs[0]} {size}" if len(pairs) == 1 else f"among {listed(pairs, 'and')} {size} in sum, which the design cannot separate"
        )
    more = f"; and {len(sure) - SHOWN} more" if len(sure) > SHOWN else ""
    return [f"Features interact: {'; '.join(shown)}{more}."]


def _fit(findings: Findings) -> list[str]:
    for design, fit in zip(findings.designs, findings.lack_of_fit, strict=False):
        if fit is None or not fit.p < ALPHA:
            continue
        p = f"(lack of fit, p {probability(fit.p)})"
        if design.assumes_pairs:
            return [f"{design.name}: main effects and pairs do not explain the scores {p}, so effects may be biased."]
        return [f"{design.name}: three or more features act together {p}; effects are averages over what the others do, and hold."]
    return []


def _lost(findings: Findings) -> list[str]:
    if findings.unfinished:
        return []
    count, runs = findings.missing, findings.total
    return [f"{count} of {runs} runs are missing; the notes say what that cost."] if count else []
