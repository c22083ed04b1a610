"""Studies of many runs that train nothing: how long they take, and what their log takes of the thread that conducts them.

    python tests/benchmarks/many_runs.py [--seeds 13 125 1250]

Eight arms of a function of three features, with as many seeds each as are given, on two local workers, in an empty folder; without charts.
"""

import argparse
import resource
import sys
import tempfile
import time
from contextlib import chdir
from pathlib import Path
from typing import Any
from unittest.mock import patch

FUNCTION = """
import random


def train(seed, one=False, two=False, three=False):
    return 0.5 + 0.05 * one - 0.02 * two + random.Random(f"{seed} {one} {two} {three}").gauss(0, 0.01)
"""


def measured(seeds: int) -> dict[str, Any]:
    """Conduct a study in this process, and return its figures."""
    from ablation import charts
    from ablation.configuration import asked_in_words
    from ablation.engine import conduct
    from ablation.engine.run_log import RunLog
    from ablation.report.screen import Screen

    figures: dict[str, Any] = {}
    run_all, wait = conduct.run_all, RunLog.wait

    def timed_runs(*given: Any) -> Any:
        began, own = time.perf_counter(), time.thread_time()
        made = run_all(*given)
        figures["runs"], figures["main"] = time.perf_counter() - began, time.thread_time() - own
        return made

    def timed_wait(log: RunLog, patience: float) -> str:
        began = time.perf_counter()
        lacking = wait(log, patience)
        figures["log"] = time.perf_counter() - began
        return lacking

    words = ["subject=function", "subject.target=nothing.train", "subject.features=[one,two,three]", "features=factorial"]
    began = time.perf_counter()
    asked = asked_in_words([*words, f"seeds={seeds}", "execution.workers=2"])
    with (
        patch.object(conduct, "run_all", timed_runs),
        patch.object(RunLog, "wait", timed_wait),
        patch.object(charts, "pictures", lambda findings: []),
    ):
        conduct.conduct(asked.study, asked.store, asked.execution, Screen())
    return {**figures, "whole": time.perf_counter() - began, "memory": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, nargs="+", default=[13])
    chosen = parser.parse_args()
    for seeds in chosen.seeds:
        with tempfile.TemporaryDirectory() as name, chdir(name):
            Path("nothing.py").write_text(FUNCTION)
            sys.path.insert(0, name)
            found, runs = measured(seeds), 8 * seeds
            sys.path.remove(name)
            sys.modules.pop("nothing", None)
        lines = [
            f"{runs:,} runs: trained after {found['runs']:.1f} s, {1000 * found['runs'] / runs:.1f} ms a run",
            f"the main thread took {1000 * found['main'] / runs:.1f} ms of processor time a run",
            f"all was logged {found['log']:.1f} s later",
            f"{found['whole']:.1f} s in all, at most {found['memory']:.0f} MB in this process",
        ]
        print("; ".join(lines), file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
