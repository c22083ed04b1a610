"""Layouts: which runs of arms and seeds there are, and what it does to errors that the seeds' effects are estimated too."""

from dataclasses import dataclass
from typing import Protocol

import numpy as np

NONE = 1e-9
"""A number below this is zero but for rounding."""

LARGE = 2**21
"""Arms times squared seeds beyond which an incomplete table would need too much memory and time."""


class Layout(Protocol):
    """A table of ``score = arm + seed + noise``, where noise has a variance of its own in each arm."""

    @property
    def runs(self) -> np.ndarray:
        """Which there are, ``(seeds, arms)``."""

    @property
    def freedom(self) -> int:
        """Degrees of freedom of all residuals together."""

    def fit(self, scores: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return each arm's mean, freed of the seeds that it happens to have, and the residuals, by least squares.

        Args:
            scores: shape ``(…, seeds, arms)``; what is not there does not count.

        Returns:
            Means of shape ``(…, arms)``, NaN for an arm without a run; residuals of the scores' shape, zero where there is no run.
        """

    def variances(self, squares: np.ndarray) -> np.ndarray:
        """Return the variance of one run of each arm, unbiased and therefore at times negative; NaN where none is known.

        The squared residuals of an arm hold a little of every arm's variance, for the seeds are estimated too. How much is known
        exactly, so the variances solve a linear system (Rao 1970, "Estimation of heteroscedastic variances in linear models").

        Args:
            squares: each arm's sum of squared residuals, ``(…, arms)``.
        """

    def estimable(self, weights: np.ndarray) -> np.ndarray:
        """Return for each contrast, ``(contrasts, arms)``, whether the runs determine it."""

    def loads(self, weights: np.ndarray) -> np.ndarray:
        """Return what each arm's variance adds to the variance of contrasts, ``(contrasts, arms)``."""

    def own(self, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return the expected sum over seeds of the squared contrasts of residuals where each run has variance 1, and its degrees of
        freedom, each ``(contrasts,)``."""


@dataclass(frozen=True, eq=False)
class Complete:
    """Every arm that has runs has one with each seed that has runs. All has a closed form, so thousands of seeds are no trouble.

    Attributes:
        used: which seeds have runs, ``(seeds,)``.
        there: which arms have runs, ``(arms,)``.
    """

    used: np.ndarray
    there: np.ndarray

    @property
    def runs(self) -> np.ndarray:
        return self.used[:, None] & self.there

    @property
    def freedom(self) -> int:
        return (self._seeds - 1) * (int(self.there.sum()) - 1)

    def fit(self, scores: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        known = scores[..., self.used, :][..., self.there]
        means, left = np.full((*scores.shape[:-2], len(self.there)), np.nan), np.zeros(scores.shape)
        means[..., self.there] = known.mean(axis=-2)
        within = known - known.mean(axis=-2, keepdims=True)
        left[..., self.runs] = (within - within.mean(axis=-1, keepdims=True)).reshape(*scores.shape[:-2], -1)
        return means, left

    def variances(self, squares: np.ndarray) -> np.ndarray:
        # An arm's squares hold (seeds − 1) · (1 − 2 / arms) of its own variance and (seeds − 1) / arms² of every arm's.
        arms, variance = int(self.there.sum()), np.full(squares.shape, np.nan)
        if self.freedom > 0:
            known = squares[..., self.there]
            total = known.sum(axis=-1, keepdims=True)
            each = (known - total / (arms * (arms - 1))) / (1 - 2 / arms) if arms > 2 else np.broadcast_to(total, known.shape)
            variance[..., self.there] = each / (self._seeds - 1)
        return variance

    def estimable(self, weights: np.ndarray) -> np.ndarray:
        return np.asarray((weights[:, ~self.there] == 0).all(axis=1) & (np.abs(weights.sum(axis=1)) < NONE))

    def loads(self, weights: np.ndarray) -> np.ndarray:
        return np.asarray(weights**2 / self._seeds)

    def own(self, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        return (rows**2).sum(axis=1) * (self._seeds - 1), np.full(len(rows), self._seeds - 1.0)

    @property
    def _seeds(self) -> int:
        return int(self.used.sum())


@dataclass(frozen=True, eq=False)
class Incomplete:
    """Any runs may be missing; needs memory for ``contrasts × arms × seeds²`` numbers.

    Attributes:
        runs: which there are, ``(seeds, arms)``.
        shares: how much of each arm's mean each seed makes, ``(arms, seeds)``.
        centre: for each arm the matrix that takes the mean of its runs out, ``(arms, seeds, seeds)``.
        information: pseudo-inverse of their sum, ``(seeds, seeds)``.
    """

    runs: np.ndarray
    shares: np.ndarray
    centre: np.ndarray
    information: np.ndarray

    @classmethod
    def of(cls, runs: np.ndarray) -> "Incomplete":
        """Return the layout of these runs, ``(seeds, arms)``."""
        mask = runs.T.astype(float)
        shares = mask / np.maximum(mask.sum(axis=1), 1)[:, None]
        centre = np.eye(mask.shape[1]) * mask[:, None, :] - mask[:, :, None] * shares[:, None, :]
        return cls(runs, shares, centre, np.linalg.pinv(centre.sum(axis=0), hermitian=True))

    @property
    def freedom(self) -> int:
        return int(self.runs.sum() - (self._counts > 0).sum() - np.linalg.matrix_rank(self.centre.sum(axis=0)))

    def fit(self, scores: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        known = np.where(self.runs, scores, 0.0)
        means = known.sum(axis=-2) / np.maximum(self._counts, 1)
        within = np.where(self.runs, known - means[..., None, :], 0.0)
        seeds = within.sum(axis=-1) @ self.information
        mean = np.where(self._counts > 0, means - seeds @ self.shares.T, np.nan)
        return mean, np.where(self.runs, within - seeds[..., :, None] + (seeds @ self.shares.T)[..., None, :], 0.0)

    def variances(self, squares: np.ndarray) -> np.ndarray:
        joined = self.centre @ self.information
        held = np.einsum("ast,bts->ab", joined, joined)
        held += np.diag(np.maximum(self._counts - 1, 0) - 2 * np.trace(joined, axis1=1, axis2=2))
        several, variance = self._counts >= 2, np.full(squares.shape, np.nan)
        if several.any() and self.freedom > 0:
            solved = squares[..., several] @ np.linalg.pinv(held[np.ix_(several, several)]).T
            variance[..., several] = solved
            # Of an arm with a single run the mean of the others is the best guess.
            variance[..., self._counts == 1] = solved.mean(axis=-1, keepdims=True)
        return variance

    def estimable(self, weights: np.ndarray) -> np.ndarray:
        left = weights @ self.shares - self._through(weights) @ self.centre.sum(axis=0)
        return (weights[:, self._counts == 0] == 0).all(axis=1) & (np.abs(left).max(axis=1, initial=0) < NONE)

    def loads(self, weights: np.ndarray) -> np.ndarray:
        through = self._through(weights)
        return weights**2 / np.maximum(self._counts, 1) + np.einsum("cs,ast,ct->ca", through, self.centre, through)

    def own(self, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        weighed = np.einsum("ca,ast->cst", rows, self.centre)
        # What each arm's runs do to the contrasts of the residuals, (contrasts, arms, seeds, seeds).
        moves = rows[:, :, None, None] * self.centre - np.einsum("cst,tu,auv->casv", weighed, self.information, self.centre)
        covariance = np.einsum("casu,catu->cst", moves, moves)
        expected = np.trace(covariance, axis1=1, axis2=2)
        return expected, expected**2 / (covariance**2).sum(axis=(1, 2))

    @property
    def _counts(self) -> np.ndarray:
        return np.asarray(self.runs.sum(axis=0))

    def _through(self, weights: np.ndarray) -> np.ndarray:
        """Return how contrasts depend on the seeds' effects, ``(contrasts, seeds)``."""
        return weights @ self.shares @ self.information


def layout(runs: np.ndarray) -> Layout:
    """Return the layout of some runs, ``(seeds, arms)``.

    Of very many seeds those that lack a run are left out, where most lack none.
    """
    arms, seeds = np.asarray(runs.any(axis=0)), runs.any(axis=1)
    whole = np.asarray(runs[:, arms].all(axis=1) & seeds)
    large = runs.size * len(runs) > LARGE and bool(2 * whole.sum() >= seeds.sum())
    return Complete(whole, arms) if arms.any() and (large or (whole == seeds).all()) else Incomplete.of(runs)
