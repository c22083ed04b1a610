"""How fast it is: every figure of the README's table of speeds.

    python tests/benchmarks/bench.py                      # arms and roofline, then start-up and the study
    python tests/benchmarks/bench.py arms --width 64
    python tests/benchmarks/bench.py scale
    python tests/benchmarks/bench.py function             # what a study takes beside its trainings
    python tests/benchmarks/bench.py command              # the same for commands

Prints a table and writes ``bench.json``. Nothing else should run on the machine meanwhile.
"""

import argparse
import json
import os
import platform
from importlib.metadata import version
from typing import Any

from ablation.engine.worker import environment
from ablation.images.process import PACKAGES, prepare

PARTS = ("arms", "start_up", "study", "scale", "function", "command")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "parts", nargs="*", type=_part, default=PARTS[:3], help=f"what to measure, of {' '.join(PARTS)} (default: {' '.join(PARTS[:3])})"
    )
    parser.add_argument(
        "--model",
        default="cnn",
        choices=["cnn", "resnet"],
        help="the article's path on its network, or each modern feature on ResNet-20",
    )
    parser.add_argument("--arms", nargs="*", help="names of the arms to measure, instead of all")
    parser.add_argument("--width", type=int, default=16)
    parser.add_argument(
        "--precision", default="float32", choices=["float32", "bfloat16"], help="of ours and of plain PyTorch; fit is timed in float32"
    )
    parser.add_argument("--batch", type=int, default=128)
    parser.add_argument("--steps", type=int, default=6, help="steps an epoch")
    parser.add_argument("--repeats", type=int, default=5, help="of each way to train, forwards and backwards")
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--backend", default="tensorflow")
    parser.add_argument("--no-rivals", dest="rivals", action="store_false", help="only our own loop and its ceiling")
    parser.add_argument("--json", default="bench.json", help="file for the figures")
    chosen = parser.parse_args()
    figures: dict[str, Any] = {"settings": vars(chosen), "processor": platform.processor()}
    if "arms" in chosen.parts:
        figures["arms"] = arms(chosen)
    if "start_up" in chosen.parts:
        from start_up import measure_start_up

        figures["start_up"] = measure_start_up(chosen)
    if "study" in chosen.parts:
        from whole_study import measure_study

        figures["study"] = measure_study()
    if "scale" in chosen.parts:
        from scale import measure_scale

        figures["scale"] = measure_scale()
    if "function" in chosen.parts:
        from function_study import measure_function_study

        figures["function"] = measure_function_study()
    if "command" in chosen.parts:
        from command_study import measure_command_study

        figures["command"] = measure_command_study()
    packages = ("keras", *PACKAGES[chosen.backend], "mlflow")
    figures["environment"] = {**environment(str(chosen.threads)), **{name: version(name) for name in packages}}
    print(figures["environment"])
    with open(chosen.json, "w", encoding="utf-8") as file:
        json.dump(figures, file, indent=2)


def _part(word: str) -> str:
    if word not in PARTS:
        raise argparse.ArgumentTypeError(f"'{word}' cannot be measured; expected some of {', '.join(PARTS)}")
    return word


def arms(chosen: argparse.Namespace) -> dict[str, Any]:
    """Measure arms and roofline in this process."""
    prepare(chosen.backend, chosen.threads)
    from arms import measure_all, summary

    records = measure_all(chosen)
    for line in summary(records):
        print(line)
    return {"arms": records}


if __name__ == "__main__":
    main()
