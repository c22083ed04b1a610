"""Residuals: each arm's own variance, after taking out what arms and seeds do."""

from dataclasses import dataclass

import numpy as np

from ablation.effects.layout import Layout, layout
from ablation.effects.moments import Moments


@dataclass(frozen=True, eq=False)
class Residuals:
    """Least squares of ``score = arm + seed + noise``, where noise has a variance of its own in each arm.

    Leading axes are studies, for simulations; all must miss the same runs.

    Attributes:
        mean: of each arm, freed of the seeds that it happens to have, ``(…, arms)``; NaN where it has no run.
        variance: of one run of each arm, ``(…, arms)``, unbiased and therefore at times negative; of an arm with a single run the mean
            of the others. NaN where none is known.
        left: the residuals, ``(…, seeds, arms)``; zero where there is no run.
        layout: which runs there are, and what follows from that.
    """

    mean: np.ndarray
    variance: np.ndarray
    left: np.ndarray
    layout: Layout

    @property
    def counts(self) -> np.ndarray:
        """The number of each arm's runs, ``(arms,)``."""
        return np.asarray(self.layout.runs.sum(axis=0))

    @property
    def freedom(self) -> int:
        """Degrees of freedom of all residuals together."""
        return self.layout.freedom

    def moments(self, rows: np.ndarray) -> Moments:
        """Return estimates of contrasts with Satterthwaite's degrees of freedom.

        The variance of a contrast is a sum over arms, ``Σ l_a σ_a²``. Its estimate V puts in the ``s_a²`` and has about
        ``V² / Σ (l_a s_a²)² / f_a − 1`` degrees of freedom, and not less than the fewest ``f_a`` or more than all residuals have, where
        ``f_a`` are the arm's runs less one. This is Satterthwaite's formula (1946) less one, which in simulation (see the
        documentation) holds coverage also where few arms with unequal variances carry most of the weight.

        Args:
            rows: shape ``(contrasts, arms)``, each summing to zero; NaN rows give NaN.
        """
        weights, counts, most = np.nan_to_num(rows), self.counts, self.freedom
        known = ~np.isnan(rows).any(axis=1) & self.layout.estimable(weights)
        estimate = np.nan_to_num(self.mean) @ weights.T

        parts = self.layout.loads(weights) * self._positive[..., None, :]
        own, total = np.maximum(counts - 1, 1), parts.sum(axis=-1)
        fewest = own[counts > 1].min(initial=max(most, 1))
        with np.errstate(invalid="ignore", divide="ignore"):
            freedom = np.nan_to_num(total**2 / (parts**2 / own).sum(axis=-1), nan=most) - 1
        freedom = np.clip(freedom, fewest, max(most, fewest))
        tested = known & (most >= 1)
        return Moments(np.where(known, estimate, np.nan), np.where(tested, np.sqrt(total), np.nan), np.where(tested, freedom, np.nan))

    def own(self, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return the squared error of each contrast from its own seeds, ``(…, contrasts)``, and its degrees of freedom, ``(contrasts,)``.

        The contrasts of each seed's residuals are squared, summed, and scaled by what equal variances lead one to expect of that sum and
        of the squared error. Where no run is missing this is the squared error of a paired t test, with ``seeds − 1`` degrees of freedom.

        Args:
            rows: shape ``(contrasts, arms)``, each summing to zero, that :meth:`moments` can test.
        """
        expected, freedom = self.layout.own(rows)
        squares = ((self.left @ rows.T) ** 2).sum(axis=-2)
        return squares * self.layout.loads(rows).sum(axis=1) / expected, freedom

    def squared_covariances(self, rows: np.ndarray) -> np.ndarray:
        """Return the squared covariances of contrasts' estimates, ``(…, contrasts, contrasts)``, as the variances of the arms predict them.

        Those of two contrasts are freed of what the noise of the variances adds to a square.
        """
        counts = self.counts
        each = self._positive / np.maximum(counts, 1)
        squared = np.einsum("ca,da,...a->...cd", rows, rows, each) ** 2
        between = squared - np.einsum("ca,da,...a->...cd", rows**2, rows**2, each**2 * 2 / (np.maximum(counts - 1, 1) + 2))
        return np.where(np.eye(len(rows)) == 1, squared, np.maximum(between, 0))

    @property
    def _positive(self) -> np.ndarray:
        return np.maximum(np.nan_to_num(self.variance), 0)


def residuals(scores: np.ndarray) -> Residuals:
    """Fit arms and seeds to scores, ``(…, seeds, arms)``, NaN where a run is missing."""
    found = layout(~np.isnan(scores.reshape(-1, *scores.shape[-2:])[0]))
    mean, left = found.fit(scores)
    return Residuals(mean, found.variances((left**2).sum(axis=-2)), left, found)
