"""Lack of fit: whether main effects and pairs explain the scores of a design's arms."""

from dataclasses import dataclass

import numpy as np
from scipy.special import fdtrc

from ablation.designs import Design, lack_of_fit_rows
from ablation.effects.residuals import residuals
from ablation.effects.verdicts import FEWEST_SEEDS


@dataclass(frozen=True)
class LackOfFit:
    """A test of all that features do in threes and more, as far as the arms to spare show it.

    Attributes:
        statistic: near 1 where main effects and pairs suffice.
        p: probability of a statistic at least as large if they do.
        freedom: numerator and denominator degrees of freedom of its F distribution.
        terms: the three-way terms that it sees.
        hidden: how many three-way terms it cannot see, for they are aliased with main effects.
    """

    statistic: float
    p: float
    freedom: tuple[float, float]
    terms: tuple[tuple[str, str, str], ...]
    hidden: int


def lack_of_fit(design: Design, scores: np.ndarray) -> LackOfFit | None:
    """Test whether constant, main effects and pairs explain the arms' means.

    None without an arm to spare, with fewer than three seeds, or where arms share no seeds.

    With C the orthonormal contrasts that these leave at zero, m the means and V their variances, the statistic is ``|Cm|² / tr(CVCᵀ)``,
    an ANOVA-type statistic, whose two degrees of freedom are estimated from the variances of the arms (Brunner, Dette and Munk 1997,
    "Box-type approximations in nonparametric factorial designs"). With a single spare contrast it is its t, squared.

    Args:
        design: whose arms are used.
        scores: of its arms, shape ``(seeds, arms)``, NaN where a run is missing.
    """
    if design.kind == "independent":
        return None
    there = (~np.isnan(scores)).any(axis=0)
    rows, terms, hidden = lack_of_fit_rows([arm for arm, known in zip(design.arms, there.tolist(), strict=True) if known], design.known)
    if not len(rows) or len(scores) < FEWEST_SEEDS:
        return None
    statistic, numerator, denominator = misfit(scores[:, there], rows)
    if np.isnan(statistic):
        return None
    return LackOfFit(
        float(statistic), float(fdtrc(numerator, denominator, statistic)), (float(numerator), float(denominator)), terms, hidden
    )


def misfit(scores: np.ndarray, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the statistic of contrasts that should be zero and its degrees of freedom, ``(…, seeds, arms) → (…,)`` each.

    Args:
        scores: NaN where a run is missing.
        rows: orthonormal, ``(contrasts, arms)``.
    """
    fitted = residuals(scores)
    counts = fitted.counts
    variance = np.maximum(fitted.variance, 0) / counts
    each, projector = fitted.moments(rows), rows.T @ rows
    total = (np.diag(projector) * variance).sum(axis=-1)
    own = np.maximum(counts - 1, 1)
    # The square of an estimated variance is too large on average, by 1 + 2 / degrees of freedom.
    squared = np.einsum("...a,ab,...b->...", variance, projector**2, variance)
    squared -= ((np.diag(projector) * variance) ** 2 * (2 / (own + 2))).sum(axis=-1)
    with np.errstate(invalid="ignore", divide="ignore"):
        statistic = (each.estimate**2).sum(axis=-1) / total
        numerator = np.clip(total**2 / squared, 1, len(rows))
        denominator = total**2 / ((np.diag(projector) * variance) ** 2 / own).sum(axis=-1) - 1
    fewest = own[counts > 1].min(initial=max(fitted.freedom, 1))
    return statistic, numerator, np.clip(denominator, fewest, max(fitted.freedom, fewest))
