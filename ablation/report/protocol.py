"""The protocol: what another laboratory would need to repeat the study and to judge its intervals."""

from collections.abc import Iterator

import numpy as np

from ablation.study.findings import Findings
from ablation.wording import duration, listed

FORMULAS = {
    "paired": "mean ± t(k − 1) · sd / √k over the k seeds of each seed's own contrast",
    "balanced": "estimate ± t(ν) · standard error, each arm with its own residual variance after arm and seed means are removed, ν after "
    "Satterthwaite",
}


def protocol(findings: Findings) -> Iterator[tuple[str, str]]:
    """Return terms and what is to be said of them, in order."""
    for design in findings.designs:
        yield "Design", f"{design.name}: {len(design.arms)} {'arm' if len(design.arms) == 1 else 'arms'}. {design.meaning}".strip()
    yield "Order of features", " → ".join(findings.features)
    yield "Data", findings.data
    seeds = f"{len(findings.seeds)} ({', '.join(map(str, findings.seeds))})"
    decided = findings.precision.told().removeprefix("Seeds: ") if findings.precision else ""
    yield "Seeds", f"{seeds}; {decided}" if decided else seeds
    yield "Score and split", findings.protocol
    if any(not np.isnan(effects.low).all() for effects in findings.effects):
        yield "95 % intervals", _formulas(findings)
        yield "Verdicts", _verdicts(findings)
        yield "Sources of variability", " ".join(_sources(findings))
    yield from _provenance(findings)


def _formulas(findings: Findings) -> str:
    kinds: dict[str, list[str]] = {}
    for design in findings.designs:
        if design.features:
            kinds.setdefault(design.kind, []).append(design.name)
    each = [f"{listed(names, 'and')}: {FORMULAS[kind]}" for kind, names in kinds.items()]
    decided = " Errors and ν are those of the pilot, divided by the root of all seeds, for only the pilot knows nothing of their number."
    stein = decided if findings.precision else ""
    return f"{'; '.join(each)}.{stein} Intervals for all effects at once are Bonferroni's, over the features of a design."


def _verdicts(findings: Findings) -> str:
    said = "From three seeds on. Helps or hurts: p < 0.05 after Holm's adjustment over the features of the design. Probably: only the "
    said += "unadjusted 95 % interval excludes zero."
    if findings.smallest > 0:
        said += f" Negligible: neither, and the 90 % interval lies within ± {100 * findings.smallest:g} points."
    return said


def _sources(findings: Findings) -> Iterator[str]:
    images = "the seed and the choice of validation images" if findings.new_images else "the seed, on fixed validation images"
    yield f"Intervals cover {images}; not other data, other settings or other hardware."
    if findings.noise is not None:
        noise = findings.noise
        yield (
            f"The seed alone spreads the score of a run by {100 * noise.seeds:.2f} points (standard deviation), the choice of "
            f"{noise.images:,} validation images alone by {100 * noise.validation:.2f} points"
            + (", and intervals cover both." if findings.new_images else "; intervals cover the first and not the second.")
        )


def _provenance(findings: Findings) -> Iterator[tuple[str, str]]:
    known = findings.provenance
    if known is None:
        return
    if known.hardware:
        yield "Hardware", known.hardware
    yield "Total compute", f"{duration(known.seconds)} of training, summed over {len(findings.runs)} runs"
    yield "Failed runs", str(known.failed) if known.failed else "none"
    if known.versions:
        yield "Versions", ", ".join(f"{name} {version}" for name, version in known.versions.items())
