"""The protocol: what another laboratory would need to repeat the study and to judge its intervals."""

from collections.abc import Iterator

import numpy as np

from ablation.designs import label
from ablation.effects import Precision
from ablation.report.looks import INTERVALS, rule, uncounted
from ablation.report.methods import methods
from ablation.study.findings import Findings
from ablation.study.metric import Metric
from ablation.wording import counted, duration, listed, numbers

FORMULAS = {
    "paired": "mean ± t(k − 1) · sd / √k over the k seeds of each seed's own contrast",
    "balanced": "estimate ± t(ν) · standard error, each arm with its own residual variance after arm and seed means are removed, ν after "
    "Satterthwaite",
    "independent": "difference of means ± t(ν) · √(Σ w² s² / n) over the n runs of each arm, of standard deviation s and weight w, "
    "ν after Welch",
}

MOST_SEEDS = 50
"""Seeds that are listed, unless they come in a row; of more, the others are counted."""

MOST_ARMS = 12
"""Arms that are listed of those that cannot be built for one reason; more are counted."""


def protocol(findings: Findings) -> Iterator[tuple[str, str]]:
    """Return terms and what they stand for, in order."""
    for design in findings.designs:
        yield "Design", f"{design.name}: {counted(len(design.arms), 'arm')}. {design.meaning}".strip()
    yield "Order of features", " → ".join(findings.features)
    kind, _, what = findings.description.partition(": ")
    yield kind, what
    if findings.looks is not None:
        yield "Seeds", rule(findings, findings.looks)
    elif findings.independent:
        yield "Runs", f"{findings.seeds_in_words}, with seeds of their own or none"
    else:
        yield "Seeds", _seeds(findings)
    if earlier := " ".join(uncounted(findings)):
        yield "Looks", earlier
    yield "Score and split", findings.protocol
    if any(not np.isnan(effects.low).all() for effects in findings.effects):
        yield "95 % intervals", f"{_formulas(findings)} {findings.intervals}".strip()
        yield "Verdicts", _verdicts(findings)
        if findings.variability:
            yield "Sources of variability", " ".join(findings.variability)
    yield from _provenance(findings)
    if paragraph := methods(findings):
        yield "Methods, for a paper", paragraph


def _seeds(findings: Findings) -> str:
    known = findings.seeds
    which = numbers(known, MOST_SEEDS)
    decided = seeds_decided(findings.precision, findings.metric).removeprefix("Seeds: ") if findings.precision else ""
    return f"{len(known)} ({which}); {decided}" if decided else f"{len(known)} ({which})"


def _formulas(findings: Findings) -> str:
    kinds: dict[str, list[str]] = {}
    for design in findings.designs:
        if design.features:
            kinds.setdefault(design.kind, []).append(design.name)
    each = [f"{listed(names, 'and')}: {FORMULAS[kind]}" for kind, names in kinds.items()]
    decided = " Errors and ν are those of the pilot, divided by the root of all seeds, for only the pilot knows nothing of their number."
    looks = f" {INTERVALS}" if findings.looks else ""
    stein = decided if findings.precision else ""
    at_once = " Intervals for all effects at once are Bonferroni's, over the features of a design."
    return f"{'; '.join(each)}.{stein}{at_once}{_ended(findings)}{looks}"


def _ended(findings: Findings) -> str:
    """Say where an interval is shown shorter than it is computed."""
    metric, most = findings.metric, findings.metric.largest_effect
    if not any((np.abs(ends) > most).any() for each in findings.effects for ends in (each.low_simultaneous, each.high_simultaneous)):
        return ""
    return f" They are shown no farther than ± {metric.with_difference(f'{metric.shown(most):g}')}, the largest effect that there can be."


def _verdicts(findings: Findings) -> str:
    metric = findings.metric
    better = "" if metric.higher_is_better else ", lower scores being better"
    if findings.looks is not None:
        sentences = f"By looks{better}. Helps or hurts: a look rejects it by Holm's method over the features of the design. "
        sentences += "Probably: only the last look's unadjusted 95 % interval excludes zero."
    else:
        sentences = (
            f"From three {findings.sample}s on{better}. Helps or hurts: p < 0.05 after Holm's adjustment over the features of the design. "
        )
        sentences += "Probably: only the unadjusted 95 % interval excludes zero."
    if findings.smallest > 0:
        smallest = metric.with_difference(f"{metric.shown(findings.smallest):g}")
        sentences += f" Negligible: neither, and the 90 % interval lies within ± {smallest}."
    sentences += " Open: none of these."
    if findings.looks is not None and findings.looks.futility:
        sentences += " Given up: open, and later looks are unlikely to decide it."
    return sentences


def _unbuilt(findings: Findings) -> str:
    arms: dict[str, list[str]] = {}
    for arm, reason in findings.unbuilt.items():
        arms.setdefault(reason, []).append(f"“{label(arm, findings.features)}”")
    groups = []
    for reason, names in arms.items():
        few = names if len(names) <= MOST_ARMS else [*names[:MOST_ARMS], f"{len(names) - MOST_ARMS} more"]
        groups.append(f"{listed(few, 'and')} ({reason})")
    return "; ".join(groups)


def seeds_decided(precision: Precision, metric: Metric) -> str:
    """Return how the number of seeds was decided: the arithmetic in a sentence."""
    if np.isnan(precision.pilot_sd).any():
        return (
            f"Seeds: too few runs of the pilot of {precision.pilot_seeds} finished to know how all effects vary between seeds, "
            f"so {precision.total} seeds are run and the precision is not met."
        )
    worst = int(precision.half_width.argmax())
    sd, count, wanted = metric.shown(precision.pilot_sd[worst]), int(precision.needed[worst]), metric.shown(precision.wanted)
    if not sd > 0:
        return f"Seeds: in the pilot of {precision.pilot_seeds} no effect varies between seeds, so {precision.total} suffice."
    t = precision.half_width[worst] * np.sqrt(precision.total) / precision.pilot_sd[worst]
    asked = (t * sd / wanted) ** 2
    enough = f"that is {count} seeds" if asked > precision.pilot_seeds else f"no more than the pilot's {precision.pilot_seeds} seeds"
    decided = (
        f"Seeds: in the pilot of {precision.pilot_seeds} an effect varies between seeds by up to {metric.with_difference(f'{sd:.3g}')} "
        f"(standard deviation), so intervals of ± {metric.with_difference(f'{wanted:g}')} need ({t:.2f} · {sd:.3g} / {wanted:g})², {enough}"
    )
    if precision.met:
        return f"{decided}."
    reached = metric.with_difference(f"{metric.shown(float(np.nanmax(precision.half_width))):.3g}")
    return f"{decided}; the cap of {precision.most} binds: the precision was not met, and half-widths reach {reached}."


def _provenance(findings: Findings) -> Iterator[tuple[str, str]]:
    known = findings.provenance
    if known is None:
        return
    if known.hardware:
        yield "Hardware", known.hardware
    if known.elsewhere:
        return
    yield "Total compute", f"{duration(known.seconds)}, summed over {len(findings.runs)} runs"
    yield "Failed runs", str(known.failed) if known.failed else "none"
    if findings.unbuilt:
        yield "Arms that cannot be built", _unbuilt(findings)
    if known.versions:
        yield "Versions", ", ".join(f"{name} {version}" for name, version in known.versions.items())
