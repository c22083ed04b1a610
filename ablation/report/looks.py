"""Looks in words: those that a study plans, what each of them decided, and those at the same question that nothing counted."""

from collections.abc import Iterator, Sequence

import numpy as np
from scipy.special import stdtrit

from ablation.designs import Design
from ablation.effects import ALPHA, FEWEST_SEEDS, FUTILE, LOST, NO_VERDICT, OPEN, expected_runs, false_claims, nominal_levels
from ablation.study.findings import Findings
from ablation.study.looks import Looks
from ablation.wording import listed

VERBS = {LOST: "has no estimate", NO_VERDICT: "has no verdict", "negligible": "is negligible", OPEN: "stays open", FUTILE: "is given up"}
"""Verdicts that need a verb behind the feature's name."""

SIZES = (0, 1, 2)
"""Effects, in standard deviations of one run, for which a plan says how many runs are expected."""


# ---- what is planned --------------------------------------------------------------------------------------------------------


def looks_planned(designs: Sequence[Design], looks: Sequence[int]) -> list[str]:
    """Return the looks of a plan, their bounds, and the runs that may be expected, in whole sentences."""
    credited = [design for design in designs if design.features]
    sentences = [f"Seeds: looks at {listed([str(look) for look in looks], 'and')}; an effect that a look decides gets no more."]
    sentences += [f"{design.name}: {bounds(design.kind, len(design.features), looks)}." for design in credited]
    runs = [round(expected_runs(designs, looks, size, np.random.default_rng(0))) for size in SIZES]
    each = [
        f"{count} if each feature adds {size} σ" if size else f"{count} if none has an effect"
        for size, count in zip(SIZES, runs, strict=True)
    ]
    sentences.append(f"Expected runs, simulated: {listed(each, 'and')} (σ: standard deviation of one run).")
    return sentences


def bounds(kind: str, features: int, looks: Sequence[int]) -> str:
    """Return how clear effects must be at each look: the nominal p at Holm's first level and at 5 %, and |t| where effects are paired."""
    fractions = tuple(look / looks[-1] for look in looks)

    def at(level: float) -> str:
        levels = nominal_levels(fractions, level)
        p = ", ".join(f"{each:.2g}" for each in levels)
        t = ", ".join(f"{-stdtrit(look - 1, each / 2):.3g}" for look, each in zip(looks, levels, strict=True))
        return f"p < {p}" + (f" (|t| > {t})" if kind == "paired" else "")

    single = f"a single effect must reach {at(ALPHA)} at the looks"
    return (
        single
        if features == 1
        else f"the clearest of {features} effects must reach {at(ALPHA / features)} at the looks, the last one {at(ALPHA)}"
    )


# ---- what was decided -------------------------------------------------------------------------------------------------------


def look_taken(findings: Findings) -> str:
    """Return what the latest look decided, and which arms go on."""
    looks = findings.looks
    assert looks is not None
    parts = []
    for index, design in enumerate(findings.designs):
        found = _decided(findings, index, looks.taken)
        if found:
            parts.append((f"{design.name}: " if len(findings.designs) > 1 else "") + ", ".join(found))
    now = looks.planned[looks.taken - 1]
    head = f"Look {looks.taken} of {len(looks.planned)}, {now} seeds: {'; '.join(parts) or 'nothing is decided yet'}"
    going_on = int((looks.seeds > now).sum())
    if not going_on:
        return f"{head}. The study ends here."
    open_ = sum(int((look == 0).sum()) for look in looks.decided)
    effects = "1 effect is" if open_ == 1 else f"{open_} effects are"
    return f"{head}. {effects} open: {going_on} of {len(findings.arms)} arms go on to {looks.planned[looks.taken]} seeds."


def _decided(findings: Findings, design_index: int, look: int) -> list[str]:
    """Return what a look decided of the effects of a design, such as ``mixup helps``."""
    assert findings.looks is not None
    verdicts = findings.effects[design_index].verdict
    rows = np.flatnonzero(findings.looks.decided[design_index] == look).tolist()
    return [f"{findings.designs[design_index].features[row]} {VERBS.get(verdicts[row], verdicts[row])}" for row in rows]


def rule(findings: Findings, looks: Looks) -> str:
    """Return how the seeds of a study that stops itself were decided, for its protocol."""
    planned = listed([str(look) for look in looks.planned], "and")
    sentences = [
        f"{findings.seeds_in_words} an arm, decided by {looks.taken} of {len(looks.planned)} planned looks, at {planned} seeds. "
        "A look tests what is open at levels spent as by O'Brien and Fleming (Lan and DeMets 1983), by Holm's method over looks (Ye, Li, "
        "Liu and Yao 2013); an effect that it decides rests on the seeds so far, and arms that no open effect needs get no more."
    ]
    for index, design in enumerate(findings.designs):
        if design.features:
            sentences.append(f"{design.name}: {bounds(design.kind, len(design.features), looks.planned)}.")
            for look in range(1, looks.taken + 1):
                if found := _decided(findings, index, look):
                    sentences.append(f"Look {look} ({looks.planned[look - 1]} seeds): {', '.join(found)}.")
    if looks.futility:
        sentences.append("An effect is given up that later looks decide with a chance below 10 %, if what was seen goes on.")
    return " ".join(sentences)


INTERVALS = (
    "The intervals hold at all looks at once (Jennison and Turnbull 1989): ± t at the nominal level of the look that an effect rests on; "
    "one more than ten times as wide as that of a single look is not shown. p-values are repeated p-values. The best arms, and tests of "
    "order, interactions and fit, do not count the looks."
)


# ---- what was not counted ---------------------------------------------------------------------------------------------------


def uncounted(findings: Findings) -> Iterator[str]:
    """Say how many looks at the same question came before, and how often so many claim an effect that is not there."""
    index = findings.headline
    if index is None or not findings.shown or len(findings.seeds) < FEWEST_SEEDS:
        return
    seeds = listed([str(count) for count in findings.shown], "and")
    head = f"This is the {_ordinal(len(findings.shown) + 1)} look at this question (after {seeds} seeds)"
    hypotheses = len(findings.designs[index].features)
    if findings.looks is not None:
        rate = min(false_claims(_increasing(findings.shown), hypotheses, ALPHA) + ALPHA, 1.0)
        yield f"{head}: only its own looks are counted, so up to {100 * rate:.0f} in 100 such studies claim an effect that is not there."
        return
    rate = false_claims(_increasing([*findings.shown, len(findings.seeds)]), hypotheses, ALPHA)
    yield (
        f"{head}: with so many looks about {100 * rate:.0f} in 100 studies claim an effect that is not there; "
        f"seeds=sequential holds {100 * ALPHA:.0f}."
    )


def _increasing(counts: Sequence[int]) -> list[int]:
    """Return numbers of seeds in order, each at least one more than the one before: other seeds are more information, too."""
    found: list[int] = []
    for count in sorted(counts):
        found.append(max(count, found[-1] + 1) if found else count)
    return found


def _ordinal(count: int) -> str:
    return f"{count}{'th' if count % 100 in (11, 12, 13) else {1: 'st', 2: 'nd', 3: 'rd'}.get(count % 10, 'th')}"
