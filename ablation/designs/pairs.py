"""Pairs: the fewest arms that separate every feature and every pair of features."""

from collections.abc import Sequence

import numpy as np

from ablation.designs.design import BASELINE, Design
from ablation.designs.pairwise import effect_rows, model
from ablation.designs.subsets import all_subsets, in_order, membership
from ablation.errors import InputError

MOST_FEATURES = 10
"""The search looks at all subsets."""

SPARE = 1.375
"""Arms for each thing to estimate: some to spare make the search easy, the estimates even, and a lack of fit visible."""

STARTS, SEED = 4, 1972


def pairs(features: Sequence[str]) -> Design:
    """Credit each feature, and each pair, by least squares over arms chosen for it (D-optimal: Fedorov 1972, by exchange).

    An effect is the feature's Shapley value wherever interactions stop at pairs.

    Raises:
        InputError: if there are fewer than two features or too many.
    """
    if not 2 <= len(features) <= MOST_FEATURES:
        raise InputError(f"features=pairs takes 2 to {MOST_FEATURES} features, and the study has {len(features)}")
    candidates = all_subsets(features)
    # With −1 for off, the model's columns are orthogonal over all subsets.
    columns = model(2 * membership(candidates, features) - 1)
    count = min(len(candidates), int(SPARE * columns.shape[1] + 0.5))
    chosen = range(len(candidates)) if count == len(candidates) else _exchange(columns, count)
    arms = in_order((candidates[index] for index in chosen), features)
    references = {arm: BASELINE for arm in arms if arm}
    meaning = "An effect is what the feature adds, averaged over all orders, by least squares; it holds where interactions stop at pairs."
    return Design("pairs", tuple(features), arms, effect_rows(arms, features), references, meaning, "balanced", "up to pairs")


def _exchange(columns: np.ndarray, count: int) -> list[int]:
    """Return the rows of ``columns`` whose information has the largest determinant that exchanges of one row at a time find.

    The baseline and the full arm, the first row and the last, always belong to them.
    """
    rng, last = np.random.default_rng(SEED), len(columns) - 1
    best: tuple[float, list[int]] = (-np.inf, [])
    for _ in range(STARTS):
        rows = [0, last, *(1 + rng.choice(last - 1, count - 2, replace=False)).tolist()]
        while True:
            information = columns[rows].T @ columns[rows]
            if np.linalg.matrix_rank(information) < columns.shape[1]:
                information = information + 1e-3 * np.eye(columns.shape[1])
            inverse = np.linalg.inv(information)
            half = columns @ inverse
            spread = (half * columns).sum(axis=1)
            # The factor by which the determinant grows when row i leaves and row j comes (Fedorov 1972), rounded so that ties fall alike.
            growth = (1 + spread) * (1 - spread[rows, None]) + (half[rows] @ columns.T) ** 2
            growth[:2] = -np.inf
            growth[:, rows] = -np.inf
            out, into = divmod(int(growth.round(9).argmax()), len(columns))
            if growth[out, into] < 1 + 1e-9:
                break
            rows[out] = into
        size = float(np.linalg.slogdet(columns[rows].T @ columns[rows])[1])
        if size > best[0] + 1e-9:
            best = (size, rows)
    return best[1]
