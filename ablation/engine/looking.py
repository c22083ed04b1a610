"""Looking: what the looks of a study that stops itself have decided, and which runs the next one needs."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from ablation.effects import Effects, looked_at, needs
from ablation.study.findings import Findings
from ablation.study.looks import Looks
from ablation.study.study import Study


def planned(study: Study) -> Looks | None:
    """Return the looks of a study before any of them; None where it does not stop itself."""
    if study.sequential is None:
        return None
    looks = tuple(study.sequential.looks)
    return Looks(looks, study.sequential.futility, 0, np.full(len(study.arms), looks[0]))


def looked(found: Findings, taken: int) -> Findings:
    """Return findings with what a number of looks has decided, and with the runs that were asked for by then.

    What an arm has beyond them, as it may for another study, is left out: it moves nothing.

    Args:
        found: with the scores of all seeds up to the last look that is planned, NaN where there is none.
        taken: looks to be taken, each of whose runs has come to its end.
    """
    looks = found.looks
    assert looks is not None
    judged = [
        looked_at(
            design,
            found.scores_of(design),
            looks.planned,
            taken,
            found.smallest,
            found.metric.step,
            found.metric.higher_is_better,
            looks.futility,
        )
        for design in found.designs
    ]
    decided = tuple(look for _, look in judged)
    looks = replace(looks, taken=taken, decided=decided, seeds=_seeds_of_arms(found, looks.planned, taken, decided))
    most = int(looks.seeds.max())
    kept = replace(found, seeds=found.seeds[:most], scores=found.scores[:most], looks=looks)
    asked = kept.asked
    places = {(arm, seed) for row, seed in enumerate(kept.seeds) for column, arm in enumerate(kept.arms) if asked[row, column]}
    return replace(
        kept,
        scores=np.where(asked, kept.scores, np.nan),
        runs={place: run for place, run in found.runs.items() if place in places},
        effects=tuple(_cut(effects, most) for effects, _ in judged),
    )


def _seeds_of_arms(found: Findings, planned: Sequence[int], taken: int, decided: Sequence[np.ndarray]) -> np.ndarray:
    """Return how many seeds each arm needs: of an effect that is decided up to its look, of one that is open up to the next look."""
    following = planned[min(taken, len(planned) - 1)]
    seeds = np.full(len(found.arms), planned[0])
    for design, look in zip(found.designs, decided, strict=True):
        place = [found.arms.index(arm) for arm in design.arms]
        until = np.where(look > 0, np.asarray(planned)[np.maximum(look, 1) - 1], following)
        seeds[place] = np.maximum(seeds[place], (needs(design) * until[:, None]).max(axis=0, initial=0))
    return seeds


def _cut(effects: Effects, seeds: int) -> Effects:
    return replace(effects, per_seed=effects.per_seed[:seeds])


def is_decided(found: Findings) -> bool:
    """Return whether no look can decide anything more."""
    looks = found.looks
    assert looks is not None
    return looks.taken == len(looks.planned) or all((look > 0).all() for look in looks.decided)


def looks_taken(found: Findings) -> int:
    """Return how many looks the runs of a study allow: each whose runs are all there, or after which others were made."""
    looks = found.looks
    assert looks is not None
    there = ~np.isnan(found.scores)
    taken = 0
    while taken < len(looks.planned):
        now = looked(found, taken)
        if taken and is_decided(now):
            break
        if now.missing and not there[looks.planned[taken] :].any():
            break
        taken += 1
    return taken
