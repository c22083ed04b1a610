"""Results made elsewhere give the effects that a study would; what cannot be understood is refused with the row at fault."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import combinations
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from command import undrawn
from findings import FEATURES, enriched, synthetic
from scipy.stats import ttest_ind

import ablation
from ablation import designs
from ablation.api import FinishedStudy
from ablation.designs import DESIGNS, Arm, Design, cumulative, fractional, leave_one_out, one_at_a_time, union
from ablation.effects import Effects, contrast_moments
from ablation.elsewhere.command import main
from ablation.elsewhere.findings import findings_of
from ablation.elsewhere.question import Question
from ablation.elsewhere.read import features_of, table_of_file, table_of_frame
from ablation.elsewhere.recognise import recognise
from ablation.store import reading
from ablation.store.connection import Store
from ablation.study.findings import Findings
from ablation.study.study import STUDIES

THREE = ("mixup", "cosine", "ema")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    return tmp_path


@pytest.fixture
def without_charts() -> Iterator[None]:
    with undrawn():
        yield


def path_of_three(seeds: int = 5) -> pd.DataFrame:
    """A cumulative path of three features, a row a run."""
    random = np.random.default_rng(0)
    return pd.DataFrame(
        {
            **{name: int(name in THREE[:step]) for name in THREE},
            "seed": seed,
            "val_acc": 0.7 + 0.03 * step + 0.01 * random.normal(),
        }
        for step in range(4)
        for seed in range(seeds)
    )


def found(frame: pd.DataFrame, **asked: object) -> Findings:
    words: dict[str, object] = {"score": ("val_acc",), "features": THREE, **asked}
    return findings_of(table_of_frame(frame), Question(**words))


def same(one: Effects, other: Effects) -> None:
    for name in ("estimate", "low", "high", "p", "p_holm", "error", "freedom", "low_simultaneous", "high_simultaneous"):
        np.testing.assert_allclose(getattr(one, name), getattr(other, name), rtol=0, atol=1e-12, err_msg=name)
    assert one.verdict == other.verdict


@pytest.mark.parametrize(
    "chosen", [(cumulative(FEATURES),), (fractional(FEATURES), cumulative(FEATURES)), (cumulative(FEATURES), leave_one_out(FEATURES))]
)
def test_a_csv_of_a_study_gives_what_the_study_found(chosen: tuple[Design, ...], folder: Path) -> None:
    study = synthetic(*chosen)
    FinishedStudy(study).runs.to_csv("runs.csv", index=False)
    asked = Question(("score",), FEATURES, smallest=0.005, name="again")
    again = findings_of(table_of_file("runs.csv"), asked)
    assert [each.name for each in again.designs] == [each.name for each in study.designs]
    for one, other in zip(again.effects, study.effects, strict=True):
        same(one, other)
    whole = enriched(study)
    for ours, theirs in zip(again.interactions, whole.interactions, strict=True):
        assert (ours is None) == (theirs is None)
        if ours is not None and theirs is not None:
            np.testing.assert_allclose(ours.estimate, theirs.estimate, rtol=0, atol=1e-12)
    assert again.remarks == ()


def test_the_command_writes_a_study_s_folder_and_says_what_it_found(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path_of_three().to_csv("results.csv", index=False)
    words = ["results.csv", "--score", "val_acc", "--seed", "seed", "--features", "mixup,cosine,ema", "--name", "mine"]
    assert main(words) == 0
    out = capsys.readouterr().out
    assert "+ mixup" in out and "helps" in out
    written = {file.name for file in (STUDIES / "mine").iterdir()}
    assert {"report.html", "report.md", "table.csv", "contribution.png", "climb.svg"} <= written
    page = (STUDIES / "mine" / "report.md").read_text()
    assert "The score is val_acc as results.csv has it." in page and "python -m ablation.analyse results.csv --score val_acc" in page
    assert "Total compute" not in page
    assert main(words) == 0, "the same analysis writes its own folder again"
    capsys.readouterr()
    assert main([*words[:-1], "mine", "--designs", "cumulative"]) == 1
    assert "'mlruns/studies/mine' holds the files of another study" in capsys.readouterr().err


def test_wide_tables_parquet_names_of_arms_and_other_values_are_the_same_runs(folder: Path) -> None:
    frame = path_of_three()
    expected = found(frame).effects[0]
    frame.to_parquet("results.parquet")
    same(findings_of(table_of_file("results.parquet"), Question(("val_acc",), THREE)).effects[0], expected)

    wide = frame.pivot(index=list(THREE), columns="seed", values="val_acc").reset_index()
    wide.columns = pd.Index([*THREE, *(f"acc_{seed}" for seed in range(5))])
    across = found(wide, score=("acc_*",))
    same(across.effects[0], expected)
    assert across.seeds == (0, 1, 2, 3, 4) and across.metric.key == "acc"

    names = {0: "baseline", 1: "mixup", 2: "cosine,mixup", 3: "all"}
    same(found(frame.assign(arm=frame[list(THREE)].sum(axis=1).map(names)), arm="arm").effects[0], expected)
    same(found(frame.assign(arm=frame[list(THREE)].sum(axis=1).map({**names, 2: "all − ema"})), arm="arm").effects[0], expected)

    words = frame.assign(mixup=frame.mixup.map({0: "none", 1: 0.2}), cosine=frame.cosine.map({0: "step", 1: "cosine"}))
    words["ema"] = words.ema.where(words.ema == 1).astype(object)
    same(found(words, on={"mixup": 0.2, "cosine": "cosine"}, off=["none", "step", "missing"]).effects[0], expected)


def doubled(frame: pd.DataFrame) -> pd.DataFrame:
    return pd.concat([frame, frame.iloc[[7]]], ignore_index=True)


def with_cell(column: str, value: object) -> Callable[[pd.DataFrame], pd.DataFrame]:
    def change(frame: pd.DataFrame) -> pd.DataFrame:
        changed = frame.astype(object)
        changed.loc[3, column] = value
        return changed

    return change


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (doubled, "row 9 and row 22 of results.csv are both of the arm “mixup” with seed 2"),
        (with_cell("val_acc", "diverged"), "row 5 of results.csv: val_acc is 'diverged'; expected a finite number"),
        (with_cell("val_acc", "inf"), "row 5 of results.csv: val_acc is 'inf'; expected a finite number"),
        (with_cell("seed", 1.5), "row 5 of results.csv: seed is '1.5'; expected a whole number"),
        (with_cell("seed", None), "row 5 of results.csv: seed is empty; expected a whole number"),
        (with_cell("ema", "yes"), "row 5 of results.csv: ema is 'yes'; expected one of 1, true for on or 0, false for off"),
        (with_cell("ema", None), "row 5 of results.csv: ema is empty; expected one of"),
        (
            lambda frame: frame.rename(columns={"ema": "emma"}),
            "results.csv has no column 'ema', which is to hold a feature; did you mean 'emma'?",
        ),
        (lambda frame: frame.iloc[:0], "results.csv has no rows"),
        (lambda frame: frame[frame.ema == 1], "every run of results.csv has the same features on"),
        (lambda frame: frame[(frame.mixup == 0) | (frame.ema == 1)], "no design fits the 2 arms: “baseline” and “all”"),
    ],
)
def test_what_cannot_be_understood_is_refused_with_the_row(
    change: Callable[[pd.DataFrame], pd.DataFrame], message: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    change(path_of_three()).to_csv("results.csv", index=False)
    assert main(["results.csv", "--score", "val_acc", "--features", "mixup,cosine,ema"]) == 1
    error = capsys.readouterr().err
    assert message in error and error.count("\n") == 1
    assert not STUDIES.exists()


def test_a_score_outside_its_bounds_is_refused_with_the_row(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with_cell("val_acc", 71)(path_of_three()).to_csv("results.csv", index=False)
    words = ["results.csv", "--score", "val_acc", "--features", "mixup,cosine,ema", "--bounds"]
    assert main([*words, "0", "1"]) == 1
    assert capsys.readouterr().err == (
        "ablation: row 5 of results.csv: val_acc is 71; bounds=[0, 1] are the lowest and the highest score that there can be\n"
    )
    assert not STUDIES.exists()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--features", "mixup,mixup"], "'mixup' is named twice"),
        (["--features", "mixup,seed"], "'seed' is named as a feature and as the seed"),
        (["--designs", "fractionl"], "the design 'fractionl' is not known; did you mean 'fractional'?"),
        (["--designs", "bookends"], "the design 'bookends'"),
        (["--on", "emma=1"], "'emma=' names no feature; did you mean 'ema'?"),
        (["--on", "1", "--off", "1"], "is given as on and as off"),
        (["--name", "../x"], "name=../x cannot name a folder"),
        (["--scale", "0"], "scale must be a number above 0"),
        (["--bounds", "1", "0"], "is no pair of a lowest and a highest score"),
        (["--experiment", "some"], "expected either a file or --experiment"),
    ],
)
def test_words_that_cannot_work_are_refused(words: list[str], message: str, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path_of_three()[lambda frame: frame.mixup == 1].to_csv("results.csv", index=False)
    assert main(["results.csv", "--score", "val_acc", "--features", "mixup,cosine,ema", *words]) == 1
    assert message in capsys.readouterr().err


def test_a_run_without_a_score_and_an_arm_that_is_not_there_are_named() -> None:
    lacks_run = found(with_cell("val_acc", None)(path_of_three()))
    assert "One row has no val_acc (row 3) and counts as a missing run." in lacks_run.remarks
    assert lacks_run.effects[0].seeds.tolist() == [4, 5, 5]
    lacks_arm = found(path_of_three()[lambda frame: (frame.mixup == 0) | (frame.cosine == 1)])
    assert lacks_arm.designs[0].features == ("ema",) and "mixup and cosine cannot be estimated" in lacks_arm.designs[0].lost[0]
    assert "1 more arm would complete cumulative: “mixup”." in lacks_arm.remarks


def test_features_that_never_change_are_left_out() -> None:
    frame = path_of_three().assign(dropout=1, swa=0)
    kept = found(frame, features=(*THREE, "dropout", "swa"))
    assert kept.features == THREE
    assert "dropout is on in every run, so nothing can be said of it." in kept.remarks
    assert "swa is off in every run, so nothing can be said of it." in kept.remarks


# ---- seeds --------------------------------------------------------------------------------------------------------------------


def test_seeds_that_arms_do_not_share_lead_to_welch_s_test() -> None:
    frame = path_of_three()
    apart = found(frame.assign(seed=range(len(frame))))
    assert apart.independent and "Arms do not share their seeds" in apart.remarks[0] and "Welch" in apart.remarks[0]
    effects = apart.effects[0]
    scores = [frame.val_acc[frame[list(THREE)].sum(axis=1) == step].to_numpy() for step in range(4)]
    for row in range(3):
        test = ttest_ind(scores[row + 1], scores[row], equal_var=False)
        assert effects.p[row] == pytest.approx(test.pvalue, abs=1e-12) and effects.freedom[row] == pytest.approx(test.df)
        interval = test.confidence_interval(0.95)
        np.testing.assert_allclose([effects.low[row], effects.high[row]], [interval.low, interval.high], atol=1e-12)
    same(found(frame, seed=None).effects[0], effects)
    shuffled = frame.sample(frac=1, random_state=1)
    same(found(shuffled, seed=None).effects[0], effects)


@pytest.mark.usefixtures("without_charts")
def test_a_report_of_runs_without_seeds_says_so(folder: Path) -> None:
    frame = path_of_three()[lambda frame: (frame.ema == 0) | (frame.seed < 4)]
    study = ablation.analyse(frame, score="val_acc", features=THREE, seed=None, unit="%", scale=100, bounds=(0, 1), name="apart")
    assert study.findings.metric.largest_effect == 1
    page = study.report().with_name("report.md").read_text()
    assert " runs |" in page and "seeds |" not in page
    assert "**Runs**: 4 to 5 runs an arm, with seeds of their own or none" in page and "ν after Welch" in page
    assert "missing" not in page and "did not finish" not in page


def test_a_few_missing_runs_leave_arms_paired() -> None:
    frame = path_of_three()
    assert not found(frame.drop(index=[0, 6, 12])).independent
    moved = frame.assign(seed=frame.seed + 4 * frame.mixup)
    assert found(moved).independent


def test_welch_weighs_many_arms_and_needs_two_runs_of_each() -> None:
    scores = np.array([[1.0, 2.0, 4.0], [1.5, 2.5, np.nan], [np.nan, 2.2, np.nan]])
    moments = contrast_moments("independent", scores, np.array([[-1, 1, 0], [-1, 0, 1], [np.nan, 0, 1]]))
    assert moments.estimate[1] == pytest.approx(2.75) and np.isnan(moments.error[1]) and np.isnan(moments.freedom[1])
    assert moments.error[0] == pytest.approx(ttest_ind([2, 2.5, 2.2], [1, 1.5], equal_var=False)._standard_error)
    assert np.isnan(moments.estimate[2])


# ---- recognition ----------------------------------------------------------------------------------------------------------------

SEVEN = tuple("abcdefg")


@pytest.mark.parametrize("name", [*DESIGNS])
def test_the_arms_of_each_design_are_recognised(name: str) -> None:
    expected = "factorial" if name == "shapley" else name  # of all subsets both are
    known = recognise(SEVEN, DESIGNS[name](SEVEN).arms)
    assert [each.name for each in known.designs] == [expected]
    np.testing.assert_array_equal(known.designs[0].contrasts, DESIGNS[expected](SEVEN).contrasts)
    [wanted] = recognise(SEVEN, DESIGNS[name](SEVEN).arms, [name]).designs
    assert wanted.name == name


def without(arms: tuple[Arm, ...], *gone: str) -> list[Arm]:
    return [arm for arm in arms if arm not in map(frozenset, gone)]


@pytest.mark.parametrize(
    ("arms", "names"),
    [
        (cumulative(SEVEN[::-1]).arms, ["cumulative"]),
        (fractional(tuple("cadbegf")).arms, ["fractional"]),
        (union([cumulative(SEVEN), fractional(SEVEN)]), ["fractional", "cumulative"]),
        (union([leave_one_out(SEVEN), one_at_a_time(SEVEN)]), ["bookends"]),
        (designs.shapley(SEVEN, 10).arms, ["shapley"]),
        (without(union([cumulative(SEVEN), leave_one_out(SEVEN)]), "bcdefg"), ["cumulative", "leave_one_out"]),
        (without(fractional(SEVEN).arms, "abcdefg"), ["fractional"]),
    ],
)
def test_several_designs_other_orders_and_missing_arms_are_recognised(arms: tuple[Arm, ...], names: list[str]) -> None:
    assert [each.name for each in recognise(SEVEN, arms).designs] == names


def test_a_path_in_another_order_is_reported_in_its_order() -> None:
    assert recognise(SEVEN, cumulative(SEVEN[::-1]).arms).features == SEVEN[::-1]
    assert recognise(SEVEN, union([cumulative(SEVEN[::-1]), cumulative(SEVEN)])).features == SEVEN


def test_any_arms_that_tell_pairs_apart_are_fitted_by_least_squares() -> None:
    subsets = [frozenset(each) for size in range(8) for each in combinations(SEVEN, size)]
    arms = [subsets[place] for place in np.random.default_rng(1).permutation(128)[:40]]
    [design] = recognise(SEVEN, arms).designs
    assert design.name == "pairs"
    scores = np.array([sum(SEVEN.index(name) for name in arm) + 3.0 * ({"a", "b"} <= arm) for arm in design.arms])
    assert design.contrasts @ scores == pytest.approx([1.5, 2.5, 2, 3, 4, 5, 6])


def test_a_fraction_in_which_pairs_pass_for_features_says_so() -> None:
    plan = [frozenset(name for name, on in zip("abc", (one, two, one ^ two), strict=True) if on) for one in (0, 1) for two in (0, 1)]
    [design] = recognise("abc", plan).designs
    assert design.averages is None and "pairs pass for single ones" in design.meaning


def test_forty_features_are_no_trouble(folder: Path) -> None:
    features = tuple(f"feature_{number}" for number in range(40))
    study = synthetic(cumulative(features), leave_one_out(features), features=features, gains=[0.002] * 40, seeds=5, epochs=1)
    again = findings_of(table_of_frame(FinishedStudy(study).runs), Question(("score",), features))
    assert [each.name for each in again.designs] == ["cumulative", "leave_one_out"]
    same(again.effects[1], replace(study.effects[1], verdict=again.effects[1].verdict))


def test_lower_can_be_better() -> None:
    frame = path_of_three().assign(val_acc=lambda frame: -frame.val_acc)
    assert set(found(frame, higher_is_better=False).effects[0].verdict) == {"helps"}


# ---- MLflow ---------------------------------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("without_charts")
def test_runs_of_a_foreign_experiment_are_read_by_their_params_and_an_analysis_of_them_is_a_study(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    store = Store.of_environment("theirs")
    client, experiment = store.client, store.experiment_id(create=True)
    frame = path_of_three(seeds=3)
    for place, row in enumerate(frame.to_dict("records")):
        run = client.create_run(experiment, run_name=f"run {place}").info.run_id
        for name in THREE:
            if row[name]:
                client.log_param(run, name, "True")
        client.set_tag(run, "seed", str(int(row["seed"])))
        client.log_metric(run, "val_acc", 0.0, step=1)
        client.log_metric(run, "val_acc", row["val_acc"], step=2)
        client.set_terminated(run, "FINISHED")
    client.set_terminated(client.create_run(experiment, run_name="a sweep").info.run_id, "FINISHED")
    client.set_terminated(client.create_run(experiment, run_name="crashed").info.run_id, "FAILED")

    asked = ["--experiment", "theirs", "--score", "val_acc", "--features", "mixup,cosine,ema"]
    assert main(asked) == 1
    assert "run 'run 0' (" in (error := capsys.readouterr().err) and "mixup is empty" in error
    assert main(["--experiment", "their", *asked[2:]]) == 1
    assert "is called 'their'; did you mean 'theirs'?" in capsys.readouterr().err
    assert main([*asked, "--filter", "nonsense"]) == 1
    assert "MLflow does not understand the filter nonsense" in capsys.readouterr().err

    for _ in range(2):  # The second time nothing is logged anew.
        assert main([*asked, "--off", "missing", "--name", "mine", "--log"]) == 0
        assert "1 run of the experiment 'theirs' that did not finish is left out." in capsys.readouterr().out
    logged = ablation.load_study("mine")
    same(logged.findings.effects[0], found(frame).effects[0])
    own = Store.of_environment("ablation")
    parent = next(each for each in reading.studies(own) if each.name == "mine")
    assert parent.status == "FINISHED" and len(reading.children(own, parent.run_id, own.experiment_id(create=False) or "")) == 12
    assert not reading.logged_rows(own, ""), "an analysis is no source of runs for another one"


@pytest.mark.usefixtures("without_charts")
def test_a_study_of_a_function_is_analysed_to_the_same(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    def train(seed: int, one: bool = False, two: bool = False) -> float:
        return 0.5 + 0.1 * one - 0.05 * two + 0.01 * float(np.random.default_rng([seed, one, two]).normal())

    study = ablation.run(train, ["one", "two"], seeds=4, execution="inline")
    again = ablation.analyse(study.runs, score="score", features=["one", "two"])
    same(again.findings.effects[0], study.findings.effects[0])
    words = ["--experiment", "ablation", "--arm", "ablation.arm", "--seed", "ablation.seed", "--score", "score", "--features", "one,two"]
    assert main([*words, "--name", "from mlflow"]) == 0
    table = table_of_file(str(study.report().with_name("runs.csv")))
    assert features_of(table) == ("one", "two")
    same(findings_of(table, Question(("score",), features_of(table))).effects[0], study.findings.effects[0])
    pd.testing.assert_frame_equal(table.frame, study.runs)
    capsys.readouterr()
    assert main([str(study.report().with_name("runs.csv")), "--name", "from its table"]) == 0
    assert "Features, the columns of true and false: one, two." in capsys.readouterr().out
    assert (STUDIES / "from mlflow" / "report.html").is_file()
