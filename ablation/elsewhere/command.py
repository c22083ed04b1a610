"""The command ``python -m ablation.analyse``: what results that were made elsewhere say. Trains nothing."""

import argparse
import shlex
import sys
from collections.abc import Sequence
from functools import partial

from ablation.checks import number
from ablation.elsewhere.analyse import Question, findings_of, written
from ablation.elsewhere.levels import Values, levels
from ablation.elsewhere.read import table_of
from ablation.errors import InputError, exit_status
from ablation.study.metric import Metric


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; return 0, or 1 where something failed."""
    given = _parser().parse_args(arguments)
    words = sys.argv[1:] if arguments is None else list(arguments)
    return exit_status(partial(_analyse, given, f"python -m ablation.analyse {shlex.join(words)}"))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m ablation.analyse",
        description="Analyse the runs of a table, a row each: effects with intervals and verdicts, charts and report. Trains nothing.",
    )
    parser.add_argument("table", nargs="?", help="a CSV or Parquet file")
    parser.add_argument("--features", required=True, type=_names, help="columns that say which features are on: mixup,cosine,ema")
    parser.add_argument("--score", required=True, help="column of the scores")
    parser.add_argument("--seed", default="seed", help="column of the seeds (default: %(default)s)")
    parser.add_argument("--unpaired", action="store_true", help="runs have no seeds, or seeds that mean nothing across arms")
    parser.add_argument(
        "--on", action="append", default=[], metavar="VALUE", help="value that means on beside 1 and true; or FEATURE=VALUE"
    )
    parser.add_argument(
        "--off", action="append", default=[], metavar="VALUE", help="value that means off beside 0 and false; 'missing' for an empty cell"
    )
    parser.add_argument("--designs", default=(), type=_names, help="designs to take, in place of those that the arms allow")
    parser.add_argument("--lower-is-better", action="store_true", help="for a loss, an error rate or a latency")
    parser.add_argument("--unit", default="", help="of a score as people read it, such as %%")
    parser.add_argument("--scale", default=1.0, type=float, help="what scores are multiplied by where people read them")
    parser.add_argument(
        "--step", default=0.0, type=float, help="smallest difference that two scores can have, such as 0.001 of 1,000 examples"
    )
    parser.add_argument("--smallest", default=0.0, type=float, help="smallest effect of interest, as people read it")
    parser.add_argument("--name", help="of the study, and of its folder in mlruns/studies")
    return parser


def _names(text: str) -> tuple[str, ...]:
    return tuple(name.strip() for name in text.split(",") if name.strip())


def _analyse(given: argparse.Namespace, command: str) -> None:
    from rich.console import Console

    from ablation.report.screen import show_findings

    table = table_of(given.table)
    asked = Question(
        metric=metric_of(given.score, not given.lower_is_better, given.unit, given.scale, given.step),
        seed=None if given.unpaired else given.seed,
        levels=levels(given.features, _values(given.on, given.features), _values(given.off, given.features)),
        designs=given.designs,
        smallest=given.smallest,
        name=given.name,
        command=command,
    )
    findings = findings_of(table, asked)
    show_findings(findings, written(findings, table, asked), Console(highlight=False))


def _values(given: Sequence[str], features: Sequence[str]) -> Values:
    """Return values for all features, and for those that are named with theirs."""
    own = [each.partition("=") for each in given]
    return {
        feature: [value if sign and name == feature else name for name, sign, value in own if not sign or name == feature]
        for feature in features
    }


def metric_of(key: str, higher_is_better: bool, unit: str, scale: float, step: float) -> Metric:
    """Return what a score is."""
    number("scale", scale, above=0)
    number("step", step, at_least=0)
    return Metric(key, unit=unit, difference="points" if unit == "%" else unit, scale=scale, higher_is_better=higher_is_better, step=step)
