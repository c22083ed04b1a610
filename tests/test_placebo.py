"""Placebos: they draw other numbers, and change nothing else."""

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
import pytest

from ablation.images.catalogue import compose
from ablation.images.data import Images
from ablation.images.features import Evidence, Mixup, Placebo, RandomWarp
from ablation.images.models import CNN
from ablation.images.recipe import Recipe
from ablation.images.training.draws import Draws, draw_epoch
from ablation.images.training.settings import Training

if TYPE_CHECKING:
    from ablation.images.training.program import Program

START = Training(1, 16).recipe()


def drawn(*streams: str, seed: int = 0) -> Draws:
    features = {"mixup": Mixup(), "warp": RandomWarp(), **{stream: Placebo(stream) for stream in streams}}
    recipe = compose(START, features, CNN(), "cnn")
    return draw_epoch(recipe, seed, 0, np.arange(64) % 4, 4, 16, (16, 16))


def test_a_placebo_draws_every_number_of_an_epoch_anew_from_the_same_distributions() -> None:
    plain, other = drawn(), drawn("a")
    for one, two in zip(plain.arrays(), other.arrays(), strict=True):
        assert one.shape == two.shape
        assert one.dtype == two.dtype
        assert not np.array_equal(one, two)
    assert sorted(plain.own) == sorted(other.own)
    assert sorted(other.partners if other.partners is not None else []) == list(range(64))


def test_two_placebos_and_both_together_are_three_different_draws() -> None:
    orders = {tuple(drawn(*streams).own.tolist()) for streams in ((), ("a",), ("b",), ("a", "b"))}
    assert len(orders) == 4
    np.testing.assert_array_equal(drawn("a").own, drawn("a").own)
    assert not np.array_equal(drawn("a", seed=1).own, drawn("a").own)


def test_without_a_placebo_the_draws_are_what_they_always_were() -> None:
    order = draw_epoch(Recipe(), 5, 2, np.zeros(32, dtype=int), 1, 16, (8, 8)).own
    np.testing.assert_array_equal(order, np.random.default_rng([5, 1, 2]).permutation(32))


@pytest.mark.parametrize("on", [("a",), ("b", "a")])
def test_a_placebo_proves_itself_where_it_is_on_and_only_there(
    on: tuple[str, ...], build: "Callable[..., Program]", photos: Callable[..., Images], shown: Callable[..., Evidence]
) -> None:
    evidence = shown(build({stream: Placebo(stream) for stream in on}), photos())
    assert Placebo("a").verify(evidence)
    assert not Placebo("c").verify(evidence)
