"""The report opens with the answer, says the same as HTML and as Markdown, needs nothing but itself, and survives odd names."""

import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from findings import FEATURES, GAINS, enriched, synthetic

from ablation import report
from ablation.designs import BASELINE, cumulative, factorial, fractional, leave_one_out, none, one_at_a_time
from ablation.report.keep import what_to_keep
from ablation.report.publish import publish, unchanged
from ablation.report.tables import WORDS
from ablation.store.names import CONFIGURATION
from ablation.study.findings import Findings

TOGETHER = {("augmentation", "batch_norm"): -0.15}


@pytest.fixture(scope="module")
def findings() -> Findings:
    return enriched(synthetic(cumulative(FEATURES), fractional(FEATURES), together=TOGETHER, failed=[(frozenset(FEATURES[:3]), 2)]))


@pytest.fixture(scope="module")
def small() -> Findings:
    """A study of three features, quick to draw."""
    three = FEATURES[:3]
    return enriched(synthetic(cumulative(three), factorial(three), features=three, gains=GAINS[:3], epochs=3, failed=[(BASELINE, 2)]))


@pytest.fixture(scope="module")
def folder(small: Findings, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A study's folder, written over an older one."""
    folder = tmp_path_factory.mktemp("studies") / "study"
    folder.mkdir()
    (folder / "old.txt").write_text("left over")
    publish(small, folder, {CONFIGURATION: "seeds: 3\n"}, lambda _: [], "abc")
    return folder


class Page(HTMLParser):
    """What a browser would load and show of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.loaded: list[str] = []
        self.shown: list[str] = []
        self.tags: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.loaded += [value or "" for name, value in attrs if name in ("src", "href")]

    def handle_data(self, data: str) -> None:
        if data.strip():
            self.shown.append(data.strip())


def words(text: str) -> str:
    """Reduce Markdown or plain text to its words."""
    return " ".join(re.sub(r"[|*#`\\]|:--|--:", " ", text).split())


def test_the_page_needs_nothing_but_itself(folder: Path) -> None:
    page = Page((folder / "report.html").read_text())
    drawings = {file.stem for file in folder.glob("*.svg")}
    assert len(page.loaded) == len(drawings) and all(each.startswith("data:image/svg+xml;base64,") for each in page.loaded)
    assert not {"script", "link", "iframe"} & set(page.tags)


def test_the_page_opens_with_the_answer_and_what_to_keep(folder: Path, small: Findings) -> None:
    page = Page((folder / "report.html").read_text())
    shown = [each.replace("\u00a0", " ") for each in page.shown]
    answer, keep = report.answer(small), what_to_keep(small)
    start = shown.index(small.description) + 1
    first = [*(sentence for sentence in answer if sentence not in keep), "What to keep", *keep]
    assert shown[start : start + len(first)] == first
    heads = [shown.index(head) for head in ("What to keep", "Tables", "Notes", "Figures", "Protocol")]
    assert heads == sorted(heads)


def test_one_figure_and_one_table_are_open_and_print_opens_the_rest(folder: Path) -> None:
    text = (folder / "report.html").read_text()
    folded = [part.partition("</details>")[0] for part in text.split("<details")[1:]]
    assert text.count("<img") - sum(part.count("<img") for part in folded) == 1
    assert "<details open" not in text and sum("<table" in part for part in folded) > 0
    assert "details::details-content { content-visibility: visible; }" in text.partition("@media print")[2]


def test_only_a_study_is_said_to_be_repeated(small: Findings) -> None:
    assert small.provenance
    elsewhere = replace(small, provenance=replace(small.provenance, elsewhere=True))
    assert "This command repeats the study:" in report.text(report.document(small, []))
    assert "This command repeats the analysis:" in report.html(report.document(elsewhere, []))


def test_html_and_markdown_say_the_same(folder: Path) -> None:
    page = Page((folder / "report.html").read_text())
    text = (folder / "report.md").read_text()
    body = page.shown[page.shown.index("Figures") :]
    missing = [each for each in body if words(each) not in words(text)]
    assert not missing
    linked = re.findall(r"!\[[^]]*\]\(([^)]+)\)", text)
    assert len(linked) == len(page.loaded) and all((folder / each).is_file() for each in linked)


def test_a_folder_is_written_anew(folder: Path) -> None:
    assert not (folder / "old.txt").exists()
    for name in ("report.html", "report.md", "table.md", "table.tex", "table.csv", "runs.csv", "findings.json", "config.yaml"):
        assert (folder / name).stat().st_size > 0


def test_the_answer_says_what_helps_most_first_and_how_sure_that_is() -> None:
    findings = enriched(synthetic(fractional(FEATURES), together=TOGETHER))
    first = report.answer(findings)[0]
    effects = findings.effects[0]
    helping = [name for name, verdict in zip(FEATURES, effects.verdict, strict=True) if verdict == "helps"]
    assert re.findall(r"(\w+) helps: ", first) == sorted(helping, key=lambda name: -effects.estimate[FEATURES.index(name)])
    low, high = (f"{100 * ends[0]:+.1f}" for ends in (effects.low, effects.high))
    assert f"points [{low}, {high}]" in first


def test_the_answer_is_that_of_the_design_that_weighs_most_arms(findings: Findings) -> None:
    assert findings.headline == 1
    alone = enriched(synthetic(fractional(FEATURES), together=TOGETHER))
    assert alone.headline == 0 and synthetic(none(FEATURES)).headline is None


def test_the_answer_names_order_pairs_and_losses(findings: Findings) -> None:
    orders = enriched(synthetic(cumulative(FEATURES), one_at_a_time(FEATURES), leave_one_out(FEATURES), together=TOGETHER, noise=0.003))
    [order] = [sentence for sentence in report.answer(orders) if "rder" in sentence]
    assert order.startswith("Order matters for augmentation and batch_norm:")
    sentences = " ".join(report.answer(findings))
    assert "Features interact: among " in sentences and "augmentation × batch_norm" in sentences
    assert "1 of 63 runs are missing" in sentences


def test_unsure_effects_are_not_claimed() -> None:
    sentences = report.answer(synthetic(gains=[0.003] * 7, noise=0.02))
    assert not any(re.search(r"\b(helps|hurts)\b", sentence) for sentence in sentences)
    assert any(sentence.startswith("Open after 3 seeds: ") for sentence in sentences)
    assert report.answer(synthetic(seeds=1))[0].startswith("No verdict (1 seed; 3 are needed): augmentation ")
    assert report.answer(synthetic(none(FEATURES))) == ["This study credits no feature."]


def test_the_protocol_says_what_another_laboratory_needs(findings: Findings) -> None:
    sections: dict[str, str] = {}
    for term, words_ in report.document(findings, []).protocol:
        sections[term] = sections.get(term, "") + words_
    assert "t(k − 1) · sd / √k" in sections["95 % intervals"] and "Satterthwaite" in sections["95 % intervals"]
    assert findings.precision and sections["Seeds"].startswith("3 (0, 1 and 2); ")
    assert report.seeds_decided(findings.precision, findings.metric).endswith(sections["Seeds"].partition("; ")[2])
    assert sections["Sources of variability"] == " ".join(findings.variability)
    assert sections["Failed runs"] == "1" and sections["Total compute"] == "10 min 20 s, summed over 62 runs"
    assert "keras 3.15.0" in sections["Versions"] and "± 0.5 points" in sections["Verdicts"]
    assert "16 arms" in sections["Design"] and "8 arms" in sections["Design"]


def test_terms_that_the_lack_of_fit_sees_are_named(findings: Findings) -> None:
    fit = findings.lack_of_fit[1]
    assert fit is not None
    [foot] = [table.foot for table in report.document(findings, []).tables if table.title == "fractional"]
    assert all(" × ".join(term) in foot for term in fit.terms) and len(fit.terms) == 7
    assert "the other 28 are aliased with main effects" in foot


def test_what_is_only_known_in_sum_is_called_aliased(findings: Findings) -> None:
    [table] = [table for table in report.document(findings, []).tables if table.title.startswith("Interactions")]
    assert "aliased" in table.lead and len(table.lines) == 7
    assert all(line[0].count(" + ") == 2 for line in table.lines)


@pytest.mark.parametrize("name", ["a_b%c", "<b>&x", "x|y", "50$#{}~^\\"])
def test_odd_names_are_shown_as_they_are(name: str) -> None:
    odd = synthetic(cumulative((name, "gap")), features=(name, "gap"), gains=GAINS[:2])
    document = report.document(odd, [])
    assert any(name in each for each in Page(report.html(document)).shown)
    tex = report.latex(document)
    body = tex[tex.index(r"\toprule") : tex.index(r"\bottomrule")]
    assert not re.search(r"(?<!\\)[%#~^]|(?<!\$)[<>|]", body), body
    assert {line.replace(r"\&", "").count("&") for line in body.splitlines() if line.endswith(r"\\")} == {len(document.tables[0].heads) - 1}
    assert len(re.findall(r"(?<!\\)\{", tex)) == len(re.findall(r"(?<!\\)\}", tex))


def test_latex_has_a_line_for_each_row_and_booktabs_rules(findings: Findings) -> None:
    document = report.document(findings, [])
    tex = report.latex(document)
    for rule in (r"\usepackage{booktabs}", r"\toprule", r"\midrule", r"\bottomrule"):
        assert tex.count(rule) == 1 + (rule == r"\usepackage{booktabs}"), "once, and once more in the hint for papers"
    body = tex[tex.index(r"\midrule") : tex.index(r"\bottomrule")]
    assert body.count(r"\\") == len(document.tables[0].lines) == 7
    assert "−" not in tex and "±" not in tex


def test_a_study_that_lost_its_baseline_still_reports() -> None:
    lost = enriched(synthetic(cumulative(FEATURES), fractional(FEATURES), failed=[(BASELINE, seed) for seed in range(3)]))
    document = report.document(lost, [])
    assert "No estimate" not in document.answer[0]
    assert any(note.startswith("fractional lacks “baseline”") for note in document.notes)
    assert any("cumulative: no seed finished" in note for note in document.notes)
    assert WORDS & set(document.tables[0].heads)


def test_files_that_show_these_findings_already_are_left_as_they_are(small: Findings, tmp_path: Path) -> None:
    assert unchanged(small, tmp_path / "study") is None, "there is nothing yet"
    files = publish(small, tmp_path / "study", {CONFIGURATION: "seeds: 3\n"}, lambda _: [], "abc")
    assert unchanged(small, tmp_path / "study") == files
    assert unchanged(replace(small, name="another"), tmp_path / "study") is None
    files[0].unlink()
    assert unchanged(small, tmp_path / "study") is None, "a picture is missing"


def test_the_number_of_seeds_is_explained_with_its_arithmetic(findings: Findings) -> None:
    assert findings.precision is not None
    one = replace(findings.precision, pilot_sd=np.full(7, 0.011), half_width=np.full(7, 4.303 * 0.011 / np.sqrt(5)), needed=np.full(7, 23))
    sentence = report.seeds_decided(one, findings.metric)
    assert "up to 1.1 points (standard deviation)" in sentence and "± 1 points need (4.30 · 1.1 / 1)², that is 23 seeds" in sentence
    capped = report.seeds_decided(replace(one, met=False), findings.metric)
    assert "the cap of 20 binds: the precision was not met, and half-widths reach 2.12 points" in capped
    assert "no effect varies between seeds" in report.seeds_decided(replace(one, pilot_sd=np.zeros(7)), findings.metric)
    assert "too few runs of the pilot" in report.seeds_decided(replace(one, pilot_sd=np.full(7, np.nan)), findings.metric)
