"""The estimate that a design asks for: a paired t test, an error that many contrasts share, or Welch's where arms share no seeds."""

import numpy as np

from ablation.designs import Design, reweighted
from ablation.effects.balanced import balanced_moments
from ablation.effects.effects import Effects, judged
from ablation.effects.independent import independent_moments
from ablation.effects.layout import layout
from ablation.effects.moments import Moments, Own
from ablation.effects.paired import paired_moments, per_seed
from ablation.effects.residuals import residuals


def estimate(
    design: Design, scores: np.ndarray, smallest: float, pilot: int | None = None, step: float = 0.0, higher_is_better: bool = True
) -> Effects:
    """Estimate and judge the effects of one design.

    A paired contrast uses the seeds in which its own arms finished. A balanced design is fitted by least squares (arm + seed) to the
    runs there are; :func:`ablation.designs.reweighted` does without an arm that has no run.

    Args:
        design: whose contrasts are estimated, as its kind asks for.
        scores: of its arms, shape ``(seeds, arms)``, NaN where a run is missing.
        smallest: the smallest effect of interest, in the units of the scores.
        pilot: where the number of seeds was decided after so many of them (Stein 1945), the errors are those seeds' own, for only
            these know nothing of the decision.
        step: the smallest difference that two scores can have, such as one example's share of an accuracy. No error is taken to be
            smaller than what rounding to such steps leaves: three equal differences of one step each prove nothing.
        higher_is_better: whether an effect above zero helps; if not, one below zero does.
    """
    rows = design.contrasts
    lost: tuple[str, ...] = ()
    finished = ~np.isnan(scores)
    if design.kind == "balanced":
        if not finished.any(axis=0).all():
            rows, lost = reweighted(design, finished.any(axis=0).tolist())
        if 0 < finished.sum() < finished.size:
            missing, counted = finished.size - finished.sum(), layout(finished).runs.any(axis=1).sum()
            others = "the others" if counted == finished.any(axis=1).sum() else f"the {counted} seeds that lack none"
            lost = (f"{design.name}: {missing} of {finished.size} runs are missing; its effects are fitted to {others}.", *lost)
    moments, seeds = contrast_moments(design.kind, scores, rows), seeds_behind(design.kind, scores, rows)
    if pilot is not None and pilot < len(scores):
        first, count = contrast_moments(design.kind, scores[:pilot], rows), seeds_behind(design.kind, scores[:pilot], rows)
        with np.errstate(invalid="ignore", divide="ignore"):
            moments = _with_errors_of(first, moments, np.sqrt(count / seeds))
    with np.errstate(invalid="ignore", divide="ignore"):
        moments = moments.at_least(step * np.sqrt((np.nan_to_num(rows) ** 2).sum(axis=1) / 12 / seeds))
    own = np.full((len(scores), len(rows)), np.nan) if design.kind == "independent" else per_seed(scores, design.contrasts)
    return judged(moments, seeds, own, smallest, lost, higher_is_better)


def _with_errors_of(pilot: Moments, whole: Moments, factor: np.ndarray) -> Moments:
    """Return the estimates of all seeds with the errors of the pilot times a factor, where the pilot has any."""
    known = ~np.isnan(pilot.error)

    def chosen(of_pilot: np.ndarray, of_whole: np.ndarray) -> np.ndarray:
        return np.where(known, of_pilot, of_whole)

    error, freedom = chosen(pilot.error * factor, whole.error), chosen(pilot.freedom, whole.freedom)
    if pilot.own is None or whole.own is None:
        return Moments(whole.estimate, error, freedom, whole.own)
    own, own_freedom = chosen(pilot.own.error * factor, whole.own.error), chosen(pilot.own.freedom, whole.own.freedom)
    return Moments(whole.estimate, error, freedom, Own(own, own_freedom, chosen(pilot.own.taken, whole.own.taken)))


def contrast_moments(kind: str, scores: np.ndarray, rows: np.ndarray) -> Moments:
    """Return the moments of contrasts as a kind of design asks for.

    Args:
        kind: ``paired``, ``balanced`` or ``independent``.
        scores: shape ``(…, seeds, arms)``, NaN where a run is missing.
        rows: shape ``(contrasts, arms)``; a row of NaN gives NaN.
    """
    if kind == "independent":
        return independent_moments(scores, rows)
    return paired_moments(scores, rows) if kind == "paired" else balanced_moments(scores, rows)


def seeds_behind(kind: str, scores: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """Return how many seeds each contrast rests on: those with all of its own arms, or all with a difference between arms.

    Of independent runs the fewest that one of its arms has.
    """
    if kind == "independent":
        counts = (~np.isnan(scores)).sum(axis=0)
        return np.array([0 if np.isnan(weights).any() else counts[weights != 0].min(initial=len(scores)) for weights in rows], dtype=int)
    if kind == "paired":
        return np.asarray((~np.isnan(per_seed(scores, rows))).sum(axis=0))
    fitted = residuals(scores)
    # A seed with a single run has nothing left once its own mean is taken out.
    informative = int((fitted.layout.runs.sum(axis=1) >= 2).sum())
    return np.where(np.isnan(fitted.moments(rows).estimate), 0, informative)
