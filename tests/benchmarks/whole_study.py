"""The default study from a cold start, charts and logging included, against the same trainings one after the other, as in the article."""

import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any


def measure_study() -> dict[str, Any]:
    """Return both times in seconds, and print them."""
    ours = seconds_of([sys.executable, "-m", "ablation", "-m", "features=cumulative"])
    print(f"default study: {ours:.0f} s", flush=True)
    theirs = seconds_of([sys.executable, str(Path(__file__).resolve())])
    print(f"arm by arm and seed by seed with ImageDataGenerator and fit: {theirs:.0f} s (× {theirs / ours:.2f})")
    return {"ours": ours, "arm_by_arm": theirs}


def seconds_of(command: list[str]) -> float:
    with tempfile.TemporaryDirectory() as folder:
        began = time.perf_counter()
        subprocess.run(command, cwd=folder, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        return time.perf_counter() - began


def arm_by_arm() -> None:
    """Train every arm with every seed as the article did; nothing is logged or drawn."""
    import keras
    from arms import FEATURES
    from hydra import compose, initialize
    from rivals import CLASSES, article, compiled

    from ablation.designs import cumulative
    from ablation.images.data import Sprites
    from ablation.images.models import CNN

    with initialize("../../conf", version_base="1.3"):
        settings = compose("config")
    width, batch, epochs = settings.model.width, settings.training.batch_size, settings.training.epochs
    dataset = Sprites().load()
    held_out = (dataset.validation.x.astype("float32") / 255, keras.utils.to_categorical(dataset.validation.y, CLASSES))
    for arm in cumulative(list(FEATURES)).arms:
        for seed in range(settings.seeds):
            keras.utils.set_random_seed(seed)
            keras.utils.clear_session()
            features = {name: FEATURES[name] for name in FEATURES if name in arm}
            network = compiled(features, CNN(width), batch, dataset.train.x.shape[1:])
            steps = len(dataset.train.y) // batch
            network.fit(
                article(features, dataset.train, batch),
                epochs=epochs,
                steps_per_epoch=steps,
                validation_data=held_out,
                shuffle=False,
                verbose=0,
            )


if __name__ == "__main__":
    arm_by_arm()
