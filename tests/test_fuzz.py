"""A small part of the fuzzing: ``python tests/fuzz.py`` does the whole."""

import pytest
from fuzz import FAILED, REFUSED, TAKEN, cases, fuzz


@pytest.mark.parametrize(("kind", "count"), [("settings", 40), ("files", 40)])
def test_whatever_is_given_is_taken_or_refused_in_a_sentence(kind: str, count: int) -> None:
    results = fuzz(cases(kind, 0, count))
    assert [each for each in results if each.how == FAILED] == []
    assert {each.how for each in results} == {TAKEN, REFUSED}
