"""Exact sums of products, and floating-point sums whose error is on the safe side.

Two kinds of arithmetic, never mixed up: integer functions that are exact at any size, and
``*_upper`` functions that return a float proved to be at least the true value.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from dcai_compile.encoding import Encoding, Matrix

UNIT_ROUNDOFF = {np.dtype(np.float64): 2.0**-53, np.dtype(np.float32): 2.0**-24}
"""Relative error of one correctly rounded operation, by floating type."""


LARGEST_EXACT_INTEGER = 2.0**23
"""A whole number up to this times 1e9 is a double, so that its encoding has no error."""


def max_abs(values: NDArray[Any]) -> int:
    """The largest magnitude in an integer array, 0 for an empty one, without wrapping at the minimum."""
    return max(abs(int(values.max())), abs(int(values.min()))) if values.size else 0


def exact_dot(samples: Matrix, weights: NDArray[Any]) -> NDArray[np.object_]:
    """``samples @ weights.T`` in exact integers.

    Shapes (n_samples, n_features) and (n_rows, n_features) to (n_samples, n_rows) of Python
    integers. int64 is used where the proved range allows: the samples are cut into limbs so
    narrow that no partial sum can leave 63 bits.
    """
    n_features = int(samples.shape[1])
    weight_bits = max_abs(weights).bit_length()
    if sparse.issparse(samples):
        entries = np.diff(samples.indptr)
        longest = max_abs(samples.data) * (int(entries.max()) if len(entries) else 0)
        if longest.bit_length() + weight_bits <= 62:
            narrow = np.asarray(samples @ weights.astype(np.int64).T)
            result: NDArray[np.object_] = narrow.astype(object)
            return result
        return _sparse_objects(samples, weights)
    limb_bits = 62 - weight_bits - n_features.bit_length()
    if limb_bits < 8:
        wide = np.asarray(samples).astype(object) @ weights.astype(object).T
        wide_objects: NDArray[np.object_] = np.asarray(wide, dtype=object)
        return wide_objects
    return _limbs(np.asarray(samples), weights.astype(np.int64), limb_bits)


def _limbs(
    samples: NDArray[np.int64], weights: NDArray[np.int64], bits: int
) -> NDArray[np.object_]:
    total: NDArray[np.object_] = np.zeros((samples.shape[0], weights.shape[0]), dtype=object)
    rest = samples
    shift = 0
    while True:
        last = bool(np.all((rest >= -(1 << (bits - 1))) & (rest < 1 << (bits - 1))))
        # Every limb but the last is the low `bits` bits, never negative; the last keeps the sign.
        limb = rest if last else rest & ((1 << bits) - 1)
        total = total + (limb @ weights.T).astype(object) * (1 << shift)
        if last:
            return total
        rest = rest >> bits
        shift += bits


def _sparse_objects(samples: sparse.csr_array, weights: NDArray[Any]) -> NDArray[np.object_]:
    columns = weights.astype(object)
    rows = []
    for i in range(samples.shape[0]):
        part = slice(samples.indptr[i], samples.indptr[i + 1])
        rows.append(columns[:, samples.indices[part]] @ samples.data[part].astype(object))
    return np.array(rows, dtype=object).reshape(samples.shape[0], weights.shape[0])


def gamma(n: int, dtype: Any = np.float64) -> float:
    """An upper bound of Higham's gamma_n, the relative error of a sum of n rounded products."""
    unit = n * UNIT_ROUNDOFF[np.dtype(dtype)]
    return unit / (1.0 - unit) * (1.0 + 2.0**-50)


def upper(value: Any, n: int) -> Any:
    """At least the true value of a float computed as a sum of n non-negative products."""
    return np.nextafter(value * (1.0 + gamma(n + 4)), np.inf)


def dot_upper(left: Any, right: NDArray[np.float64]) -> NDArray[np.float64]:
    """At least ``left @ right.T`` for non-negative arrays, shapes as in `exact_dot`.

    Zero stays zero, so that an exactly represented model has a bound of exactly 0.
    """
    product = np.asarray(left @ right.T, np.float64)
    n = int(right.shape[1])
    bound = np.where(product == 0.0, 0.0, upper(product, n))
    if np.any(product == 0.0):
        # A product of two tiny numbers is 0 in doubles, but not in truth.
        overlap = np.asarray((left != 0).astype(np.float64) @ (right != 0).astype(np.float64).T)
        bound = np.where((product == 0.0) & (overlap > 0.0), n * np.finfo(float).tiny, bound)
    return bound


def fraction_upper(value: Fraction) -> float:
    """A float at least as large as a non-negative fraction; 0 for 0."""
    return float(np.nextafter(float(value), np.inf)) if value else 0.0


def wire_error(encoding: Encoding, X: Matrix) -> Matrix:
    """At least ``|Q / s - x|`` a value, in the shape of `X`: half a unit unless a whole number."""
    if encoding.is_counts:
        return sparse.csr_array(X.shape, dtype=np.float64)
    half = fraction_upper(Fraction(1, 2 * encoding.scale))

    def of(values: NDArray[Any]) -> NDArray[np.float64]:
        whole = (values == np.floor(values)) & (np.abs(values) <= LARGEST_EXACT_INTEGER)
        return np.where(whole, 0.0, half)

    if sparse.issparse(X):
        errors = X.astype(np.float64).copy()
        errors.data = of(X.data)
        return errors
    return of(np.asarray(X))
