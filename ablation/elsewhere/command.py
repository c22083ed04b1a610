"""The command ``python -m ablation.analyse``: what results that were made elsewhere say. Trains nothing."""

import argparse
import shlex
import sys
from collections.abc import Sequence
from functools import partial

from ablation.elsewhere.experiment import table_of_experiment
from ablation.elsewhere.files import logged, written
from ablation.elsewhere.findings import findings_of
from ablation.elsewhere.levels import Values
from ablation.elsewhere.question import Question
from ablation.elsewhere.read import features_of, table_of_file
from ablation.errors import InputError, exit_status, nearest
from ablation.store.connection import Store

EXAMPLE = "python -m ablation.analyse results.csv --score val_acc --features mixup,cosine,ema"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; return 0, or 1 where something failed."""
    words = sys.argv[1:] if arguments is None else list(arguments)
    given = _parser().parse_args(words)
    return exit_status(partial(_analyse, given, f"python -m ablation.analyse {shlex.join(words)}"))


def _parser() -> argparse.ArgumentParser:
    words = "Analyse runs that were made elsewhere: effects with intervals and verdicts, charts and report. Trains nothing."
    parser = argparse.ArgumentParser("python -m ablation.analyse", description=words, epilog=f"For instance: {EXAMPLE}")
    parser.add_argument("table", nargs="?", help="a CSV or Parquet file with a row a run")
    parser.add_argument("--experiment", metavar="NAME", help="in place of a file: the runs of this experiment in MLflow")
    parser.add_argument("--filter", default="", metavar="WORDS", help="which of its runs, in MLflow's words: \"params.model = 'cnn'\"")
    parser.add_argument(
        "--features",
        default=(),
        type=_names,
        metavar="A,B,…",
        help="columns that say whether a feature is on (default: those of true and false)",
    )
    parser.add_argument("--arm", metavar="COLUMN", help="in place of a column a feature: one that names those that are on, as in 'a + b'")
    parser.add_argument("--on", action="append", default=[], metavar="VALUE", help="means on, as 1 and true; FEATURE=VALUE for one alone")
    parser.add_argument("--off", action="append", default=[], metavar="VALUE", help="means off, as 0 and false; 'missing': an empty cell")
    parser.add_argument(
        "--score", default=("score",), type=_names, metavar="COLUMN", help="the scores (default: score); of 'acc_*' each column is a seed"
    )
    parser.add_argument("--seed", default="seed", metavar="COLUMN", help="the seeds (default: %(default)s)")
    parser.add_argument("--unpaired", action="store_true", help="there are no seeds, or what they are means nothing across arms")
    parser.add_argument("--designs", default=(), type=_names, metavar="A,B,…", help="in place of those that the arms allow")
    parser.add_argument("--lower-is-better", action="store_true", help="for a loss, an error rate or a latency")
    parser.add_argument("--unit", default="", help="of a score as people read it, such as %%")
    parser.add_argument("--scale", default=1.0, type=float, metavar="NUMBER", help="what scores are multiplied by where people read them")
    parser.add_argument("--bounds", type=float, nargs=2, metavar=("LOW", "HIGH"), help="of scores: no effect is shown to be larger")
    parser.add_argument("--step", default=0.0, type=float, metavar="NUMBER", help="the smallest difference that two scores can have")
    parser.add_argument("--smallest", default=0.0, type=float, metavar="NUMBER", help="the smallest effect of interest, as people read it")
    parser.add_argument("--name", help="of the study and of its folder in mlruns/studies")
    parser.add_argument("--log", action="store_true", help="to MLflow, too, as a study with its runs")
    return parser


def _names(text: str) -> tuple[str, ...]:
    return tuple(name.strip() for name in text.split(",") if name.strip())


def _analyse(given: argparse.Namespace, command: str) -> None:
    from ablation.report.screen import Screen, show_findings

    if (given.table is None) == (given.experiment is None):
        raise InputError(f"expected either a file or --experiment, as in {EXAMPLE}")
    table = table_of_file(given.table) if given.experiment is None else None
    features = given.features if given.features or table is None else features_of(table)
    asked = Question(
        score=given.score,
        features=features,
        arm=given.arm,
        seed=None if given.unpaired else given.seed,
        on=_values(given.on, features),
        off=_values(given.off, features),
        designs=given.designs,
        higher_is_better=not given.lower_is_better,
        unit=given.unit,
        scale=given.scale,
        bounds=tuple(given.bounds) if given.bounds else None,
        step=given.step,
        smallest=given.smallest,
        name=given.name,
        command=command,
    )
    if table is None:
        table = table_of_experiment(Store.of_environment(given.experiment), given.filter, asked)
    findings, key = findings_of(table, asked), asked.key(table.name)
    findings, files = logged(findings, key, Store.of_environment("ablation")) if given.log else (findings, written(findings, key))
    screen = Screen()
    if not given.features:
        screen.say(f"Features, the columns of true and false: {', '.join(features)}.")
    for sentence in findings.remarks:
        screen.say(sentence)
    show_findings(findings, files, screen.console)


def _values(given: Sequence[str], features: Sequence[str]) -> Values:
    """Return the values of each feature: those for all, and those that are given for it alone."""
    own = [each.partition("=") for each in given]
    for name, sign, _ in own:
        if sign and name not in features:
            raise InputError(f"'{name}=' names no feature{nearest(name, features)}")
    return {name: [value if sign else every for every, sign, value in own if not sign or every == name] for name in features}
