"""What a study of commands takes beside them: 100 runs of a command of 0.1 s, from the start of the process to the report."""

import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from spread import spread

SCRIPT = """
import sys
import time

time.sleep({pause})
print("score:", {base} + 0.01 * len(sys.argv) + 0.001 * int(sys.argv[1]))
"""
ASKED = (
    "subject=command",
    f"subject.command='{sys.executable} script.py {{seed}} {{features}}'",
    'subject.features={one: "--one", two: "--two", three: "--three"}',
    "features=cumulative",
    "seeds=25",
)


def measure_command_study(repeats: int = 5, pause: float = 0.1) -> dict[str, Any]:
    """Measure a study in an empty folder, and one that is finished already; print and return seconds."""
    figures: dict[str, list[float]] = {"empty folder": [], "finished already": []}
    for _ in range(repeats):
        with tempfile.TemporaryDirectory() as folder:
            (Path(folder) / "script.py").write_text(SCRIPT.format(pause=pause, base=0.5))
            for name in figures:
                began = time.perf_counter()
                subprocess.run([sys.executable, "-m", "ablation", *ASKED], cwd=folder, check=True, stdout=subprocess.DEVNULL)
                figures[name].append(time.perf_counter() - began)
    found = {name: spread(values) for name, values in figures.items()}
    for name, each in found.items():
        print(f"100 commands of {pause} s, {name}: {each['median']:.1f} s ({each['lowest']:.1f} to {each['highest']:.1f}, n = {repeats})")
    return found
