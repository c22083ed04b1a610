"""How near each arm comes to the same compiled step with no data work at all.

For every arm of the cumulative path: images a second of the training loop as it is (draws, transfers, gathering, mixing and warping
included) over those of the same loop whose batch lies ready on the device. Both are measured in turn, in one process; the ratio is
that of the medians.

    python tests/benchmarks/ceiling.py --width 16 --batch 128 --repeats 9 --threads 2
"""

import argparse
import json
import platform
import statistics
import sys
import time
from collections.abc import Callable
from importlib.metadata import version

from ablation.designs import arm_names, cumulative
from ablation.worker import prepare


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--width", type=int, default=16)
    parser.add_argument("--batch", type=int, default=128)
    parser.add_argument("--steps", type=int, default=8, help="steps an epoch")
    parser.add_argument("--repeats", type=int, default=9)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--backend", default="tensorflow")
    parser.add_argument("--json", help="file for the figures")
    chosen = parser.parse_args()
    prepare(chosen.backend, chosen.threads)

    features = article_features()
    design = cumulative(list(features))
    rows = []
    for name, arm in zip(arm_names(design, design.features), design.arms, strict=True):
        ours, ceiling = measure({each: feature for each, feature in features.items() if each in arm}, chosen)
        rows.append({"arm": name, "images_per_second": ours, "ceiling": ceiling, "ratio": ours / ceiling})
        print(f"{name:<16} {ours:8.0f} images/s   ceiling {ceiling:8.0f}   ratio {ours / ceiling:.3f}", flush=True)
    about = {"python": platform.python_version(), "keras": version("keras"), chosen.backend: version(chosen.backend), **vars(chosen)}
    print(f"lowest ratio {min(row['ratio'] for row in rows):.3f}; n = {chosen.repeats} repeats of {chosen.steps} steps; {about}")
    if chosen.json:
        with open(chosen.json, "w") as file:
            json.dump({"about": about, "arms": rows}, file, indent=2)


def article_features() -> dict:
    from ablation.features import AMSGrad, BatchNorm, Dropout, GlobalAveragePooling, Mixup, RandomWarp, Residual

    names = ("augmentation", "batch_norm", "residual", "gap", "dropout", "mixup", "amsgrad")
    kinds = (RandomWarp, BatchNorm, Residual, GlobalAveragePooling, Dropout, Mixup, AMSGrad)
    return {name: kind() for name, kind in zip(names, kinds, strict=True)}


def measure(features: dict, chosen: argparse.Namespace) -> tuple[float, float]:
    """Return images a second of an arm, as it is and without data work."""
    from ablation.catalogue import compose
    from ablation.data import Sprites
    from ablation.models import CNN
    from ablation.training.program import Program
    from ablation.training.settings import Training

    count = chosen.batch * chosen.steps
    train = Sprites(train=count).load().train
    model, classes, shape = CNN(chosen.width), 10, train.x.shape[1:]
    recipe = compose(Training(1, chosen.batch).recipe(), features, model, "cnn")

    program = Program.build(model, recipe, shape, classes, chosen.batch)
    program.start(0)
    images = program.loop.place(train.x)
    epochs = iter(range(1_000_000))

    def as_it_is() -> None:
        program.loop.train(images, program.draw(train, 0, next(epochs)))

    loops = sys.modules[type(program.loop).__module__]
    whole = loops.prepare
    loops.prepare = lambda images, draws, recipe: images
    try:
        bare = Program.build(model, recipe, shape, classes, chosen.batch)
        bare.start(0)
        draws = bare.draw(train, 0, 0)
        import keras

        batch = keras.ops.convert_to_tensor((train.x[: chosen.batch] / 255).astype("float32"))

        def no_data_work() -> None:
            bare.loop.train(batch, draws)

        no_data_work()  # traces the step while there is nothing to prepare
    finally:
        loops.prepare = whole
    as_it_is()
    ours, ceiling = [], []
    for _ in range(chosen.repeats):
        ours.append(seconds(as_it_is))
        ceiling.append(seconds(no_data_work))
        ceiling.append(seconds(no_data_work))
        ours.append(seconds(as_it_is))
    return count / statistics.median(ours), count / statistics.median(ceiling)


def seconds(work: Callable[[], None]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


if __name__ == "__main__":
    main()
