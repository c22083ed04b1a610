"""What a study takes beside its trainings: 24 runs of a function that trains nothing, from the start of the process to the report."""

import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from spread import spread

FUNCTION = """
import random


def train(seed, one=False, two=False, three=False):
    return {base} + 0.05 * one - 0.02 * two + random.Random(seed).gauss(0, 0.01)
"""
ASKED = ("subject=function", "subject.target=nothing.train", "subject.features=[one,two,three]", "features=cumulative", "seeds=6")


def measure_function_study(repeats: int = 5) -> dict[str, Any]:
    """Measure a study in an empty folder, one beside MLflow's database of another, and a finished one again; print and return seconds."""
    figures: dict[str, list[float]] = {"empty folder": [], "database exists": [], "finished already": []}
    for _ in range(repeats):
        with tempfile.TemporaryDirectory() as folder:
            for number, name in enumerate(figures):
                # Another function makes other runs; the third study is the second one again.
                (Path(folder) / "nothing.py").write_text(FUNCTION.format(base=0.5 + 0.1 * min(number, 1)))
                began = time.perf_counter()
                subprocess.run([sys.executable, "-m", "ablation", *ASKED], cwd=folder, check=True, stdout=subprocess.DEVNULL)
                figures[name].append(time.perf_counter() - began)
    found = {name: spread(values) for name, values in figures.items()}
    for name, each in found.items():
        print(f"24 runs that train nothing, {name}: {each['median']:.1f} s ({each['lowest']:.1f} to {each['highest']:.1f}, n = {repeats})")
    return found
