"""Checks accept every value that fits and refuse any other in one sentence, which names the setting and the value."""

import math
from collections.abc import Callable
from pathlib import Path

import pytest

from ablation.checks import choice, flag, number, path, text, whole, whole_numbers
from ablation.errors import InputError

Check = Callable[[], None]

ACCEPTED: list[Check] = [
    lambda: whole("epochs", 1, 1),
    lambda: whole("seed", 0, 0),
    lambda: whole("size", 8, 8, 128),
    lambda: whole("size", 128, 8, 128),
    lambda: whole("limit", None, 1, optional=True),
    lambda: number("rate", 0.5, above=0, below=1),
    lambda: number("rate", 1, above=0),
    lambda: number("share", 0, at_least=0, at_most=1),
    lambda: number("share", 1.0, at_least=0, at_most=1),
    lambda: number("offset", -1e300),
    lambda: flag("plan", True),
    lambda: flag("plan", False),
    lambda: text("stream", "a"),
    lambda: path("path", "~/images"),
    lambda: path("path", Path("images")),
    lambda: path("path", None, optional=True),
    lambda: choice("form", "article", ("article", "controlled")),
    lambda: choice("weights", None, ("imagenet", None)),
    lambda: choice("optimizer", "adam", {"adam": 1, "sgd": 2}),
    lambda: whole_numbers("hidden", [200]),
    lambda: whole_numbers("hidden", (4096, 1)),
]

REFUSED: list[tuple[Check, str]] = [
    (lambda: whole("epochs", 0, 1), "epochs must be a whole number of at least 1, not 0"),
    (lambda: whole("epochs", 2.0, 1), "epochs must be a whole number of at least 1, not 2.0"),
    (lambda: whole("epochs", True, 1), "epochs must be a whole number of at least 1, not true"),
    (lambda: whole("epochs", "many", 1), "epochs must be a whole number of at least 1, not many"),
    (lambda: whole("epochs", "5", 1), "epochs must be a whole number of at least 1, not '5'"),
    (lambda: whole("epochs", None, 1), "epochs must be a whole number of at least 1, not null"),
    (lambda: whole("epochs", [3], 1), "epochs must be a whole number of at least 1, not [3]"),
    (lambda: whole("size", 7, 8, 128), "size must be a whole number from 8 to 128, not 7"),
    (lambda: whole("size", 129, 8, 128), "size must be a whole number from 8 to 128, not 129"),
    (lambda: whole("limit", 0, 1, optional=True), "limit must be a whole number of at least 1, or null, not 0"),
    (lambda: number("rate", 0, above=0, below=1), "rate must be a number above 0 and below 1, not 0"),
    (lambda: number("rate", 1.0, above=0, below=1), "rate must be a number above 0 and below 1, not 1.0"),
    (lambda: number("scale", -1, at_least=0), "scale must be a number of at least 0, not -1"),
    (lambda: number("share", 1.5, at_least=0, at_most=1), "share must be a number from 0 to 1, not 1.5"),
    (lambda: number("share", 2, at_most=1), "share must be a number of at most 1, not 2"),
    (lambda: number("momentum", 1, at_least=0, below=1), "momentum must be a number of at least 0 and below 1, not 1"),
    (lambda: number("rate", "many", above=0), "rate must be a number above 0, not many"),
    (lambda: number("rate", "0.5", above=0), "rate must be a number above 0, not '0.5'"),
    (lambda: number("rate", True, above=0), "rate must be a number above 0, not true"),
    (lambda: number("rate", None, above=0), "rate must be a number above 0, not null"),
    (lambda: number("rate", math.nan, above=0), "rate must be a number above 0, not nan"),
    (lambda: number("rate", math.inf, above=0), "rate must be a number above 0, not inf"),
    (lambda: number("offset", -math.inf), "offset must be a finite number, not -inf"),
    (lambda: flag("plan", "yes"), "plan must be true or false, not yes"),
    (lambda: flag("plan", 1), "plan must be true or false, not 1"),
    (lambda: text("stream", 5), "stream must be text of at least one character, not 5"),
    (lambda: text("stream", ""), "stream must be text of at least one character, not ''"),
    (lambda: text("stream", None), "stream must be text of at least one character, not null"),
    (lambda: path("path", 2024), "path must be a path, not 2024"),
    (lambda: path("path", ""), "path must be a path, not ''"),
    (lambda: path("path", None), "path must be a path, not null"),
    (lambda: path("path", True, optional=True), "path must be a path, or null, not true"),
    (
        lambda: choice("form", "controled", ("article", "controlled")),
        "form=controled is not known; did you mean 'controlled'? known: article, controlled",
    ),
    (lambda: choice("weights", 7, ("imagenet", None)), "weights=7 is not known; known: imagenet, null"),
    (lambda: choice("form", None, ("article", "controlled")), "form=null is not known; known: article, controlled"),
    (lambda: choice("form", True, ("article", "controlled")), "form=true is not known; known: article, controlled"),
    (lambda: choice("optimizer", ["adam"], {"adam": 1}), "optimizer=['adam'] is not known; did you mean 'adam'? known: adam"),
    (lambda: whole_numbers("hidden", []), "hidden must be a list of whole numbers of at least 1, such as [200], not []"),
    (lambda: whole_numbers("hidden", 200), "hidden must be a list of whole numbers of at least 1, such as [200], not 200"),
    (lambda: whole_numbers("hidden", "200"), "hidden must be a list of whole numbers of at least 1, such as [200], not '200'"),
    (lambda: whole_numbers("hidden", [8, 0]), "hidden must be a list of whole numbers of at least 1, such as [200], not [8, 0]"),
    (lambda: whole_numbers("hidden", [True]), "hidden must be a list of whole numbers of at least 1, such as [200], not [True]"),
]


@pytest.mark.parametrize("check", ACCEPTED)
def test_a_value_that_fits_is_accepted(check: Check) -> None:
    check()


@pytest.mark.parametrize(("check", "sentence"), REFUSED, ids=[sentence for _, sentence in REFUSED])
def test_any_other_value_is_refused_in_one_sentence(check: Check, sentence: str) -> None:
    with pytest.raises(InputError) as error:
        check()
    assert str(error.value) == sentence


def test_a_whole_number_that_no_float_holds_is_no_number() -> None:
    with pytest.raises(InputError, match="rate must be a number above 0, not 1000"):
        number("rate", 10**400, above=0)


def test_text_of_several_lines_stays_one_line() -> None:
    with pytest.raises(InputError) as error:
        whole("epochs", "one\ntwo", 1)
    assert "\n" not in str(error.value)
