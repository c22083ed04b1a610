"""A failed run: what is kept of its error, and an arm that cannot be built: who names it."""

import json
import os
import re
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import cloudpickle
import pytest
from command import ASKED, in_this_process, logged, undrawn, write_function

import ablation
from ablation.__main__ import conduct
from ablation.configuration import asked_in_words
from ablation.engine.failed import Failed, failed
from ablation.engine.plan import plan
from ablation.engine.worker import packed, start
from ablation.errors import InputError
from ablation.study.cause import explained
from ablation.study.metric import Measure, Metric
from ablation.study.outcome import Outcome, RunError
from ablation.study.subject import Report, Scoring, Subject, Trial


class StubbornError(Exception):
    """An error that no other process can read."""

    def __init__(self, one: str, two: str) -> None:
        super().__init__(f"{one}\n{two}")
        self.lock = lambda: None


def train(seed: int, stubborn: bool = False, exits: bool = False, empty: bool = False, library: bool = False) -> Any:
    if stubborn:
        raise StubbornError("no room", "for it")
    if exits:
        sys.exit("no such thing")
    if library:
        json.loads("{")
    return None if empty else 0.5 + 0.01 * seed


HERE = Path(__file__)
RAISES, EXITS, LOADS = 'raise StubbornError("no room", "for it")', 'sys.exit("no such thing")', 'json.loads("{")'


def at(text: str) -> str:
    """Return the place of a line of this file, as an error names it from another folder."""
    lines = [line.strip() for line in HERE.read_text().splitlines()]
    return f"{HERE}, line {lines.index(text) + 1}"


def test_a_failed_run_keeps_its_error_wherever_it_ran(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    words = {
        "stubborn": f"StubbornError: no room for it ({at(RAISES)})",
        "exits": f"SystemExit: no such thing ({at(EXITS)})",
        "library": f"({at(LOADS)})",
        "empty": "train returned None; expected a finite number",
    }
    for execution, seeds in (("inline", [0]), ("local", [1])):
        with undrawn():
            study = ablation.run(train, list(words), design="one_at_a_time", seeds=seeds, execution=execution, name=execution)
        printed, report = capsys.readouterr().out, (tmp_path / f"mlruns/studies/{execution}/report.md").read_text()
        assert len(study.runs) == 1
        for feature, known in words.items():
            assert any(f"{feature} · seed {seeds[0]} FAILED: " in line and known in line for line in printed.splitlines()), printed
            assert any(f"“{feature}”, seed {seeds[0]}, did not finish: " in line and known in line for line in report.splitlines())
        store = logged(tmp_path)
        [run] = [each for each in store.runs if each.info.run_name == f"stubborn · seed {seeds[0]}"]
        assert run.info.status == "FAILED"
        note = run.data.tags["mlflow.note.content"]
        assert "StubbornError: no room" in note and RAISES in note, note
        kept = Path(run.info.artifact_uri.removeprefix("file://")) / "error.txt"
        assert kept.read_text().startswith("Traceback (most recent call last):")
        assert kept.read_text().endswith("StubbornError: no room\nfor it\n")


def caught(function: Callable[[], Any]) -> Failed:
    try:
        function()
    except Exception as error:
        return failed(error)
    raise AssertionError("nothing failed")


def test_the_note_shows_the_user_s_frame_however_deep_a_library_fails() -> None:
    def deep(levels: int) -> Any:
        text = "import json\ndef deeper(n):\n    return deeper(n - 1) if n else json.loads('{')"
        space: dict[str, Any] = {}
        exec(compile(text, json.__file__, "exec"), space)
        return space["deeper"](levels)

    found = caught(lambda: deep(10))
    assert 'return space["deeper"](levels)' in found.note and "…" in found.note
    assert found.note.count("File ") == 5
    assert found.texts["error.txt"].count("File ") > 6
    assert found.place.endswith(at('return space["deeper"](levels)').rpartition("/")[2])


def test_an_error_is_a_line_without_colours() -> None:
    assert explained(ValueError("\x1b[1mno\x1b[0m\n\nroom")) == "ValueError: no room"
    assert len(explained(ValueError("x" * 5_000))) < 230
    assert explained(KeyError()) == "KeyError: no message"


def test_what_a_subject_says_of_a_failed_run_is_kept_as_it_is() -> None:
    error = cloudpickle.loads(cloudpickle.dumps(RunError("exit status 1\nlast line", {"stderr.txt": "all"}, "train.py, line 3")))
    found = failed(error)
    assert found.words == "exit status 1 (train.py, line 3)"
    assert found.texts == {"stderr.txt": "all", "error.txt": "exit status 1 (train.py, line 3)\nlast line\n"}


def test_a_score_outside_its_bounds_is_no_result(tmp_path: Path) -> None:
    write_function(tmp_path)
    ended = in_this_process(tmp_path, *ASKED, "subject.bounds=[0, 0.74]", "seeds=2", "study.name=first")
    assert ended.code == 1
    assert re.search(r"the score is 0\.7\d+; bounds=\[0, 0\.74\] are the lowest and the highest score that there can be", ended.out)
    scores = [run.data.metrics["val_score"] for run in logged(tmp_path).trained]
    assert scores and max(scores) <= 0.74, "the others count"
    with pytest.raises(InputError, match=r"the finished run of “.*” with seed \d has the score 0\.\d+; bounds=\[0, 0\.5\] are the lowest"):
        in_this_process(tmp_path, *ASKED, "subject.bounds=[0, 0.5]", "seeds=2", "plan=true")


# ---- a process is set up before it reads what the user wrote ---------------------------------------------------------------------


def _choose(threads: int | None, own: bool) -> None:
    os.environ["ABLATION_TEST_CHOSEN"] = "yes"


def _read() -> "Careful":
    assert os.environ.get("ABLATION_TEST_CHOSEN"), "the subject is read before its process is set up"
    return Careful()


class Careful(Subject):
    """A subject whose code needs a process that is set up, as one that imports Keras does."""

    name, description, features = "careful", "Data: none", ("a",)
    metric = Metric("score")
    measures: tuple[Measure, ...] = ()

    def __reduce__(self) -> Any:
        return _read, ()

    def identity(self, arm: Any) -> Mapping[str, Any]:
        return {}

    def run(self, trial: Trial, report: Report) -> Outcome:
        return Outcome(0.0)

    def protocol(self) -> Scoring:
        return Scoring("", "")

    def before(self) -> Callable[[int | None, bool], None]:
        return _choose


def test_a_process_is_set_up_before_the_user_s_code_is_imported(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ABLATION_TEST_CHOSEN", "")
    start(packed(Careful()), 1, False)
    assert os.environ["ABLATION_TEST_CHOSEN"] == "yes"


# ---- arms that cannot be built ---------------------------------------------------------------------------------------------------

BOTH = "'one' and 'two' set the argument 'one' to different values"
LACKS = f"cumulative lacks “all” ({BOTH}): the effect of two cannot be estimated."


def test_an_arm_that_cannot_be_built_is_named_with_its_reason(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_function(tmp_path)
    asked = [each for each in ASKED if not each.startswith("subject.features")]
    asked += ["subject.features={one:{one:true},two:{one:2}}", "seeds=2", "study.name=first"]
    ended = in_this_process(tmp_path, *asked)
    assert ended.code == 1, "not every effect could be estimated"
    assert ended.out.count(LACKS) == 2, "before the first run, and with the notes"
    page = (tmp_path / "mlruns/studies/first/report.md").read_text()
    answer, _, rest = page.partition("## Tables")
    assert LACKS in answer and LACKS in rest.partition("## Notes")[2]
    assert f"- **Failed runs**: none\n- **Arms that cannot be built**: “all” ({BOTH})" in page
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    again = asked_in_words([*asked, "execution=inline"])
    assert LACKS in plan(again.study, again.store, again.execution).remarks
    assert conduct(again) is False, "an effect that could not be estimated is a bad end"
    whole = asked_in_words([*asked[:-1], "features=one_at_a_time", "study.name=second", "execution=inline"])
    assert conduct(whole) is True
    sys.modules.pop("toy", None)
