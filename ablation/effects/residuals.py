"""Residuals: each arm's own variance, after taking out what arms and seeds do."""

from dataclasses import dataclass

import numpy as np

from ablation.effects.moments import Moments

NONE = 1e-9
"""A number below this is zero but for rounding."""


@dataclass(frozen=True, eq=False)
class Residuals:
    """Least squares of ``score = arm + seed + noise``, where noise has a variance of its own in each arm.

    Leading axes are studies, for simulations; all must miss the same runs.

    Attributes:
        mean: of each arm, freed of the seeds that it happens to have, ``(…, arms)``; NaN where it has no run.
        variance: of one run of each arm, ``(…, arms)``, unbiased and therefore at times negative; of an arm with a single run the mean
            of the others. NaN where none is known.
        left: the residuals, ``(…, seeds, arms)``; zero where there is no run.
        runs: which there are, ``(seeds, arms)``.
        freedom: degrees of freedom of all residuals together.
        centre: for each arm the matrix that takes the mean of its runs out, ``(arms, seeds, seeds)``.
        information: pseudo-inverse of their sum, ``(seeds, seeds)``.
    """

    mean: np.ndarray
    variance: np.ndarray
    left: np.ndarray
    runs: np.ndarray
    freedom: int
    centre: np.ndarray
    information: np.ndarray

    def moments(self, rows: np.ndarray) -> Moments:
        """Return estimates of contrasts with Satterthwaite's degrees of freedom.

        The variance of a contrast is a sum over arms, ``Σ l_a σ_a²``. Its estimate V puts in the ``s_a²`` and has about
        ``V² / Σ (l_a s_a²)² / f_a − 1`` degrees of freedom, and not less than the fewest ``f_a`` or more than all residuals have, where
        ``f_a`` are the arm's runs less one. This is Satterthwaite's formula (1946) less one, which in simulation (see the
        documentation) holds coverage also where few arms with unequal variances carry most of the weight.

        Args:
            rows: shape ``(contrasts, arms)``, each summing to zero; NaN rows give NaN.
        """
        weights, counts = np.nan_to_num(rows), self.runs.sum(axis=0)
        through = self._through(weights)
        connected = np.abs(weights @ _shares(self.runs) - through @ self.centre.sum(axis=0)).max(axis=1, initial=0) < NONE
        known = ~np.isnan(rows).any(axis=1) & ~(weights[:, counts == 0] != 0).any(axis=1) & connected
        estimate = np.nan_to_num(self.mean) @ weights.T

        parts = self._loads(weights) * self._positive[..., None, :]
        own, total = np.maximum(counts - 1, 1), parts.sum(axis=-1)
        fewest = own[counts > 1].min(initial=max(self.freedom, 1))
        with np.errstate(invalid="ignore", divide="ignore"):
            freedom = np.nan_to_num(total**2 / (parts**2 / own).sum(axis=-1), nan=self.freedom) - 1
        freedom = np.clip(freedom, fewest, max(self.freedom, fewest))
        tested = known & (self.freedom >= 1)
        return Moments(np.where(known, estimate, np.nan), np.where(tested, np.sqrt(total), np.nan), np.where(tested, freedom, np.nan))

    def own(self, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return the squared error of each contrast from its own seeds, ``(…, contrasts)``, and its degrees of freedom, ``(contrasts,)``.

        The contrasts of each seed's residuals are squared, summed, and scaled by what equal variances lead one to expect of that sum and
        of the squared error. Where no run is missing this is the squared error of a paired t test, with ``seeds − 1`` degrees of freedom.

        Args:
            rows: shape ``(contrasts, arms)``, each summing to zero, that :meth:`moments` can test.
        """
        weighed = np.einsum("ca,ast->cst", rows, self.centre)
        # What each arm's runs do to the contrasts of the residuals, (contrasts, arms, seeds, seeds).
        moves = rows[:, :, None, None] * self.centre - np.einsum("cst,tu,auv->casv", weighed, self.information, self.centre)
        covariance = np.einsum("casu,catu->cst", moves, moves)
        expected = np.trace(covariance, axis1=1, axis2=2)
        squares = ((self.left @ rows.T) ** 2).sum(axis=-2)
        return squares * self._loads(rows).sum(axis=1) / expected, expected**2 / (covariance**2).sum(axis=(1, 2))

    def squared_covariances(self, rows: np.ndarray) -> np.ndarray:
        """Return the squared covariances of contrasts' estimates, ``(…, contrasts, contrasts)``, as the variances of the arms predict them.

        Those of two contrasts are freed of what the noise of the variances adds to a square.
        """
        counts = self.runs.sum(axis=0)
        each = self._positive / np.maximum(counts, 1)
        squared = np.einsum("ca,da,...a->...cd", rows, rows, each) ** 2
        between = squared - np.einsum("ca,da,...a->...cd", rows**2, rows**2, each**2 * 2 / (np.maximum(counts - 1, 1) + 2))
        return np.where(np.eye(len(rows)) == 1, squared, np.maximum(between, 0))

    @property
    def _positive(self) -> np.ndarray:
        return np.maximum(np.nan_to_num(self.variance), 0)

    def _through(self, weights: np.ndarray) -> np.ndarray:
        """Return how contrasts depend on the seeds' effects, ``(contrasts, seeds)``."""
        return weights @ _shares(self.runs) @ self.information

    def _loads(self, weights: np.ndarray) -> np.ndarray:
        """Return what each arm's variance adds to the variance of contrasts, ``(contrasts, arms)``."""
        through = self._through(weights)
        return weights**2 / np.maximum(self.runs.sum(axis=0), 1) + np.einsum("cs,ast,ct->ca", through, self.centre, through)


def _centred(runs: np.ndarray) -> np.ndarray:
    """Return for each arm the matrix that takes the mean of its runs out, ``(seeds, arms) → (arms, seeds, seeds)``."""
    mask = runs.T.astype(float)
    counts = np.maximum(mask.sum(axis=1), 1)
    return np.asarray(np.eye(mask.shape[1]) * mask[:, None, :] - mask[:, :, None] * mask[:, None, :] / counts[:, None, None])


def _shares(runs: np.ndarray) -> np.ndarray:
    """Return how much of each arm's mean each seed makes, ``(seeds, arms) → (arms, seeds)``."""
    return np.asarray((runs / np.maximum(runs.sum(axis=0), 1)).T)


def residuals(scores: np.ndarray) -> Residuals:
    """Fit arms and seeds to scores, ``(…, seeds, arms)``, NaN where a run is missing.

    The squared residuals of an arm hold a little of every arm's variance, for the seeds are estimated too. How much is known exactly,
    so the variances solve a linear system (Rao 1970, "Estimation of heteroscedastic variances in linear models").
    """
    missing = np.isnan(scores)
    runs = ~missing.reshape(-1, *scores.shape[-2:])[0]
    counts, shares, centre = runs.sum(axis=0), _shares(runs), _centred(runs)
    information = np.linalg.pinv(centre.sum(axis=0), hermitian=True)
    means = np.where(missing, 0.0, scores).sum(axis=-2) / np.maximum(counts, 1)
    within = np.where(runs, np.where(missing, 0.0, scores) - means[..., None, :], 0.0)
    seeds = within.sum(axis=-1) @ information
    mean = np.where(counts > 0, means - seeds @ shares.T, np.nan)
    left = np.where(runs, within - seeds[..., :, None] + (seeds @ shares.T)[..., None, :], 0.0)
    squares = (left**2).sum(axis=-2)

    joined = centre @ information
    held = np.einsum("ast,bts->ab", joined, joined)
    held += np.diag(np.maximum(counts - 1, 0) - 2 * np.trace(joined, axis1=1, axis2=2))
    several, freedom = counts >= 2, int(runs.sum() - (counts > 0).sum() - np.linalg.matrix_rank(centre.sum(axis=0)))
    variance = np.full(means.shape, np.nan)
    if several.any() and freedom > 0:
        solved = squares[..., several] @ np.linalg.pinv(held[np.ix_(several, several)]).T
        variance[..., several] = solved
        variance[..., counts == 1] = solved.mean(axis=-1, keepdims=True)
    return Residuals(mean, variance, left, runs, freedom, centre, information)
