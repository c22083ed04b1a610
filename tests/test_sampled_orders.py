"""Sampled orders: how far their average may be from that over all orders is estimated and reported."""

from dataclasses import replace

import numpy as np
import pytest
from findings import FEATURES, enriched, synthetic

from ablation import report
from ablation.designs import BASELINE, Design, fractional, shapley
from ablation.effects import contrast_moments, sampled_orders

SIX = tuple("abcdef")


def bounds(design: Design, scores: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the effects, the half-widths of their own intervals, and those that cover the orders too."""
    moments = contrast_moments("balanced", scores, design.contrasts)
    found = sampled_orders(design, scores, moments.half_width(0.95), moments.freedom)
    assert found is not None
    return moments.estimate, moments.half_width(0.95), found.half_width


def test_intervals_over_seeds_and_orders_cover_the_average_over_all_orders() -> None:
    random, studies, sampled, exact = np.random.default_rng(4), 1500, shapley(SIX, 10), shapley(SIX)
    triples = [frozenset(random.choice(SIX, 3, replace=False).tolist()) for _ in range(12)]
    worth = random.normal(size=(studies, len(triples)))
    games = worth @ np.array([[float(triple <= arm) for arm in exact.arms] for triple in triples])
    truth = games @ exact.contrasts.T
    of_sample = games[:, [exact.arms.index(arm) for arm in sampled.arms]]
    scores = of_sample[:, None, :] + 0.25 * random.normal(size=(studies, 3, len(sampled.arms)))
    estimate, own, both = bounds(sampled, scores)
    assert (np.abs(estimate - truth) <= own).mean() < 0.8
    assert (np.abs(estimate - truth) <= both).mean() > 0.93


def test_where_interactions_stop_at_pairs_an_order_and_its_reverse_leave_no_error() -> None:
    design = shapley(SIX, 6)
    scores = np.array([[float(len(arm & set("ab")) == 2) + len(arm) for arm in design.arms]] * 3)
    moments = contrast_moments("balanced", scores, design.contrasts)
    found = sampled_orders(design, scores, moments.half_width(0.95), moments.freedom)
    assert found is not None and found.error == pytest.approx(np.zeros(6), abs=1e-12)


def test_one_order_with_its_reverse_tells_nothing_of_its_error_and_other_designs_have_none() -> None:
    design = shapley(SIX, 2)
    scores = np.random.default_rng(1).normal(size=(3, len(design.arms)))
    moments = contrast_moments("balanced", scores, design.contrasts)
    found = sampled_orders(design, scores, moments.half_width(0.95), moments.freedom)
    assert found is not None and np.isnan(found.error).all() and np.isnan(found.half_width).all()
    for exact in (shapley(SIX), fractional(SIX)):
        scores = np.zeros((3, len(exact.arms)))
        assert sampled_orders(exact, scores, np.ones(6), np.ones(6)) is None


def test_the_report_gives_the_error_of_sampling_and_an_interval_that_covers_it() -> None:
    together = {FEATURES[:3]: 0.2}
    findings = enriched(synthetic(shapley(FEATURES, 10), base=0.2, noise=0.01, together=together, failed=[(BASELINE, 0)]))
    document = report.document(findings, [])
    [table] = [table for table in document.tables if table.title == "Sampling of orders (shapley)"]
    assert "10 sampled orders" in table.lead and len(table.lines) == 7
    low, high = (float(end.replace("−", "-")) for end in table.lines[0][-1].split(", "))
    effects = findings.effects[0]
    assert low < 100 * effects.low[0] and high > 100 * effects.high[0]
    assert [note for note in document.notes if note.startswith("shapley: the choice of 10 orders adds a standard error of up to ")]
    exact = report.document(enriched(synthetic(shapley(FEATURES[:3]), features=FEATURES[:3], gains=(0.1, 0, 0))), [])
    assert not [table for table in exact.tables if "Sampling" in table.title]
    alone = replace(findings, scores=findings.scores[1:2], seeds=(1,))
    assert sampled_orders(alone.designs[0], alone.scores, np.full(7, np.nan), np.full(7, np.nan)) is not None
