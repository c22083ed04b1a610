"""The methods paragraph, ready to paste into a paper."""

import numpy as np

from ablation.report.looks import rule
from ablation.study.findings import Findings
from ablation.wording import counted, listed, numbers

INTERVALS = {
    "paired": "Student's t on the seeds' own differences",
    "balanced": "a linear model of arms and seeds whose arms have variances of their own, with Satterthwaite's degrees of freedom",
    "independent": "Welch's t on runs that share no seeds",
}
"""How intervals come about, by the kind of a design."""

MOST_SEEDS = 20
"""Seeds that are listed, unless they come in a row; of more, the others are counted."""


def methods(findings: Findings) -> str:
    """Return the paragraph; empty where it is not known how the runs are made."""
    if not findings.methods:
        return ""
    sentences = [*findings.methods, findings.protocol, _design(findings), *_pilot(findings), *_statistics(findings), *_machine(findings)]
    return " ".join(sentences)


def _design(findings: Findings) -> str:
    designs = listed([f"{design.name} ({counted(len(design.arms), 'arm')})" for design in findings.designs], "and")
    seeds = "" if findings.independent else f" ({numbers(findings.seeds, MOST_SEEDS)})"
    return f"The {'design is' if len(findings.designs) == 1 else 'designs are'} {designs}, with {findings.seeds_in_words}{seeds}."


def _pilot(findings: Findings) -> list[str]:
    """Say how many seeds a pilot asked for, where one decided."""
    known, metric = findings.precision, findings.metric
    if known is None:
        return []
    wanted = metric.with_difference(f"{metric.shown(known.wanted):g}")
    sentence = (
        f"The number of seeds follows from a pilot of {known.pilot_seeds} by Stein's two-stage rule, for 95 % intervals of ± {wanted} and "
        f"with at most {known.most} seeds"
    )
    return [f"{sentence}{'' if known.met else ', which do not suffice for all of them'}."]


def _statistics(findings: Findings) -> list[str]:
    if all(np.isnan(effects.low).all() for effects in findings.effects):
        return []
    kinds = list(dict.fromkeys(design.kind for design in findings.designs if design.features))
    sentences = [
        f"Effects are {findings.metric.effects_are}, with 95 % intervals from {listed([INTERVALS[kind] for kind in kinds], 'and')}."
    ]
    if findings.intervals:
        sentences.append(findings.intervals)
    if findings.looks is not None:
        sentences.append(rule(findings, findings.looks))
    else:
        sentences.append(
            "p-values are adjusted over the features of a design by Holm's method; effects help or hurt where the adjusted p is below 0.05."
        )
    if findings.smallest > 0:
        smallest = findings.metric.with_difference(f"{findings.metric.shown(findings.smallest):g}")
        sentences.append(f"The smallest effect of interest is {smallest}: an effect whose 90 % interval lies within ± that is negligible.")
    return sentences


def _machine(findings: Findings) -> list[str]:
    known = findings.provenance
    if known is None:
        return []
    hardware = f"Hardware: {known.hardware}." if known.hardware else ""
    versions = f"Versions: {listed([f'{name} {version}' for name, version in known.versions.items()], 'and')}." if known.versions else ""
    return [*filter(None, [hardware, versions])]
