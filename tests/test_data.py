"""Data: every source, its identity and its errors, the splits, and the staging that workers share."""

import multiprocessing
import os
import re
import resource
import subprocess
import sys
import zipfile
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ablation.checks import shown
from ablation.errors import InputError
from ablation.images.data import (
    CentreCrop,
    Dataset,
    Digits,
    Images,
    KerasDataset,
    Npz,
    Source,
    Sprites,
    divide,
    held_out,
    limit,
    open_staged,
    stage,
)
from ablation.images.data.keras_datasets import CLASSES
from ablation.images.data.split import shares

SMALL = Sprites(train=20, validation=10, test=10)


def labelled(*members: int) -> Images:
    """Return one-pixel images, ``members[c]`` of class ``c``, each with a unique value as far as bytes allow."""
    y = np.repeat(np.arange(len(members)), members).astype(np.int64)
    return Images((np.arange(len(y)) % 256).astype(np.uint8).reshape(-1, 1, 1, 1), y)


def arrays(**changes: object) -> dict[str, object]:
    """Return what a good file holds, with changes; None leaves a key out."""
    rng = np.random.default_rng(0)
    good: dict[str, object] = {
        "x_train": rng.integers(0, 256, (6, 4, 5, 3), dtype=np.uint8),
        "y_train": np.array([3, 7, 3, 7, 9, 9]),
        "x_test": rng.integers(0, 256, (3, 4, 5, 3), dtype=np.uint8),
        "y_test": np.array([9, 3, 7]),
    }
    return {key: value for key, value in (good | changes).items() if value is not None}


@pytest.fixture
def saved(tmp_path: Path) -> Callable[..., Npz]:
    def save(**changes: object) -> Npz:
        np.savez(tmp_path / "own.npz", **arrays(**changes))
        return Npz(str(tmp_path / "own.npz"))

    return save


def same(one: Dataset, other: Dataset) -> bool:
    pairs = [(one.parts()[part], other.parts()[part]) for part in one.parts()]
    return one.parts().keys() == other.parts().keys() and all(np.array_equal(a.x, b.x) and np.array_equal(a.y, b.y) for a, b in pairs)


def assert_one_sentence(error: pytest.ExceptionInfo[InputError]) -> None:
    message = str(error.value)
    assert message and "\n" not in message and not message.endswith(".")


# Every source -------------------------------------------------------------------------------------------------------------------


@pytest.fixture(params=["sprites", "digits", "npz", "keras"])
def source(request: pytest.FixtureRequest, tmp_path: Path) -> Source:
    if request.param == "sprites":
        return SMALL
    if request.param == "digits":
        return Digits()
    if request.param == "npz":
        np.savez(tmp_path / "own.npz", **arrays())
        return Npz(str(tmp_path / "own.npz"))
    x, y = np.zeros((20, 28, 28), np.uint8), np.arange(20) % 10
    np.savez(tmp_path / "mnist.npz", x_train=x, y_train=y, x_test=x, y_test=y)
    return KerasDataset("mnist", str(tmp_path))


def test_a_source_gives_bytes_and_class_indices_and_the_same_ones_again(source: Source) -> None:
    data = source.load()
    for images in data.parts().values():
        assert images.x.dtype == np.uint8 and images.x.ndim == 4 and images.y.dtype == np.int64
        assert set(images.y) <= set(range(len(data.classes)))
    assert set(data.train.y) == set(range(len(data.classes)))
    assert same(data, source.load())
    assert source.identity() == source.identity()


def test_an_identity_is_short_and_holds_no_absolute_path(source: Source, tmp_path: Path) -> None:
    assert str(tmp_path) not in source.identity() and len(source.identity()) < 300
    assert source.description and str(tmp_path) not in source.description


# Sprites ------------------------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def sprites() -> Dataset:
    return Sprites().load()


def test_sprites_never_change(sprites: Dataset) -> None:
    """Different images mean different scores: after a change, raise VERSION in sprites.py, then update this test."""
    assert [len(images) for images in sprites.parts().values()] == [208, 2000, 1000]
    assert sprites.train.x.shape == (208, 24, 24, 3)
    assert sprites.train.y[:10].tolist() == [1, 6, 5, 2, 1, 9, 8, 9, 2, 2]
    means = [[66.24, 98.18, 97.75], [87.15, 75.77, 87.15], [103.89, 79.0, 66.92], [92.35, 92.34, 84.81]]
    # Means: the last bit of a sine may differ between machines, and with it a pixel now and then.
    assert np.allclose(sprites.train.x[:4].mean((1, 2)), means, atol=0.1)


def test_sprites_are_balanced_and_mixed(sprites: Dataset) -> None:
    assert set(np.bincount(sprites.train.y).tolist()) == {20, 21}
    assert sprites.validation is not None and np.bincount(sprites.validation.y).tolist() == [200] * 10
    assert len(set(sprites.train.y[:30])) > 3


def test_the_size_of_one_part_of_sprites_does_not_change_another() -> None:
    data, other = SMALL.load(), replace(SMALL, validation=30, test=40).load()
    assert np.array_equal(data.train.x, other.train.x) and np.array_equal(data.train.y, other.train.y)


def test_the_parts_of_sprites_share_no_image(sprites: Dataset) -> None:
    parts = [{image.tobytes() for image in images.x} for images in sprites.parts().values()]
    assert len(set().union(*parts)) == 3208


def test_sprites_of_a_class_look_alike_and_of_two_classes_do_not() -> None:
    """With all variation off, an image is its class's shape and nothing else; without usual colours the shape alone tells."""
    still = replace(SMALL, rotation=0, flip=0, scale_min=1, scale_max=1, shift=0, contrast_min=1, contrast_max=1, hue=0, texture=0, tint=0)
    data = replace(still, background=0, noise=0).load().train
    for index in range(10):
        first, *others = data.x[data.y == index]
        assert all(np.array_equal(first, other) for other in others)
    assert len({image.tobytes() for image in data.x}) == 10
    assert (data.x[:, 0, 0] == SMALL.ground).all() and (data.x[:, -1, -1] == SMALL.ground).all()


VARIATION = [
    "rotation",
    "flip",
    "scale_min",
    "scale_max",
    "shift",
    "contrast_min",
    "contrast_max",
    "hue",
    "texture",
    "tint",
    "ground",
    "background",
    "noise",
]


@pytest.mark.parametrize("name", [*VARIATION, "seed"])
def test_every_parameter_of_sprites_changes_images_and_identity(name: str) -> None:
    changed = replace(SMALL, **{name: 1 if name == "seed" else getattr(SMALL, name) * 0.8})
    assert changed.identity() != SMALL.identity()
    assert not np.array_equal(changed.load().train.x, SMALL.load().train.x)


def test_a_mirrored_sprite_is_the_mirror_image() -> None:
    plain = replace(SMALL, rotation=0, flip=0, shift=0, tint=0, background=0, noise=0)
    assert np.array_equal(replace(plain, flip=1).load().train.x, plain.load().train.x[:, :, ::-1])


def test_whole_numbers_and_their_decimals_name_the_same_sprites() -> None:
    assert Sprites(rotation=20).identity() == Sprites(rotation=20.0).identity()


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"train": 9}, "data.train must be a whole number of at least 10, not 9"),
        ({"test": 100.5}, "data.test must be .*, not 100.5"),
        ({"validation": "many"}, "data.validation must be .*, not many"),
        ({"rotation": -1.0}, "data.rotation must be a number of at least 0, not -1.0"),
        ({"noise": float("nan")}, "data.noise must be .*, not nan"),
        ({"shift": float("inf")}, "data.shift must be .*, not inf"),
        ({"tint": "red"}, "data.tint must be .*, not red"),
        ({"ground": 256}, "data.ground must be a number from 0 to 255, not 256"),
        ({"flip": 1.5}, "data.flip must be a number from 0 to 1, not 1.5"),
        ({"scale_min": 2.0}, "data.scale_max must be a number of at least 2, not 1.2"),
        ({"scale_min": 0.0}, "data.scale_min must be a number above 0, not 0.0"),
        ({"contrast_min": 3.0}, "data.contrast_max must be a number of at least 3, not 1.0"),
        ({"contrast_min": "low"}, "data.contrast_min must be .*, not low"),
        ({"seed": -1}, "data.seed must be a whole number of at least 0, not -1"),
    ],
)
def test_sprites_refuse_what_cannot_be_drawn(change: dict[str, object], sentence: str) -> None:
    with pytest.raises(InputError, match=sentence) as error:
        Sprites(**change)
    assert_one_sentence(error)


# Digits -------------------------------------------------------------------------------------------------------------------------


def test_digits_use_all_scans_once_with_a_stratified_test_part() -> None:
    data = Digits().load()
    assert data.test is not None and data.validation is None
    assert data.train.x.shape == (1437, 16, 16, 1) and data.test.x.shape == (360, 16, 16, 1)
    assert np.ptp(np.bincount(data.test.y)) <= 2
    assert data.train.x.max() == 255 and data.train.x.min() == 0
    assert Digits().description == "digits, 16 x 16"


def test_digits_of_their_own_size_are_the_scans() -> None:
    from sklearn.datasets import load_digits

    data = Digits(size=8).load()
    ours = np.concatenate([data.train.x, data.test.x])
    scans = np.rint(load_digits().images * 255 / 16).astype(np.uint8)
    assert sorted(image.tobytes() for image in ours) == sorted(image.tobytes() for image in scans)


def test_enlarged_digits_keep_their_brightness() -> None:
    small, large = Digits(size=8).load().train, Digits(size=32).load().train
    assert np.array_equal(small.y, large.y)
    assert np.abs(small.x.mean((1, 2, 3)) - large.x.mean((1, 2, 3))).max() < 1


@pytest.mark.parametrize("change", [{"size": 4}, {"size": 16.0}, {"test": 5}, {"test": 1797}])
def test_digits_refuse_other_sizes(change: dict[str, int]) -> None:
    with pytest.raises(InputError, match=f"data.{next(iter(change))} must be a whole number from") as error:
        Digits(**change)
    assert_one_sentence(error)


# Centre crops -------------------------------------------------------------------------------------------------------------------


def test_a_centre_crop_is_the_middle_of_every_image(sprites: Dataset) -> None:
    source = CentreCrop(Sprites(), [20, 17])
    cropped = source.load()
    assert cropped.parts().keys() == sprites.parts().keys() and cropped.classes == sprites.classes
    for name, images in cropped.parts().items():
        whole = sprites.parts()[name]
        np.testing.assert_array_equal(images.x, whole.x[:, 2:22, 3:20])
        np.testing.assert_array_equal(images.y, whole.y)
    assert len({each.identity() for each in (Sprites(), source, CentreCrop(Sprites(), [17, 20]))}) == 3
    assert source.description.endswith(", centre crops of 20 × 17")


@pytest.mark.parametrize(
    ("size", "sentence"),
    [
        ([28], "data.crop must be a height and a width, such as [28,28], not [28]"),
        ([0, 4], "data.crop must be a list of whole numbers of at least 1"),
        ([25, 4], "data.crop=[25, 4] is larger than the images, which have 24 × 24 pixels"),
    ],
)
def test_a_crop_that_cannot_be_is_refused(size: list[int], sentence: str) -> None:
    with pytest.raises(InputError) as error:
        CentreCrop(Sprites(), size).load()
    assert_one_sentence(error)
    assert str(error.value).startswith(sentence)


# Npz ----------------------------------------------------------------------------------------------------------------------------


def test_npz_keeps_bytes_and_maps_sorted_labels_to_indices(saved: Callable[..., Npz]) -> None:
    data = saved().load()
    assert np.array_equal(data.train.x, arrays()["x_train"])
    assert data.classes == ("3", "7", "9")
    assert data.train.y.tolist() == [0, 1, 0, 1, 2, 2]
    assert data.test is not None and data.test.y.tolist() == [2, 0, 1]
    assert data.validation is None and saved().description == "own.npz"


def test_npz_takes_negative_labels_columns_and_grey_images(saved: Callable[..., Npz]) -> None:
    grey = np.zeros((6, 4, 5), np.uint8)
    data = saved(x_train=grey, x_test=grey[:3], y_train=np.array([[-1], [1]] * 3, np.int8), y_test=np.array([[1], [1], [-1]])).load()
    assert data.train.x.shape == (6, 4, 5, 1)
    assert data.classes == ("-1", "1") and data.train.y.tolist() == [0, 1] * 3


@pytest.mark.parametrize("kind", [np.float16, np.float32, np.float64])
def test_npz_reads_fractions_and_numbers_up_to_255_as_the_bytes_they_were(saved: Callable[..., Npz], kind: type) -> None:
    x = np.arange(256, dtype=np.uint8).reshape(1, 16, 16, 1).repeat(6, 0)
    for scale in (1, 255):
        data = saved(x_train=(x / scale).astype(kind), x_test=(x[:3] / scale).astype(kind)).load()
        assert np.array_equal(data.train.x, x)
    assert np.array_equal(saved(x_train=x.astype(np.int32), x_test=x[:3].astype(">i8")).load().train.x, x)


def test_npz_scales_both_parts_alike(saved: Callable[..., Npz]) -> None:
    """A test part that happens to be dark is not one of fractions."""
    bright, dark = np.full((6, 4, 5), 200.0), np.ones((3, 4, 5))
    data = saved(x_train=bright, x_test=dark).load()
    assert (data.train.x == 200).all() and (data.test.x == 1).all()


def test_npz_identity_follows_the_content_not_the_place(saved: Callable[..., Npz], tmp_path: Path) -> None:
    source = saved()
    first = source.identity()
    (tmp_path / "elsewhere.npz").write_bytes(Path(str(source.path)).read_bytes())
    assert Npz(str(tmp_path / "elsewhere.npz")).identity() == first
    assert saved(y_test=np.array([9, 3, 3])).identity() != first


def test_npz_path_may_start_at_home(saved: Callable[..., Npz], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    saved()
    monkeypatch.setenv("HOME", str(tmp_path))
    assert len(Npz("~/own.npz").load().train) == 6


X, Y = np.zeros((6, 4, 5, 3)), np.array([3, 7, 3, 7, 9, 9])


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"x_test": None}, "no array x_test; expected x_train, y_train, x_test, y_test$"),
        ({"x_test": None, "X_test": X[:3]}, "no array x_test; .*did you mean 'X_test'"),
        ({"x_train": np.where(np.arange(3) == 1, np.nan, X)}, "x_train of .* holds NaN or infinity"),
        ({"x_test": np.full((3, 4, 5, 3), np.inf)}, "x_test of .* holds NaN or infinity"),
        ({"x_train": X - 1}, "x_train of .* values from -1 to -1; expected 0 to 255"),
        ({"x_train": X + 256}, "x_train of .* values from 256 to 256"),
        ({"x_train": X.astype(int) + 70000}, "values from 70000 to 70000"),
        ({"x_train": X.astype(complex)}, "x_train of .* has type complex128"),
        ({"x_train": X.astype(str)}, "x_train of .* has type <U"),
        ({"x_train": X.astype(bool)}, "x_train of .* has type bool"),
        ({"x_train": X.astype(object)}, "x_train of .* holds Python objects; expected numbers"),
        ({"y_train": Y.astype(object)}, "y_train of .* holds Python objects; expected numbers"),
        ({"x_train": X.transpose(0, 3, 1, 2)}, r"x_train of .* has shape \(6, 3, 4, 5\); expected .*1 or 3 channels"),
        ({"x_train": np.zeros((6, 60), np.uint8)}, r"x_train of .* has shape \(6, 60\)"),
        ({"x_train": np.zeros((0, 4, 5, 3)), "y_train": Y[:0]}, "x_train of .* no images"),
        ({"x_test": np.zeros((0, 4, 5, 3)), "y_test": Y[:0]}, "x_test of .* no images"),
        ({"x_test": np.zeros((3, 4, 4, 3))}, r"shape \(4, 5, 3\) in x_train and \(4, 4, 3\) in x_test"),
        ({"y_train": Y[:5]}, "holds 6 images and y_train 5 labels"),
        ({"y_test": Y}, "holds 3 images and y_test 6 labels"),
        ({"y_train": Y.astype(float)}, "y_train of .* has type float64; expected labels as integers"),
        ({"y_train": Y.astype(str)}, "y_train of .* expected labels as integers"),
        ({"y_train": np.eye(6, dtype=int)}, r"y_train of .* has shape \(6, 6\); expected one integer for each image"),
        ({"y_train": np.array(3)}, r"y_train of .* has shape \(\)"),
        ({"y_train": Y * 0 + 7, "y_test": Y[:3] * 0 + 7}, r"hold 1 class \(7\); expected at least two"),
        (
            {"y_train": np.array([0, 1, 0, 1, 0, 2**64 - 1], np.uint64)},
            "y_train of .* holds the label 18446744073709551615; expected none above",
        ),
        ({"y_test": np.array([3, 4, 7])}, "y_test of .* holds the label 4, which y_train does not"),
    ],
)
def test_npz_explains_what_is_wrong_with_the_arrays(saved: Callable[..., Npz], changes: dict[str, object], sentence: str) -> None:
    with pytest.raises(InputError, match=sentence) as error:
        saved(**changes).load()
    assert_one_sentence(error)


def test_npz_needs_a_path() -> None:
    for ask in (Npz().load, Npz().identity):
        with pytest.raises(InputError, match="^data=npz needs data.path=FILE"):
            ask()
    assert Npz().description


def test_npz_names_the_file_that_was_meant(saved: Callable[..., Npz], tmp_path: Path) -> None:
    saved()
    for ask in (Npz(str(tmp_path / "owm.npz")).load, Npz(str(tmp_path / "owm.npz")).identity):
        with pytest.raises(InputError, match=r"owm.npz' does not exist; .*did you mean 'own.npz'") as error:
            ask()
        assert_one_sentence(error)


def test_npz_refuses_a_folder(tmp_path: Path) -> None:
    for ask in (Npz(str(tmp_path)).load, Npz(str(tmp_path)).identity):
        with pytest.raises(InputError, match="is a folder; expected an .npz file") as error:
            ask()
        assert_one_sentence(error)


def test_npz_refuses_files_of_other_kinds(tmp_path: Path) -> None:
    file = tmp_path / "own.npz"
    contents = [b"", b"x_train", b"\x80\x04K\x01.", b"PK\x03\x04", b"PK\x05\x06" + bytes(18)]
    for content in contents:
        file.write_bytes(content)
        with pytest.raises(InputError, match="cannot be read|no array x_train") as error:
            Npz(str(file)).load()
        assert_one_sentence(error)
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("x\ntrain.npy", "a name of two lines")
    with pytest.raises(InputError, match="no array x_train") as error:
        Npz(str(file)).load()
    assert_one_sentence(error)
    with file.open("wb") as stream:
        np.save(stream, X)
    with pytest.raises(InputError, match="expected a whole .npz file"):
        Npz(str(file)).load()
    with zipfile.ZipFile(file, "w") as archive:
        for key in arrays():
            archive.writestr(f"{key}.npy", "no array")
    with pytest.raises(InputError, match="x_train of .* is not an array"):
        Npz(str(file)).load()


def test_npz_never_unpickles(tmp_path: Path) -> None:
    marker = tmp_path / "run"

    class Trap:
        def __reduce__(self) -> tuple[object, ...]:
            return (marker.touch, ())

    file = tmp_path / "own.npz"
    np.savez(file, **arrays(x_train=np.array([Trap()], dtype=object)))
    with pytest.raises(InputError, match="x_train of .* holds Python objects"):
        Npz(str(file)).load()
    assert not marker.exists()


@settings(max_examples=60, deadline=None)
@given(data=st.data(), compressed=st.booleans())
def test_npz_that_is_cut_short_or_damaged_is_an_input_error_or_reads_the_same(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject, compressed: bool
) -> None:
    file = tmp_path_factory.getbasetemp() / "damaged.npz"
    (np.savez_compressed if compressed else np.savez)(file, **arrays())
    good, whole = Npz(str(file)).load(), bytearray(file.read_bytes())
    if data.draw(st.booleans(), "cut"):
        whole = whole[: data.draw(st.integers(0, len(whole) - 1), "length")]
    else:
        whole[data.draw(st.integers(0, len(whole) - 1), "place")] ^= 1 << data.draw(st.integers(0, 7), "bit")
    file.write_bytes(whole)
    try:
        assert same(Npz(str(file)).load(), good)
    except InputError as error:
        assert "\n" not in str(error)


# Keras' data sets ---------------------------------------------------------------------------------------------------------------


def test_keras_sets_name_their_classes() -> None:
    assert {name: len(classes) for name, classes in CLASSES.items()} == {"cifar10": 10, "cifar100": 100, "mnist": 10, "fashion_mnist": 10}
    assert list(CLASSES["cifar100"]) == sorted(set(CLASSES["cifar100"])) and len(set(CLASSES["fashion_mnist"])) == 10


def test_a_keras_set_is_read_from_its_file_with_labels_kept(tmp_path: Path) -> None:
    x, y = np.zeros((4, 32, 32, 3), np.uint8), np.array([[3], [5], [5], [3]], np.uint8)
    np.savez(tmp_path / "cifar10.npz", x_train=x, y_train=y, x_test=x[:1], y_test=y[:1])
    source = KerasDataset("cifar10", str(tmp_path))
    data = source.load()
    assert source.description == "CIFAR-10"
    assert [data.classes[index] for index in data.train.y] == ["cat", "dog", "dog", "cat"]
    before = source.identity()
    np.savez(tmp_path / "cifar10.npz", x_train=x + 1, y_train=y, x_test=x[:1], y_test=y[:1])
    assert source.identity() != before


def test_grey_keras_images_get_a_channel_and_dir_may_start_at_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    x, y = np.zeros((10, 28, 28), np.uint8), np.arange(10)
    np.savez(tmp_path / "mnist.npz", x_train=x, y_train=y, x_test=x, y_test=y)
    monkeypatch.setenv("HOME", str(tmp_path))
    assert KerasDataset("mnist", "~").load().train.x.shape == (10, 28, 28, 1)


def test_an_unknown_keras_set_names_the_nearest() -> None:
    with pytest.raises(InputError, match="data.name=cifar-10 is not known.*did you mean 'cifar10'") as error:
        KerasDataset("cifar-10")
    assert_one_sentence(error)


@pytest.mark.parametrize("folder", [None, True, 5, "", ["cache"]])
def test_a_folder_of_keras_sets_that_is_no_path_is_refused(folder: object) -> None:
    with pytest.raises(InputError, match=f"data.dir must be a path, not {re.escape(shown(folder))}") as error:
        KerasDataset("mnist", folder)
    assert_one_sentence(error)


def test_a_file_of_another_set_is_refused(tmp_path: Path) -> None:
    x, y = np.zeros((12, 32, 32, 3), np.uint8), np.arange(12)
    np.savez(tmp_path / "cifar10.npz", x_train=x, y_train=y, x_test=x, y_test=y)
    with pytest.raises(InputError, match="cifar10.npz' is not CIFAR-10: train labels run from 0 to 11; expected .* 0 to 9") as error:
        KerasDataset("cifar10", str(tmp_path)).load()
    assert_one_sentence(error)


@pytest.fixture
def no_network(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Let Keras keep its files here, and reach nothing: a proxy on the discard port refuses at once."""
    for name in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))
    return tmp_path


def test_without_network_the_error_says_which_file_to_put_where(no_network: Path, capfd: pytest.CaptureFixture[str]) -> None:
    folder = no_network / "cache"
    with pytest.raises(InputError) as error:
        KerasDataset("cifar10", str(folder)).load()
    assert_one_sentence(error)
    assert f"'{folder / 'cifar10.npz'}'" in str(error.value) and "x_train, y_train, x_test, y_test" in str(error.value)
    assert "cannot be fetched" in str(error.value) and "Connection refused" in str(error.value)
    out, err = capfd.readouterr()
    assert out == ""
    assert err.startswith("fetching") and err.count("\n") == 1
    assert list(folder.iterdir()) == []


STAND_IN = """
import sys, types, numpy as np
print("progress"); print("noise", file=sys.stderr)
order = []
def load_data():
    assert order == ["channels_last"]
    y = (np.arange(20) % 10).astype(np.uint8)
    x = np.repeat(y, 28 * 28).reshape(20, 28, 28)
    return (x, y), (x[:10], y[:10])
config = types.SimpleNamespace(set_image_data_format=order.append)
datasets = types.SimpleNamespace(fashion_mnist=types.SimpleNamespace(load_data=load_data))
"""


def test_what_keras_fetched_is_kept_as_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> None:
    """A stand-in for Keras, as noisy as the original; the test above runs the original."""
    (tmp_path / "keras.py").write_text(STAND_IN)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    source = KerasDataset("fashion_mnist", str(tmp_path / "cache"))
    identity = source.identity()
    out, err = capfd.readouterr()
    assert out == ""
    assert err.startswith("fetching") and err.count("\n") == 1
    assert [each.name for each in (tmp_path / "cache").iterdir()] == ["fashion_mnist.npz"]
    (tmp_path / "keras.py").unlink()
    data = source.load()
    assert (data.train.x[:, 0, 0, 0] == data.train.y).all() and data.classes[9] == "ankle boot"
    assert source.identity() == identity


@pytest.mark.parametrize(
    "failure", [subprocess.CalledProcessError(1, "python", stderr="Traceback\n  noise\nno route\n"), OSError(28, "no route")]
)
def test_a_fetch_that_fails_is_one_sentence_and_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, failure: Exception) -> None:
    def run(command: list[str], **_: object) -> None:
        Path(command[-1]).write_bytes(b"half a file")
        raise failure

    monkeypatch.setattr(subprocess, "run", run)
    for ask in (KerasDataset("mnist", str(tmp_path)).identity, KerasDataset("mnist", str(tmp_path)).load):
        with pytest.raises(InputError, match=r"MNIST is not at .*mnist.npz' and cannot be fetched \(no route\); put") as error:
            ask()
        assert_one_sentence(error)
    assert list(tmp_path.iterdir()) == []


def test_a_fetch_into_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(InputError, match="cannot be fetched"):
        KerasDataset("mnist", str(tmp_path / "file")).identity()


def test_sources_leave_keras_alone() -> None:
    """Where Keras is imported first decides on the backend; that is not here."""
    code = "import sys, ablation.images.data as data; data.Digits().load(); print('keras' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=Path(__file__).parent.parent)
    assert done.stdout.strip() == "False", done.stderr


REAL = Path(os.environ.get("ABLATION_DATA_DIR", "~/.cache/ablation")).expanduser()


@pytest.mark.skipif(not (REAL / "cifar10.npz").exists(), reason="no cifar10.npz in ABLATION_DATA_DIR or ~/.cache/ablation")
def test_the_real_cifar10() -> None:
    data = KerasDataset("cifar10", str(REAL)).load()
    assert data.train.x.shape == (50_000, 32, 32, 3) and np.bincount(data.train.y).tolist() == [5000] * 10
    assert data.test is not None and np.bincount(data.test.y).tolist() == [1000] * 10
    assert np.allclose(data.train.x.mean((0, 1, 2)) / 255, (0.4914, 0.4822, 0.4465), atol=1e-4)


# Images and data sets from elsewhere --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("x", "y", "sentence"),
    [
        (np.zeros((2, 3, 3, 1)), np.zeros(2, np.int64), "type float64; expected .* uint8"),
        (np.zeros((2, 3, 3), np.uint8), np.zeros(2, np.int64), r"shape \(2, 3, 3\)"),
        (np.zeros((2, 3, 3, 1), np.uint8), np.zeros(2), "labels have .* type float64; expected .* int64"),
        (np.zeros((2, 3, 3, 1), np.uint8), np.zeros((2, 1), np.int64), r"labels have shape \(2, 1\)"),
        (np.zeros((2, 3, 3, 1), np.uint8), np.zeros(3, np.int64), "2 images and 3 labels"),
        (np.zeros((0, 3, 3, 1), np.uint8), np.zeros(0, np.int64), "no images"),
    ],
)
def test_images_of_another_form_are_refused(x: np.ndarray, y: np.ndarray, sentence: str) -> None:
    with pytest.raises(InputError, match=sentence) as error:
        Images(x, y)
    assert_one_sentence(error)


def test_parts_that_do_not_fit_together_are_refused() -> None:
    images, wide = labelled(2, 2), Images(np.zeros((2, 1, 2, 1), np.uint8), np.array([0, 1]))
    with pytest.raises(InputError, match=r"test images have shape \(1, 2, 1\)"):
        Dataset(images, wide, ("a", "b"))
    with pytest.raises(InputError, match="validation labels run from 0 to 2; expected class indices from 0 to 1"):
        Dataset(images, None, ("a", "b"), labelled(1, 1, 1))
    with pytest.raises(InputError, match=r"1 class \(a\)"):
        Dataset(labelled(2), None, ("a",))


# Splits -------------------------------------------------------------------------------------------------------------------------

members_of_classes = st.lists(st.integers(1, 60), min_size=1, max_size=12)


@given(members=members_of_classes, data=st.data())
def test_shares_are_proportional_and_leave_no_class_empty(members: list[int], data: st.DataObject) -> None:
    count = data.draw(st.integers(1, sum(members)))
    places = shares(np.array(members), count)
    exact = np.array(members) * count / sum(members)
    assert places.sum() == count and (places <= members).all()
    if count >= len(members):
        assert places.min() >= 1
    # Only the one place guaranteed to every class moves a share by a place or more.
    if exact.min() >= 1:
        assert np.abs(places - exact).max() < 1


@settings(deadline=None)
@given(members=members_of_classes, data=st.data())
def test_a_limit_keeps_a_fixed_stratified_part(members: list[int], data: st.DataObject) -> None:
    images = labelled(*members)
    count = data.draw(st.integers(1, len(images) + 5))
    part = limit(images, count)
    assert len(part) == min(count, len(images))
    assert count < len(members) or set(part.y) == set(images.y)
    assert np.array_equal(part.x, limit(images, count).x)
    assert np.array_equal(images.y[part.x.ravel()], part.y) or len(images) > 256


def test_no_limit_keeps_all() -> None:
    images = labelled(3, 4)
    assert limit(images, None) is images and len(limit(images, 100)) == 7


@pytest.mark.parametrize("count", [0, -1, 2.5, "all", True])
def test_a_limit_that_is_not_a_count_is_refused(count: object) -> None:
    with pytest.raises(InputError, match=f"data.limit must be a whole number of at least 1, or null, not {shown(count)}") as error:
        limit(labelled(3, 4), count)
    assert_one_sentence(error)


@settings(deadline=None)
@given(members=st.lists(st.integers(2, 30), min_size=1, max_size=8), fraction=st.floats(0.001, 0.999), seed=st.integers(0, 9))
def test_held_out_images_are_a_stratified_part_and_the_rest_is_trained_on(members: list[int], fraction: float, seed: int) -> None:
    images = labelled(*members)
    train, validation = held_out(images, fraction, np.random.default_rng(seed))
    assert set(train.y) == set(validation.y) == set(images.y)
    assert sorted(np.concatenate([train.x, validation.x]).ravel()) == sorted(images.x.ravel())
    wanted = round(fraction * len(images))
    assert len(validation) == np.clip(wanted, len(members), len(images) - len(members))
    again = held_out(images, fraction, np.random.default_rng(seed))[1]
    assert np.array_equal(validation.x, again.x)


def test_held_out_images_differ_between_seeds() -> None:
    one, other = (held_out(labelled(50, 50), 0.2, np.random.default_rng(seed))[1] for seed in (1, 2))
    assert not np.array_equal(one.x, other.x) and np.bincount(one.y).tolist() == np.bincount(other.y).tolist() == [10, 10]


@pytest.mark.parametrize("fraction", [0.0, 1.0, -0.1, 1.5, float("nan"), 1, "half", None])
def test_a_fraction_outside_0_and_1_is_refused(fraction: object) -> None:
    with pytest.raises(InputError, match=f"data.validation_fraction must be a number above 0 and below 1, not {shown(fraction)}") as error:
        held_out(labelled(5, 5), fraction, np.random.default_rng(0))
    assert_one_sentence(error)


def test_a_class_too_small_to_split_is_named() -> None:
    with pytest.raises(InputError, match="class 1 has one training image"):
        held_out(labelled(5, 1), 0.2, np.random.default_rng(0))
    with pytest.raises(InputError, match="class 'cat' has one training image; expected at least two") as error:
        divide(Dataset(labelled(5, 1), None, ("dog", "cat")), "held_out", 0.2, np.random.default_rng(0))
    assert_one_sentence(error)


def test_divide_follows_the_rule() -> None:
    rng = np.random.default_rng
    train, test, own = labelled(10, 10), labelled(2, 2), labelled(3, 3)
    without, has_validation = Dataset(train, test, ("a", "b")), Dataset(train, test, ("a", "b"), own)
    assert divide(without, "test", 0.2, rng(0)) == (train, test)
    assert divide(has_validation, "test", 0.2, rng(0)) == (train, test)
    assert divide(has_validation, "held_out", 0.2, rng(0)) == (train, own)
    assert [len(part) for part in divide(without, "held_out", 0.2, rng(0))] == [16, 4]


def test_divide_refuses_a_test_set_that_is_not_there_and_other_rules() -> None:
    data = Dataset(labelled(10, 10), None, ("a", "b"))
    with pytest.raises(InputError, match="data.validation=test needs test images.* expected data.validation=held_out"):
        divide(data, "test", 0.2, np.random.default_rng(0))
    with pytest.raises(InputError, match="data.validation=heldout is not known.*did you mean 'held_out'") as error:
        divide(data, "heldout", 0.2, np.random.default_rng(0))
    assert_one_sentence(error)


# Staging ------------------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Outside:
    """A source from outside the package, which counts how often it is read."""

    reads: list[int]
    value: int = 0
    description = "outside"

    def identity(self) -> str:
        return f"outside {self.value}"

    def load(self) -> Dataset:
        self.reads.append(1)
        return Dataset(labelled(6, 4), None, ("grün", "b"))


def test_staged_images_are_the_sources_and_stay_on_disk(tmp_path: Path) -> None:
    path = stage(SMALL, tmp_path / "deep" / "er", None)
    data = open_staged(path)
    assert same(data, SMALL.load()) and data.classes == SMALL.load().classes
    assert all(isinstance(images.x, np.memmap) and not images.x.flags.writeable for images in data.parts().values())
    assert path.parent == tmp_path / "deep" / "er"


def test_a_source_is_read_once_for_each_identity_and_limit(tmp_path: Path) -> None:
    reads: list[int] = []
    paths = [stage(Outside(reads, value), tmp_path, count) for value in (0, 1) for count in (None, 4) for _ in range(2)]
    assert len(reads) == len(set(paths)) == len(list(tmp_path.iterdir())) == 4
    assert [len(open_staged(path).train) for path in dict.fromkeys(paths)] == [10, 4, 10, 4]


def test_only_training_images_are_limited(tmp_path: Path) -> None:
    data = open_staged(stage(SMALL, tmp_path, 10))
    assert [len(images) for images in data.parts().values()] == [10, 10, 10]
    assert open_staged(stage(Outside([]), tmp_path, 4)).classes == ("grün", "b")


def test_a_kill_in_the_middle_leaves_nothing_that_is_used(tmp_path: Path) -> None:
    """The process dies at its second file, without a chance to clean up."""
    code = (
        "import os, sys, pathlib, numpy as np; from ablation.images.data import Sprites, stage\n"
        "real, seen = np.save, []\n"
        "def save(*args):\n    real(*args); seen.append(1); len(seen) == 2 and os.kill(os.getpid(), 9)\n"
        "np.save = save\n"
        "stage(Sprites(train=20, validation=10, test=10), pathlib.Path(sys.argv[1]), None)"
    )
    done = subprocess.run([sys.executable, "-c", code, str(tmp_path)], cwd=Path(__file__).parent.parent, capture_output=True)
    assert done.returncode == -9 and len(list(tmp_path.iterdir())) == 1, done.stderr
    assert same(open_staged(stage(SMALL, tmp_path, None)), SMALL.load())


def _stage_small(folder: Path) -> Path:
    return stage(SMALL, folder, None)


def test_processes_may_stage_the_same_images_at_once(tmp_path: Path) -> None:
    with multiprocessing.get_context("spawn").Pool(2) as pool:
        paths = set(pool.map(_stage_small, [tmp_path] * 6, chunksize=1))
    assert len(paths) == 1 and [each.name for each in tmp_path.iterdir()] == [paths.pop().name]


def test_the_second_process_takes_what_the_first_wrote(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The other process finishes while this one is between its first look and its rename."""
    rename, reads = Path.rename, []

    def raced(self: Path, target: Path) -> Path:
        monkeypatch.setattr(Path, "rename", rename)
        reads.append(stage(SMALL, tmp_path, None))
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", raced)
    path = stage(SMALL, tmp_path, None)
    assert [path] == reads and list(tmp_path.iterdir()) == [path]
    assert same(open_staged(path), SMALL.load())


def _stage_on_full_disk(folder: Path) -> str:
    """Stage where no file may grow beyond 4 KB, so that writing fails in the middle as it does on a full disk. Return the message."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, resource.RLIM_INFINITY))
    try:
        stage(SMALL, folder, None)
    except InputError as error:
        return str(error)
    return "nothing"


def test_a_full_disk_is_reported_and_leaves_nothing(tmp_path: Path) -> None:
    # In a separate process: the limit would also hold for the file that this one writes its output to.
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        message = pool.apply(_stage_on_full_disk, [tmp_path / "cache"])
    assert "cannot be written to" in message and str(tmp_path / "cache") in message
    assert len(message.splitlines()) == 1
    assert list((tmp_path / "cache").iterdir()) == []


def test_a_folder_that_cannot_be_made_is_reported(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(InputError, match=r"cannot be written to .*file/cache' \(Not a directory\)") as error:
        stage(SMALL, tmp_path / "file" / "cache", None)
    assert_one_sentence(error)


def test_staged_images_that_are_gone_or_damaged_are_reported(tmp_path: Path) -> None:
    path = stage(SMALL, tmp_path, None)
    for damage in (
        lambda: (path / "test_x.npy").write_bytes(b"PK"),
        lambda: (path / "train_x.npy").unlink(),
        lambda: (path / "classes.json").unlink(),
    ):
        damage()
        with pytest.raises(InputError, match="holds no complete data set; remove it") as error:
            open_staged(path)
        assert_one_sentence(error)
