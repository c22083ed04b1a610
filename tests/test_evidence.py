"""The studies that examine published claims again: each composes, has the arms that its claim needs, and the claim's own networks."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from ablation.configuration import asked_in_words
from ablation.elsewhere.findings import findings_of
from ablation.elsewhere.question import Question
from ablation.elsewhere.read import features_of, table_of_file
from ablation.images.data import Images
from ablation.images.features import BatchNorm, L2Penalty, Mixup, NarrowBlocks, Residual, Shuffling
from ablation.images.models import CNN, ResNet
from ablation.images.recipe import Recipe
from ablation.report.tables import effects_table
from ablation.study.study import Study

if TYPE_CHECKING:
    from ablation.images.training.program import Program

Build = Callable[..., "Program"]
Photos = Callable[..., Images]

BASELINE: frozenset[str] = frozenset()


def asked(*words: str) -> tuple[Study, Any]:
    study = asked_in_words(list(words)).study
    return study, study.subject


def parameters(subject: Any, arm: frozenset[str], shape: tuple[int, int, int] = (32, 32, 3)) -> int:
    from ablation.images.training.cost import cost

    return cost(subject.model.build(subject.recipe(arm), shape, 10)).parameters


# The studies --------------------------------------------------------------------------------------------------------------------


def test_the_article_is_scored_on_images_that_no_arm_of_the_seed_is_trained_on() -> None:
    study, subject = asked("experiment=article_held_out")
    assert (len(study.arms), len(study.seeds), subject.model) == (21, 3, CNN(16))
    assert (subject.validation, subject.limit * (1 - subject.fraction), subject.training.epochs) == ("held_out", 20_000, 12)
    assert not any(design.excluded for design in study.designs)


@pytest.mark.parametrize(("hidden", "count"), [("[512,512,512]", 1_735_178), ("[512]", 1_209_866)])
def test_weight_decay_has_the_networks_and_the_training_of_zhang_and_others(hidden: str, count: int) -> None:
    study, subject = asked("experiment=weight_decay_mlp", f"model.hidden={hidden}")
    assert (len(study.arms), len(study.seeds), subject.validation) == (4, 5, "test")
    assert subject.source.description == "CIFAR-10, centre crops of 28 × 28"
    for name, expected in (("", 0.0), ("weight_decay", 1e-4), ("stronger_decay", 5e-4), ("strongest_decay", 4e-3)):
        arm = frozenset({name} - {""})
        recipe = subject.recipe(arm)
        assert parameters(subject, arm, (28, 28, 3)) == count
        assert [each.coefficient for each in recipe.gradients] == ([expected] if expected else [])
        assert (recipe.optimizer.name, dict(recipe.optimizer.options)) == ("sgd", {"momentum": 0.9})
        steps = recipe.optimizer.schedule
        assert [steps(step, 40 * 390) for step in (0, 389, 390, 39 * 390)] == pytest.approx([1, 1, 0.95, 0.95**39])


def test_cutmix_and_shuffling_are_on_and_off_whatever_the_other() -> None:
    study, subject = asked("experiment=keras_cutmix")
    both = frozenset({"cutmix", "shuffling"})
    assert set(study.arms) == {BASELINE, frozenset({"cutmix"}), frozenset({"shuffling"}), both} and len(study.seeds) == 3
    assert study.designs[0].arms == (BASELINE, frozenset({"shuffling"}), both), "CutMix comes where images are shuffled anyway"
    assert parameters(subject, both) == 274_442 and subject.model == ResNet(20)
    for arm in study.arms:
        recipe = subject.recipe(arm)
        assert (recipe.order is None, recipe.mixing is not None) == ("shuffling" in arm, "cutmix" in arm)
        assert [each.coefficient for each in recipe.gradients] == [2e-4], "in every arm"
    assert subject.limit >= 5000 and subject.training.epochs == 15


def test_skips_and_narrow_blocks_together_are_the_articles_residual_step() -> None:
    study, subject = asked("experiment=residual_apart")
    _, article = asked("experiment=article_held_out")
    before = frozenset({"augmentation", "batch_norm"})
    both = frozenset({"skips", "narrow_blocks"})
    assert len(study.arms) == 4 and len(study.seeds) == 5
    assert study.designs[0].arms == (BASELINE, frozenset({"narrow_blocks"}), both), "skips come where all of them are identities"
    for arm, other in ((BASELINE, before), (both, before | {"residual"})):
        assert parameters(subject, arm) == parameters(article, other)
    object.__setattr__(article, "_identity_of_source", "some images")
    object.__setattr__(subject, "_identity_of_source", "some images")
    assert subject.identity(BASELINE) == article.identity(before), "the same training"
    counts = {arm: parameters(subject, arm) for arm in study.arms}
    assert counts[frozenset({"narrow_blocks"})] == counts[both] < counts[BASELINE] < counts[frozenset({"skips"})]
    networks = (each.model.build(each.recipe(arm), (32, 32, 3), 10) for each, arm in ((subject, both), (article, before | {"residual"})))
    ours, theirs = ([(layer.name, type(layer), layer.output.shape) for layer in network.layers] for network in networks)
    assert ours == theirs
    assert any("Every arm has augmentation" in sentence for sentence in _methods(subject))


def _methods(subject: Any) -> tuple[str, ...]:
    from ablation.images.data import Dataset

    images = Images(np.zeros((20, 32, 32, 3), np.uint8), np.arange(20) % 2)
    object.__setattr__(subject, "dataset", lambda: Dataset(images, images, ("a", "b")))
    return tuple(subject.methods())


# Their features -----------------------------------------------------------------------------------------------------------------


def test_shuffling_proves_itself_and_gives_the_training_that_is_shuffled_anyway(build: Build, photos: Photos, shown: Any) -> None:
    stored, shuffled, usual = build(shuffle=False), build({"shuffling": Shuffling()}, shuffle=False), build()
    assert Shuffling().verify(shown(shuffled, photos())) and not Shuffling().verify(shown(stored, photos()))
    for epoch in range(2):
        np.testing.assert_array_equal(shuffled.draw(photos(), 3, epoch).own, usual.draw(photos(), 3, epoch).own)


def test_shuffling_needs_images_that_are_not_shuffled(build: Build) -> None:
    with pytest.raises(ValueError, match="'shuffling' changes nothing"):
        build({"shuffling": Shuffling()})


def test_mixing_pairs_images_at_random_also_where_they_come_as_they_are_stored(build: Build, photos: Photos) -> None:
    draws = build({"mixup": Mixup()}, shuffle=False).draw(photos(), 0, 0)
    np.testing.assert_array_equal(draws.own, np.arange(64))
    assert draws.partners is not None and not np.array_equal(draws.partners, draws.own)


def test_a_penalty_proves_its_coefficient_also_beside_one_that_every_arm_has(build: Build, photos: Photos, shown: Any) -> None:
    evidence = shown(build({"penalty": L2Penalty(0.1)}), photos())
    assert L2Penalty(0.1).verify(evidence) and not L2Penalty(0.2).verify(evidence)
    assert not L2Penalty(0.1).verify(shown(build(), photos()))
    assert L2Penalty(0.1).verify(shown(build({"penalty": L2Penalty(0.1)}, l2=0.01), photos()))
    assert not L2Penalty(0.1).verify(shown(build(l2=0.3), photos())), "another one, which every arm has"
    centred = {"penalty": L2Penalty(0.1), "centred": Centred()}
    assert L2Penalty(0.1).verify(shown(build(centred), photos())), "whatever becomes of it afterwards"


class Centred:
    """Takes the mean of each gradient away (Yong et al. 2020)."""

    def __call__(self, recipe: Recipe) -> Recipe:
        from keras import ops

        return replace(recipe, gradients=(*recipe.gradients, lambda gradients, weights, at: [each - ops.mean(each) for each in gradients]))


def _one(x: Any, filters: int, strides: int, name: str, parts: Any) -> Any:
    return parts.finish(parts.convolve(x, filters, f"{name}_one"), f"{name}_one")


class Single:
    """A block of one convolution."""

    def __call__(self, recipe: Recipe) -> Recipe:
        return replace(recipe, block=_one)


@pytest.mark.parametrize(
    "features", [{}, {"single": Single()}, {"skips": Residual("controlled")}, {"skips": Residual("controlled"), "norm": BatchNorm()}]
)
def test_narrow_blocks_prove_themselves(build: Build, photos: Photos, shown: Any, features: dict[str, Any]) -> None:
    assert NarrowBlocks().verify(shown(build({**features, "narrow": NarrowBlocks()}), photos()))
    assert not NarrowBlocks().verify(shown(build(features), photos()))


# What the page says ---------------------------------------------------------------------------------------------------------------

PAGE = Path(__file__).parents[1] / "docs" / "evidence.md"
FOUND = sorted((PAGE.parent / "evidence").glob("*.csv"))
"""Runs of the studies that the page reports, as ``runs.csv`` has them."""

SHOWN = ("arm", "feature", "score %", "effect", "95 % interval", "verdict")


@pytest.mark.parametrize("file", FOUND, ids=lambda file: file.stem)
def test_the_page_says_what_the_runs_of_each_study_say(file: Path) -> None:
    table = table_of_file(str(file))
    findings = findings_of(table, Question(("score",), features_of(table), unit="%", scale=100, bounds=(0, 1), smallest=0.5))
    page = PAGE.read_text(encoding="utf-8")
    assert f"evidence/{file.name}" in page and f"evidence/{file.stem}.png" in page
    for index in range(len(findings.designs)):
        effects, _ = effects_table(findings, index)
        for line in effects.lines:
            cells = [cell for head, cell in zip(effects.heads, line, strict=True) if head in SHOWN]
            assert f"| {' | '.join(cells)} |" in page
