"""Own images: what is read of a folder, what is left out and reported, its split, its identity, and its errors."""

import os
from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise, product
from pathlib import Path

import numpy as np
import pytest
from command import in_this_process, logged
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from ablation.errors import InputError
from ablation.images.data import Dataset, Folder, UnreadableError, open_staged, read_images, stage

ENDINGS = {"JPEG": ".jpg", "PNG": ".png", "BMP": ".bmp", "GIF": ".gif"}

Make = Callable[..., Folder]


def photo(seed: int = 0, size: tuple[int, int] = (12, 9), mode: str = "RGB") -> Image.Image:
    """A random picture."""
    pixels = np.random.default_rng(seed).integers(0, 256, (size[1], size[0], 3), dtype=np.uint8)
    return Image.fromarray(pixels).convert(mode)


@pytest.fixture
def make(tmp_path: Path) -> Make:
    """Make a folder of classes with some photographs each."""

    def own(count: int = 5, classes: tuple[str, ...] = ("cat", "dog"), mode: str = "RGB", **parameters: str) -> Folder:
        for index, name in enumerate(classes):
            (tmp_path / "own" / name).mkdir(parents=True)
            for number in range(count):
                photo(100 * index + number, mode=mode).save(tmp_path / "own" / name / f"{number}.png")
        return replace(Folder(str(tmp_path / "own"), size=[8, 6]), **parameters)

    return own


def root_of(folder: Folder) -> Path:
    return Path(str(folder.path))


def everything(dataset: Dataset) -> np.ndarray:
    """All images of all parts."""
    return np.concatenate([part.x for part in dataset.parts().values()])


def read(file: Path, height: int = 8, width: int = 6) -> np.ndarray | UnreadableError:
    [image] = read_images([file], height, width)
    return image


def test_sub_folders_are_classes_and_every_image_is_in_one_part(make: Make) -> None:
    dataset = make(10, ("dog", "cat", "bird")).load()
    assert dataset.classes == ("bird", "cat", "dog")
    assert dataset.train.x.shape == (24, 8, 6, 3)
    assert dataset.test is not None
    assert np.bincount(dataset.test.y).tolist() == [2, 2, 2]
    assert np.bincount(dataset.train.y).tolist() == [8, 8, 8]
    assert len(np.unique(everything(dataset), axis=0)) == 30, "no image is in both parts"
    assert dataset.left_out == ()


def test_images_that_are_added_move_none_that_are_there_to_the_training_part(make: Make) -> None:
    """Only names decide, so a test image stays one, unless the new ones take its place."""
    folder = make(20)
    before = folder.load().test
    (root_of(folder) / "cat" / "another.png").write_bytes((root_of(folder) / "cat" / "0.png").read_bytes())
    after = folder.load().test
    assert before is not None
    assert after is not None
    kept = sum(any(np.array_equal(image, other) for other in after.x) for image in before.x)
    assert kept >= len(before) - 1


@pytest.mark.parametrize(("kind", "mode"), [each for each in product(ENDINGS, ("1", "L", "P", "RGB")) if each != ("JPEG", "P")])
def test_each_format_and_mode_keeps_its_brightness(kind: str, mode: str, tmp_path: Path) -> None:
    file = tmp_path / f"a{ENDINGS[kind]}"
    Image.new("L", (40, 30), 255).convert(mode).save(file, kind)
    image = read(file)
    assert isinstance(image, np.ndarray)
    assert image.shape[:2] == (8, 6)
    assert image.min() >= 253


def test_sixteen_bits_are_scaled_and_not_cut_off(tmp_path: Path) -> None:
    values = np.full((9, 12), 32768, np.uint16)
    Image.fromarray(values).save(tmp_path / "deep.png")
    image = read(tmp_path / "deep.png")
    assert isinstance(image, np.ndarray)
    assert image.shape == (8, 6, 1)
    assert set(image.ravel().tolist()) == {128}


def test_cmyk_becomes_the_colour_that_it_is(tmp_path: Path) -> None:
    Image.new("CMYK", (12, 9), (0, 255, 255, 0)).save(tmp_path / "red.jpg")
    image = read(tmp_path / "red.jpg")
    assert isinstance(image, np.ndarray)
    red, green, blue = image.reshape(-1, 3).mean(axis=0)
    assert red > 200 > 60 > max(green, blue)


@pytest.mark.parametrize("mode", ["RGBA", "LA", "P"])
def test_what_is_transparent_becomes_white(mode: str, tmp_path: Path) -> None:
    image = Image.new("RGBA", (12, 9), (10, 10, 10, 0))
    if mode == "P":
        photo().quantize(8).save(tmp_path / "clear.png", transparency=bytes(8))
    else:
        image.convert(mode).save(tmp_path / "clear.png")
    found = read(tmp_path / "clear.png")
    assert isinstance(found, np.ndarray)
    assert found.min() == 255
    assert found.shape[-1] == (1 if mode == "LA" else 3)


def test_a_camera_that_was_turned_is_turned_back(tmp_path: Path) -> None:
    """Orientation 6: the stored picture must be turned clockwise, so that its left column becomes the top row."""
    stored = np.zeros((10, 10), np.uint8)
    stored[:, 0] = 255
    exif = Image.Exif()
    exif[274] = 6
    Image.fromarray(stored).save(tmp_path / "turned.png", exif=exif)
    found = read(tmp_path / "turned.png", 10, 10)
    assert isinstance(found, np.ndarray)
    assert found[0].min() == 255
    assert found[1:].max() == 0


def test_shrinking_averages_instead_of_picking_pixels(tmp_path: Path) -> None:
    board = np.indices((64, 64)).sum(axis=0) % 2 * np.uint8(255)
    Image.fromarray(board.astype(np.uint8)).save(tmp_path / "board.png")
    found = read(tmp_path / "board.png")
    assert isinstance(found, np.ndarray)
    assert np.abs(found.astype(int) - 127).max() < 16


def test_a_photograph_of_twenty_megapixels_is_read_and_an_absurd_one_is_refused(tmp_path: Path) -> None:
    Image.new("RGB", (5000, 4000), "navy").save(tmp_path / "large.jpg")
    Image.new("1", (12000, 12000)).save(tmp_path / "bomb.png")
    large, bomb = read_images([tmp_path / "large.jpg", tmp_path / "bomb.png"], 8, 6)
    assert isinstance(large, np.ndarray)
    assert large[..., 2].min() > 120 > 10 > large[..., 0].max()
    assert isinstance(bomb, UnreadableError)
    assert "pixels" in str(bomb)


def test_a_folder_of_grey_images_is_grey_and_one_colour_image_makes_all_three_channels(make: Make) -> None:
    folder = make(mode="L")
    assert folder.load().train.x.shape[-1] == 1
    photo(1).save(root_of(folder) / "dog" / "coloured.png")
    dataset = folder.load()
    assert dataset.train.x.shape[-1] == 3
    grey = [image for image in everything(dataset) if (image[..., :1] == image).all()]
    assert len(grey) == 10


def test_what_cannot_be_used_is_named_with_its_reason_and_the_rest_is_kept(make: Make) -> None:
    folder = make()
    root = root_of(folder)
    whole = (root / "cat" / "0.png").read_bytes()
    (root / "cat" / "empty.jpg").touch()
    (root / "cat" / "short.png").write_bytes(whole[: len(whole) // 2])
    (root / "dog" / "notes.txt").write_text("not an image")
    (root / "dog" / "gone.jpg").symlink_to(root / "nowhere.jpg")
    (root / "labels.csv").write_text("outside the classes")
    (root / "dog" / ".DS_Store").write_bytes(b"the system's")
    (root / ".cache").mkdir()
    os.mkfifo(root / "dog" / "pipe.jpg")
    dataset = folder.load()
    assert len(everything(dataset)) == 10
    reasons = dict(line.split(": ", 1) for line in dataset.left_out)
    assert reasons.keys() == {"labels.csv", "cat/empty.jpg", "cat/short.png", "dog/notes.txt", "dog/gone.jpg", "dog/pipe.jpg"}
    assert reasons["cat/empty.jpg"] == "it is empty"
    assert "truncated" in reasons["cat/short.png"]
    assert reasons["dog/notes.txt"] == "it is not a JPEG, PNG, BMP or GIF image"

    with pytest.raises(InputError, match="this cannot be used: labels.csv: it is outside the classes' folders, and 5 more;"):
        replace(folder, on_bad="error").load()


def test_a_wrong_suffix_does_not_matter(make: Make) -> None:
    folder = make()
    for name in ("0.png", "1.png"):
        (root_of(folder) / "cat" / name).rename(root_of(folder) / "cat" / name.replace(".png", ".jpg"))
    (root_of(folder) / "dog" / "2.png").rename(root_of(folder) / "dog" / "no ending")
    dataset = folder.load()
    assert dataset.left_out == ()
    assert len(everything(dataset)) == 10


def test_names_in_any_script_and_undecodable_bytes(make: Make, tmp_path: Path) -> None:
    folder = make(classes=("кот", "犬", "a\nb"))
    with open(os.fsencode(root_of(folder) / "кот") + b"/\xff\xfe.jpg", "wb") as file:
        file.write(b"damaged")
    dataset = folder.load()
    assert dataset.classes == ("a\N{REPLACEMENT CHARACTER}b", "кот", "犬")
    [line] = dataset.left_out
    assert line.encode("utf-8").startswith("кот/".encode())
    staged = open_staged(stage(folder, tmp_path / "staged", None))
    assert (staged.classes, staged.left_out) == (dataset.classes, dataset.left_out)


def test_a_thousand_classes(make: Make) -> None:
    folder = make(3, tuple(f"{index:04}" for index in range(1000)))
    dataset = folder.load()
    assert len(dataset.classes) == 1000
    assert dataset.test is not None
    assert (np.bincount(dataset.test.y) == 1).all()
    assert (np.bincount(dataset.train.y) == 2).all()


def spoiled(content: bytes, cut: float, changes: list[tuple[float, int]]) -> bytes:
    """Cut the end of a file off and change some of its bytes."""
    spoiled = bytearray(content[: int(len(content) * cut)])
    for place, value in changes:
        if spoiled:
            spoiled[int(place * (len(spoiled) - 1))] = value
    return bytes(spoiled)


@given(
    kind=st.sampled_from(sorted(ENDINGS)),
    mode=st.sampled_from(["1", "L", "P", "RGB", "RGBA", "LA", "CMYK", "I;16"]),
    size=st.tuples(st.integers(1, 40), st.integers(1, 40)),
    cut=st.one_of(st.just(1.0), st.floats(0, 1)),
    changes=st.lists(st.tuples(st.floats(0, 1), st.integers(0, 255)), max_size=4),
)
def test_a_spoiled_file_of_any_mode_is_an_image_or_is_left_out(
    kind: str, mode: str, size: tuple[int, int], cut: float, changes: list[tuple[float, int]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    file = tmp_path_factory.mktemp("spoiled", numbered=True) / f"a{ENDINGS[kind]}"
    try:
        photo(1, size, mode).save(file, kind)
    except (OSError, ValueError):  # The format does not know the mode.
        photo(1, size).save(file, kind)
    file.write_bytes(spoiled(file.read_bytes(), cut, changes))
    found = read(file, 8, 6)
    if isinstance(found, UnreadableError):
        assert cut < 1 or changes, f"a whole {mode} {kind} was refused: {found}"
        assert "\n" not in str(found)
    else:
        assert found.dtype == np.uint8
        assert found.shape in [(8, 6, 1), (8, 6, 3)]


def test_the_identity_notices_a_file_that_is_added_removed_renamed_or_changed_and_nothing_else(make: Make) -> None:
    folder = make()
    cat = root_of(folder) / "cat"
    seen = [folder.identity()]

    def now_differs() -> bool:
        seen.append(folder.identity())
        return len(set(seen)) == len(seen)

    assert folder.identity() == seen[0]
    photo(50).save(cat / "new.png")
    assert now_differs()
    (cat / "new.png").rename(cat / "newer.png")
    assert now_differs()
    photo(51).save(cat / "newer.png")
    assert now_differs()
    (cat / "newer.png").rename(cat.parent / "dog" / "newer.png")
    assert now_differs()
    (cat.parent / "dog" / "newer.png").unlink()
    assert folder.identity() == seen[0]
    assert replace(folder, size=[8, 8]).identity() != seen[0]
    assert replace(folder, test_fraction=0.3).identity() != seen[0]
    assert str(cat.parent.parent) not in seen[0], "a folder may move"


def test_a_second_start_reads_no_image(make: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = make()
    (root_of(folder) / "cat" / "empty.jpg").touch()
    first = stage(folder, tmp_path / "staged", None)

    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("an image was opened")

    monkeypatch.setattr(Image, "open", refuse)
    assert stage(folder, tmp_path / "staged", None) == first
    assert open_staged(first).left_out == ("cat/empty.jpg: it is empty",)


def no_images(root: Path) -> None:
    for file in root.rglob("*.png"):
        file.unlink()


def one_class(root: Path) -> None:
    (root / "dog").rename(root / ".dog")


def two_images(root: Path) -> None:
    for number in range(3):
        (root / "dog" / f"{number}.png").unlink()


def no_folders(root: Path) -> None:
    for name in ("cat", "dog"):
        (root / name).rename(root / f".{name}")


def nested(root: Path) -> None:
    (root / "dog" / "puppies").mkdir()


def link_out(root: Path) -> None:
    photo().save(root.parent / "outside.png")
    (root / "dog" / "link.png").symlink_to(root.parent / "outside.png")


def folder_link_out(root: Path) -> None:
    (root.parent / "elsewhere").mkdir()
    (root / "fox").symlink_to(root.parent / "elsewhere")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (no_images, "holds no images"),
        (no_folders, "holds no images"),
        (one_class, "has one class, 'cat'; expected at least two sub-folders"),
        (two_images, "class 'dog' has 2 readable images; expected at least 3"),
        (nested, "'dog/puppies' is a folder; expected images in 'dog'"),
        (link_out, "dog/link.png' is a link that points outside the folder"),
        (folder_link_out, "fox' is a link that points outside the folder"),
    ],
)
def test_folders_that_cannot_be_used(change: Callable[[Path], None], words: str, make: Make) -> None:
    folder = make()
    change(root_of(folder))
    with pytest.raises(InputError) as error:
        folder.load()
    assert words in str(error.value)
    assert "\n" not in str(error.value)


def test_links_that_stay_inside_are_followed(make: Make) -> None:
    folder = make()
    (root_of(folder) / "dog" / "link.png").symlink_to(root_of(folder) / "dog" / "0.png")
    (root_of(folder).parent / "short").symlink_to(root_of(folder))
    assert len(everything(folder.load())) == 11
    assert len(everything(replace(folder, path=str(root_of(folder).parent / "short")).load())) == 11


@pytest.mark.parametrize(
    ("parameters", "words"),
    [
        ({"path": None}, "data.path=DIR"),
        ({"path": "owm"}, "did you mean 'own'?"),
        ({"path": "own/cat/0.png"}, "is a file"),
        ({"size": [0, 8]}, "not [0, 8]"),
        ({"path": 2024}, "data.path must be a path, or null, not 2024"),
        ({"size": 32}, "such as [32,32], not 32"),
        ({"size": "32\n32"}, "such as [32,32], not '32\\n32'"),
        ({"test_fraction": 1.0}, "data.test_fraction must be a number above 0 and below 1, not 1.0"),
        ({"on_bad": "skp"}, "did you mean 'skip'?"),
    ],
)
def test_parameters_that_cannot_be_used(
    parameters: dict[str, str], words: str, make: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = make()
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError) as error:
        replace(folder, **parameters).identity()
    assert words in str(error.value)


@given(members=st.lists(st.integers(3, 12), min_size=2, max_size=6), fraction=st.floats(0.01, 0.99))
def test_every_class_keeps_images_to_train_on_to_hold_out_and_to_test_with(
    members: list[int], fraction: float, tmp_path_factory: pytest.TempPathFactory
) -> None:
    root = tmp_path_factory.mktemp("own", numbered=True)
    pixel = tmp_path_factory.getbasetemp() / "pixel.png"
    if not pixel.exists():
        Image.new("L", (1, 1)).save(pixel)
    for label, count in enumerate(members):
        (root / f"{label}").mkdir()
        for number in range(count):
            os.link(pixel, root / f"{label}" / f"{number}.png")
    dataset = Folder(str(root), size=[2, 2], test_fraction=fraction).load()
    assert dataset.test is not None
    assert np.bincount(dataset.train.y, minlength=len(members)).min() >= 2
    assert np.bincount(dataset.test.y, minlength=len(members)).min() >= 1
    assert len(everything(dataset)) == sum(members)


def test_larger_test_fractions_only_add_to_the_test_part(make: Make) -> None:
    folder = make(12)
    parts = [replace(folder, test_fraction=fraction).load().test for fraction in (0.1, 0.3, 0.6)]
    tests = [{image.tobytes() for image in part.x} for part in parts if part is not None]
    assert all(smaller < larger for smaller, larger in pairwise(tests))


def test_a_study_on_a_folder_reports_what_it_left_out(make: Make, tmp_path: Path) -> None:
    folder = make(12, size=[16, 16])
    (root_of(folder) / "cat" / "broken.jpg").write_bytes(b"no image")
    arguments = ("data=folder", f"data.path={folder.path}", "data.size=[16,16]", "features=none", "seeds=1")
    tiny = ("model.width=2", "training.epochs=1", "training.batch_size=8", "study.name=own")
    ended = in_this_process(tmp_path, *arguments, *tiny)
    assert ended.code == 0, ended.err
    sentence = "1 file of the data was left out: cat/broken.jpg: it is not a JPEG, PNG, BMP or GIF image."
    assert sentence in ended.out
    assert sentence in (tmp_path / "mlruns/studies/own/table.md").read_text()
    [parent] = logged(tmp_path).parents
    assert "left_out.txt" in {each.path for each in logged(tmp_path).client.list_artifacts(parent.info.run_id)}

    refused = "this cannot be used: cat/broken.jpg: it is not a JPEG, PNG, BMP or GIF image; data.on_bad=skip leaves such files out"
    with pytest.raises(InputError, match=f"^{refused}$"):
        in_this_process(tmp_path, *arguments, *tiny, "data.on_bad=error")
