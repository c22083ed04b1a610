"""What to keep: the best arm, and the arms that may be as good, with what they cost."""

from dataclasses import dataclass

from ablation.designs import label
from ablation.effects import FEWEST_SEEDS, BestArms, best_arms
from ablation.effects.best_arms import MOST
from ablation.study.findings import Findings
from ablation.study.measured import Measured, measured, written
from ablation.study.metric import Measure
from ablation.wording import listed

NAMED, SHOWN = 4, 8
"""How many arms the answer names, and how many its table shows."""

CHEAPER = 0.10
"""An arm is cheaper where a cost is lower by such a share, and none is higher by it."""


@dataclass(frozen=True)
class Candidate:
    """An arm that may be the best one.

    Attributes:
        measured: what its runs say.
        best: whether it has the best mean.
        difference, error: of its score from the best mean, and the standard error of that, in the units of the scores; NaN where unknown.
        saved: what it saves against the arm with the best mean, such as ``parameters −56 %``.
    """

    measured: Measured
    best: bool
    difference: float
    error: float
    saved: tuple[str, ...]


def found_best(findings: Findings) -> BestArms | None:
    """Return the best arms of a study; None where fewer than two arms have a result, or where arms share no seeds to compare them by."""
    if findings.independent:
        return None
    return best_arms(findings.scores, findings.metric.higher_is_better, findings.metric.step)


def best_arm(findings: Findings) -> str:
    """Return the name of the arm with the best mean; empty where fewer than two arms have a result."""
    found = found_best(findings)
    return label(findings.arms[found.contenders[0]], findings.features) if found else ""


def candidates(findings: Findings, found: BestArms) -> list[Candidate]:
    """Return the first arms that may be the best one, the best mean first."""
    arms = [measured(findings, findings.arms[column]) for column in found.contenders[:SHOWN]]
    differences = [(float(found.difference[column]), float(found.error[column])) for column in found.contenders[:SHOWN]]
    return [Candidate(arm, arm is arms[0], *each, _saved(findings, arm, arms[0])) for arm, each in zip(arms, differences, strict=True)]


def _saved(findings: Findings, arm: Measured, best: Measured) -> tuple[str, ...]:
    changes = {
        cost.words: arm.measures[cost.key] / best.measures[cost.key] - 1
        for cost in findings.measures
        if cost.words
        and cost.key in arm.measures
        and best.measures.get(cost.key)
        and _seen(findings, cost, arm) != _seen(findings, cost, best)
    }
    if any(change >= CHEAPER for change in changes.values()):
        return ()
    return tuple(f"{words} −{-100 * change:.0f} %" for words, change in changes.items() if change <= -CHEAPER)


def _seen(findings: Findings, cost: Measure, arm: Measured) -> str:
    """Return a cost as the table shows it: a difference that nobody sees there, such as that of two very short runs, saves nothing."""
    return written(cost, arm.measures[cost.key], findings.metric, findings.digits)


def what_to_keep(findings: Findings) -> list[str]:
    """Say which arm scores best, which may be as good, and how many seeds would leave fewer of them."""
    found = found_best(findings)
    if found is None:
        return []
    metric, seeds = findings.metric, len(findings.seeds)
    best, *others = candidates(findings, found)

    def score(arm: Measured) -> str:
        return metric.with_unit(metric.level(arm.score, findings.digits))

    runs = f"mean of {best.measured.seeds} runs" if best.measured.seeds > 1 else "one run"
    sentences = [f"The best {metric.short} is that of “{best.measured.arm}”: {score(best.measured)} ({runs})."]
    if seeds < FEWEST_SEEDS:
        sentences.append("It takes three seeds to say which arms are worse.")
    elif len(found.contenders) == 1:
        sentences.append(f"Every other arm{' with a result' if found.missing else ''} is worse beyond noise.")
    else:
        named = [f"“{each.measured.arm}” {score(each.measured)}" + _cheaper(each) for each in others[:NAMED]]
        more = len(found.contenders) - 1 - len(named)
        list_ = f"{'; '.join(named)}; and {more} more" if more else "; ".join(named)
        sentences.append(f"With {findings.seeds_in_words} {_arms(len(found.contenders) - 1)} may be as good: {list_}.{_more_seeds(found)}")
    if found.missing and not findings.unfinished:
        names = [f"“{label(findings.arms[column], findings.features)}”" for column in found.missing]
        shown = names if len(names) <= NAMED else [*names[:NAMED], f"{len(names) - NAMED} more"]
        sentences.append(f"{listed(shown, 'and')} {'has' if len(names) == 1 else 'have'} no result and may be better.")
    return [" ".join(sentences)]


def _arms(count: int) -> str:
    return "one other arm" if count == 1 else f"{count} other arms"


def _cheaper(candidate: Candidate) -> str:
    return f" (cheaper: {', '.join(candidate.saved)})" if candidate.saved else ""


def _more_seeds(found: BestArms) -> str:
    if found.seeds_needed is None:
        return ""
    fewest, most = found.seeds_needed
    if fewest is None:
        seeds = f"more than {MOST}"
    elif most is None:
        seeds = f"{fewest} to more than {MOST}"
    else:
        seeds = f"about {fewest}" if fewest == most else f"about {fewest} to {most}"
    left = "one" if found.fewer == 1 else f"at most {found.fewer}"
    return f" It would take {seeds} seeds to leave {left} of these {len(found.contenders)} arms."
