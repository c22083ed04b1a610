"""Findings survive being written down: what is read back makes the same report, down to the last digit."""

import dataclasses
import json

import numpy as np
import pytest
from findings import FEATURES, enriched, synthetic
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from ablation import report
from ablation.designs import BASELINE, cumulative, fractional, leave_one_out
from ablation.errors import InputError
from ablation.study.findings import Findings, from_json, provenance, to_json
from ablation.study.outcome import Result
from ablation.study.records import from_plain, to_plain


@dataclasses.dataclass(frozen=True, eq=False)
class Sample:
    numbers: np.ndarray
    pair: tuple[float, float]
    names: tuple[tuple[frozenset[str], ...], ...]
    maybe: float | None


numbers = arrays.arrays(
    st.sampled_from([np.float64, np.int64, np.bool_]), arrays.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=3)
)
samples = st.builds(
    Sample,
    numbers,
    st.tuples(st.floats(), st.floats()),
    st.lists(st.lists(st.frozensets(st.text(max_size=3), max_size=3), max_size=2).map(tuple), max_size=2).map(tuple),
    st.none() | st.floats(),
)


@given(samples)
def test_a_record_comes_back_as_it_was(sample: Sample) -> None:
    text = json.dumps(to_plain(sample), allow_nan=False)
    back = from_plain(Sample, json.loads(text))
    assert back.numbers.dtype == sample.numbers.dtype
    np.testing.assert_array_equal(back.numbers, sample.numbers)
    np.testing.assert_array_equal(back.pair, sample.pair)
    assert back.names == sample.names
    assert back.maybe == sample.maybe or (back.maybe is not None and np.isnan(back.maybe))


def with_ids(findings: Findings) -> tuple[Findings, dict[str, Result]]:
    """Give every run an id of its own, and return the runs by it."""
    named = {key: dataclasses.replace(run, run_id=f"run{number}") for number, (key, run) in enumerate(findings.runs.items())}
    return dataclasses.replace(findings, runs=named), {run.run_id: run for run in named.values()}


def test_findings_that_are_read_back_make_the_same_report() -> None:
    designs = (cumulative(FEATURES), fractional(FEATURES), leave_one_out(FEATURES))
    findings, by_id = with_ids(enriched(synthetic(*designs, failed=[(BASELINE, 1), (frozenset(FEATURES), 0)])))
    back = from_json(to_json(findings), by_id.__getitem__)
    assert to_json(back) == to_json(findings)
    assert report.csv(back) == report.csv(findings)
    assert report.document(back, []) == report.document(findings, [])


def test_verdicts_of_an_earlier_version_are_read_in_the_words_of_this_one() -> None:
    findings = synthetic(gains=[0.003] * 7, noise=0.02)
    assert "open" in findings.effects[0].verdict
    by_id = {run.run_id: run for run in findings.runs.values()}
    back = from_json(to_json(findings).replace('"open"', '"cannot be told from zero"'), by_id.__getitem__)
    assert back.effects[0].verdict == findings.effects[0].verdict


def test_findings_of_another_version_are_refused_in_one_sentence() -> None:
    findings, by_id = with_ids(synthetic())
    text = to_json(findings).replace('"protocol"', '"conventions"')
    with pytest.raises(InputError, match="cannot be read .*conventions.*; expected one that this version has written"):
        from_json(text, by_id.__getitem__)


def test_provenance_holds_versions_and_hardware_that_differ() -> None:
    environments = [{"keras": "3.1", "threads": "1", "processor": "A"}, {"keras": "3.2", "threads": "1", "processor": "A"}]
    found = provenance(synthetic(environment=environments).runs, failed=2, command="x")
    assert found.versions == {"keras": "3.1 or 3.2"}
    assert (found.hardware, found.failed, found.seconds) == ("A, 1 thread a run", 2, 240.0)
