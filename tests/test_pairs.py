"""Encoding `pairs`: an index and a signed fixed-point value in each int64."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse
from sklearn.linear_model import Perceptron

from dcai_compile.choose import choose_encoding, without_empty
from dcai_compile.encoding import PAIR_MAX, Encoding
from dcai_compile.errors import InvalidOption, SampleOutOfRange
from dcai_compile.model import Revert
from dcai_compile.wire import check_sample, limit_samples, pair
from tests import models
from tests.models import compile_bare


def pairs(n_features: int = 5, scale: int = 10**9, longest: int = 5) -> Encoding:
    return Encoding("pairs", n_features, longest, scale, min_length=0)


rows = st.lists(st.floats(-2.0, 2.0), min_size=5, max_size=5)


@settings(max_examples=200, deadline=None)
@given(rows)
def test_values_come_back_rounded_once_and_in_order(row: list[float]) -> None:
    encoding = pairs()
    (sample,) = encoding.encode(np.array([row]))
    entries = list(encoding.entries(sample.tolist()))
    rounded = [round(Fraction(x) * 10**9) for x in row]
    assert entries == [(index, value) for index, value in enumerate(rounded) if value]
    assert encoding.matrix([sample]).toarray().tolist() == [rounded]
    check_sample(encoding, sample.tolist())
    assert [pair(index, value) for index, value in entries] == sample.tolist()


@settings(max_examples=100, deadline=None)
@given(rows)
def test_sparse_and_dense_input_travel_alike(row: list[float]) -> None:
    dense = np.array([row])
    (first,), (second,) = (pairs().encode(X) for X in (dense, sparse.csr_array(dense)))
    assert first.tolist() == second.tolist()


@pytest.mark.parametrize(
    ("largest", "scale"),
    [(1.0, 10**9), (1.0737, 10**9), (1.0738, 10**8), (10.737, 10**8), (5e8, 1), (2.0**31 - 1, 1)],
)
def test_scale_carries_twice_the_largest_value(largest: float, scale: int) -> None:
    X = sparse.csr_array(np.array([[largest, 0.0, 0.0], [0.0, 0.5, 0.0]]))
    assert choose_encoding("pairs", X).pair_scale == scale


@pytest.mark.parametrize("largest", [2.0**31, float("inf"), float("nan")])
def test_values_that_fit_at_no_scale(largest: float) -> None:
    with pytest.raises(InvalidOption, match="beside its index"):
        choose_encoding("pairs", sparse.csr_array(np.array([[largest, 0.0]])))


@pytest.mark.parametrize("value", [PAIR_MAX, -PAIR_MAX, PAIR_MAX - 1])
def test_largest_values(value: int) -> None:
    encoding = pairs(2, 1)
    (sample,) = encoding.encode(np.array([[0.0, float(value)]]))
    assert list(encoding.entries(sample.tolist())) == [(1, value)]


@pytest.mark.parametrize("value", [2.0**31, -(2.0**31), 1e300, float("inf"), float("nan")])
def test_value_past_the_largest_is_refused_by_name(value: float) -> None:
    with pytest.raises(SampleOutOfRange, match="sample 1, feature 1") as caught:
        pairs(2, 1).encode(np.array([[0.0, 1.0], [0.0, value]]))
    assert (caught.value.sample, caught.value.feature) == (1, 1)


@pytest.mark.parametrize(
    ("sample", "revert"),
    [
        ([pair(0, 1), pair(4, -1)], None),
        ([], None),
        ([pair(5, 1)], "FeatureIndexOutOfRange(0, 5)"),
        ([pair(-1, 1)], "FeatureIndexOutOfRange(0, -1)"),
        ([pair(2, 1), pair(2, 1)], "IndicesNotIncreasing(1, 2)"),
        ([pair(3, 1), pair(1, 1)], "IndicesNotIncreasing(1, 1)"),
        ([pair(0, 1)] * 6, "SampleTooLong(6, 5)"),
    ],
)
def test_what_a_contract_refuses(sample: list[int], revert: str | None) -> None:
    if revert is None:
        check_sample(pairs(), sample)
        return
    with pytest.raises(Revert) as caught:
        check_sample(pairs(), sample)
    assert str(caught.value) == revert


def test_an_empty_sample_is_refused_where_it_says_nothing() -> None:
    with pytest.raises(Revert, match="EmptySample"):
        check_sample(Encoding("pairs", 5, 5), [])
    X = sparse.csr_array(np.array([[0.0, 1e-12], [0.0, 0.5]]))
    assert without_empty(Encoding("pairs", 2, 2), X).tolist() == [False, True]
    assert without_empty(Encoding("pairs", 2, 2, min_length=0), X).tolist() == [True, True]


def test_every_limit_is_probed() -> None:
    """Verification must meet each refusal of the encoding, and samples just inside."""
    found = set()
    for sample in limit_samples(pairs(), 7):
        try:
            check_sample(pairs(), sample)
            found.add("taken")
        except Revert as revert:
            found.add(revert.name)
    wanted = {"taken", "FeatureIndexOutOfRange", "IndicesNotIncreasing", "SampleTooLong"}
    assert found == wanted


def test_negative_values_and_two_evms() -> None:
    rng = np.random.default_rng(3)
    dense = np.where(rng.random((120, 40)) < 0.2, rng.normal(size=(120, 40)), 0.0)
    dense[:, 0] = 1.0
    X, y = sparse.csr_array(dense), rng.integers(0, 3, 120)
    compiled = compile_bare(Perceptron(random_state=0).fit(X, y), X)
    assert compiled.encoding == "pairs"
    report = compiled.verify(X, updates=(X[:20], y[:20]))
    assert report.passed, report
    assert len(report.evms) == 2


def test_a_swapped_half_is_found() -> None:
    from tests.test_wrong_on_purpose import substitute, with_source

    X, y = models.text(120, 2)
    X = sparse.csr_array(X / 3.0)
    compiled = compile_bare(Perceptron(random_state=0).fit(X, y), X, name="Pairs")
    faults: dict[str, Any] = {
        "value without its sign": substitute(
            r"return int32\(uint32\(uint64\(element\)\)\);",
            "return int256(uint256(uint32(uint64(element))));",
        ),
        "order unchecked": substitute(r"if \(index <= previous\) .*\n", "\n"),
        "index of the low half": substitute(r"index := shr\(32, (\w+)\)", r"index := and(\1, 31)"),
    }
    for title, fault in faults.items():
        report = with_source(compiled, fault).verify(X[:10], evm="revm", updates=(X[:3], y[:3]))
        assert report.evm_mismatches > 0, title
