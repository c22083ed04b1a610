"""Images a second of each arm of the cumulative path, or of each modern feature alone: ours, our ceiling, and what people write by hand.

The ceiling is the same compiled step in the same loop with its batch ready on the device and no data work at all. Everything is measured in
turn in one process, forwards and backwards (A-B-B-A), so that a machine that slows down does so for all.
"""

import argparse
import statistics
import sys
import time
from collections.abc import Callable
from importlib.util import find_spec
from typing import Any

import keras
from roofline import FLOPS, product
from spread import spread

from ablation.designs import arm_names, cumulative, one_at_a_time
from ablation.images.catalogue import compose
from ablation.images.data import Images, Sprites
from ablation.images.features import (
    GELU,
    AMSGrad,
    BatchNorm,
    CosineSchedule,
    CutMix,
    Cutout,
    Dropout,
    GlobalAveragePooling,
    GradientClipping,
    LabelSmoothing,
    Mixup,
    MomentumSGD,
    RandomCrop,
    RandomWarp,
    Residual,
    SqueezeExcite,
    StochasticDepth,
    WarmUp,
    WeightAveraging,
    WeightDecay,
)
from ablation.images.models import CNN, Model, ResNet
from ablation.images.training.cost import cost
from ablation.images.training.program import Program
from ablation.images.training.settings import Training

FEATURES = {
    "augmentation": RandomWarp(),
    "batch_norm": BatchNorm(),
    "residual": Residual(),
    "gap": GlobalAveragePooling(),
    "dropout": Dropout(),
    "mixup": Mixup(),
    "amsgrad": AMSGrad(),
}
MODERN = {
    "random_crop": RandomCrop(),
    "cutout": Cutout(),
    "cutmix": CutMix(),
    "label_smoothing": LabelSmoothing(),
    "weight_decay": WeightDecay(),
    "cosine": CosineSchedule(),
    "warm_up": WarmUp(),
    "squeeze_excite": SqueezeExcite(),
    "stochastic_depth": StochasticDepth(),
    "ema": WeightAveraging(),
    "gelu": GELU(),
    "gradient_clipping": GradientClipping(),
    "momentum_sgd": MomentumSGD(),
}
STEPS = 10_000
"""Of a training, over which schedules run."""

OURS, CEILING, PRODUCT = "ours", "ceiling", "matrix product"
Epoch = Callable[[], float]
"""Trains one epoch and returns its seconds."""


def measure_all(chosen: argparse.Namespace) -> list[dict[str, Any]]:
    """Measure every arm; return a record each and print it."""
    features, make = (MODERN, one_at_a_time) if chosen.model == "resnet" else (FEATURES, cumulative)
    design = make(list(features))
    arms = dict(zip(arm_names(design, design.features), design.arms, strict=True))
    if frozenset(features) not in design.arms:
        arms["all"] = frozenset(features)
    records = []
    for name in chosen.arms or arms:
        records.append({"arm": name, **measure({each: features[each] for each in features if each in arms[name]}, chosen)})
        print(line(records[-1]), flush=True)
    return records


def measure(features: dict[str, Any], chosen: argparse.Namespace) -> dict[str, Any]:
    """Return images a second of every way to train an arm (median and range), and what a step computes."""
    images = Sprites(train=chosen.batch * chosen.steps).load().train
    ours, network = our_epoch(features, images, chosen)
    ways: dict[str, Epoch] = {OURS: ours, CEILING: ceiling_epoch(features, images, chosen)}
    if chosen.rivals:
        from rivals import compiled, fit_once, pipelines

        for name, pipeline in pipelines(chosen.backend, chosen.model).items():
            rival = compiled(features, network_of(chosen), chosen.batch, images.x.shape[1:])
            data = pipeline(features, images, chosen.batch)
            ways[name] = lambda rival=rival, data=data: fit_once(rival, data, chosen.steps)
        if chosen.model == "cnn" and chosen.backend != "jax" and find_spec("torch"):
            from plain_torch import Trainer

            for name in ("eager", "compiled"):
                program = new_program(features, images, chosen)
                ways[f"PyTorch {name}"] = Trainer(program, features, chosen.width, images, chosen.precision, name == "compiled").epoch
    ways[PRODUCT] = product(chosen.precision)
    for epoch in ways.values():
        epoch()  # compiles
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    for repeat in range(2 * chosen.repeats):
        for name in ways if repeat % 2 == 0 else reversed(ways):
            seconds[name].append(ways[name]())
    # Pair by pair, for a machine that slows down does so for whatever is measured beside each other.
    times = {name: spread([other / own for own, other in zip(seconds[OURS], each, strict=True)]) for name, each in seconds.items()}
    # Backward costs twice the forward pass.
    count = chosen.batch * chosen.steps
    flops = 3 * cost(network).flops * count
    peaks = seconds.pop(PRODUCT)
    return {
        "images_per_second": {name: spread([count / each for each in some]) for name, some in seconds.items()},
        "ours_over": {name: times[name] for name in seconds if name != OURS},
        "flops": flops / statistics.median(seconds[OURS]),
        "peak_flops": FLOPS / statistics.median(peaks),
        "share_of_peak": spread([flops / own / (FLOPS / peak) for own, peak in zip(seconds[OURS], peaks, strict=True)]),
    }


def our_epoch(features: dict[str, Any], images: Images, chosen: argparse.Namespace) -> tuple[Epoch, keras.Model]:
    program = new_program(features, images, chosen)
    placed, epochs = program.loop.place(images.x), iter(range(1_000_000))
    return timed(lambda: program.loop.train(placed, program.draw(images, 0, next(epochs)))), program.network


def ceiling_epoch(features: dict[str, Any], images: Images, chosen: argparse.Namespace) -> Epoch:
    program = new_program(features, images, chosen)
    draws = program.draw(images, 0, 0)
    batch = keras.ops.convert_to_tensor((images.x[: chosen.batch] / 255).astype("float32"))
    loops = sys.modules[type(program.loop).__module__]
    whole = loops.prepare

    def train() -> None:
        # Where steps are compiled this is looked up once, at the first call; where they are not, at each.
        loops.prepare = lambda images, draws, recipe: images
        try:
            program.loop.train(batch, draws)
        finally:
            loops.prepare = whole

    return timed(train)


def network_of(chosen: argparse.Namespace) -> Model:
    return ResNet(width=chosen.width) if chosen.model == "resnet" else CNN(chosen.width)


def new_program(features: dict[str, Any], images: Images, chosen: argparse.Namespace) -> Program:
    model = network_of(chosen)
    recipe = compose(Training(1, chosen.batch).recipe(), features, model, chosen.model)
    program = Program.build(model, recipe, images.x.shape[1:], 10, chosen.batch, chosen.precision, STEPS)
    program.start(0)
    return program


def timed(work: Callable[[], Any]) -> Epoch:
    def epoch() -> float:
        began = time.perf_counter()
        work()
        return time.perf_counter() - began

    return epoch


def line(record: dict[str, Any]) -> str:
    """Return one arm's figures for people."""
    speeds, shares = record["images_per_second"], record["share_of_peak"]
    printed = [f"{record['arm']:<16} {speeds[OURS]['median']:7.0f} images/s ({speeds[OURS]['lowest']:.0f}–{speeds[OURS]['highest']:.0f})"]
    for name, ratio in record["ours_over"].items():
        printed.append(f"{name} {speeds[name]['median']:.0f} (× {ratio['median']:.2f}, {ratio['lowest']:.2f}–{ratio['highest']:.2f})")
    peak = f"{100 * shares['median']:.0f} % ({100 * shares['lowest']:.0f}–{100 * shares['highest']:.0f})"
    return "   ".join([*printed, f"{peak} of a matrix product's {record['peak_flops'] / 1e9:.0f} GFLOP/s"])


def summary(records: list[dict[str, Any]]) -> list[str]:
    """Return what the arms together say: the geometric mean of the ratios to everything that was measured, and the lowest."""
    printed = []
    for name in records[0]["ours_over"]:
        ratios = [each["ours_over"][name]["median"] for each in records]
        printed.append(f"ours over {name}: geometric mean {statistics.geometric_mean(ratios):.2f}, lowest {min(ratios):.2f}")
    return printed
