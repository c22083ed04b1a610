"""From building a network to the end of its first step, ours against ``fit`` on a ready-made batch, each in a process of its own.

What a process compiles but once would else be paid by the run that comes first. Imports, which both need, are not counted, and nothing
that an earlier process compiled is found.
"""

import argparse
import os
import subprocess
import sys
import time
from typing import Any

from spread import spread

ARMS = ("baseline", "+ batch_norm", "+ amsgrad")
OURS, FIT = "ours", "fit"


def measure_start_up(chosen: argparse.Namespace) -> list[dict[str, Any]]:
    """Measure the arms, forwards and backwards (A-B-B-A); print and return medians and ranges in seconds."""
    records = []
    for arm in ARMS:
        seconds: dict[str, list[float]] = {OURS: [], FIT: []}
        for repeat in range(chosen.repeats):
            for way in (OURS, FIT) if repeat % 2 == 0 else (FIT, OURS):
                seconds[way].append(in_new_process(arm, way, chosen))
        figures = {way: spread(each) for way, each in seconds.items()}
        records.append({"arm": arm, **figures})
        printed = [f"{way} {each['median']:.1f} s ({each['lowest']:.1f}–{each['highest']:.1f})" for way, each in figures.items()]
        print(f"{arm:<16} first step over after: {', '.join(printed)}", flush=True)
    return records


def in_new_process(arm: str, way: str, chosen: argparse.Namespace) -> float:
    settings = [chosen.backend, str(chosen.threads), str(chosen.width), str(chosen.batch), arm, way]
    printed = subprocess.run([sys.executable, __file__, *settings], check=True, capture_output=True, text=True).stdout
    return float(printed.splitlines()[-1])


def first_step(backend: str, threads: int, width: int, batch: int, arm: str, way: str) -> float:
    """Return the seconds that the first step takes in this process."""
    os.environ["JAX_ENABLE_COMPILATION_CACHE"] = "false"
    from ablation.images.process import prepare

    prepare(backend, threads)
    from arms import FEATURES, our_epoch
    from rivals import compiled, fit_once, ready

    from ablation.designs import arm_names, cumulative
    from ablation.images.data import Sprites
    from ablation.images.models import CNN

    design = cumulative(list(FEATURES))
    on = design.arms[arm_names(design, design.features).index(arm)]
    features = {name: FEATURES[name] for name in FEATURES if name in on}
    images = Sprites(train=batch).load().train
    began = time.perf_counter()
    if way == OURS:
        settings = argparse.Namespace(model="cnn", width=width, batch=batch, precision="float32")
        our_epoch(features, images, settings)[0]()
    else:
        network = compiled(features, CNN(width), batch, images.x.shape[1:])
        fit_once(network, ready(features, images, batch), 1)
    return time.perf_counter() - began


if __name__ == "__main__":
    backend, threads, width, batch, arm, way = sys.argv[1:]
    print(first_step(backend, int(threads), int(width), int(batch), arm, way))
