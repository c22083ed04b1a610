"""Three features together can pass for a fourth one: the designs in which they can are named, and two more arms separate them."""

import re
from collections.abc import Sequence

import numpy as np
import pytest
from findings import FEATURES, enriched, synthetic

from ablation import report
from ablation.designs import Arm, Design, aliases, bookends, cumulative, factorial, fractional, pairs, restricted, shapley
from ablation.effects import estimate
from ablation.errors import InputError
from ablation.report.aliases import aliased, before_runs

SEVEN = tuple(f"f{number}" for number in range(1, 8))
TOGETHER = {"f1", "f2", "f4"}


def innocent(design: Design) -> str:
    """Return the feature that the fraction aliases with f1 × f2 × f4."""
    [feature] = [name for name, terms in zip(design.features, aliases(design), strict=True) if TOGETHER in map(set, terms)]
    return feature


def game(arms: Sequence[Arm], seeds: int, size: float, random: np.random.Generator) -> np.ndarray:
    """Return scores in which nothing acts but three features together."""
    means = np.array([size if arm >= TOGETHER else 0.0 for arm in arms])
    return means + random.normal(0, 3, (seeds, 1)) + random.normal(size=(seeds, len(arms)))


def test_an_alias_takes_as_much_of_a_synergy_as_those_who_make_it() -> None:
    design = fractional(SEVEN)
    worth = np.array([4.0 if arm >= TOGETHER else 0.0 for arm in design.arms])
    credited = dict(zip(SEVEN, design.contrasts @ worth, strict=True))
    assert {name for name, effect in credited.items() if abs(effect) > 1e-9} == {*TOGETHER, innocent(design)}
    assert all(credited[name] == pytest.approx(1.0) for name in (*TOGETHER, innocent(design)))
    assert [len(terms) for terms in aliases(design)] == [4] * 7
    assert all(feature not in term for feature, terms in zip(SEVEN, aliases(design), strict=True) for term in terms)


@pytest.mark.parametrize(
    "design", [cumulative(SEVEN), bookends(SEVEN), factorial(SEVEN), shapley(SEVEN, 10), pairs(SEVEN), fractional("abc")]
)
def test_other_designs_have_no_aliases(design: Design) -> None:
    assert not any(aliases(design)) and before_runs(design) == []


def test_of_many_aliases_the_report_names_four_a_feature_and_a_plan_counts_them() -> None:
    letters = tuple("abcdefghijklmno")
    assert {len(terms) for terms in aliases(fractional(letters))} == {28}
    assert aliased(fractional(letters))["a"].endswith(" and 24 more")
    [first, meaning] = before_runs(fractional(letters))
    assert re.fullmatch(r"fractional: each feature is aliased with 28 products of three others, such as a with . × . × .\.", first)
    assert "arms (“a” and “all − a”)" in meaning


def test_two_more_arms_free_a_feature_from_all_of_its_aliases() -> None:
    design = fractional(SEVEN)
    feature = innocent(design)
    apart = bookends(SEVEN, of=[feature])
    assert len(set(apart.arms) - set(design.arms)) == 2
    worth = np.array([4.0 if arm >= TOGETHER else 0.0 for arm in apart.arms])
    assert apart.features == (feature,) and (apart.contrasts @ worth).tolist() == [0.0]
    random, helps = np.random.default_rng(0), {"fractional": 0, "bookends": 0}
    for _ in range(100):
        for each in (design, apart):
            verdicts = dict(zip(each.features, estimate(each, game(each.arms, 5, 4.0, random), 0.0).verdict, strict=True))
            helps[each.name] += verdicts[feature] == "helps"
    assert helps["fractional"] > 60 and helps["bookends"] < 10


@pytest.mark.parametrize("count", [4, 5, 6, 9, 12, 15])
def test_two_more_arms_are_enough_for_a_fraction_of_any_size(count: int) -> None:
    assert "2 more arms (" in before_runs(fractional("abcdefghijklmno"[:count]))[-1]


def test_a_plan_says_which_arms_to_add_and_how() -> None:
    *each, last = before_runs(fractional(FEATURES))
    assert len(each) == 7 and each[0].startswith("fractional: augmentation is aliased with batch_norm × gap × dropout, ")
    assert "2 more arms (“augmentation” and “all − augmentation”)" in last
    assert "features=[fractional,bookends] features.of=[augmentation]" in last and "4 times the seeds" in last


def test_a_fraction_without_its_full_arm_names_what_is_left_and_no_arm_that_cannot_be() -> None:
    left = restricted(fractional(FEATURES), lambda arm: not arm >= {"mixup", "amsgrad"})
    found = aliases(left)
    assert len(found) == len(left.features)
    assert not any("more arms" in sentence for sentence in before_runs(left))


def test_the_report_names_the_aliases_beside_what_it_claims() -> None:
    findings = enriched(synthetic(fractional(FEATURES), gains=(0.3, 0, 0, 0, 0, 0, 0), noise=0.005))
    document = report.document(findings, [])
    [table] = [table for table in document.tables if table.title == "Aliases (fractional)"]
    assert dict(table.lines)["augmentation"].count(" × ") == 8 and len(table.lines) == 7
    [note] = [note for note in document.notes if "three other features together" in note]
    assert "what it says of augmentation" in note


@pytest.mark.parametrize(("of", "message"), [(["mixupp"], "'mixupp'.*names none of the features"), ([], "names none of")])
def test_a_feature_to_credit_that_is_not_there_is_refused(of: list[str], message: str) -> None:
    with pytest.raises(InputError, match=message):
        bookends(FEATURES, of=of)
