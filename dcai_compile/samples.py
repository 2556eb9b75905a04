"""Samples as arrays: checked shapes, and doubles rounded once to integers."""

from __future__ import annotations

from fractions import Fraction
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from dcai_compile.errors import SampleOutOfRange

Sample: TypeAlias = NDArray[np.int64]

Matrix: TypeAlias = Any
"""A numpy array or a scipy.sparse CSR array, shape (n_samples, n_features)."""

TO_FLOAT = 10**9
"""DCAI's scale of a real number on the wire."""

INT64_MAX = 2**63 - 1


def as_samples(X: Any, n_features: int) -> Matrix:
    """Check the shape of `X`, (n_samples, n_features), and return it as an array or CSR.

    The floating type is kept: a float32 array stays one, because scikit-learn then computes
    in float32 too.
    """
    if sparse.issparse(X):
        matrix = sparse.csr_array(X)
        if not matrix.has_canonical_format:
            matrix = matrix.copy()  # the caller's arrays are not ours to change
            matrix.sum_duplicates()
        matrix = narrow_indices(matrix)
        shape = matrix.shape
        result: Matrix = matrix
    else:
        array = np.asarray(X)
        if array.dtype.kind not in "buif":
            array = as_numbers(array)
        shape = array.shape
        result = array
    if len(shape) != 2 or shape[1] != n_features:
        raise SampleOutOfRange(
            f"samples have shape {shape}, the model has {n_features} features",
            hint=f"pass an array of shape (n_samples, {n_features})",
        )
    return result


def narrow_indices(matrix: Any) -> sparse.csr_array:
    """The same CSR matrix with 32-bit indices, which is all that scikit-learn takes."""
    parts = (matrix.data, matrix.indices.astype(np.int32), matrix.indptr.astype(np.int32))
    return sparse.csr_array(parts, shape=matrix.shape)


def as_numbers(array: NDArray[Any]) -> NDArray[np.float64]:
    """An array of anything as float64, or `SampleOutOfRange`."""
    try:
        return array.astype(np.float64)
    except (TypeError, ValueError) as error:
        raise SampleOutOfRange(
            f"samples are not numbers: {error}", hint="encode text and categories first"
        ) from None


def split_pairs(words: Sample) -> tuple[Sample, Sample]:
    """Indices and signed values of ``pairs`` words, shape (n,) each."""
    low = words & 0xFFFF_FFFF
    return words >> 32, low - ((low >> 31) << 32)


def round_exactly(values: NDArray[Any], first_sample: int = 0, scale: int = TO_FLOAT) -> Sample:
    """``round_half_even(x * scale)`` of doubles, shape (n_samples, n_features), as int64.

    The product is rounded once, not twice: where the double product lies so near to a half
    that its own rounding could decide, the exact rational product decides.
    """
    doubles = np.asarray(values, np.float64)
    with np.errstate(over="ignore", invalid="ignore"):
        products = doubles * scale
        bad = ~(np.abs(products) < 2.0**63)
    if np.any(bad):
        row, column = (int(axis[0]) for axis in np.nonzero(bad))
        value = float(doubles[row, column])
        raise SampleOutOfRange(
            f"sample {first_sample + row}, feature {column}: {value!r} does not fit in an int64 at scale 1e9",
            hint="scale the features (StandardScaler), or remove samples that are not finite",
            sample=first_sample + row,
            feature=column,
            value=value,
            limit=INT64_MAX / TO_FLOAT,
        )
    rounded = np.rint(products)
    distance_to_half = np.abs(np.abs(products - np.floor(products)) - 0.5)
    result = rounded.astype(np.int64)
    for row, column in zip(
        *np.nonzero(distance_to_half <= np.spacing(np.abs(products))), strict=True
    ):
        result[row, column] = round(Fraction(float(doubles[row, column])) * scale)
    return result


def single(x: Any) -> Any:
    """One raw sample as a batch of one: a text, or values of shape (n_features,) or (1, n_features)."""
    if isinstance(x, str | bytes):
        return [x]
    return x if hasattr(x, "tocsr") or np.ndim(x) == 2 else np.asarray(x).reshape(1, -1)
