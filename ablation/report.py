"""Tables and text: one row a step or arm, and the sentences that a reader needs beside them.

Accuracies and effects are fractions in rows and in the CSV, and percent and percentage points wherever people read.
"""

import csv as comma_separated
import io
import statistics
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.special import stdtrit

from ablation.designs import Arm, Design, arm_names, is_path, label
from ablation.effects import CONFIDENCE, LOST, describe, mean_and_sd, signed_points
from ablation.results import Findings

if TYPE_CHECKING:
    from rich.table import Table

LARGE_CHANGE = 0.10
"""Relative change of the parameter count beyond which an effect is said to mix the feature with the size of the network."""

FEW_SEEDS = 5
"""Up to so many seeds Holm's threshold is far above the plain one, and the notes say so."""

MOST_FAILURES, LONGEST_MESSAGE = 10, 200
"""How many failures the notes list, and the characters of a message that they tell."""


@dataclass(frozen=True)
class Measured:
    """What the finished runs of one arm say.

    Attributes:
        arm: its name, as charts and MLflow have it.
        seeds: how many runs finished.
        accuracy, accuracy_sd, test_accuracy: over those runs, fractions; NaN where there are too few.
        parameters, trainable, convolutions, flops: of the arm's network; None where no run finished.
        seconds_per_epoch: median over the runs; NaN where none finished.
        peak_memory: the largest of the runs, in bytes; None where none finished.
    """

    arm: str
    seeds: int
    accuracy: float
    accuracy_sd: float
    test_accuracy: float
    parameters: int | None
    trainable: int | None
    convolutions: int | None
    flops: int | None
    seconds_per_epoch: float
    peak_memory: int | None


@dataclass(frozen=True)
class Credit:
    """One feature's effect in fractions; the fields are those of :class:`ablation.effects.Effects`, and ``words`` its verdict in full."""

    feature: str
    seeds: int
    delta: float
    low: float
    high: float
    p: float
    p_holm: float
    verdict: str
    words: str


@dataclass(frozen=True)
class Row:
    """One line of a design's table: an arm, the effect that is read off it, or both.

    Attributes:
        step: ``"baseline"``, ``"+ mixup"``, ``"all − mixup"``; the feature, where its effect belongs to no single arm.
        measured: the arm's numbers; None where the row has no arm.
        credit: the effect; None where the row credits no feature.
    """

    step: str
    measured: Measured | None
    credit: Credit | None


def rows(findings: Findings, design_index: int) -> list[Row]:
    """Return the table of one design.

    First come the arms that effects are taken against (the baseline, or the arm with all features), then a row for each feature with
    the arm in which it steps in, stands alone or is left out. A feature that is credited from more than two arms has no arm of its
    own: then all arms come first and the features after them.
    """
    design = findings.designs[design_index]
    names = dict(zip(design.arms, arm_names(design, findings.features), strict=True))
    own = [_own_arm(design, feature) for feature in range(len(design.features))]
    table = [Row(names[arm], _measured(findings, arm), None) for arm in design.arms if arm not in own]
    for feature, arm in enumerate(own):
        credit = _credit(findings, design_index, feature)
        table.append(Row(credit.feature, None, credit) if arm is None else Row(names[arm], _measured(findings, arm), credit))
    return table


def _own_arm(design: Design, feature: int) -> Arm | None:
    """Return the arm whose difference from its reference is the feature's effect; None where other than two arms are weighed."""
    used = [design.arms[index] for index in np.flatnonzero(design.contrasts[feature])]
    return next((arm for arm in used if len(used) == 2 and design.references.get(arm) in used), None)


def _measured(findings: Findings, arm: Arm) -> Measured:
    runs = [findings.runs[arm, seed] for seed in findings.seeds if (arm, seed) in findings.runs]
    mean, sd = mean_and_sd(findings.scores[:, [findings.arms.index(arm)]])
    tests = [run.test_score for run in runs if run.test_score is not None]
    one = runs[0] if runs else None
    return Measured(
        arm=label(arm, findings.features),
        seeds=len(runs),
        accuracy=float(mean[0]),
        accuracy_sd=float(sd[0]),
        test_accuracy=statistics.fmean(tests) if tests else float("nan"),
        parameters=one.parameters if one else None,
        trainable=one.trainable if one else None,
        convolutions=one.convolutions if one else None,
        flops=one.flops if one else None,
        seconds_per_epoch=statistics.median(run.seconds_per_epoch for run in runs) if runs else float("nan"),
        peak_memory=max((run.peak_memory for run in runs), default=None),
    )


def _credit(findings: Findings, design_index: int, feature: int) -> Credit:
    effects = findings.effects[design_index]
    verdict, seeds = effects.verdict[feature], int(effects.seeds[feature])
    return Credit(
        feature=findings.designs[design_index].features[feature],
        seeds=seeds,
        delta=float(effects.estimate[feature]),
        low=float(effects.low[feature]),
        high=float(effects.high[feature]),
        p=float(effects.p[feature]),
        p_holm=float(effects.p_holm[feature]),
        verdict=verdict,
        words=describe(verdict, seeds, int(effects.seeds_needed[feature])),
    )


def notes(findings: Findings) -> list[str]:
    """Return what must be said beside the tables: how scores are made, what weakens them, what failed, one sentence or two each."""
    said = [findings.protocol, *findings.remarks, *_about_data(findings), *_about_seeds(findings), *_about_size(findings)]
    said += [*_about_failures(findings), *_about_losses(findings), *_about_environment(findings)]
    return [sentence for sentence in said if sentence]


def _about_data(findings: Findings) -> Iterator[str]:
    if "synthetic" in findings.data.lower():
        yield "The data is synthetic: what helps here need not help on photographs."


def _about_seeds(findings: Findings) -> Iterator[str]:
    seeds = len(findings.seeds)
    credited = [index for index, design in enumerate(findings.designs) if design.features]
    if credited and seeds == 1:
        yield "One seed: differences between single runs carry no interval and no verdict."
    if credited and seeds == 2:
        yield f"Two seeds: an interval reaches {_critical(2, 1):.1f} standard errors to either side, and verdicts need three seeds."
    families = dict.fromkeys(
        int((~np.isnan(findings.effects[index].p)).sum()) for index in credited if _own_arm(findings.designs[index], 0) is not None
    )
    for family in families:
        if 3 <= seeds <= FEW_SEEDS and family > 1:
            yield (
                f"With {seeds} seeds and {family} features, Holm's adjustment asks |t| > {_critical(seeds, family):.1f} of the clearest "
                f"effect before it says helps or hurts (|t| > {_critical(seeds, 1):.1f} for a single feature): so few seeds prove little."
            )


def _critical(seeds: int, family: int) -> float:
    """Return the |t| that the smallest p-value of a family must reach in Holm's first step."""
    return float(stdtrit(seeds - 1, 1 - (1 - CONFIDENCE) / (2 * family)))


def _about_size(findings: Findings) -> Iterator[str]:
    """Say where turning a feature on changes the parameter count so much that its effect is not the technique's alone."""
    for design in findings.designs:
        sizes = np.array([_measured(findings, arm).parameters or np.nan for arm in design.arms])
        what = "the step" if is_path(design) else f"turning it on ({design.name})"
        for feature, weights in zip(design.features, design.contrasts, strict=True):
            used = weights != 0
            without, together = (float(np.clip(sign * weights[used], 0, None) @ sizes[used]) for sign in (-1, 1))
            change = together / without - 1
            if abs(change) > LARGE_CHANGE:
                percent = f"{100 * change:+.0f} %".replace("-", "−")
                counts = f"{without:,.0f} → {together:,.0f}"
                yield f"{feature}: {what} also changes the parameters by {percent} ({counts}); its delta mixes both."


def _about_failures(findings: Findings) -> Iterator[str]:
    for failure in findings.failures[:MOST_FAILURES]:
        message = " ".join(failure.message.split())
        short = message if len(message) <= LONGEST_MESSAGE else message[: LONGEST_MESSAGE - 1] + "…"
        yield f"Arm “{label(failure.arm, findings.features)}”, seed {failure.seed}, did not finish: {short}"
    if len(findings.failures) > MOST_FAILURES:
        yield f"{len(findings.failures) - MOST_FAILURES} more runs did not finish."


def _about_losses(findings: Findings) -> Iterator[str]:
    """Say which effects the failures cost, in whole or in part."""
    for design, effects in zip(findings.designs, findings.effects, strict=True):
        lost = [feature for feature, verdict in zip(design.features, effects.verdict, strict=True) if verdict == LOST]
        if lost:
            yield f"{design.name}: no seed finished every arm that the effect of {_listed(lost)} needs, so it cannot be estimated."
        for feature, seeds in zip(design.features, effects.seeds.tolist(), strict=True):
            if 0 < seeds < len(findings.seeds):
                yield f"{design.name}: the effect of {feature} rests on {seeds} of {len(findings.seeds)} seeds."


def _about_environment(findings: Findings) -> Iterator[str]:
    """Say where reused runs were made with other versions, threads or hardware than the rest."""
    environments = [run.environment for run in findings.runs.values()]
    for name in sorted({name for environment in environments for name in environment}):
        counts = Counter(environment.get(name, "unknown") for environment in environments)
        if len(counts) > 1:
            yield f"Not all runs agree in {name}: " + ", ".join(f"{value} ({_runs(count)})" for value, count in counts.most_common()) + "."


def _listed(names: list[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} or {names[-1]}"


def _runs(count: int) -> str:
    return f"{count} {'run' if count == 1 else 'runs'}"


CSV_COLUMNS = (
    *("design", "feature", "arm", "accuracy_mean", "accuracy_sd", "delta", "delta_low", "delta_high", "p", "p_holm", "verdict"),
    *("parameters", "trainable", "convolutions", "flops", "seconds_per_epoch", "peak_memory"),
    *("seeds", "effect_seeds", "test_accuracy_mean"),
)


def csv(findings: Findings) -> str:
    """Return the rows of all designs as one table with raw numbers: accuracies and effects as fractions, memory in bytes.

    A value that does not exist is an empty field. ``seeds`` counts the arm's finished runs, ``effect_seeds`` those behind the effect.
    """
    text = io.StringIO()
    table = comma_separated.DictWriter(text, CSV_COLUMNS, lineterminator="\n")
    table.writeheader()
    for index, design in enumerate(findings.designs):
        for row in rows(findings, index):
            record: dict[str, str | float | None] = {"design": design.name}
            if row.credit:
                each = row.credit
                record |= {"feature": each.feature, "delta": each.delta, "delta_low": each.low, "delta_high": each.high}
                record |= {"p": each.p, "p_holm": each.p_holm, "verdict": each.verdict, "effect_seeds": each.seeds}
            if row.measured:
                arm = row.measured
                record |= {"arm": arm.arm, "accuracy_mean": arm.accuracy, "accuracy_sd": arm.accuracy_sd, "seeds": arm.seeds}
                record |= {"parameters": arm.parameters, "trainable": arm.trainable, "convolutions": arm.convolutions}
                record |= {"flops": arm.flops, "seconds_per_epoch": arm.seconds_per_epoch, "peak_memory": arm.peak_memory}
                record |= {"test_accuracy_mean": arm.test_accuracy}
            table.writerow({name: _raw(value) for name, value in record.items()})
    return text.getvalue()


def _raw(value: str | float | None) -> str | float | None:
    """Write a fraction with ten digits, enough for a table, and NaN as nothing."""
    if not isinstance(value, float):
        return value
    return "" if np.isnan(value) else f"{value:.10g}"


WORDS, TEST = ("arm", "verdict"), "test %"
"""Heads of the columns of words, which stand to the left while numbers stand to the right; and of the test accuracy."""


def _table(findings: Findings, design_index: int) -> tuple[list[str], list[list[str]]]:
    """Return heads and cells for people; a column in which every cell is empty is left out."""
    lines = [_cells(row, len(findings.seeds), findings.digits) for row in rows(findings, design_index)]
    heads = [head for head in lines[0] if any(line[head] for line in lines)]
    return heads, [[line[head] for head in heads] for line in lines]


def _cells(row: Row, seeds: int, digits: int) -> dict[str, str]:
    """Write one row for people, under the heads of the table."""
    arm, credit = row.measured, row.credit
    known = arm if arm and arm.seeds else None
    accuracy = "no result" if arm else ""
    if known:
        accuracy = f"{100 * known.accuracy:.{digits}f}" + (f" ± {100 * known.accuracy_sd:.{digits}f}" if known.seeds > 1 else "")
    interval = f"{signed_points(credit.low, digits)}, {signed_points(credit.high, digits)}" if credit and not np.isnan(credit.low) else ""
    finished = arm.seeds if arm else credit.seeds if credit else 0
    return {
        "arm": row.step,
        "accuracy %": accuracy,
        TEST: f"{100 * known.test_accuracy:.{digits}f}" if known and not np.isnan(known.test_accuracy) else "",
        "effect": signed_points(credit.delta, digits) if credit and credit.seeds else "",
        "95 % interval": interval,
        "verdict": credit.words if credit else "",
        "params": f"{known.parameters:,}" if known else "",
        "FLOPs": _human(known.flops) if known and known.flops is not None else "",
        "s/epoch": f"{known.seconds_per_epoch:.{2 if known.seconds_per_epoch < 10 else 1}f}" if known else "",
        "seeds": str(finished) if finished == seeds else f"{finished}/{seeds}",
    }


def _human(count: float) -> str:
    for unit in ("", " k", " M", " G"):
        if count < 999.5:
            return f"{count:.3g}{unit}"
        count /= 1000
    return f"{count:,.1f} T"


def headline(findings: Findings) -> str:
    """Return the first design's effects in one line of Markdown; empty where nothing is credited."""
    for design, effects in zip(findings.designs, findings.effects, strict=True):
        told = []
        for row, feature in enumerate(design.features):
            interval = f" [{signed_points(effects.low[row], findings.digits)}, {signed_points(effects.high[row], findings.digits)}]"
            known = effects.seeds[row] > 0
            size = signed_points(effects.estimate[row], findings.digits) if known else "no result"
            told.append(f"{feature} **{size}**{interval if effects.seeds[row] > 1 else ''} {effects.verdict[row]}".rstrip())
        if told:
            return f"Effects in accuracy points ({design.name}): {'; '.join(told)}."
    return ""


def markdown(findings: Findings) -> str:
    """Return the whole report: a table a design, effects in percentage points, and the notes."""
    count = len(findings.seeds)
    parts = [f"# {findings.name}", f"Data: {findings.data}. {count} {'seed' if count == 1 else 'seeds'}. Effects are percentage points."]
    for index, design in enumerate(findings.designs):
        heads, lines = _table(findings, index)
        rule = [":--" if head in WORDS else "--:" for head in heads]
        table = ["| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in (heads, rule, *lines)]
        parts += [f"## {design.name}", *filter(None, [design.meaning]), "\n".join(table)]
    parts += ["## Notes", "\n".join(f"- {note}" for note in notes(findings))]
    return "\n\n".join(parts) + "\n"


def console_table(findings: Findings, design_index: int) -> "Table":
    """Return the table of one design for a terminal of 100 columns; long names and verdicts wrap, numbers never do.

    Test accuracies, which few arms have, stand below the table.
    """
    from rich import box
    from rich.table import Table
    from rich.text import Text

    design = findings.designs[design_index]
    heads, lines = _table(findings, design_index)
    cells = [dict(zip(heads, line, strict=True)) for line in lines]
    tests = [f"{line['arm']} {line[TEST]} %" for line in cells if line.get(TEST)]
    table = Table(
        title=Text(f"{design.name}: effects in percentage points" if design.features else design.name, style="bold"),
        caption=Text(f"Accuracy on the test images: {', '.join(tests)}.") if tests else None,
        title_justify="left",
        caption_justify="left",
        box=box.SIMPLE_HEAD,
        padding=(0, 1, 0, 0),
        show_edge=False,
        pad_edge=False,
    )
    shown = [head for head in heads if head != TEST]
    for head in shown:
        words = head in WORDS
        table.add_column(head, justify="left" if words else "right", no_wrap=not words, overflow="fold", min_width=12 if words else None)
    for line in cells:
        table.add_row(*(Text(line[head]) for head in shown))
    return table
