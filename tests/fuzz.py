"""Fuzzes the configuration and data files with wrong values: each is taken, or refused in one sentence, in seconds, and nothing is written.

    python tests/fuzz.py                                     # 2,000 configurations and 200 data files
    python tests/fuzz.py --settings 100 --files 0 --seed 7
    python tests/fuzz.py --case settings/0/1234              # one case

A configuration is composed and its study made; nothing is trained. The suite runs a small part of this.
"""

import argparse
import os
import random
import resource
import shutil
import signal
import sys
import tempfile
import time
import warnings
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import chdir
from copy import deepcopy
from dataclasses import dataclass
from functools import cache, partial
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np

HANGS = 20
"""Seconds after which a case counts as one that never ends; the machine may be busy."""

LONGEST = 600
"""Characters of a sentence at most."""

LEAKS = ("mismatched input", "no viable alternative", "object_type", "Traceback", "DictConfig", "ListConfig", "NoneType", " object at 0x")
"""Words that people should not have to read."""

TAKEN, REFUSED, FAILED = "taken", "refused", "failed"


@dataclass(frozen=True)
class Ended:
    """How a case ended: taken, refused in a sentence, or failed, with what was said and the seconds it took."""

    case: str
    given: str
    how: str
    said: str
    seconds: float


class HungError(BaseException):
    """Not an ``Exception``, so that nothing takes it for an error of its own."""


def ended(case: str, given: str, do: Callable[[], object]) -> Ended:
    """Do what a case asks for, and judge what came of it."""
    from ablation.configuration import in_a_sentence

    def hang(number: int, frame: object) -> None:
        raise HungError

    began = time.perf_counter()
    signal.signal(signal.SIGALRM, hang)
    signal.alarm(HANGS)
    try:
        do()
        how, said = TAKEN, ""
    except HungError:
        how, said = FAILED, f"did not end in {HANGS} seconds"
    except Exception as error:
        # Without the frames of this file, which would pass for one of the user's.
        sentence = in_a_sentence(error.with_traceback(None))
        how, said = (REFUSED, sentence) if sentence else (FAILED, f"{type(error).__name__}: {error}")
    finally:
        signal.alarm(0)
    if how == REFUSED and (len(said.splitlines()) != 1 or len(said) > LONGEST or any(word in said for word in LEAKS)):
        how = FAILED
    return Ended(case, given, how, said, time.perf_counter() - began)


# ---- configurations ---------------------------------------------------------------------------------------------------------------

VALUES = (
    *("0", "1", "-1", "2", "3", "7", "0.5", "-0.5", "1.5", "1e300", "1e-300", "1e20", "nan", "inf", "-inf", "1" + 20 * "0"),
    *(
        "2147483648",
        "1000000",
        "true",
        "false",
        "null",
        "''",
        '""',
        "a",
        "'a b'",
        "ä",
        "'5'",
        "???",
        "''''",
        "a=b",
        "a:b",
        "~",
        "~nouser/x",
    ),
    *(
        "~nouser/x",
        '"~nouser/x.npz"',
        "/dev/zero",
        "/dev/null",
        "pipe.npz",
        ".",
        "missing.npz",
        "'a/../b'",
        "'\\n'",
        "auto",
        "sequential",
        "many",
    ),
    *("[]", "{}", "[1]", "[0]", "[1,1]", "[a]", "[[a]]", "[null]", "[1,a]", "[mixup]", "[mixup,mixup]", "{a: 1}", "{a: {b: 1}}", "{1: 2}"),
    *("[1,2,3]", "[5,8,12]", "[16,16]", "[0,-1]", "[1e20]", "[true]", "[inf]", "[{}]", "{a: []}", "{_target_: nowhere.X}", "{_target_: 5}"),
    *("${seeds}", "${nope}", "${oc.env:NOPE}", "${study.name}", "${", "$", "[", "]", "{", "}", "[1", "{a: 1", "(", ")", "a,b", "1,2"),
    *("range(1,3)", "choice(1,2)", "glob(*)", "shuffle(1,2)", "int(3)", "str(3)", "json_str([])", "b'5'", "\\", "%", "#", "a" * 300),
    *("[" * 50 + "]" * 50, "imagenet", "head", "test", "held_out", "unit", "symmetric", "adam", "sgd", "[sgd]", "constant", "one_cycle"),
    *("tensorflow", "jax", "score", "ablation.images.models.CNN", "json.loads", "math.pi", "toy.train", "toy", "tyo.train", "toy.py"),
)

LIKELY = ("1", "2", "3", "5", "0.1", "0.5", "true", "false", "null", "a", "[mixup]", "[one]", "[1,2]", "[3,5]", "16")
"""Values that a setting may well take."""

SUBJECTS: tuple[tuple[str, ...], ...] = (
    (),
    ("subject=function", "subject.target=toy.train", "subject.features=[one,two]"),
    ("subject=command", 'subject.command="python toy.py --seed {seed} {features}"', "subject.features={one: --one, two: --two}"),
)


@cache
def settings_of(subject: tuple[str, ...], choice: str = "") -> tuple[str, ...]:
    """Return the names of all settings that a study with a subject and another choice has."""
    from ablation.configuration.settings import known_settings

    return tuple(known_settings([*subject[:1], *([choice] if choice else [])]))


def words(draw: random.Random) -> list[str]:
    """Draw the words of a command, of which one to three are wrong more often than not."""
    from ablation.configuration.files import groups, options

    subject = draw.choices(SUBJECTS, (6, 2, 2))[0]
    given = list(subject)
    choice = ""
    if draw.random() < 0.3:
        group = draw.choice([each for each in groups() if each != "subject"])
        option = draw.choice([*options(group), draw.choice(VALUES)])
        given.append(f"{group}={option}")
        choice = given[-1] if option in options(group) and not subject else ""
    names = settings_of(subject, choice)
    for _ in range(draw.choice((1, 1, 1, 2, 3))):
        name = draw.choice(names)
        way = draw.random()
        if way < 0.75:
            given.append(f"{name}={draw.choice(draw.choice((LIKELY, VALUES)))}")
        elif way < 0.80:
            given.append(f"{draw.choice(('+', '++'))}{name}{draw.choice(('', '.more'))}={draw.choice(VALUES)}")
        elif way < 0.85:
            given.append(f"~{name}")
        elif way < 0.90:
            given.append(f"{_mistyped(name, draw)}={draw.choice(VALUES)}")
        elif way < 0.95:
            given.append(draw.choice((name, f"{name}=", f"={name}", f"+{name}", f"{name}@x=1", f"{name}==1", f"{name} = 1")))
        else:
            given.append(f"{name}={_mistyped(draw.choice(VALUES), draw)}")
    return given


def _mistyped(text: str, draw: random.Random) -> str:
    place = draw.randrange(len(text) + 1)
    return text[:place] + draw.choice("aé.[]{}=,:~$'\"\\ 0-\t") + text[place + draw.choice((0, 1)) :]


WHOLE = 0.1
"""How many of the cases are composed from the files on. For the others the choices are, once for all, and the other words by Hydra's own
code on top of them: three times as fast, and the same."""


@cache
def composed(choices: tuple[str, ...]) -> Any:
    import hydra
    from hydra.core.global_hydra import GlobalHydra

    from ablation.configuration.files import FOLDER, HYDRA

    GlobalHydra.instance().clear()
    with hydra.initialize_config_dir(str(FOLDER), **HYDRA):
        return hydra.compose("config", list(choices), return_hydra_config=True)


def asked_on_top(given: list[str]) -> Any:
    """Return what :func:`asked_in_words` returns, from choices that were composed before."""
    from hydra._internal.config_loader_impl import ConfigLoaderImpl
    from hydra.core.hydra_config import HydraConfig
    from hydra.core.override_parser.overrides_parser import OverridesParser
    from omegaconf import OmegaConf

    from ablation.configuration.asked import asked_for
    from ablation.configuration.files import groups
    from ablation.configuration.words import check_words

    check_words(given)
    choices = [word for word in given if word.lstrip("+~").partition("=")[0].partition("@")[0] in groups()]
    config = deepcopy(composed(tuple(choices)))
    others = OverridesParser.create().parse_overrides([word for word in given if word not in choices])
    ConfigLoaderImpl._apply_overrides_to_config(others, config)
    HydraConfig.instance().set_config(config)
    return asked_for(OmegaConf.masked_copy(config, [str(key) for key in config if key != "hydra"]))


def configuration(case: str, draw: random.Random) -> Ended:
    """Compose a configuration and make its study."""
    from ablation.configuration import asked_in_words

    given = words(draw)
    ask = asked_in_words if draw.random() < WHOLE else asked_on_top

    def make() -> None:
        sys.argv = ["ablation", *given]
        study = ask(given).study
        # Not its key, for which data would be read or fetched.
        assert study.arms and len(os.fsencode(study.given_name or "")) <= 255

    result = ended(case, " ".join(given), make)
    left = [name for name in ("mlflow.db", "mlruns") if Path(name).exists()]
    return Ended(case, result.given, FAILED, f"left {left}", result.seconds) if left else result


# ---- data files -------------------------------------------------------------------------------------------------------------------

COUNT = 12


def good_arrays() -> dict[str, np.ndarray]:
    x = np.random.default_rng(0).integers(0, 256, (COUNT, 8, 8, 3), np.uint8)
    y = np.arange(COUNT) % 3
    return {"x_train": x, "y_train": y, "x_test": x[:6], "y_test": y[:6]}


STRANGE: tuple[Callable[[np.ndarray], Any], ...] = (
    lambda a: a.astype(float) / 255,
    lambda a: a.astype(np.float16) * np.nan,
    lambda a: a.astype(complex),
    lambda a: a.astype(object),
    lambda a: a.astype(str),
    lambda a: a.astype(bool),
    lambda a: a.astype(np.uint64) + 2**63,
    lambda a: -a.astype(int),
    lambda a: a[..., None],
    lambda a: a[0],
    lambda a: a[:0],
    lambda a: a[:-1],
    lambda a: np.concatenate([a, a]),
    lambda a: np.broadcast_to(a, (2, *a.shape)),
    lambda a: np.asfortranarray(a),
    lambda a: a.astype(a.dtype.newbyteorder(">")),
    lambda a: np.datetime64("2020-01-01") + a.astype("timedelta64[D]"),
    lambda a: np.zeros(a.shape, [("a", int), ("b", float)]),
    lambda a: np.array(3),
    lambda a: np.array({}),
    lambda a: a.astype(float) * 1e300,
)


def npz_file(file: Path, draw: random.Random) -> str:
    """Write a file of arrays that is wrong in its arrays or in its bytes; return what was done."""
    arrays: dict[str, Any] = dict(good_arrays())
    done = []
    if draw.random() < 0.6:
        name, which = draw.choice(list(arrays)), draw.randrange(len(STRANGE))
        arrays[name] = STRANGE[which](arrays[name])
        done.append(f"{name} strange {which}")
    if draw.random() < 0.2:
        name = draw.choice(list(arrays))
        arrays[draw.choice(("x", "y_tran", "ä", "a/b", ""))] = arrays.pop(name)
        done.append(f"{name} renamed")
    buffer = BytesIO()
    draw.choice((np.savez, np.savez_compressed))(buffer, **arrays)
    file.write_bytes(_damaged(buffer.getvalue(), draw, done))
    return f"npz: {', '.join(done) or 'nothing'}"


def _damaged(content: bytes, draw: random.Random, done: list[str]) -> bytes:
    """Return bytes with some of them changed, cut off or added, in half of all cases."""
    way = draw.random()
    if way < 0.5:
        return content
    data = bytearray(content)
    if way < 0.75:
        places = [draw.randrange(len(data)) for _ in range(draw.choice((1, 3, 30)))]
        for place in places:
            data[place] = draw.randrange(256)
        done.append(f"{len(places)} bytes changed")
    elif way < 0.9:
        del data[draw.randrange(len(data)) :]
        done.append(f"cut to {len(data)} bytes")
    else:
        place = draw.randrange(len(data))
        data[place:place] = draw.randbytes(draw.choice((1, 100, 5000)))
        done.append("bytes added")
    return bytes(data)


def image_folder(folder: Path, draw: random.Random) -> str:
    """Write a folder of images, some of them strange, with strange things among them; return what was done."""
    from PIL import Image

    done: list[str] = []
    for name in ("cats", "dogs", "ä b")[: draw.choice((1, 2, 2, 3))]:
        (folder / name).mkdir(parents=True)
        for number in range(draw.choice((0, 2, 5, 5, 5))):
            mode = draw.choice(("RGB", "L", "P", "1", "RGBA", "CMYK", "I;16", "LA"))
            kind = draw.choice({"CMYK": ("JPEG",), "I;16": ("PNG",), "LA": ("PNG",), "RGBA": ("PNG",)}.get(mode, ("PNG", "BMP", "GIF")))
            image = Image.new(mode, (draw.choice((1, 7, 40)), draw.choice((1, 9, 50))))
            buffer = BytesIO()
            image.save(buffer, kind)
            (folder / name / f"{number}.{draw.choice(('png', 'jpg', 'txt', 'gif'))}").write_bytes(_damaged(buffer.getvalue(), draw, done))
    first = folder / "cats"
    strange = draw.choice(("", "", "pipe", "folder", "link", "broken link", "outside", "name", "bytes", "text", "empty", "stray"))
    match strange:
        case "pipe":
            os.mkfifo(first / "pipe.png")
        case "folder":
            (first / "folder.png").mkdir()
        case "link":
            (first / "link.png").symlink_to(first)
        case "broken link":
            (first / "broken.png").symlink_to(first / "nowhere.png")
        case "outside":
            (first / "zero.png").symlink_to("/dev/zero")
        case "name":
            (first / "new\nline\x1b[31m.png").write_bytes(b"no image")
        case "bytes":
            Path(os.fsdecode(os.fsencode(first) + b"/\xff\xfe.png")).write_bytes(b"no image")
        case "text":
            (first / "a.png").write_text("no image")
        case "empty":
            (first / "a.png").touch()
        case "stray":
            (folder / "readme.txt").touch()
    return f"folder: {', '.join([*done, strange or 'nothing strange'])}"


CELLS = ("", "nan", "inf", "-inf", "1e999", "a", "1", "0", "true", "0.5", "'", '"', ";", "ä", "-", "yes", "2**3", "1,5", "2020-01-01")


def table_file(file: Path, draw: random.Random) -> str:
    """Write a table of runs that is wrong in its cells or in its bytes; return what was done."""
    heads = ["seed", "one", "two", "score"]
    rows = [
        [str(seed), str(one), str(two), f"{0.5 + 0.1 * one + 0.01 * seed:.3f}"] for seed in range(3) for one in (0, 1) for two in (0, 1)
    ]
    done: list[str] = []
    for _ in range(draw.choice((0, 1, 3))):
        row, column = draw.randrange(len(rows)), draw.randrange(4)
        rows[row][column] = draw.choice(CELLS)
        done.append(f"cell {rows[row][column]!r}")
    if draw.random() < 0.2:
        heads[draw.randrange(4)] = draw.choice(("", "seed", "score", "ä", "one"))
        done.append("head")
    if draw.random() < 0.2:
        rows[draw.randrange(len(rows))] = draw.choice(([], ["1"], ["1"] * 9))
        done.append("row")
    text = "\n".join(",".join(row) for row in (heads, *rows)) + draw.choice(("\n", "", "\n\n", "\x00"))
    file.write_bytes(_damaged(text.encode(draw.choice(("utf-8", "utf-8", "utf-16", "latin-1"))), draw, done))
    return f"table: {', '.join(done) or 'nothing'}"


def data_file(case: str, draw: random.Random) -> Ended:
    """Read a data file, as a study or an analysis does before it begins."""
    place = Path("data")
    shutil.rmtree(place, ignore_errors=True)
    place.mkdir()
    kind = draw.choices(("npz", "folder", "table"), (5, 3, 2))[0]
    if kind == "npz":
        given = npz_file(place / "images.npz", draw)
        do: Callable[[], object] = partial(_read_images, "npz", place / "images.npz")
    elif kind == "folder":
        given = image_folder(place / "images", draw)
        do = partial(_read_images, "folder", place / "images")
    else:
        given = table_file(place / "runs.csv", draw)
        do = partial(_analyse, place / "runs.csv")
    return ended(case, given, do)


def _read_images(kind: str, path: Path) -> None:
    from ablation.images.data import Folder, Npz, divide

    source = Npz(str(path)) if kind == "npz" else Folder(str(path), (8, 8))
    source.identity()
    divide(source.load(), "held_out", 0.2, np.random.default_rng(0))


def _analyse(file: Path) -> None:
    from ablation.elsewhere.findings import findings_of
    from ablation.elsewhere.question import Question
    from ablation.elsewhere.read import table_of_file

    findings_of(table_of_file(str(file)), Question(score=("score",), features=("one", "two")))


# ---- all together -----------------------------------------------------------------------------------------------------------------

KINDS: dict[str, Callable[[str, random.Random], Ended]] = {"settings": configuration, "files": data_file}


def fuzz(cases: Sequence[str]) -> list[Ended]:
    """Do cases such as ``settings/0/12`` (kind, seed, number) in a folder of their own."""
    results = []
    with tempfile.TemporaryDirectory() as folder, chdir(folder), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        Path("toy.py").write_text("def train(seed, one=False, two=False):\n    return 0.5\n")
        os.mkfifo("pipe.npz")
        sys.path.insert(0, folder)
        before, argv = os.environ.pop("MLFLOW_TRACKING_URI", None), sys.argv
        try:
            for case in cases:
                results.append(KINDS[case.partition("/")[0]](case, random.Random(case)))
        finally:
            sys.path.remove(folder)
            sys.argv = argv
            sys.modules.pop("toy", None)
            if before is not None:
                os.environ["MLFLOW_TRACKING_URI"] = before
    return results


def cases(kind: str, seed: int, count: int) -> list[str]:
    return [f"{kind}/{seed}/{number}" for number in range(count)]


def show(results: Iterable[Ended], seconds: float, processor: float) -> bool:
    """Print counts and what failed; return whether nothing did."""
    for kind in KINDS:
        some = [each for each in results if each.case.startswith(kind)]
        if some:
            counts = Counter(each.how for each in some)
            slowest = max(some, key=lambda each: each.seconds)
            words = ", ".join(f"{counts[how]} {how}" for how in (TAKEN, REFUSED, FAILED))
            print(f"{kind}: {len(some)} cases, {words}; the slowest took {slowest.seconds:.1f} s ({slowest.case})")
    failed = [each for each in results if each.how == FAILED]
    for each in failed:
        print(f"{each.case}: {each.given}\n    {each.said}")
    print(f"{seconds:.0f} s in all, {processor:.0f} s of processor time")
    return not failed


def main() -> int:
    parser = argparse.ArgumentParser(description="Fuzz the configuration and data files.")
    parser.add_argument("--settings", type=int, default=2_000)
    parser.add_argument("--files", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--processes", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--case")
    given = parser.parse_args()
    chosen = [given.case] if given.case else [*cases("settings", given.seed, given.settings), *cases("files", given.seed, given.files)]
    began = time.perf_counter()
    with ProcessPoolExecutor(given.processes) as pool:
        parts = pool.map(fuzz, [chosen[first :: given.processes] for first in range(given.processes)])
        results = [each for part in parts for each in part]
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return 0 if show(results, time.perf_counter() - began, used.ru_utime + used.ru_stime) else 1


if __name__ == "__main__":
    sys.exit(main())
