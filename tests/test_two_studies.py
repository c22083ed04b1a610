"""Two finished studies beside each other: differences paired by seed where a seed means the same in both, else after Welch."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from command import undrawn
from findings import FEATURES, GAINS, synthetic
from scipy import stats

import ablation
from ablation.compare import compare
from ablation.compare.__main__ import main
from ablation.compare.words import notes
from ablation.designs import cumulative, fractional
from ablation.effects import estimate
from ablation.errors import InputError


def train(seed: int, wide: bool = False, warm: bool = False, slow: bool = False) -> float:
    """Score a run whose noise is the seed's."""
    return float(np.random.default_rng([seed, wide, warm, slow]).normal(0, 0.1)) + 1.0 * wide + 0.2 * warm


def test_studies_of_the_same_thing_with_the_same_seeds_are_paired() -> None:
    one, two = synthetic(seeds=4), synthetic(seeds=4, gains=[2 * gain for gain in GAINS])
    found = compare(one, two).designs[0]
    each = two.effects[0].per_seed - one.effects[0].per_seed
    expected = stats.ttest_1samp(each, 0)
    assert found.paired
    np.testing.assert_allclose(found.difference, each.mean(axis=0))
    np.testing.assert_allclose(found.low, expected.confidence_interval().low)


@pytest.mark.parametrize("change", ["description", "protocol", "seeds", "missing"])
def test_where_a_seed_does_not_mean_the_same_differences_are_not_paired(change: str) -> None:
    one, two = synthetic(seeds=4), synthetic(seeds=5 if change == "seeds" else 4)
    if change == "description":
        two = replace(two, description="Data: digits")
    if change == "protocol":
        two = replace(two, protocol="The score is the validation accuracy after one epoch.")
    if change == "missing":
        two = synthetic(seeds=4, failed=[(frozenset(), 0)])
    comparison = compare(one, two)
    found, effects = comparison.designs[0], (one.effects[0], two.effects[0])
    assert "not paired" in comparison.why
    assert not found.paired
    error = np.hypot(effects[0].error, effects[1].error)
    np.testing.assert_allclose(found.difference, effects[1].estimate - effects[0].estimate)
    assert (found.high - found.difference > stats.norm.ppf(0.975) * error).all()
    if change == "description":  # two paired steps of four seeds each: Welch's t test of their per-seed contrasts
        expected = stats.ttest_ind(effects[1].per_seed, effects[0].per_seed, equal_var=False).confidence_interval()
        np.testing.assert_allclose(found.low, expected.low)


def test_an_effect_that_varies_by_itself_guards_its_unpaired_difference() -> None:
    one = synthetic(fractional(FEATURES), seeds=4)
    sway = np.array([0.01, -0.01, 0.01, -0.01])[:, None] * np.array([FEATURES[0] in arm for arm in one.arms])
    scores = one.scores + sway
    two = replace(one, scores=scores, seeds=(4, 5, 6, 7), effects=(estimate(one.designs[0], scores, 0.005),))
    found = compare(one, two).designs[0]
    sides = [each.effects[0].per_seed[:, 0] for each in (one, two)]
    low, high = stats.ttest_ind(*sides, equal_var=False).confidence_interval(0.90)
    shared = np.hypot(one.effects[0].error[0], two.effects[0].error[0]) * stats.norm.ppf(0.975)
    assert not found.paired and not two.effects[0].varies[0]
    assert (found.high - found.low)[0] == pytest.approx(high - low), "90 % from the feature's own seeds"
    assert high - low > 2 * shared


def test_what_else_differs_in_how_runs_are_made_is_said() -> None:
    one = replace(synthetic(), methods=("The network is a cnn.", "It has 300 training images."))
    two = replace(synthetic(), methods=("The network is a cnn.", "It has 200 training images."))
    said = list(notes(compare(one, two)))
    assert "Runs are made in different ways. A: It has 300 training images. B: It has 200 training images." in said
    assert not any("cnn" in note for note in said)


def test_features_of_one_study_and_effects_from_other_arms_are_named() -> None:
    comparison = compare(synthetic(), synthetic(features=FEATURES[1:], gains=GAINS[1:]))
    said = " ".join(notes(comparison))
    assert comparison.designs[0].features == FEATURES[1:]
    assert "Only in A: augmentation." in said
    assert "rests on other arms" in said


def test_what_cannot_be_compared_is_refused() -> None:
    with pytest.raises(InputError, match="share a design"):
        compare(synthetic(cumulative(FEATURES)), synthetic(fractional(FEATURES)))
    with pytest.raises(InputError, match="has not come to its end"):
        compare(synthetic(), replace(synthetic(), unfinished=True))
    with pytest.raises(InputError, match="the same metric"):
        compare(synthetic(), replace(synthetic(), metric=replace(synthetic().metric, key="loss")))


def test_the_command_writes_table_picture_and_page(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    for name, features in (("few", ["wide", "warm"]), ("more", ["wide", "warm", "slow"])):
        with undrawn():
            ablation.run(train, features, seeds=3, name=name, execution="inline")
    capsys.readouterr()
    assert main(["few", "more"]) == 0
    said = capsys.readouterr().out
    folder = tmp_path / "mlruns/comparisons/few and more"
    assert {file.name for file in folder.iterdir()} == {"report.html", "report.md", "table.tex", "comparison.png", "comparison.svg"}
    assert "Only in B: slow." in said and said.startswith("A: few, B: more\n") and "Differs: p < 0.05" in said
    assert "Only in B: slow." in (folder / "report.md").read_text()
    assert main(["few", "mor"]) == 1
    assert "did you mean 'more'" in capsys.readouterr().err
