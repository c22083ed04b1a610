"""Where the score of a command is read: what it prints, a JSON file that it writes, or its own MLflow run."""

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ablation.errors import InputError, nearest
from ablation.subjects.output import Printed, picked
from ablation.subjects.returned import number

OUTPUT, MLFLOW, JSON = "output", "mlflow", "json:"


class NoScoreError(ValueError):
    """A command left no score. The message is one plain sentence."""


@dataclass(frozen=True)
class Score:
    """What a command left.

    Attributes:
        value: the score, a finite number.
        history: ``{name: [value an epoch]}``.
        measures: other numbers, by name.
    """

    value: float
    history: Mapping[str, list[float]] = field(default_factory=dict)
    measures: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Wanted:
    """What score is wanted.

    Attributes:
        metric: its name.
        pick: ``last`` or ``best`` of a history.
        higher_is_better: what is best.
    """

    metric: str
    pick: str
    higher_is_better: bool

    def of_history(self, history: Mapping[str, list[float]], where: str) -> Score:
        """Return the score of a history; single values of it are measures.

        Raises:
            NoScoreError: if there is no finite number to take.
        """
        if self.metric not in history:
            raise NoScoreError(f"no '{self.metric}' in {where}{nearest(self.metric, history)}")
        value = picked(history[self.metric], self.pick, self.higher_is_better)
        if not math.isfinite(value):
            raise NoScoreError(f"the {self.pick} '{self.metric}' in {where} is {value}; expected a finite number")
        series = {name: values for name, values in history.items() if len(values) > 1 or name == self.metric}
        single = {name: values[0] for name, values in history.items() if name not in series and math.isfinite(values[0])}
        return Score(value, series, single)


def check_result(result: object) -> str:
    """Return where the score is read.

    Raises:
        InputError: if it is no such place.
    """
    if result in (OUTPUT, MLFLOW) or (isinstance(result, str) and result.startswith(JSON) and len(result) > len(JSON)):
        return str(result)
    raise InputError(f"subject.result={result} is not known; expected output, mlflow or json:FILE, such as 'json:{{run_dir}}/metrics.json'")


def score_of_output(wanted: Wanted, output: Printed, errors: Printed) -> Score:
    """Return the score that was printed; what was printed as errors counts where the output itself names none."""
    stream = output if wanted.metric in output.history else errors
    if wanted.metric not in stream.history:
        seen = sorted(output.seen | errors.seen)
        raise NoScoreError(
            f"no line such as '{wanted.metric}: 0.913', '{wanted.metric}=0.913' or {{\"{wanted.metric}\": 0.913}} in the output"
            f"{nearest(wanted.metric, seen)}"
        )
    found = wanted.of_history({wanted.metric: stream.history[wanted.metric]}, "the output")
    return Score(found.value, {name: values for name, values in stream.history.items() if all(map(math.isfinite, values))})


def score_of_json(wanted: Wanted, file: Path) -> Score:
    """Return the score in a JSON file: an object with it, a list of objects, or an object a line."""
    try:
        text = file.read_text(encoding="utf-8")
    except FileNotFoundError:
        beside = [each.name for each in file.parent.glob("*")] if file.parent.is_dir() else []
        raise NoScoreError(f"'{file.name}' was not written in '{file.parent}'{nearest(file.name, beside)}") from None
    except (OSError, UnicodeDecodeError) as error:
        raise NoScoreError(f"'{file.name}' cannot be read ({type(error).__name__}); expected JSON in UTF-8") from None
    try:
        content = _parsed(text)
    except json.JSONDecodeError as error:
        raise NoScoreError(f"'{file.name}' is no JSON ({error.msg} in line {error.lineno})") from None
    history: dict[str, list[float]] = {}
    for each in content if isinstance(content, list) else [content]:
        for name, value in each.items() if isinstance(each, Mapping) else ():
            values = [number(one) for one in (value if isinstance(value, list) else [value])]
            history.setdefault(str(name), []).extend(one for one in values if one is not None)
    return wanted.of_history({name: values for name, values in history.items() if values}, f"'{file.name}'")


def _parsed(text: str) -> Any:
    try:
        return json.loads(text)
    except json.JSONDecodeError as whole:
        if sum(bool(line.strip()) for line in text.splitlines()) < 2:
            raise
        return _parsed_lines(text, whole)


def _parsed_lines(text: str, whole: json.JSONDecodeError) -> list[Any]:
    found, start = [], 0
    for line in text.splitlines(keepends=True):
        if line.strip():
            try:
                found.append(json.loads(line))
            except json.JSONDecodeError as error:
                if not found:
                    raise whole from None
                raise json.JSONDecodeError(error.msg, text, start + error.pos) from None
        start += len(line)
    return found
