"""Where the score of a command is read."""

import json
from pathlib import Path
from typing import Any

import pytest

from ablation.errors import InputError
from ablation.subjects.output import Printed
from ablation.subjects.results import NoScoreError, Score, Wanted, check_result, score_of_json, score_of_output

LAST, BEST = Wanted("acc", "last", True), Wanted("acc", "best", True)


def printed(*lines: str) -> Printed:
    found = Printed("acc")
    for line in lines:
        found.add(line, None)
    return found


def written(folder: Path, content: Any) -> Path:
    file = folder / "metrics.json"
    file.write_text(content if isinstance(content, str) else json.dumps(content))
    return file


def test_the_output_counts_before_what_was_printed_as_errors() -> None:
    assert score_of_output(LAST, printed("acc: 0.5", "acc: 0.6"), printed("acc: 0.1")).value == 0.6
    assert score_of_output(LAST, printed("loss: 0.5"), printed("acc: 0.1")) == Score(0.1, {"acc": [0.1]})
    assert score_of_output(BEST, printed("acc: 0.7", "acc: nan"), printed()).value == 0.7


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        ((), "no line such as 'acc: 0.913', 'acc=0.913' or {\"acc\": 0.913} in the output"),
        (("accu: 0.5",), "did you mean 'accu'?"),
        (("acc: 0.5", "acc: nan"), "the last 'acc' in the output is nan; expected a finite number"),
    ],
)
def test_without_a_score_in_the_output_it_says_what_was_looked_for(lines: tuple[str, ...], message: str) -> None:
    with pytest.raises(NoScoreError) as caught:
        score_of_output(LAST, printed(*lines), printed())
    assert message in str(caught.value) and "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("content", "score"),
    [
        ({"acc": 0.5, "loss": 2, "name": "x"}, Score(0.5, {"acc": [0.5]}, {"loss": 2})),
        ({"acc": [0.5, 0.7, 0.6], "size": 3}, Score(0.6, {"acc": [0.5, 0.7, 0.6]}, {"size": 3})),
        ([{"acc": 0.5, "loss": 2}, {"acc": 0.6, "loss": 1}], Score(0.6, {"acc": [0.5, 0.6], "loss": [2, 1]}, {})),
        ('{"acc": 0.5}\n{"acc": 0.7}\n', Score(0.7, {"acc": [0.5, 0.7]}, {})),
    ],
    ids=str,
)
def test_json_files(content: Any, score: Score, tmp_path: Path) -> None:
    assert score_of_json(LAST, written(tmp_path, content)) == score


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({"accu": 0.5}, "no 'acc' in 'metrics.json'; did you mean 'accu'?"),
        ("{", "'metrics.json' is no JSON"),
        ('{\n "acc": 1,\n "loss": \n}\n', "'metrics.json' is no JSON (Expecting value in line 4)"),
        ('{"acc": 1}\n\n{"acc": }\n', "'metrics.json' is no JSON (Expecting value in line 3)"),
        ('{"acc": NaN}', "the last 'acc' in 'metrics.json' is nan"),
        ({"acc": "0.5"}, "no 'acc' in"),
        (3, "no 'acc' in"),
    ],
)
def test_json_files_without_a_score(content: Any, message: str, tmp_path: Path) -> None:
    with pytest.raises(NoScoreError) as caught:
        score_of_json(LAST, written(tmp_path, content))
    assert message in str(caught.value)


def test_a_json_file_that_is_no_text(tmp_path: Path) -> None:
    file = written(tmp_path, {})
    file.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(NoScoreError, match=r"'metrics.json' cannot be read \(UnicodeDecodeError\)"):
        score_of_json(LAST, file)


def test_a_json_file_that_was_not_written(tmp_path: Path) -> None:
    written(tmp_path, {})
    with pytest.raises(NoScoreError, match=r"'metric.json' was not written in .*did you mean 'metrics.json'\?"):
        score_of_json(LAST, tmp_path / "metric.json")


@pytest.mark.parametrize("result", ["json:", "stdout", None, 3])
def test_a_result_is_read_at_one_of_three_places(result: Any) -> None:
    with pytest.raises(InputError, match="expected output, mlflow or json:FILE"):
        check_result(result)
