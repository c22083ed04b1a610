"""Looks: how small a p-value must be at one of several looks at growing data, so that all looks together keep their level."""

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from scipy.special import ndtr, ndtri

NODES, WEIGHTS = np.polynomial.legendre.leggauss(100)
"""Gauss and Legendre's quadrature, over where the studies are that go on."""

FARTHEST = 38.0
"""A bound beyond so many standard errors is never reached: the normal distribution has no number for it."""

LEAST = 1e-300
"""No smaller probability is distinguished from zero."""

TOTALS = tuple(np.geomspace(1e-12, 1.0, 49).tolist())
"""The levels of all looks together from which repeated p-values are interpolated."""


@lru_cache(maxsize=1024)
def nominal_levels(fractions: tuple[float, ...], alpha: float) -> tuple[float, ...]:
    """Return for each look the two-sided p-value at or below which it rejects; all looks together reject a true null with ``alpha``.

    Either side spends the level as O'Brien and Fleming's bounds do, ``4 − 4 Φ(z(1 − α/4) / √t)`` for both by the fraction t of the
    information (Lan and DeMets 1983, "Discrete sequential boundaries for clinical trials"). The bounds are computed for normal
    statistics of known variance and used on the scale of p-values, so that they serve t tests, too (the documentation has simulations).

    Args:
        fractions: of the information that each look has, increasing, 1 at the last.
        alpha: level of all looks together.
    """
    times = np.asarray(fractions)
    spent = np.diff(4 * ndtr(ndtri(alpha / 4) / np.sqrt(times)), prepend=0.0)
    levels: list[float] = []
    going_on = _Studies.at_start()
    for time, wanted in zip(times, spent, strict=True):
        going_on = going_on.moved_to(float(time))
        bound = going_on.bound_that_stops(float(wanted))
        levels.append(float(2 * ndtr(-bound)))
        going_on = going_on.below(bound)
    return tuple(levels)


def false_claims(seeds: Sequence[int], hypotheses: int, alpha: float) -> float:
    """Return how often a study without an effect claims one if it is judged at each look as if that were the only one.

    The first step of Holm's method takes ``alpha / hypotheses`` for each hypothesis; the chance of any is taken to be the sum of theirs.
    Computed for normal statistics; with t tests from three seeds on the share is up to two points larger (the documentation has
    simulations).

    Args:
        seeds: that the study had at each look, increasing.
        hypotheses: how many are tested at once.
        alpha: level of one look.
    """
    bound = float(-ndtri(alpha / hypotheses / 2))
    going_on = _Studies.at_start()
    for count in seeds:
        going_on = going_on.moved_to(count / seeds[-1]).below(bound)
    return float(min(hypotheses * (1 - going_on.share), 1.0))


def repeated_p(p: np.ndarray, fractions: tuple[float, ...], look: int) -> np.ndarray:
    """Return the smallest level of all looks together at which a look would reject (Jennison and Turnbull's repeated p-values).

    Args:
        p: nominal two-sided p-values of the look.
        fractions: of the information, see :func:`nominal_levels`.
        look: counted from 0.
    """
    nominal = [nominal_levels(fractions[: look + 1], total)[look] for total in TOTALS]
    with np.errstate(divide="ignore"):
        found = np.exp(np.interp(np.log(p), np.log(np.maximum(nominal, LEAST)), np.log(TOTALS)))
    return np.asarray(np.where(np.isnan(p), np.nan, found))


def rejected(p: np.ndarray, tested: np.ndarray, left: np.ndarray, levels: np.ndarray) -> np.ndarray:
    """Return which hypotheses one look rejects by Holm's method over looks.

    A hypothesis is tested at the look's nominal level for a share α / m of the whole level, m being the hypotheses that have not been
    rejected; each rejection lowers m, until nothing more is rejected (Ye, Li, Liu and Yao 2013, "A group sequential Holm procedure with
    multiple primary endpoints").

    Args:
        p: two-sided p-values of this look, ``(…, hypotheses)``; NaN rejects nothing.
        tested: which hypotheses are open, ``(…, hypotheses)``.
        left: how many no earlier look has rejected, ``(…)``.
        levels: the look's nominal level for α / m at place m − 1, ``(most m,)``.
    """
    found = np.zeros(np.shape(p), dtype=bool)
    while True:
        m = np.maximum(left - found.sum(axis=-1), 1)
        more = tested & ~found & (p <= levels[m - 1][..., None])
        if not more.any():
            return found
        found |= more


class _Studies:
    """Where the studies are that have gone on so far: their statistic times the root of their information, and their share of all.

    Armitage, McPherson and Rowe 1969, "Repeated significance tests on accumulating data".
    """

    def __init__(self, time: float, step: float, places: np.ndarray, masses: np.ndarray) -> None:
        self._time, self._step = time, step
        self._places, self._masses = places, masses

    @classmethod
    def at_start(cls) -> "_Studies":
        return cls(0.0, 0.0, np.zeros(1), np.ones(1))

    @property
    def share(self) -> float:
        """Of all studies, those that go on."""
        return float(self._masses.sum())

    def moved_to(self, time: float) -> "_Studies":
        """Let information come in until ``time``."""
        return _Studies(time, float(np.sqrt(time - self._time)), self._places, self._masses)

    def stopped_by(self, bound: float) -> float:
        """Return the share of all studies that a bound in standard errors stops now."""
        far = bound * np.sqrt(self._time)
        return float(self._masses @ (ndtr((-far - self._places) / self._step) + ndtr((self._places - far) / self._step)))

    def bound_that_stops(self, share: float) -> float:
        if self.stopped_by(0.0) <= share:
            return 0.0
        if self.stopped_by(FARTHEST) >= share:
            return FARTHEST
        from scipy.optimize import brentq  # a third of a second of import

        return float(brentq(lambda bound: np.log(max(self.stopped_by(bound), LEAST) / share), 0.0, FARTHEST, xtol=1e-9))

    def below(self, bound: float) -> "_Studies":
        """Return the studies that a bound lets go on."""
        far = bound * np.sqrt(self._time)
        places = far * NODES
        density = np.exp(-(((places[:, None] - self._places) / self._step) ** 2) / 2) / (self._step * np.sqrt(2 * np.pi))
        return _Studies(self._time, 0.0, places, far * WEIGHTS * (density @ self._masses))
