"""The summary: what a study found and which arm to keep, in a line each."""

from collections.abc import Sequence

from ablation.designs import Arm, label
from ablation.effects import FEWEST_SEEDS, FUTILE, LOST, NO_VERDICT, OPEN
from ablation.report.answer import SURE
from ablation.report.keep import Candidate, candidates, found_best
from ablation.study.findings import Findings
from ablation.wording import counted, listed

MOST = 4
"""Effects that a line names, and features of an arm; more are counted."""


def found(findings: Findings) -> list[str]:
    """Say in a line for each design that credits features which of them help or hurt, and count the others."""
    credited = [index for index, design in enumerate(findings.designs) if design.features]
    if not findings.effects:
        return []
    return [(f"{findings.designs[index].name}: " if len(credited) > 1 else "") + _found(findings, index) for index in credited]


def _found(findings: Findings, design_index: int) -> str:
    design, effects, metric = findings.designs[design_index], findings.effects[design_index], findings.metric
    verdicts = effects.verdict
    claimed = [row for row, verdict in enumerate(verdicts) if verdict in SURE]
    # What is sure comes before what is probable, and of each the largest effect.
    claimed.sort(key=lambda row: (verdicts[row].startswith("probably"), -abs(effects.estimate[row])))
    named = claimed[:MOST]
    parts = []
    for verdict in SURE:
        rows = [row for row in named if verdicts[row] == verdict]
        if rows:
            sizes = [f"{design.features[row]} {metric.signed(effects.estimate[row], findings.digits)}" for row in rows]
            parts.append(f"{verdict}: {', '.join(sizes)}")
    if len(claimed) > len(named):
        parts.append(f"{len(claimed) - len(named)} more help or hurt")
    for verdict in ("negligible", OPEN, FUTILE, NO_VERDICT, LOST):
        count = verdicts.count(verdict)
        if count:
            of_all = f"{count} of {len(verdicts)}" if count < len(verdicts) or count == 1 else f"all {count}"
            why = f" (with fewer than {FEWEST_SEEDS} {findings.sample}s)" if verdict == NO_VERDICT else ""
            parts.append(f"{verdict}: {of_all}{why}")
    return "; ".join(parts)


def kept(findings: Findings) -> list[str]:
    """Say in a line which arm has the best mean, and whether others may be as good, the cheapest of them by name."""
    best = found_best(findings)
    if best is None:
        return []
    first, *others = candidates(findings, best)
    score = findings.metric.with_unit(findings.metric.level(first.measured.score, findings.digits))
    runs = f"mean of {first.measured.seeds} runs" if first.measured.seeds > 1 else "one run"
    line = f"{short_label(findings.arms[best.contenders[0]], findings.features)}: {score} ({runs})"
    count = len(best.contenders) - 1
    if len(findings.seeds) < FEWEST_SEEDS:
        return [f"{line}, the best so far; it takes {FEWEST_SEEDS} {findings.sample}s to say which arms are worse"]
    if not count:
        return [f"{line}; every other arm{' with a result' if best.missing else ''} is worse beyond noise"]
    cheaper = _cheapest(findings, best.contenders, others)
    return [f"{line}; {count} other {'arm' if count == 1 else 'arms'} may be as good{cheaper}"]


def _cheapest(findings: Findings, contenders: Sequence[int], others: Sequence[Candidate]) -> str:
    for column, each in zip(contenders[1:], others, strict=False):
        if each.saved:
            return f", and {short_label(findings.arms[column], findings.features)} is cheaper ({', '.join(each.saved)})"
    return ""


def shortfall(findings: Findings) -> str:
    """Return why a study did not go well, to be put after the exit status; empty where it did."""
    reasons = [f"{counted(len(findings.failures), 'run')} failed"] if findings.failures else []
    if findings.uncredited:
        effects = "effect" if len(findings.uncredited) == 1 else "effects"
        reasons.append(f"the {effects} of {listed(findings.uncredited, 'and')} could not be estimated")
    return ", and ".join(reasons)


def short_label(arm: Arm, features: Sequence[str]) -> str:
    """Name an arm in a few words: by its features, by those that it lacks if these are fewer, and with no more than a few of them."""
    on, off = ([name for name in features if (name in arm) == wanted] for wanted in (True, False))
    if len(on) > MOST and off and len(off) <= MOST:
        return f"all − {' − '.join(off)}"
    if len(on) > MOST and off:
        return f"{' + '.join(on[: MOST - 1])} + {len(on) - MOST + 1} more"
    return label(arm, features)
