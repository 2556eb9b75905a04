"""The wire: every double rounded exactly, every refusal naming sample, feature and value."""

from __future__ import annotations

from fractions import Fraction
from math import inf, nan, nextafter
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import sparse

from dcai_compile.choose import choose_encoding, without_empty
from dcai_compile.encoding import (
    INT64_MAX,
    TO_FLOAT,
    Encoding,
    as_samples,
)
from dcai_compile.errors import InvalidOption, SampleOutOfRange

quick = settings(max_examples=100, deadline=None)

WORDS = Encoding("indices", 4, 6)


def dense(n_features: int = 1) -> Encoding:
    return Encoding("dense", n_features, n_features)


def wire(value: Any) -> int:
    return int(dense().encode(np.array([[value]]))[0][0])


def exact(value: Any) -> int:
    return round(Fraction(float(value)) * TO_FLOAT)


def first_refused() -> float:
    """The smallest double that rounds past the largest int64."""
    value = float(Fraction(2**63, TO_FLOAT))
    while exact(value) > INT64_MAX:
        value = nextafter(value, 0.0)
    return nextafter(value, inf)


LARGEST = nextafter(first_refused(), 0.0)


# dense


@quick
@given(st.floats(0, LARGEST))
def test_any_double_is_rounded_exactly(value: float) -> None:
    assert wire(value) == exact(value)


@quick
@given(st.integers(0, INT64_MAX - 1), st.integers(-2, 2))
def test_a_product_next_to_a_half_is_rounded_exactly(k: int, steps: int) -> None:
    value = min(LARGEST, float(Fraction(2 * k + 1, 2 * TO_FLOAT)))
    for _ in range(abs(steps)):
        value = min(LARGEST, nextafter(value, inf if steps > 0 else 0.0))
    assert wire(value) == exact(value)


@quick
@given(st.integers(0, 2**40))
def test_an_exact_tie_goes_to_the_even_integer(k: int) -> None:
    # (2 k + 1) / 1024 is a double, and a thousand million times it ends in one half.
    value = (2 * k + 1) / 1024
    product = Fraction(value) * TO_FLOAT
    assert product.denominator == 2
    assert wire(value) % 2 == 0
    assert abs(wire(value) - product) == Fraction(1, 2)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (0.5e-9, 1),
        (1.5e-9, 1),
        (2.5e-9, 3),
        (3.5e-9, 3),
        (-0.0, 0),
        (1.0, 10**9),
        (-2.0, -2 * 10**9),
    ],
)
def test_decimal_halves_follow_their_double(value: float, expected: int) -> None:
    # None of these halves is a double, so the double's own side of the half decides.
    assert wire(value) == expected == exact(value)


@pytest.mark.parametrize("steps", [0, 1, 2])
def test_the_largest_doubles_that_fit_are_exact(steps: int) -> None:
    value = LARGEST
    for _ in range(steps):
        value = nextafter(value, 0.0)
    assert wire(value) == exact(value)


@pytest.mark.parametrize("sign", [1, -1])
def test_the_first_double_past_int64_is_refused_by_name(sign: int) -> None:
    X = np.zeros((3, 2))
    X[2, 1] = sign * first_refused()
    with pytest.raises(SampleOutOfRange, match="sample 2, feature 1") as caught:
        dense(2).encode(X)
    error = caught.value
    assert (error.sample, error.feature, error.value) == (2, 1, X[2, 1])
    assert repr(float(X[2, 1])) in error.message


@pytest.mark.parametrize("bad", [nan, inf, -inf, 1e300])
@pytest.mark.parametrize("as_sparse", [False, True])
def test_values_that_no_integer_can_carry_are_refused(bad: float, as_sparse: bool) -> None:
    X = np.array([[1.0, 0.0, 2.0], [0.0, 0.0, bad]])
    with pytest.raises(SampleOutOfRange) as caught:
        dense(3).encode(sparse.csr_array(X) if as_sparse else X)
    assert (caught.value.sample, caught.value.feature) == (1, 2)
    assert repr(caught.value.value) == repr(bad)


@quick
@given(st.floats(0, 1e6, width=32))
def test_a_float32_counts_for_the_number_that_it_is(value: float) -> None:
    assert wire(np.float32(value)) == exact(value)


def test_integers_and_booleans_are_numbers() -> None:
    assert wire(7) == 7 * TO_FLOAT
    assert wire(True) == TO_FLOAT


@pytest.mark.parametrize("kind", [sparse.csr_array, sparse.csc_array, sparse.coo_matrix])
def test_sparse_samples_travel_like_dense_ones(kind: Any) -> None:
    X = np.array([[0.0, 1.5, -2.25], [0.1, 0.0, 0.0], [0.0, 0.0, 0.0]])
    samples = dense(3).encode(kind(X))
    assert [sample.tolist() for sample in samples] == [[exact(value) for value in row] for row in X]


@pytest.mark.parametrize("shape", [(3,), (2, 3), (2, 5), (1, 2, 4)])
@pytest.mark.parametrize("encoding", [dense(4), WORDS])
def test_samples_of_another_shape_are_refused(encoding: Encoding, shape: tuple[int, ...]) -> None:
    with pytest.raises(SampleOutOfRange, match="the model has 4 features"):
        encoding.encode(np.zeros(shape))


def test_text_is_refused_with_advice() -> None:
    with pytest.raises(SampleOutOfRange, match="not numbers") as caught:
        dense().encode([["spam"]])
    assert "encode text" in caught.value.hint


# indices


@pytest.mark.parametrize("as_sparse", [False, True])
def test_an_index_is_repeated_as_often_as_it_counts(as_sparse: bool) -> None:
    X = np.array([[2, 0, 1, 3], [0, 1, 0, 0]])
    samples = WORDS.encode(sparse.csc_array(X) if as_sparse else X)
    assert [sample.tolist() for sample in samples] == [[0, 0, 2, 3, 3, 3], [1]]


def test_indices_ascend_whatever_the_order_in_memory() -> None:
    X = sparse.csr_array((np.array([1.0, 2.0, 1.0]), np.array([3, 0, 2]), np.array([0, 3])), (1, 4))
    assert WORDS.encode(X)[0].tolist() == [0, 0, 2, 3]


def test_entries_of_the_same_feature_add_up() -> None:
    X = sparse.coo_array((np.array([1.0, 2.0, 0.0]), ([0, 0, 0], [1, 1, 2])), (1, 4))
    assert WORDS.encode(X)[0].tolist() == [1, 1, 1]


@pytest.mark.parametrize("bad", [-1.0, 0.5, 7.0, nan, inf])
@pytest.mark.parametrize("as_sparse", [False, True])
def test_what_is_not_a_count_is_refused_by_name(bad: float, as_sparse: bool) -> None:
    X = np.array([[1.0, 0, 0, 0], [0, 0, bad, 1]])
    with pytest.raises(SampleOutOfRange, match=r"sample 1, feature 2: .* is not a count") as caught:
        WORDS.encode(sparse.csr_array(X) if as_sparse else X)
    assert (caught.value.sample, caught.value.feature, caught.value.limit) == (1, 2, 6)
    assert repr(caught.value.value) == repr(bad)


@pytest.mark.parametrize("as_sparse", [False, True])
def test_a_sample_without_any_feature_is_refused(as_sparse: bool) -> None:
    X = np.array([[1, 0, 0, 0], [0, 0, 0, 0]])
    with pytest.raises(SampleOutOfRange, match="sample 1 has 0 indices"):
        WORDS.encode(sparse.csr_array(X) if as_sparse else X)


def test_a_sample_of_the_greatest_length_travels() -> None:
    assert len(WORDS.encode([[2, 2, 2, 0]])[0]) == WORDS.max_length


def test_a_sample_just_too_long_is_refused() -> None:
    with pytest.raises(SampleOutOfRange, match="sample 0 has 7 indices") as caught:
        WORDS.encode([[2, 2, 2, 1]])
    assert (caught.value.value, caught.value.limit) == (7, 6)


def test_no_samples_are_no_samples() -> None:
    assert dense(4).encode(np.zeros((0, 4))) == []
    assert WORDS.encode(np.zeros((0, 4))) == []


# matrix


@quick
@given(arrays(np.int64, (3, 4), elements=st.integers(0, 3)).filter(lambda X: X.any(axis=1).all()))
def test_indices_count_back_to_the_features(X: Any) -> None:
    encoding = Encoding("indices", 4, 12)
    assert encoding.matrix(encoding.encode(X)).toarray().tolist() == X.tolist()


def test_a_dense_matrix_is_its_samples() -> None:
    samples = dense(2).encode([[0.5, -1.0], [2.0, 0.0]])
    assert dense(2).matrix(samples).tolist() == [sample.tolist() for sample in samples]


@pytest.mark.parametrize("encoding", [dense(4), WORDS])
def test_the_matrix_of_no_samples_is_empty(encoding: Encoding) -> None:
    assert encoding.matrix([]).shape == (0, 4)


# auto


def counts(first: float, present: int = 1) -> Any:
    """One sample of four features, of which so many are present."""
    return np.array([[first] + [1.0] * (present - 1) + [0.0] * (4 - present)])


@pytest.mark.parametrize(
    ("X", "expected"),
    [
        (counts(255.0), "indices"),
        (counts(256.0), "dense"),
        (counts(1.0, present=1), "indices"),
        (counts(1.0, present=2), "dense"),
        (counts(-1.0), "dense"),
        (counts(0.5), "dense"),
        (counts(nan), "dense"),
        (counts(inf), "dense"),
    ],
)
@pytest.mark.parametrize("as_sparse", [False, True])
def test_auto_lists_features_only_where_few_counts_are_present(
    X: Any, expected: str, as_sparse: bool
) -> None:
    samples = as_samples(sparse.csr_array(X) if as_sparse else X, 4)
    if as_sparse and expected == "dense" and 2 * np.count_nonzero(X) < X.size:
        expected = "pairs"  # few values, and no counts
    if not np.all(np.isfinite(X)) and expected == "pairs":
        with pytest.raises(InvalidOption, match="does not fit beside its index"):
            choose_encoding("auto", samples)
        return
    assert choose_encoding("auto", samples).name == expected


@pytest.mark.parametrize(("longest", "limit"), [(1, 1024), (512, 1024), (513, 1026)])
def test_samples_may_be_twice_as_long_as_in_calibration(longest: int, limit: int) -> None:
    X = np.array([[longest, 0.0, 0.0], [1.0, 0.0, 0.0]])
    assert choose_encoding("indices", X).max_length == limit


def test_dense_samples_are_as_long_as_the_model() -> None:
    assert choose_encoding("dense", np.zeros((2, 3))) == dense(3)


@pytest.mark.parametrize(
    ("name", "X", "value"),
    [
        ("triples", np.ones((1, 1)), "triples"),
        ("pairs", np.full((1, 1), 2.0**31), "pairs"),
        ("indices", np.full((1, 1), 2.0**20 + 1), "indices"),
    ],
)
def test_an_encoding_that_cannot_be_is_an_invalid_option(name: str, X: Any, value: str) -> None:
    with pytest.raises(InvalidOption) as caught:
        choose_encoding(name, X)
    assert (caught.value.option, caught.value.value) == ("encoding", value)


@pytest.mark.parametrize(("encoding", "kept"), [(dense(4), [True, True]), (WORDS, [True, False])])
def test_only_indices_cannot_carry_an_empty_sample(encoding: Encoding, kept: list[bool]) -> None:
    X = np.array([[1.0, 0, 0, 0], [0, 0, 0, 0]])
    assert without_empty(encoding, X).tolist() == kept
    assert without_empty(encoding, sparse.csr_array(X)).tolist() == kept


@quick
@given(
    st.one_of(
        st.floats(0, LARGEST), st.integers(0, 2**62).map(lambda k: (2 * k + 1) / (2 * TO_FLOAT))
    )
)
def test_a_negative_number_is_the_mirror_of_a_positive_one(value: float) -> None:
    assert wire(-value) == -wire(value)


@pytest.mark.parametrize("encoding", [dense(2), Encoding("indices", 2, 9)])
def test_encoding_leaves_the_callers_matrix_alone(encoding: Encoding) -> None:
    parts = (np.array([1.0, 2.0, 3.0]), np.array([1, 1, 0]), np.array([0, 2, 3]))
    X = sparse.csr_array(tuple(part.copy() for part in parts), (2, 2))
    encoding.encode(X)
    for kept, part in zip((X.data, X.indices, X.indptr), parts, strict=True):
        assert kept.tolist() == part.tolist()


@pytest.mark.parametrize(
    ("most", "limit", "bits"), [(1, 1, 1), (2, 4, 4), (7, 14, 4), (200, 400, 16)]
)
def test_a_lesson_repeats_an_index_twice_as_often_as_training(
    most: int, limit: int, bits: int
) -> None:
    encoding = choose_encoding("indices", np.array([[1, 0], [0, most]]))
    assert (encoding.max_count, encoding.count_bits) == (limit, bits)
    assert encoding.first_repeat([0, *[1] * limit]) is None
    assert encoding.first_repeat([1] * limit + [0, 1, 1]) == limit + 1
    assert dense(2).first_repeat([5, 5]) is None


def test_the_longest_sample_can_be_limited() -> None:
    X = np.eye(2000)[:3]
    for name in ("indices", "pairs"):
        assert choose_encoding(name, X).max_length == 1024
        assert choose_encoding(name, X, longest=700).max_length == 700
        assert choose_encoding(name, X, longest=5000).max_length == 1024
