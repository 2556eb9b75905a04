"""Sums of products: exact where they are integers, never too small where they are floats."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from scipy import sparse

from dcai_compile.exact import UNIT_ROUNDOFF, dot_upper, exact_dot, gamma, max_abs, upper

quick = settings(max_examples=100, deadline=None)

INT64 = st.one_of(
    st.sampled_from([0, 1, -1, 2**63 - 1, -(2**63), 2**62, -(2**62), 2**31]),
    st.integers(-(2**63), 2**63 - 1),
)


def python_dot(samples: Any, weights: Any) -> list[list[int]]:
    return [
        [sum(q * w for q, w in zip(qs, ws, strict=True)) for ws in weights.tolist()]
        for qs in samples.tolist()
    ]


@st.composite
def operands(draw: st.DrawFn, values: Any, weights: Any, dtype: Any = np.int64) -> Any:
    """Samples and weights over the same features."""
    n_samples, n_rows, n_features = draw(array_shapes(min_dims=3, max_dims=3, max_side=6))
    return (
        draw(arrays(dtype, (n_samples, n_features), elements=values)),
        draw(arrays(dtype, (n_rows, n_features), elements=weights)),
    )


def bits(width: int) -> st.SearchStrategy[int]:
    return st.integers(-(2 ** (width - 1)), 2 ** (width - 1) - 1)


# Integers


@pytest.mark.parametrize("width", [2, 8, 24, 45, 53, 60, 64])
def test_dense_sums_are_pythons_own_at_every_width_of_weights(width: int) -> None:
    @settings(max_examples=30, deadline=None)
    @given(operands(INT64, bits(width)))
    def check(pair: Any) -> None:
        assert exact_dot(*pair).tolist() == python_dot(*pair)

    check()


@pytest.mark.parametrize("width", [2, 20, 30, 64])
def test_sparse_sums_are_pythons_own_at_every_width_of_weights(width: int) -> None:
    @settings(max_examples=30, deadline=None)
    @given(operands(st.integers(0, 2**32), bits(width)))
    def check(pair: Any) -> None:
        samples, weights = pair
        assert exact_dot(sparse.csr_array(samples), weights).tolist() == python_dot(*pair)

    check()


@pytest.mark.parametrize("sample_bits", range(28, 36))
def test_sparse_sums_change_over_in_time(sample_bits: int) -> None:
    # Around here a sum of products outgrows 63 bits.
    samples = np.full((1, 3), 2**sample_bits - 1)
    weights = np.full((1, 3), 2**31 - 1)
    assert exact_dot(sparse.csr_array(samples), weights).tolist() == python_dot(samples, weights)


@pytest.mark.parametrize("value", [-(2**63), 2**63 - 1])
@pytest.mark.parametrize("weight", [-(2**63), 2**63 - 1, 1, 0])
def test_a_thousand_extremes_do_not_wrap(value: int, weight: int) -> None:
    samples = np.full((1, 1000), value)
    weights = np.full((2, 1000), weight)
    assert exact_dot(samples, weights).tolist() == [[1000 * value * weight] * 2]


@pytest.mark.parametrize("features", [2**k + d for k in (1, 4, 8) for d in (-1, 0, 1)])
@pytest.mark.parametrize("weight_bits", [20, 53])
def test_limbs_leave_room_for_every_number_of_features(features: int, weight_bits: int) -> None:
    samples = np.full((1, features), -(2**63))
    weights = np.full((1, features), 2**weight_bits - 1)
    assert exact_dot(samples, weights)[0, 0] == -(2**63) * (2**weight_bits - 1) * features


def test_results_are_python_integers() -> None:
    for samples in (np.array([[3]]), sparse.csr_array(np.array([[3]]))):
        for weight in (2, 2**62):
            assert type(exact_dot(samples, np.array([[weight]]))[0, 0]) is int


@pytest.mark.parametrize("kind", [np.array, sparse.csr_array])
def test_no_samples_have_no_scores(kind: Any) -> None:
    assert exact_dot(kind(np.zeros((0, 3), np.int64)), np.ones((2, 3), np.int64)).shape == (0, 2)


@pytest.mark.parametrize(
    ("values", "expected"), [([], 0), ([0], 0), ([3, -7], 7), ([-(2**63), 1], 2**63)]
)
def test_the_largest_magnitude_survives_the_minimum(values: list[int], expected: int) -> None:
    assert max_abs(np.array(values, np.int64)) == expected


# Floats

# No product of these underflows.
SIZES = st.one_of(st.just(0.0), st.floats(1e-100, 1e100))


def exact_sums(left: Any, right: Any) -> list[list[Fraction]]:
    return [
        [
            sum((Fraction(a) * Fraction(b) for a, b in zip(x, w, strict=True)), Fraction(0))
            for w in right
        ]
        for x in left
    ]


@quick
@given(st.integers(0, 10**6), st.sampled_from([np.float64, np.float32]))
def test_gamma_is_at_least_highams(n: int, dtype: Any) -> None:
    unit = n * Fraction(UNIT_ROUNDOFF[np.dtype(dtype)])
    assert Fraction(gamma(n, dtype)) >= unit / (1 - unit)
    assert gamma(n, dtype) <= float(unit / (1 - unit)) * (1 + 1e-14)


@quick
@given(arrays(np.float32, (2, 20), elements=st.floats(-1e6, 1e6, width=32)))
def test_gamma_bounds_a_sum_in_float32(values: Any) -> None:
    x, w = values
    exact = sum(Fraction(float(a)) * Fraction(float(b)) for a, b in zip(x, w, strict=True))
    size = sum(abs(Fraction(float(a)) * Fraction(float(b))) for a, b in zip(x, w, strict=True))
    smallest = Fraction(2) ** -149  # a product may underflow
    error = abs(Fraction(float(np.dot(x, w))) - exact)
    assert error <= Fraction(gamma(20, np.float32)) * size + 20 * smallest


@quick
@given(st.lists(st.tuples(SIZES, SIZES), min_size=1, max_size=30))
def test_upper_is_no_less_than_the_sum(pairs: list[tuple[float, float]]) -> None:
    total = 0.0
    for a, b in pairs:
        total += a * b
    exact = sum(Fraction(a) * Fraction(b) for a, b in pairs)
    assert Fraction(float(upper(total, len(pairs)))) >= exact


@quick
@given(operands(SIZES, SIZES, np.float64), st.booleans())
def test_dot_upper_is_no_less_than_the_product(pair: Any, as_sparse: bool) -> None:
    left, right = pair
    bounds = dot_upper(sparse.csr_array(left) if as_sparse else left, right)
    for row, exact_row in zip(bounds.tolist(), exact_sums(left, right), strict=True):
        for bound, exact in zip(row, exact_row, strict=True):
            assert Fraction(bound) >= exact
            assert bound <= float(exact) * (1 + 1e-13)


def test_a_tenth_ten_times_is_bounded_from_above() -> None:
    # The plain sum of floats is below the true sum of these doubles.
    tenths = np.full((1, 10), 0.1)
    plain = sum(0.1 * 1.0 for _ in range(10))
    true = 10 * Fraction(0.1)
    assert Fraction(plain) < true <= Fraction(float(dot_upper(tenths, np.ones((1, 10)))[0, 0]))


def test_zero_stays_zero() -> None:
    sizes = np.array([[0.0, 3.0], [0.0, 0.0]])
    errors = np.array([[1.0, 0.0]])
    assert dot_upper(sizes, errors).tolist() == [[0.0], [0.0]]
    assert dot_upper(sparse.csr_array(sizes), errors).tolist() == [[0.0], [0.0]]


@settings(max_examples=200, deadline=None)
@given(operands(INT64, INT64))
def test_sparse_sums_are_pythons_own_for_extremes(pair: Any) -> None:
    samples, weights = pair
    assert exact_dot(sparse.csr_array(samples), weights).tolist() == python_dot(*pair)


@pytest.mark.parametrize("samples", [[[-(2**63)], [1]], [[2**62, 2**62], [1, 1]]])
def test_sparse_extremes_do_not_wrap(samples: Any) -> None:
    pair = np.array(samples), np.full((1, len(samples[0])), 3)
    assert exact_dot(sparse.csr_array(pair[0]), pair[1]).tolist() == python_dot(*pair)


def test_a_product_that_underflows_is_bounded_from_above() -> None:
    tiny = np.array([[1e-200]])
    assert dot_upper(tiny, tiny)[0, 0] > 0.0
