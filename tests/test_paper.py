"""What a paper takes from a study: figures of a column's width, a table of chosen columns, and a methods paragraph; set by a real LaTeX."""

import re
import shutil
import subprocess
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from command import ASKED, in_this_process, write_function
from findings import FEATURES, LONG, LONG_GAINS, enriched, synthetic
from matplotlib.figure import Figure
from matplotlib.text import Text

from ablation import charts
from ablation.charts.drawing.form import DOUBLE_COLUMN, SINGLE_COLUMN, Form
from ablation.designs import cumulative, leave_one_out, pairs
from ablation.errors import InputError
from ablation.report.__main__ import main
from ablation.report.columns import COLUMNS, chosen_columns, effects_for_paper
from ablation.report.for_paper import write_for_paper
from ablation.report.methods import methods
from ablation.report.page import document
from ablation.study.findings import Findings, from_json, to_json

STUDIES = {
    "path": enriched(synthetic(cumulative(FEATURES), leave_one_out(FEATURES))),
    "one seed": enriched(synthetic(seeds=1)),
    "pairs": enriched(synthetic(pairs(FEATURES), together={("batch_norm", "mixup"): 0.1})),
    "long names": enriched(synthetic(cumulative(LONG), leave_one_out(LONG), features=LONG, gains=LONG_GAINS)),
    "gaps": enriched(synthetic(failed=[(frozenset(FEATURES[:2]), seed) for seed in range(3)])),
}
SENTENCES = ("The network is a cnn (width=16).", "The features, in this order, are batch_norm and dropout (rate=0.5).")


MORE = ("from a pilot of 3 by Stein's two-stage rule, for 95 % intervals of ± 1 points", "The smallest effect of interest is 0.5 points")


def texts(figure: Figure) -> list[Text]:
    return [text for text in figure.findobj(Text) if text.get_visible() and text.get_text().strip()]


@pytest.mark.parametrize("form", [SINGLE_COLUMN, DOUBLE_COLUMN], ids=["single", "double"])
@pytest.mark.parametrize("study", STUDIES)
def test_figures_are_as_wide_as_a_column_and_legible(study: str, form: Form) -> None:
    findings = STUDIES[study]
    for name, chart in charts.pictures(findings):
        if chart.func not in charts.FOR_PAPERS or (chart.func is charts.interactions and form is SINGLE_COLUMN and study != "pairs"):
            continue
        figure = chart(form=form)
        figure.draw_without_rendering()
        width, height = figure.get_size_inches() * figure.dpi
        assert figure.get_size_inches()[0] == form.width
        for text in texts(figure):
            box = text.get_window_extent()
            assert text.get_fontsize() >= 7, (name, text)
            if text.get_text() not in {each.get_text() for each in _ticks_beyond(figure)}:
                assert box.x0 >= -1 and box.x1 <= width + 1 and box.y0 >= -1 and box.y1 <= height + 1, (name, text, box, width, height)
        assert not [text for text in texts(figure) if text.get_text().startswith(("What each", "From the", "Study:", "Bars:"))], name
        across = [label for label in figure.axes[0].get_xticklabels() if label.get_text()]
        boxes = [label.get_window_extent() for label in across]
        assert all(not one.overlaps(other) for one, other in pairwise(boxes)), name


def _ticks_beyond(figure: Figure) -> list[Text]:
    """Return labels of ticks that lie outside their axis, which are not drawn."""
    axes = figure.axes[0]
    (left, right), (low, high) = sorted(axes.get_xlim()), sorted(axes.get_ylim())
    across = [label for label, at in zip(axes.get_xticklabels(), axes.get_xticks(), strict=True) if not left <= at <= right]
    return across + [label for label, at in zip(axes.get_yticklabels(), axes.get_yticks(), strict=True) if not low <= at <= high]


def test_the_folder_holds_figures_with_fonts_a_table_and_the_paragraph(tmp_path: Path) -> None:
    findings = replace(STUDIES["path"], methods=SENTENCES)
    made = write_for_paper(findings, tmp_path, chosen_columns("feature,effect,interval,seeds"))
    names = {file.name for file in made.iterdir()}
    assert {"contribution_single.pdf", "climb_double.pdf", "order_single.pdf", "table.tex", "methods.tex"} <= names
    drawing = (made / "contribution_single.pdf").read_bytes()
    assert b"/FontFile2" in drawing and b"/Type3" not in drawing
    table = (made / "table.tex").read_text()
    assert r"feature & effect & 95 \% interval & seeds \\" in table
    assert len(re.findall(r"^(?:\w|\\_\\allowbreak\{\})+ & [$+]", table, re.MULTILINE)) == len(FEATURES)
    assert r"dropout (rate=0.5)" in (made / "methods.tex").read_text()


@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="there is no LaTeX here")
def test_latex_sets_all_of_it(tmp_path: Path) -> None:
    findings = replace(STUDIES["pairs"], methods=(*SENTENCES, "Odd: 100 % of a_b & {c} # $ ~ ^ \\ · √ ≤ Ångström"))
    made = write_for_paper(findings, tmp_path, tuple(COLUMNS))
    figures = "".join(rf"\includegraphics{{{file.name}}}\par " for file in sorted(made.glob("*.pdf")))
    source = r"\documentclass[twocolumn]{article}\usepackage{booktabs,graphicx}\begin{document}" + figures
    (made / "whole.tex").write_text(source + r"\onecolumn\input{table}\input{methods}\end{document}")
    for name in ("whole", "table"):
        command = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", name]
        ended = subprocess.run(command, cwd=made, capture_output=True, text=True, check=False)
        assert ended.returncode == 0, ended.stdout[-2000:]


def test_unknown_columns_are_refused_with_the_nearest() -> None:
    with pytest.raises(InputError, match="--columns has no column 'efect'; did you mean 'effect'"):
        chosen_columns("feature,efect")
    with pytest.raises(InputError, match="--columns names 'p' twice"):
        chosen_columns("p,p")


def test_columns_are_as_asked_and_in_that_order() -> None:
    table = effects_for_paper(STUDIES["path"], 0, ("seeds", "feature", "holm"))
    assert table.heads == ("seeds", "feature", "p (Holm)") and [line[1] for line in table.lines] == list(FEATURES)


def test_the_paragraph_is_kept_and_ends_the_protocol() -> None:
    findings: Findings = replace(STUDIES["path"], methods=SENTENCES)
    stored = from_json(to_json(findings), lambda run_id: findings.runs[frozenset(), 0])
    assert stored.methods == SENTENCES
    paragraph = methods(findings)
    for part in (
        *SENTENCES,
        "cumulative (8 arms) and leave_one_out",
        "3 seeds (0, 1 and 2)",
        "95 % intervals",
        "Holm",
        "keras 3.15.0",
        *MORE,
    ):
        assert part in paragraph
    assert document(findings, []).protocol[-1] == ("Methods, for a paper", paragraph)


def test_earlier_findings_have_no_paragraph() -> None:
    text = re.sub(r', "methods": \[\]', "", to_json(STUDIES["path"]))
    assert "methods" not in text
    stored = from_json(text, lambda run_id: STUDIES["path"].runs[frozenset(), 0])
    assert methods(stored) == "" and not [term for term, _ in document(stored, []).protocol if "Methods" in term]
    assert np.array_equal(stored.scores, STUDIES["path"].scores)


def test_the_command_writes_the_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.chdir(tmp_path)
    write_function(tmp_path)
    assert in_this_process(tmp_path, *ASKED, "seeds=3", "study.name=mine").code == 0
    assert main(["mine", "--paper"]) == 0
    made = tmp_path / "mlruns/studies/mine/paper"
    assert "Paper" in capsys.readouterr().out
    paragraph = (made / "methods.tex").read_text()
    assert "The function of every run is toy.train." in paragraph and "one and two." in paragraph
    assert main(["mine", "--paper", "--columns", "feature,lok"]) == 1 and main(["mine", "--columns", "p"]) == 1 and main(["--paper"]) == 1
    refused = capsys.readouterr().err
    assert "no column 'lok'" in refused and "--columns are those of a paper's table" in refused and "--paper needs the name" in refused
