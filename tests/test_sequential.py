"""Studies that look at their effects and stop by them, and looks that nothing counted."""

import os
import signal
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from command import in_this_process, line_of, logged, report_in_this_process, start, table, write_function
from scipy.special import ndtri

from ablation.designs import cumulative, fractional, only
from ablation.effects import ALPHA, FUTILE, LOST, OPEN, false_claims, followed, holm, looked_at, nominal_levels, rejected, repeated_p
from ablation.errors import InputError
from ablation.store.connection import Store
from ablation.store.shown import note_end, note_look, shown_before
from ablation.store.study_log import StudyLog
from ablation.study.findings import from_json, to_json
from ablation.study.outcome import Result
from ablation.study.study import Sequential, Study

LOOKS = (5, 8, 12, 16, 20)
FRACTIONS = tuple(look / 20 for look in LOOKS)
FEATURES = tuple("abcdefg")

STUDY = (
    *("subject=function", "subject.target=toy.train", "subject.features=[one,two,three]", "subject.metric=val_score"),
    *("features=cumulative", "seeds=sequential", "effects.looks=[5,6,8]", "study.name=looks"),
)
"""Four arms of a function whose first two features are clear at the first look, and whose third does nothing."""


def path_scores(studies: int, seeds: int = 20, rise: tuple[float, ...] = (0.0,) * 7) -> np.ndarray:
    """Return made-up scores of a cumulative path, ``(studies, seeds, arms)``, in standard deviations of one run."""
    rng = np.random.default_rng(3)
    shared = rng.normal(0, 3, (studies, seeds, 1))
    return np.asarray(np.cumsum((0.0, *rise)) + shared + rng.normal(size=(studies, seeds, len(rise) + 1)))


# ---- bounds -----------------------------------------------------------------------------------------------------------------


def test_bounds_are_those_of_obrien_and_flemings_spending() -> None:
    """As Lan and DeMets (1983) and the programs of Reboussin, DeMets, Kim and Lan (2000) give them for five equal looks."""
    levels = nominal_levels((0.2, 0.4, 0.6, 0.8, 1.0), 0.05)
    assert [round(float(-ndtri(level / 2)), 3) for level in levels] == [4.877, 3.357, 2.680, 2.290, 2.031]


def test_all_looks_together_have_their_level() -> None:
    rng = np.random.default_rng(0)
    walk = np.cumsum(rng.normal(size=(200_000, 20)), axis=1)
    z = walk[:, [look - 1 for look in LOOKS]] / np.sqrt(LOOKS)
    bounds = -ndtri(np.array(nominal_levels(FRACTIONS, 0.05)) / 2)
    assert (np.abs(z) > bounds).any(axis=1).mean() == pytest.approx(0.05, abs=0.002)


def test_a_single_look_is_the_usual_test() -> None:
    p = np.array([0.004, 0.2, 0.012, 0.03, np.nan])
    levels = np.array([nominal_levels((1.0,), ALPHA / m)[0] for m in range(1, 5)])
    assert rejected(p, np.ones(5, dtype=bool), np.array(4), levels).tolist() == (holm(p) < ALPHA).tolist()
    assert repeated_p(p[:4], (1.0,), 0) == pytest.approx(p[:4], rel=1e-3)


def test_a_repeated_p_value_is_the_level_at_which_the_look_just_rejects() -> None:
    for total in (0.001, 0.03, 0.4):
        levels = nominal_levels(FRACTIONS, total)
        for look, level in enumerate(levels):
            assert repeated_p(np.array([level]), FRACTIONS, look) == pytest.approx([total], rel=0.02)


def test_each_rejection_makes_the_next_one_easier() -> None:
    levels = np.array([nominal_levels(FRACTIONS, ALPHA / m)[2] for m in (1, 2, 3)])
    p = np.array([levels[2], levels[1], 0.9])
    every = np.ones(3, dtype=bool)
    assert rejected(p, every, np.array(3), levels).tolist() == [True, True, False]
    assert rejected(np.array([levels[1], levels[1], 0.9]), every, np.array(3), levels).tolist() == [False] * 3
    assert rejected(np.array([np.nan, levels[1], 0.9]), np.array([False, True, True]), np.array(2), levels).tolist() == [False, True, False]


def test_looks_that_nothing_counts_claim_more() -> None:
    assert false_claims([7], 7, ALPHA) == pytest.approx(ALPHA)
    assert false_claims([3, 5, 10], 7, ALPHA) == pytest.approx(0.123, abs=0.002)
    assert false_claims([3, 5, 10, 20], 7, ALPHA) > false_claims([3, 5, 10], 7, ALPHA)


# ---- effects look by look ---------------------------------------------------------------------------------------------------


def test_one_study_is_judged_as_many_are_simulated() -> None:
    design = cumulative(FEATURES)
    scores = path_scores(20, rise=(0, 1, -1, 2, -2, 3, -3))
    many = followed([design], design.arms, LOOKS, scores)
    for study, signs in zip(scores, many.claimed[0], strict=True):
        effects, decided = looked_at(design, study, LOOKS, len(LOOKS), 0.0)
        assert [{"helps": 1, "hurts": -1}.get(word, 0) for word in effects.verdict] == signs.tolist()
        assert (effects.p_holm < ALPHA).tolist() == (signs != 0).tolist()
        assert effects.seeds.tolist() == [LOOKS[look - 1] for look in decided]


def test_false_claims_stay_at_five_percent_and_clear_effects_save_runs() -> None:
    design = cumulative(FEATURES)
    none = followed([design], design.arms, LOOKS, path_scores(2000))
    assert (none.claimed[0] != 0).any(axis=1).mean() < 0.065
    clear = followed([design], design.arms, LOOKS, path_scores(300, rise=(0, 1, -1, 2, -2, 3, -3)))
    assert clear.seeds.sum(axis=1).mean() < 140


def test_what_is_decided_no_longer_moves() -> None:
    design = cumulative(("a", "b"))
    scores = path_scores(1, rise=(9.0, 0.0))[0]
    before, decided = looked_at(design, scores, LOOKS, 2, 0.0)
    assert (before.verdict, decided.tolist()) == (("helps", OPEN), [2, 0])
    scores[8:, :2] = 50.0
    after, _ = looked_at(design, scores, LOOKS, 5, 0.0)
    assert after.verdict[0] == "helps"
    assert after.estimate[0] == before.estimate[0] and after.low[0] == before.low[0]
    assert np.isnan(after.per_seed[8:, 0]).all()


def test_intervals_that_say_nothing_are_not_shown_and_those_shown_agree_with_verdicts() -> None:
    design = cumulative(FEATURES)
    scores = path_scores(1, rise=(0, 1, -1, 2, -2, 3, -3))[0]
    assert np.isnan(looked_at(design, scores, (3, 20), 1, 0.0)[0].low).all()
    unseen, _ = looked_at(design, scores, LOOKS, 0, 0.0)
    assert np.isnan(unseen.p).all() and set(unseen.verdict) == {OPEN} and not np.isnan(unseen.estimate).any()
    effects, _ = looked_at(design, scores, LOOKS, 5, 0.0)
    outside = (effects.low > 0) | (effects.high < 0)
    assert outside.tolist() == (effects.p < ALPHA).tolist()
    assert outside.tolist() == [word in ("helps", "hurts", "probably helps", "probably hurts") for word in effects.verdict]


def test_small_effects_are_negligible_and_unlikely_ones_are_given_up_where_asked() -> None:
    design = cumulative(("a", "b"))
    scores = path_scores(1, rise=(0.0, 0.0))[0]
    effects, decided = looked_at(design, scores, LOOKS, 5, 3.0)
    assert effects.verdict == ("negligible",) * 2 and (decided < 5).all()
    effects, decided = looked_at(design, scores, LOOKS, 5, 0.0, futility=True)
    assert FUTILE in effects.verdict and (decided < 5).any()
    assert FUTILE not in looked_at(design, scores, LOOKS, 5, 0.0)[0].verdict


def test_a_missing_run_takes_its_seed_from_a_contrast_and_no_look_from_the_study() -> None:
    design = cumulative(("a", "b"))
    scores = path_scores(1, rise=(9.0, 9.0))[0]
    scores[2, 0] = np.nan
    effects, decided = looked_at(design, scores, LOOKS, 5, 0.0)
    assert effects.seeds.tolist() == [LOOKS[decided[0] - 1] - 1, LOOKS[decided[1] - 1]]
    scores[:, 0] = np.nan
    effects, _ = looked_at(design, scores, LOOKS, 5, 0.0)
    assert effects.verdict == (LOST, "helps")


def test_a_balanced_design_needs_all_its_arms_for_an_open_effect() -> None:
    design = fractional(FEATURES[:5])
    rng = np.random.default_rng(1)
    scores = np.array([5.0 * ("a" in arm) for arm in design.arms]) + rng.normal(size=(40, 20, len(design.arms)))
    found = followed([design], design.arms, LOOKS, scores)
    assert (found.claimed[0][:, 0] == 1).all()
    assert (found.seeds == found.seeds[:, :1]).all()


# ---- what is refused --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("looks", "message"),
    [
        ([5, 8, 8], "effects.looks must be an increasing list of whole numbers of seeds"),
        ([8, 5], "must be an increasing list"),
        ([5, 8.5], "must be an increasing list"),
        (5, "must be an increasing list .* not 5"),
        ("many", "must be an increasing list"),
        ([20], r"effects.looks=\[20\] has fewer than two looks; expected a list such as \[5,8,12,16,20\], or seeds=N"),
        ([2, 8], "begins with 2 seeds; expected at least 3"),
    ],
)
def test_looks_without_sense_are_refused(looks: Any, message: str) -> None:
    with pytest.raises(InputError, match=message):
        Sequential(looks)


def test_futility_is_true_or_false() -> None:
    with pytest.raises(InputError, match="effects.futility must be true or false, not 3"):
        Sequential(LOOKS, 3)


def test_a_study_that_credits_nothing_cannot_stop_by_its_effects() -> None:
    with pytest.raises(InputError, match="seeds=sequential decides by looks at effects, and this study has no design that credits"):
        Study(object(), (only(FEATURES, ["a"]),), (0, 1, 2), sequential=Sequential(LOOKS))


# ---- the study --------------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """A folder with a study that stopped itself, and what it printed."""
    folder = tmp_path_factory.mktemp("whole")
    write_function(folder)
    return folder, in_this_process(folder, *STUDY, pictures=True).out


def seeds_of_arms(folder: Path) -> dict[str, int]:
    counts: dict[str, int] = {}
    for run in logged(folder).runs:
        if "ablation.arm" in run.data.tags and run.info.status == "FINISHED":
            counts[run.data.tags["ablation.arm"]] = counts.get(run.data.tags["ablation.arm"], 0) + 1
    return counts


def test_arms_that_no_open_effect_needs_get_no_more_seeds(whole: tuple[Path, str]) -> None:
    folder, out = whole
    assert seeds_of_arms(folder) == {"": 5, "one": 5, "one,two": 8, "one,two,three": 8}
    assert "Look 1 of 3, 5 seeds: one helps, two hurts. 1 effect is open: 2 of 4 arms go on to 6 seeds." in out
    assert "Look 3 of 3, 8 seeds: three stays open. The study ends here." in out
    assert "[20/20]" in out and "[22/22]" in out and "[26/26]" in out


def test_the_report_says_which_look_decided_what_and_misses_nothing(whole: tuple[Path, str]) -> None:
    folder, _ = whole
    report = (folder / "mlruns/studies/looks/report.md").read_text()
    assert "did not finish" not in report and "of 8 seeds" not in report and "/8" not in report
    assert "5 to 8 seeds an arm, decided by 3 of 3 planned looks, at 5, 6 and 8 seeds." in report
    assert "Look 1 (5 seeds): one helps, two hurts." in report
    rows = {row["feature"]: row for row in table(folder, "looks")}
    assert {name: rows[name]["effect_look"] for name in ("one", "two", "three")} == {"one": "1", "two": "1", "three": "3"}
    assert {name: rows[name]["effect_seeds"] for name in ("one", "two", "three")} == {"one": "5", "two": "5", "three": "8"}


def test_findings_with_looks_are_read_back_as_they_were(whole: tuple[Path, str]) -> None:
    text = (whole[0] / "mlruns/studies/looks/findings.json").read_text()
    found = from_json(text, lambda run_id: Result(0.7, run_id=run_id))
    assert to_json(found) == text
    assert found.looks is not None and [look.tolist() for look in found.looks.decided] == [[1, 1, 3]]
    assert (found.total, found.missing, found.seeds_in_words) == (26, 0, "5 to 8 seeds")


def test_started_again_it_trains_nothing_and_finds_the_same(whole: tuple[Path, str]) -> None:
    folder, _ = whole
    before, rows = (folder / "mlruns/studies/looks/findings.json").read_text(), len(logged(folder).runs)
    in_this_process(folder, *STUDY)
    assert len(logged(folder).runs) == rows
    assert (folder / "mlruns/studies/looks/findings.json").read_text() == before


def test_runs_of_another_study_are_read_look_by_look(whole: tuple[Path, str], tmp_path: Path) -> None:
    write_function(tmp_path)
    in_this_process(tmp_path, *STUDY, "seeds=8", "study.name=fixed")
    made = len(logged(tmp_path).trained)
    in_this_process(tmp_path, *STUDY)
    assert len(logged(tmp_path).trained) == made, "a run was made again"
    assert [{**row, "verdict": ""} for row in table(tmp_path, "looks")] == [{**row, "verdict": ""} for row in table(whole[0], "looks")]
    [parent] = [run for run in logged(tmp_path).parents if run.info.run_name == "looks"]
    assert len(logged(tmp_path).children(parent)) == 26


def test_killed_in_the_middle_of_a_look_it_goes_on_to_the_same_end(whole: tuple[Path, str], tmp_path: Path) -> None:
    write_function(tmp_path, pause=0.2)
    process = start(tmp_path, *STUDY, "execution.workers=2")
    line_of(process, "[21/22]")
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
    looked = report_in_this_process(tmp_path, "looks")
    assert looked.code == 0, looked.err
    page = (tmp_path / "mlruns/studies/looks in progress/report.md").read_text()
    assert "of 22 runs" in page.splitlines()[0] and "Open after 5 seeds: three" in page
    assert "one helps" in page
    ended = in_this_process(tmp_path, *STUDY)
    assert ended.code == 0, ended.out
    assert table(tmp_path, "looks") == table(whole[0], "looks")
    assert len(logged(tmp_path).parents) == 1
    assert "look at this question" not in ended.out, "its own looks are counted"


FAILING = """

whole = train


def train(seed, one=False, two=False, three=False, report=None):
    if (two and not three and seed == 3) or (ALWAYS and seed == 5):
        raise ValueError("no luck")
    return whole(seed, one, two, three, report)
"""


def test_a_failed_run_is_missing_and_a_run_that_nothing_asked_for_is_not(tmp_path: Path) -> None:
    write_function(tmp_path, more=FAILING.replace("ALWAYS", "False"))
    ended = in_this_process(tmp_path, *STUDY)
    assert ended.code == 1
    report = (tmp_path / "mlruns/studies/looks/report.md").read_text()
    assert "1 of 26 runs are missing" in report
    assert "the effect of two rests on 4 of 5 seeds" in report and "the effect of three rests on 7 of 8 seeds" in report
    assert "Look 3 of 3" in ended.out


def test_a_study_that_stops_on_an_error_leaves_the_rest_undecided(tmp_path: Path) -> None:
    write_function(tmp_path, more=FAILING.replace("ALWAYS", "True").replace("two and", "False and"))
    ended = in_this_process(tmp_path, *STUDY, "on_error=stop")
    assert ended.code == 1 and "Look 2" not in ended.out
    report = (tmp_path / "mlruns/studies/looks/report.md").read_text()
    assert "Open after 5 seeds: three" in report
    assert "2 of 22 runs are missing" in report


def test_several_designs_share_arms_and_end_when_all_is_decided(tmp_path: Path) -> None:
    write_function(tmp_path)
    in_this_process(tmp_path, *STUDY, "features=[cumulative,leave_one_out]")
    counts = seeds_of_arms(tmp_path)
    assert counts == {"": 5, "one": 5, "one,two": 8, "one,two,three": 8, "one,three": 5, "two,three": 5}
    assert "cumulative: Look 1 (5 seeds)" not in (tmp_path / "mlruns/studies/looks/report.md").read_text()


def test_a_plan_shows_looks_bounds_and_expected_runs(whole: tuple[Path, str], tmp_path: Path) -> None:
    write_function(tmp_path)
    before = in_this_process(tmp_path, *STUDY, "plan=true").out
    assert "4 arms × at most 8 seeds = at most 32 runs" in before
    assert "Seeds: looks at 5, 6 and 8" in before and "|t| >" in before
    assert "Expected runs, simulated: 32 if none has an effect" in before
    assert "finished already: 0; to run: at most 32" in before
    after = in_this_process(whole[0], *STUDY, "plan=true").out
    assert "finished already: 26; to run: 0" in after


# ---- looks that nothing counted ---------------------------------------------------------------------------------------------


def test_more_seeds_after_effects_were_shown_are_a_further_look_and_the_same_seeds_are_not(tmp_path: Path) -> None:
    write_function(tmp_path)

    def answer(seeds: str) -> str:
        in_this_process(tmp_path, *STUDY, f"seeds={seeds}", f"study.name=with {seeds}")
        return (tmp_path / f"mlruns/studies/with {seeds}/report.md").read_text()

    assert "look at this question" not in answer("3")
    second = answer("5")
    assert "This is the 2nd look at this question (after 3 seeds): with so many looks about 8 in 100 studies claim" in second
    assert "seeds=sequential holds 5" in second
    assert "- **Looks**: This is the 2nd look" in second
    assert answer("5") == second
    assert "look at this question" not in answer("3"), "what came later does not count"
    assert "This is the 3rd look at this question (after 3 and 5 seeds)" in answer("6")
    assert "This is the 4th look" in answer("sequential") and "only its own looks are counted" in answer("sequential")
    assert "look at this question" not in answer("2"), "two seeds have no verdict"


def test_a_look_at_a_study_before_its_end_is_counted_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    store = Store.of_environment("ablation")
    mine = StudyLog.open(store, "mine", "what earns it?", "mine", "score", {}).parent
    other = StudyLog.open(store, "other", "something else?", "other", "score", {}).parent
    note_end(store, other, 9)
    assert shown_before(store, mine) == ()
    for seeds in (5, 5, 10):
        note_look(store, mine, seeds)
    assert shown_before(store, mine) == (5, 10)
    later = StudyLog.open(store, "later", "what earns it?", "later", "score", {}).parent
    assert shown_before(store, later) == (5, 10)
    note_end(store, mine, 20)
    note_end(store, mine, 20)
    assert shown_before(store, mine) == (5, 10)
    assert shown_before(store, later) == (5, 10, 20)
