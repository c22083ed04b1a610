"""The sentences that a reader needs beside the tables."""

from collections import Counter
from collections.abc import Iterator

import numpy as np
from scipy.special import stdtrit

from ablation.designs import Arm, is_path, label
from ablation.effects import CONFIDENCE, LOST, sampled_orders
from ablation.report.aliases import aliased
from ablation.report.answer import SURE
from ablation.report.apart import about_runs_apart
from ablation.report.looks import uncounted
from ablation.report.rows import own_arm
from ablation.store.names import ERROR
from ablation.study.findings import Findings
from ablation.study.measured import measured
from ablation.wording import counted, listed

LARGE_CHANGE = 0.10
"""Relative change of a measure beyond which an effect mixes the feature with it."""

FEW_SEEDS = 5
"""Up to so many seeds Holm's threshold is far above the plain one, and the notes say so."""

MOST_FAILURES = 10
"""How many failures the notes list."""


def notes(findings: Findings) -> list[str]:
    """Return the notes on the tables: how scores are made, what weakens them, what failed, one sentence or two each."""
    sentences = [
        f"{findings.protocol} {findings.intervals}".strip(),
        *findings.remarks,
        *_about_equal_scores(findings),
        *about_runs_apart(findings),
        *_about_seeds(findings),
        *_about_looks(findings),
        *_about_sampled_orders(findings),
        *_about_aliases(findings),
        *_about_own_errors(findings),
        *_about_confounders(findings),
        *_about_failures(findings),
        *_about_losses(findings),
        *_about_environment(findings),
        *_about_two_names(findings),
    ]
    return [sentence for sentence in sentences if sentence]


def warnings(findings: Findings) -> list[str]:
    """Return what nobody may miss: what makes verdicts worthless, runs apart, what failed, and which effects that cost."""
    return [
        *_about_equal_scores(findings),
        *about_runs_apart(findings),
        *uncounted(findings),
        *_about_failures(findings),
        *_about_losses(findings),
    ]


def _about_equal_scores(findings: Findings) -> Iterator[str]:
    """Say where the seed seems to make no difference at all."""
    columns = [column[~np.isnan(column)] for column in findings.scores.T]
    several = [column for column in columns if len(column) > 1]
    if several and all((column == column[0]).all() for column in several):
        yield (
            "Every arm has the same score in each of its runs: the runs do not seem to use their seed, so intervals and verdicts mean "
            "nothing."
        )


def _about_seeds(findings: Findings) -> Iterator[str]:
    seeds = len(findings.seeds)
    credited = [index for index, design in enumerate(findings.designs) if design.features]
    if credited and seeds == 1:
        yield f"One {findings.sample} an arm: differences between single runs carry no interval and no verdict."
    if credited and seeds == 2 and not findings.independent:
        yield f"Two seeds: an interval reaches {_critical(2, 1):.1f} standard errors to either side, and verdicts need three seeds."
    families = dict.fromkeys(
        int((~np.isnan(findings.effects[index].p)).sum())
        for index in credited
        if own_arm(findings.designs[index], 0) is not None and not findings.independent
    )
    for family in families:
        if findings.precision is None and findings.looks is None and 3 <= seeds <= FEW_SEEDS and family > 1:
            yield (
                f"With {seeds} seeds and {family} features, Holm's adjustment asks |t| > {_critical(seeds, family):.1f} of the clearest "
                f"effect before it says helps or hurts (|t| > {_critical(seeds, 1):.1f} for a single feature): so few seeds prove little. "
                "seeds=sequential adds seeds until effects are decided, and counts its looks."
            )


def _about_looks(findings: Findings) -> Iterator[str]:
    """Say why scores and effects need not add up where arms have different numbers of seeds."""
    if len(set(findings.asked.sum(axis=0).tolist())) > 1:
        yield (
            "Arms have different numbers of seeds, for what is decided gets no more. A score is the mean over all seeds of its arm, an "
            "effect rests on the seeds of the look that decided it, so differences of scores need not be the effects."
        )


def _about_own_errors(findings: Findings) -> Iterator[str]:
    """Say which effects vary so much from seed to seed that they share no error with the others of their design."""
    for design, effects in zip(findings.designs, findings.effects, strict=False):
        own = [feature for feature, varies in zip(design.features, effects.varies.tolist(), strict=True) if varies]
        if own:
            effect, varies, intervals = "effect", "varies", "its interval rests on its"
            if len(own) > 1:
                effect, varies, intervals = "effects", "vary", "their intervals rest on their"
            yield (
                f"{design.name}: the {effect} of {listed(own, 'and')} {varies} more from seed to seed than the others do, so {intervals} "
                "own differences between seeds alone and may be wide."
            )


def _about_sampled_orders(findings: Findings) -> Iterator[str]:
    """Say how large the error is that the choice of orders adds, which intervals over seeds do not cover."""
    for design, effects in zip(findings.designs, findings.effects, strict=True):
        found = sampled_orders(design, findings.scores_of(design), (effects.high - effects.low) / 2, effects.freedom)
        if found is not None and not np.isnan(found.error).all():
            worst = int(np.nanargmax(found.error))
            size = findings.metric.with_difference(findings.metric.level(found.error[worst], findings.digits))
            yield (
                f"{design.name}: the choice of {len(design.orders)} orders adds a standard error of up to {size} "
                f"({design.features[worst]}), which the intervals do not cover."
            )


def _about_aliases(findings: Findings) -> Iterator[str]:
    """Say which verdicts may be due to three other features."""
    for design, effects in zip(findings.designs, findings.effects, strict=True):
        terms, claims = aliased(design), zip(design.features, effects.verdict, strict=True)
        claimed = [feature for feature, verdict in claims if feature in terms and verdict in SURE]
        if claimed:
            yield (
                f"{design.name}: what it says of {listed(claimed, 'and')} may be due to three other features together; the report's "
                "table of aliases names them, and the arms that would separate them."
            )


def _critical(seeds: int, family: int) -> float:
    """Return the |t| that the smallest p-value of a family must reach in Holm's first step."""
    return float(stdtrit(seeds - 1, 1 - (1 - CONFIDENCE) / (2 * family)))


def _about_confounders(findings: Findings) -> Iterator[str]:
    """Say where turning a feature on changes another measure so much that its effect is not the technique's alone."""
    for measure in findings.measures:
        if not measure.confounds:
            continue
        for design in findings.designs:
            values = np.array([measured(findings, arm).measures.get(measure.key, np.nan) for arm in design.arms])
            what = "the step" if is_path(design) else f"turning it on ({design.name})"
            for feature, weights in zip(design.features, design.contrasts, strict=True):
                used = weights != 0
                without, together = (float(np.clip(sign * weights[used], 0, None) @ values[used]) for sign in (-1, 1))
                change = together / without - 1 if without else np.nan
                if abs(change) > LARGE_CHANGE:
                    percent = f"{100 * change:+.0f} %".replace("-", "−")
                    counts = f"{without:,.0f} → {together:,.0f}"
                    yield f"{feature}: {what} also changes the {measure.words} by {percent} ({counts}); its effect mixes both."


def _about_failures(findings: Findings) -> Iterator[str]:
    """Say which runs did not finish and why, those of an arm with the same reason together."""
    seeds: dict[tuple[Arm, str], list[int]] = {}
    for failure in findings.failures:
        seeds.setdefault((failure.arm, failure.words), []).append(failure.seed)
    for (arm, why), failed in list(seeds.items())[:MOST_FAILURES]:
        which = f"seed {failed[0]}" if len(failed) == 1 else f"seeds {listed([str(seed) for seed in failed], 'and')}"
        yield f"Arm “{label(arm, findings.features)}”, {which}, did not finish: {why}"
    if more := sum(len(failed) for failed in list(seeds.values())[MOST_FAILURES:]):
        yield f"{counted(more, 'more run')} did not finish."
    if seeds:
        yield f"Each failed run keeps its error with the whole traceback in MLflow, as the artifact {ERROR}."


def _about_losses(findings: Findings) -> Iterator[str]:
    """Say which effects missing runs cost, in whole or in part."""
    for index, (design, effects) in enumerate(zip(findings.designs, findings.effects, strict=True)):
        yield from (*design.lost, *effects.lost)
        if design.kind != "paired":
            continue
        lost = [feature for feature, verdict in zip(design.features, effects.verdict, strict=True) if verdict == LOST]
        if lost:
            yield f"{design.name}: no seed finished every arm that the effect of {listed(lost, 'or')} needs, so it cannot be estimated."
        for feature, seeds, asked in zip(design.features, effects.seeds.tolist(), findings.seeds_behind(index).tolist(), strict=True):
            if 0 < seeds < asked:
                yield f"{design.name}: the effect of {feature} rests on {seeds} of {asked} seeds."


def _about_environment(findings: Findings) -> Iterator[str]:
    """Say where reused runs were made with other versions, threads or hardware than the rest."""
    environments = [run.environment for run in findings.runs.values()]
    for name in sorted({name for environment in environments for name in environment}):
        counts = Counter(environment.get(name, "unknown") for environment in environments)
        if len(counts) > 1:
            yield (
                f"Not all runs agree in {name}: "
                + ", ".join(f"{value} ({counted(count, 'run')})" for value, count in counts.most_common())
                + "."
            )


def _about_two_names(findings: Findings) -> Iterator[str]:
    """Say where runs report their score under a name of its own, which is then logged and drawn beside it."""
    histories = [result.history for result in findings.runs.values()]
    if not histories or any(findings.metric.key in history for history in histories):
        return
    for name in histories[0]:
        if all(result.history.get(name, [None])[-1:] == [result.score] for result in findings.runs.values()):
            named = f"with {name} as the name of the metric, it is logged once, and shown while they run"
            yield f"Runs report {name}, which ends as their {findings.metric.name}: {named}."
            return
