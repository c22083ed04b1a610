"""A study end to end, on a function that trains nothing: what is run, logged, shared, continued and printed."""

from pathlib import Path

import pytest
from command import ASKED, Ended, ablation, in_this_process, logged, table, write_function

from ablation.errors import InputError

FIRST = (*ASKED, "seeds=2", "study.name=first")


@pytest.fixture(scope="module")
def first(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Ended]:
    """A finished study: three arms, two seeds."""
    folder = tmp_path_factory.mktemp("function")
    write_function(folder, database=False)
    return folder, ablation(folder, *FIRST, "execution.workers=2")


def test_the_study_ends_well_and_says_where_to_look(first: tuple[Path, Ended]) -> None:
    _, ended = first
    assert ended.code == 0, ended.err
    for words in (
        "[6/6]",
        "+ one",
        "+ two",
        "verdict",
        "Keep    one: ",
        "report.html",
        "mlflow ui",
    ):
        assert words in ended.out
    assert ended.err == ""


def test_every_run_is_logged_with_its_epochs_and_what_it_returned(first: tuple[Path, Ended]) -> None:
    folder, _ = first
    store = logged(folder)
    [parent] = store.parents
    assert parent.data.tags["ablation.best_arm"] == "one"
    assert (parent.info.run_name, parent.info.status) == ("first", "FINISHED")
    assert (parent.data.params["subject"], parent.data.params["metric"]) == ("train", "val_score")
    children = store.children(parent)
    assert {(run.data.tags["ablation.arm"], run.data.tags["ablation.seed"]) for run in children} == {
        (arm, seed) for arm in ("", "one", "one,two") for seed in "01"
    }
    for run in children:
        for metric in ("loss", "val_score"):
            assert [each.step for each in store.client.get_metric_history(run.info.run_id, metric) if each.step] == [1, 2]
        assert run.data.metrics["size"] == 10 + 5 * ("one" in run.data.tags["ablation.arm"])
        assert run.data.params["function"] == "train"
        assert [run.data.params.get(f"feature.{name}") for name in ("one", "two")] == [
            "on" if name in run.data.tags["ablation.arm"].split(",") else None for name in ("one", "two")
        ]


def test_every_arm_has_a_first_seed_before_any_has_a_second_one(first: tuple[Path, Ended]) -> None:
    folder, _ = first
    begun = {seed: [run.info.start_time for run in logged(folder).trained if run.data.tags["ablation.seed"] == seed] for seed in "01"}
    assert len(begun["0"]) == len(begun["1"]) == 3 and max(begun["0"]) <= min(begun["1"])


def test_a_step_carries_its_score_minus_that_of_the_step_before(first: tuple[Path, Ended]) -> None:
    folder, _ = first
    runs = {(run.data.tags["ablation.arm"], run.data.tags["ablation.seed"]): run for run in logged(folder).trained}
    for seed in "01":
        assert "val_score_delta" not in runs["", seed].data.metrics
        for before, arm in (("", "one"), ("one", "one,two")):
            difference = runs[arm, seed].data.metrics["val_score"] - runs[before, seed].data.metrics["val_score"]
            assert runs[arm, seed].data.metrics["val_score_delta"] == pytest.approx(difference)


def test_what_the_function_returns_beside_its_score_stands_in_the_table(first: tuple[Path, Ended]) -> None:
    folder, ended = first
    rows = {row["arm"]: row for row in table(folder, "first")}
    assert (rows["baseline"]["size"], rows["one"]["size"]) == ("10", "15")
    assert float(rows["one"]["effect"]) == pytest.approx(0.05, abs=0.002)
    assert "size" in ended.out and "s/run" in ended.out


def test_a_finished_study_runs_nothing_again_and_logs_nothing_twice(first: tuple[Path, Ended]) -> None:
    folder, _ = first
    before = {run.info.run_id: run.data.metrics for run in logged(folder).runs}
    again = in_this_process(folder, *FIRST)
    assert again.code == 0, again.out
    assert "[1/6]" not in again.out
    assert {run.info.run_id: run.data.metrics for run in logged(folder).runs} == before
    assert max(len(logged(folder).client.get_metric_history(run, "val_score_delta")) for run in before) == 1


def test_a_plan_counts_what_is_there_and_runs_and_logs_nothing(first: tuple[Path, Ended]) -> None:
    folder, _ = first
    before = len(logged(folder).runs)
    ended = in_this_process(folder, *ASKED, "features=[cumulative,leave_one_out]", "seeds=3", "plan=true")
    assert "4 arms × 3 seeds = 12 runs; 2 arms are shared" in ended.out
    assert "finished already: 6; to run: 6" in ended.out
    assert "time left: about" in ended.out
    assert len(logged(folder).runs) == before


def test_another_study_does_not_write_over_the_files_of_one(first: tuple[Path, Ended]) -> None:
    folder, _ = first
    before = (folder / "mlruns/studies/first/table.md").read_bytes()
    with pytest.raises(InputError, match="holds the files of another study; expected another study.name"):
        in_this_process(folder, *FIRST, "features=one_at_a_time")
    assert (folder / "mlruns/studies/first/table.md").read_bytes() == before


def test_another_design_runs_only_the_arms_that_it_adds(first: tuple[Path, Ended]) -> None:
    folder, _ = first
    made = {run.info.run_id for run in logged(folder).trained}
    ended = in_this_process(folder, *ASKED, "features=[leave_one_out,one_at_a_time]", "seeds=2", "study.name=second")
    assert ended.code == 0, ended.out
    store = logged(folder)
    new = [run for run in store.trained if run.info.run_id not in made]
    assert {run.data.tags["ablation.arm"] for run in new} == {"two"}
    [parent] = [run for run in store.parents if run.info.run_name == "second"]
    children = store.children(parent)
    assert len(children) == 8
    copies = [run for run in children if "ablation.copy_of" in run.data.tags]
    assert len(copies) == 6
    for copy in copies:
        original = store.client.get_run(copy.data.tags["ablation.copy_of"])
        assert original.info.run_id in made
        assert copy.data.metrics["val_score"] == original.data.metrics["val_score"]
    alone = [run for run in children if run.data.tags["ablation.arm"] == "two"]
    assert all({"val_score_delta", "delta_one_at_a_time"} <= set(run.data.metrics) for run in alone)


FAILING = """

good = train


def train(seed, one=False, two=False, report=None):
    if one:
        raise MemoryError("no room\\nfor it")
    return good(seed, False, two, report=report)
"""


def test_a_failing_arm_does_not_stop_the_others(tmp_path: Path) -> None:
    write_function(tmp_path, more=FAILING)
    asked = (*ASKED, "features=one_at_a_time", "seeds=2")
    ended = ablation(tmp_path, *asked, "study.name=first", "execution=inline")
    assert ended.code == 1
    assert "one · seed 0 FAILED: MemoryError: no room" in ended.out
    rows = {row["feature"]: row for row in table(tmp_path, "first") if row["feature"]}
    assert rows["two"]["effect"] != ""
    assert (rows["one"]["effect"], rows["one"]["verdict"]) == ("", "no estimate")
    statuses = sorted(run.info.status for run in logged(tmp_path).runs if "ablation.key" in run.data.tags)
    assert statuses == ["FAILED", "FAILED", "FINISHED", "FINISHED", "FINISHED", "FINISHED"]
    assert (tmp_path / "mlruns/studies/first/contribution.png").exists()

    stopped = in_this_process(tmp_path, *asked, "on_error=stop", "seeds=[5,6]", "study.name=second")
    assert stopped.code == 1
    assert "one · seed 5 FAILED" in stopped.out
    assert "seed 6" not in stopped.out
