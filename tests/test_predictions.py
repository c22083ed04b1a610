"""Predictions of held-out images: what is kept of them, how they are drawn, and the command that makes new ones."""

import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
from command import TINY, Ended, ablation, environment, logged
from findings import synthetic
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import to_hex
from matplotlib.figure import Figure
from matplotlib.image import AxesImage
from matplotlib.patches import Rectangle
from mlflow.entities import Run
from PIL import Image
from test_charts import overlap, texts

from ablation.charts.drawing.lettering import drawable, shorten, width
from ablation.charts.drawing.style import GAIN, LOSS
from ablation.errors import InputError
from ablation.images.catalogue import compose
from ablation.images.charts import class_accuracy, confusion, draw_predictions, predictions
from ablation.images.charts.class_accuracy import picked
from ablation.images.charts.predictions import BARS, bars, chosen, percent
from ablation.images.data import Digits, Images, divide
from ablation.images.features import BatchNorm, Dropout
from ablation.images.held_out import ArmPredictions, Predictions, packed, softmax, unpacked
from ablation.images.models import CNN
from ablation.images.predict import predict
from ablation.images.training.draws import SPLIT, generator
from ablation.images.training.fit import train
from ablation.images.training.program import Program
from ablation.images.training.settings import SCALINGS, Training
from ablation.store.connection import Store

LONG = ("a class with a name that no chart has room for, however it is turned", "$x_1$ and another_name_of_many_words_without_a_space")


def guesses(classes: int, count: int = 60, skill: float = 2.0, seed: int = 0) -> Predictions:
    """What a network of some skill says of images of every class in turn."""
    rng = np.random.default_rng(seed)
    labels = np.arange(count) % classes
    logits = rng.normal(0, 1.5, (count, classes))
    logits[np.arange(count), labels] += skill
    return Predictions(softmax(logits).astype(np.float32), labels)


def arm(name: str, classes: int, count: int = 60, skill: float = 2.0, seeds: int = 2, channels: int = 3) -> ArmPredictions:
    images = np.random.default_rng(1).integers(0, 256, (count, 6, 9, channels), dtype=np.uint8)
    return ArmPredictions(name, {seed: guesses(classes, count, skill, seed) for seed in range(seeds)}, images)


def names_of(count: int) -> tuple[str, ...]:
    return tuple(f"class {index}" for index in range(count))


CASES: dict[str, Callable[[], tuple[tuple[str, ...], list[ArmPredictions]]]] = {
    "two classes": lambda: (names_of(2), [arm("baseline", 2), arm("all features", 2, skill=4)]),
    "ten classes": lambda: (names_of(10), [arm("baseline", 10), arm("all features", 10, skill=4)]),
    "twenty classes": lambda: (names_of(20), [arm("baseline", 20), arm("all features", 20, skill=4)]),
    "a hundred classes": lambda: (names_of(100), [arm("baseline", 100, 300), arm("all features", 100, 300, skill=6)]),
    "long names": lambda: ((*LONG, "c"), [arm("baseline", 3), arm("all features", 3)]),
    "letters that the font lacks": lambda: (("犬", "кот"), [arm("baseline", 2), arm("all features", 2)]),
    "one arm, one seed, grey": lambda: (names_of(3), [arm("all features", 3, seeds=1, channels=1)]),
    "no mistake": lambda: (names_of(4), [arm("baseline", 4, skill=50)]),
    "nothing right, few images": lambda: (names_of(2), [arm("baseline", 2, count=3, skill=-50)]),
}


def drawn(case: str) -> list[Figure]:
    classes, arms = CASES[case]()
    return [chart(synthetic(), classes, arms) for chart in (predictions, confusion, class_accuracy)]


@pytest.mark.parametrize("case", CASES)
def test_every_text_is_legible(case: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for figure in drawn(case):
        found = texts(figure, monkeypatch)
        assert len(found) > 5
        for text, box in found:
            assert box.x0 >= 0 and box.y0 >= 0 and box.x1 <= figure.bbox.x1 and box.y1 <= figure.bbox.y1, f"{text!r} is cut"
        for (first, one), (second, other) in combinations(found, 2):
            assert not overlap(one, other), f"{first!r} overlaps {second!r}"


@pytest.mark.parametrize("case", CASES)
def test_the_bars_of_an_image_add_up_to_one(case: str) -> None:
    _, arms = CASES[case]()
    figure = drawn(case)[0]
    FigureCanvasAgg(figure).draw()
    for axes, each in zip(figure.axes, arms, strict=True):
        images = [image for image in axes.images if isinstance(image, AxesImage)]
        lengths = [patch.get_width() for patch in axes.patches if isinstance(patch, Rectangle) and patch.get_fill()]
        assert len(images) == len(chosen(each.by_seed[0])) > 0
        assert sum(lengths) == pytest.approx(BARS * len(images), abs=1e-4)


def test_mistakes_are_marked_and_come_first() -> None:
    classes, arms = CASES["ten classes"]()
    for axes, each in zip(predictions(synthetic(), classes, arms).axes, arms, strict=True):
        first = each.by_seed[0]
        picked = chosen(first)
        wrong = [index for index in picked if not first.correct[index]]
        assert list(picked[: len(wrong)]) == wrong
        assert 0 < len(wrong) < len(picked)
        frames = [to_hex(patch.get_edgecolor()).upper() for patch in axes.patches if isinstance(patch, Rectangle) and not patch.get_fill()]
        assert frames == [LOSS] * len(wrong) + [GAIN] * (len(picked) - len(wrong))


def test_each_pair_of_classes_shows_its_most_confident_mistake_before_a_second_one() -> None:
    labels = np.array([0, 0, 0, 1, 1, 2, 2])
    predicted, confidence = np.array([1, 1, 2, 0, 0, 2, 2]), np.array([0.8, 0.9, 0.4, 0.5, 0.6, 0.9, 0.5])
    probabilities = np.repeat((1 - confidence)[:, None] / 2, 3, axis=1)
    probabilities[np.arange(7), predicted] = confidence
    assert chosen(Predictions(probabilities, labels)).tolist() == [1, 4, 2, 0, 3, 5, 6]


@given(classes=st.integers(2, 30), count=st.integers(1, 40), skill=st.floats(-5, 8))
def test_as_many_images_are_shown_as_there_are_room_and_images(classes: int, count: int, skill: float) -> None:
    each = guesses(classes, count, skill)
    picked = chosen(each)
    assert len(picked) == min(8, count) == len(set(picked.tolist()))
    for index in picked:
        own, rest = bars(each.probabilities[index], int(each.labels[index]))
        assert {int(each.labels[index]), int(each.predicted[index])} <= set(own)
        assert each.probabilities[index][own].sum() + rest == pytest.approx(1, abs=1e-5)


def test_the_matrix_and_the_dots_are_the_shares_of_each_class() -> None:
    probabilities = np.array([[0.9, 0.1], [0.2, 0.8], [0.4, 0.6], [0.3, 0.7]])
    each = Predictions(probabilities, np.array([0, 0, 0, 1]))
    assert each.confusion().tolist() == [[1, 2], [0, 1]]
    shown = ArmPredictions("all features", {0: each}, np.zeros((4, 2, 2, 1), np.uint8))
    [matrix] = confusion(synthetic(), names_of(2), [shown]).axes[0].images
    assert np.asarray(matrix.get_array()).tolist() == [[pytest.approx(1 / 3), pytest.approx(2 / 3)], [0, 1]]
    dots = class_accuracy(synthetic(), names_of(2), [shown]).axes[0].collections[-1]
    assert np.asarray(dots.get_offsets())[:, 0] == pytest.approx([100 / 3, 100])


def test_pairs_that_are_confused_most_often_are_named_where_a_matrix_has_no_numbers(monkeypatch: pytest.MonkeyPatch) -> None:
    labels = np.arange(60) % 30
    probabilities = np.eye(30)[labels]
    probabilities[7] = np.eye(30)[3]
    shown = ArmPredictions("baseline", {0: Predictions(probabilities, labels)}, np.zeros((60, 2, 2, 1), np.uint8))
    found = " ".join(text for text, _ in texts(confusion(synthetic(), names_of(30), [shown]), monkeypatch))
    assert "50 %  class 7 → class 3" in found


def test_names_are_cut_to_their_room_and_unknown_letters_become_numbers() -> None:
    assert shorten("short", 3, 9) == "short"
    cut = shorten("m" * 50, 1, 9)
    assert cut.endswith("…")
    assert width(cut, 9) <= 1
    assert drawable(["cat", "犬", "кот"]) == ["cat", "#2", "кот"]


@pytest.mark.parametrize(("share", "written"), [(0, "0 %"), (0.001, "<1 %"), (0.5, "50 %"), (0.999, ">99 %"), (1, "100 %")])
def test_percentages_do_not_claim_certainty(share: float, written: str) -> None:
    assert percent(share) == written


@given(st.lists(st.booleans()))
def test_what_is_packed_comes_back(correct: list[bool]) -> None:
    assert unpacked(packed(np.array(correct, dtype=bool))).tolist() == correct


@given(st.lists(st.lists(st.floats(-1e4, 1e4), min_size=3, max_size=3), min_size=1, max_size=5))
def test_probabilities_sum_to_one_however_large_the_logits(logits: list[list[float]]) -> None:
    assert softmax(np.array(logits, dtype=np.float32)).sum(axis=1) == pytest.approx(1, abs=1e-5)


def test_probabilities_of_any_precision_can_be_kept(tmp_path: Path) -> None:
    import ml_dtypes

    probabilities = softmax(np.array([[1.0, 2.0]], dtype=ml_dtypes.bfloat16))
    np.savez(tmp_path / "kept.npz", probabilities=probabilities)
    assert np.load(tmp_path / "kept.npz")["probabilities"].argmax() == 1


def test_of_many_classes_those_that_have_images_are_drawn_once() -> None:
    accuracy = np.full(50, np.nan)
    accuracy[:30] = np.linspace(1, 0, 30)
    assert sorted(picked(accuracy)) == list(range(30))


def test_predictions_are_those_behind_the_score(build: Callable[..., Program], photos: Callable[..., Images]) -> None:
    """More images than one batch of the evaluation takes, and no multiple of it."""
    validation = photos(301, seed=1)
    outcome = train(build(), 0, 1, photos(), validation, None)
    assert outcome.predictions.correct.mean() == pytest.approx(outcome.score)
    assert outcome.predictions.labels.tolist() == validation.y.tolist()
    surprise = -np.log(outcome.predictions.probabilities[np.arange(301), validation.y])
    assert surprise.mean() == pytest.approx(outcome.history["val_loss"][-1], rel=1e-5)


def test_without_an_arm_there_is_no_picture(tmp_path: Path) -> None:
    assert draw_predictions(synthetic(), names_of(2), [], tmp_path) == []


# ---- the command -----------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Run]:
    """A folder with a run that has stored its network."""
    folder = tmp_path_factory.mktemp("predict")
    order = "catalogue.order=[batch_norm,dropout]"
    ended = ablation(folder, "features=all", order, "seeds=1", "save_model=true", "execution=inline", *TINY[:-1])
    assert (ended.code, ended.err) == (0, "")
    [run] = logged(folder).trained
    return folder, run


def classify(folder: Path, *arguments: str) -> Ended:
    command = [sys.executable, "-W", "ignore", "-m", "ablation.images.predict", *arguments]
    ended = subprocess.run(command, cwd=folder, env=environment(), capture_output=True, text=True, timeout=120, check=False)
    return Ended(ended.returncode, ended.stdout, ended.stderr)


def held_out() -> Images:
    """The images that the run of seed 0 is scored on."""
    from ablation.images.data import Dataset, limit

    whole = Digits().load()
    dataset = Dataset(limit(whole.train, 120), whole.test, whole.classes)
    return divide(dataset, "held_out", 0.2, generator(0, SPLIT))[1]


def kept(folder: Path, run: Run) -> Predictions:
    with np.load(logged(folder).client.download_artifacts(run.info.run_id, "predictions.npz")) as file:
        return Predictions(**file)


def test_a_run_keeps_which_images_it_got_right(study: tuple[Path, Run]) -> None:
    folder, run = study
    with np.load(logged(folder).client.download_artifacts(run.info.run_id, "correct.npz")) as file:
        correct = unpacked(file)
    guesses = kept(folder, run)
    assert len(correct) == len(held_out())
    assert correct.mean() == pytest.approx(run.data.metrics["val_accuracy"])
    assert (guesses.correct == correct).all()
    assert guesses.labels.tolist() == held_out().y.tolist()
    assert guesses.probabilities.sum(axis=1) == pytest.approx(1, abs=1e-5)


def test_a_saved_network_is_one_of_keras_alone_and_scores_as_it_did(study: tuple[Path, Run]) -> None:
    folder, run = study
    check = f"""
import mlflow, numpy as np, sys
test = np.load("test.npz")
mlflow.set_tracking_uri("sqlite:///mlflow.db")
info = mlflow.models.get_model_info("runs:/{run.info.run_id}/model")
assert info.signature.inputs.inputs[0].shape == (-1, 16, 16, 1) and info.signature.outputs.inputs[0].shape == (-1, 10)
assert info.saved_input_example_info["artifact_path"] == "input_example.json"
model = mlflow.keras.load_model("runs:/{run.info.run_id}/model")
assert "ablation" not in sys.modules
np.save("probabilities.npy", model.predict(test["x"], verbose=0))
"""
    test = Digits().load().test
    np.savez(folder / "test.npz", x=test.x)
    loaded = subprocess.run([sys.executable, "-W", "ignore", "-c", check], cwd=folder, capture_output=True, text=True, timeout=120)
    assert loaded.returncode == 0, loaded.stderr
    probabilities = np.load(folder / "probabilities.npy")
    assert probabilities.sum(axis=1) == pytest.approx(1, abs=1e-5)
    assert (probabilities.argmax(axis=1) == test.y).mean() == pytest.approx(run.data.metrics["test_accuracy"], abs=1e-9)

    start = replace(Training(1, 1).recipe(), scaling=SCALINGS["symmetric"])
    recipe = compose(start, {"batch_norm": BatchNorm(), "dropout": Dropout()}, CNN(2), "cnn")
    network = CNN(2).build(recipe, (16, 16, 1), 10)
    network.load_weights(logged(folder).client.download_artifacts(run.info.run_id, "network.weights.h5"))
    assert (network.predict(test.x / 255, verbose=0).argmax(axis=1) == probabilities.argmax(axis=1)).all()


def test_a_file_gets_the_probabilities_that_the_network_gave_its_image(study: tuple[Path, Run]) -> None:
    folder, run = study
    images, guesses = held_out(), kept(folder, run)
    for index in range(3):
        Image.fromarray(images.x[index, ..., 0]).save(folder / f"{index}.png")
    Image.new("CMYK", (300, 200), (0, 200, 0, 0)).save(folder / "another size and mode.jpg")
    ended = classify(folder, run.info.run_id[:12], "0.png", "1.png", "2.png", "another size and mode.jpg")
    assert ended.code == 0, ended.err
    assert ended.err == "", "frameworks must not talk"
    lines = ended.out.splitlines()
    for index in range(3):
        best = guesses.probabilities[index].max()
        assert lines[index].startswith(f"{index}.png: {guesses.predicted[index]} {100 * best:.1f} %, ")
    assert lines[3].startswith("another size and mode.jpg: ")
    assert len(lines) == 4
    for line in lines:
        assert line.count(" %") == 6, "five classes and the others"
        assert sum(float(part.split()[-2]) for part in line.split(", ")) == pytest.approx(100, abs=0.4)


def test_what_cannot_be_classified_is_told_in_one_sentence(study: tuple[Path, Run]) -> None:
    folder, run = study
    image, broken = folder / "a.png", folder / "broken.png"
    Image.new("L", (16, 16)).save(image)
    broken.write_bytes(b"no image")
    store = Store(f"sqlite:///{folder / 'mlflow.db'}", "")
    client, [parent] = logged(folder).client, logged(folder).parents
    other = client.create_run(run.info.experiment_id, run_name="without a network").info.run_id
    for run_id, files, words in (
        (run.info.run_id, [folder / "missing.png"], "missing.png' cannot be classified: no such file or directory"),
        (run.info.run_id, [image, broken], "broken.png' cannot be classified: it is not a JPEG, PNG, BMP or GIF image"),
        ("0123456789abcdef", [image], "has an id that begins with '0123456789abcdef'"),
        ("baseline' or", [image], "has an id that begins with 'baseline' or'"),
        ("", [image], "has an id that begins with ''"),
        (other, [image], "has stored no network; expected one of a study with save_model=true"),
        (parent.info.run_id, [image], f"is the study '{parent.info.run_name}'; expected one of its runs"),
    ):
        with pytest.raises(InputError) as error:
            predict(store, run_id, files)
        assert words in str(error.value)
        assert "\n" not in str(error.value)

    ended = classify(folder, run.info.run_id, "missing.png")
    assert (ended.code, ended.out) == (1, "")
    assert ended.err == "ablation: 'missing.png' cannot be classified: no such file or directory\n"


def test_a_folder_without_a_store_stays_without_one(tmp_path: Path) -> None:
    Image.new("L", (16, 16)).save(tmp_path / "a.png")
    with pytest.raises(InputError, match="no run in"):
        predict(Store(f"sqlite:///{tmp_path / 'mlflow.db'}", ""), "abc", [tmp_path / "a.png"])
    assert not (tmp_path / "mlflow.db").exists()
