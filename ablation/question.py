"""The question of a study: all that turns its runs' scores into findings, kept beside them so that a finished study can be read again."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

import numpy as np

from ablation.designs import Arm, Design, union
from ablation.effects import paired
from ablation.results import Failure, Findings, RunResult

QUESTION = "question.json"


@dataclass(frozen=True, eq=False)
class Question:
    """What a study asked. The attributes but ``smallest`` are those of :class:`ablation.results.Findings`.

    Attributes:
        smallest: the smallest effect of interest, a fraction.
    """

    name: str
    data: str
    protocol: str
    features: tuple[str, ...]
    seeds: tuple[int, ...]
    designs: tuple[Design, ...]
    smallest: float
    remarks: tuple[str, ...] = ()


def answer(question: Question, runs: Mapping[tuple[Arm, int], RunResult], failures: tuple[Failure, ...]) -> Findings:
    """Return what the finished runs, by arm and seed, say to a question."""
    seeds, arms = question.seeds, union(question.designs)
    scores = np.full((len(seeds), len(arms)), np.nan)
    for (arm, seed), run in runs.items():
        scores[seeds.index(seed), arms.index(arm)] = run.score
    return Findings(
        name=question.name,
        data=question.data,
        protocol=question.protocol,
        features=question.features,
        seeds=seeds,
        arms=arms,
        scores=scores,
        designs=question.designs,
        effects=tuple(
            paired(scores[:, [arms.index(arm) for arm in design.arms]], design.contrasts, question.smallest) for design in question.designs
        ),
        runs=runs,
        failures=failures,
        remarks=question.remarks,
    )


def write_question(question: Question) -> str:
    """Return a question as JSON."""
    return json.dumps(_plain({each.name: getattr(question, each.name) for each in fields(Question)}), indent=1)


def read_question(text: str) -> Question:
    """Return what :func:`write_question` wrote."""
    values = _rebuilt(json.loads(text))
    return Question(**{**values, "designs": tuple(Design(**design) for design in values["designs"])})


def _plain(value: Any) -> Any:
    """Return what JSON can hold; what it has no word for is named with its kind."""
    match value:
        case Design():
            return _plain({each.name: getattr(value, each.name) for each in fields(Design)})
        case np.ndarray():
            return {"array": value.tolist()}
        case frozenset():
            return {"set": sorted(value)}
        case tuple():
            return {"tuple": [_plain(each) for each in value]}
        case Mapping():
            return {"map": [[_plain(key), _plain(each)] for key, each in value.items()]}
    return value


def _rebuilt(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    [(kind, content)] = value.items()
    match kind:
        case "array":
            return np.array(content)
        case "set":
            return frozenset(content)
        case "tuple":
            return tuple(_rebuilt(each) for each in content)
    return {_rebuilt(key): _rebuilt(each) for key, each in content}
