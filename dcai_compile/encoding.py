"""What a sample looks like on the wire: DCAI's ``int64[]``, in one of two encodings.

``dense``    one value a feature, ``round_half_even(x * 1e9)``, as DCAI's clients do.
``indices``  the index of every feature that is present, repeated as often as it is counted.

Encoding is exact: the integer is the correctly rounded product of the double (a rational
number) and 1e9, so that the error of a value is at most half a unit and is provable.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from dcai_compile.errors import InvalidOption, SampleOutOfRange

EncodingName: TypeAlias = Literal["dense", "indices"]
Sample: TypeAlias = NDArray[np.int64]

Matrix: TypeAlias = Any
"""A numpy array or a scipy.sparse CSR array, shape (n_samples, n_features)."""

TO_FLOAT = 10**9
"""DCAI's scale of a real number on the wire."""

INT64_MAX = 2**63 - 1

MIN_MAX_LENGTH = 1024
"""Every ``indices`` contract takes samples at least this long."""

SMALL_COUNT = 255
"""Above this a value is a measurement rather than a count, and ``auto`` chooses ``dense``."""


@dataclass(frozen=True)
class Encoding:
    """How the features of one model travel.

    Attributes
    ----------
    name : ``"dense"`` or ``"indices"``.
    n_features : number of features of the model.
    max_length : the longest sample that the contract takes; `n_features` for ``dense``.
    """

    name: EncodingName
    n_features: int
    max_length: int

    @property
    def scale(self) -> int:
        """Wire units per 1.0 of a feature."""
        return TO_FLOAT if self.name == "dense" else 1

    @property
    def encoder(self) -> str:
        """The name by which DCAI's clients know it (`encoder()` on chain)."""
        return "Multiply by 1E9, then round" if self.name == "dense" else "none"

    def encode(self, X: Any) -> list[Sample]:
        """Encode samples, shape (n_samples, n_features), as the contract takes them.

        Raises `SampleOutOfRange` naming sample, feature and value.
        """
        return _to_dense(self, X) if self.name == "dense" else _to_indices(self, X)

    def matrix(self, samples: list[Sample]) -> Matrix:
        """Wire values a feature, shape (n_samples, n_features); counts for ``indices``."""
        if self.name == "dense":
            return np.stack(samples) if samples else np.zeros((0, self.n_features), np.int64)
        lengths = np.fromiter((len(sample) for sample in samples), np.int64, len(samples))
        columns = np.concatenate(samples) if samples else np.zeros(0, np.int64)
        rows = np.repeat(np.arange(len(samples)), lengths)
        shape = (len(samples), self.n_features)
        return sparse.coo_array((np.ones(len(columns), np.int64), (rows, columns)), shape).tocsr()


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
            array = _to_numbers(array)
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


def _to_numbers(array: NDArray[Any]) -> NDArray[np.float64]:
    try:
        return array.astype(np.float64)
    except (TypeError, ValueError) as error:
        raise SampleOutOfRange(
            f"samples are not numbers: {error}", hint="encode text and categories first"
        ) from None


def choose_encoding(name: str, X: Matrix) -> Encoding:
    """The encoding named, or for ``"auto"`` the one that suits the calibration samples `X`.

    ``indices`` for whole counts up to 255 of which fewer than half are present (a bag of
    words), ``dense`` for everything else. The longest sample that the contract will take is
    twice the longest calibration sample, and at least 1,024 indices.
    """
    if name not in ("auto", "dense", "indices"):
        raise InvalidOption(
            f"encoding {name!r} is unknown",
            hint="choose 'auto', 'dense' or 'indices'",
            option="encoding",
            value=name,
        )
    n_features = int(X.shape[1])
    values = X.data if sparse.issparse(X) else np.asarray(X)
    if name == "auto":
        present = int(np.count_nonzero(values))
        is_counts = bool(
            np.all(np.isfinite(values))
            and np.all((values >= 0) & (values <= SMALL_COUNT))
            and np.all(values == np.floor(values))
        )
        name = "indices" if is_counts and 2 * present < X.shape[0] * n_features else "dense"
    if name == "dense":
        return Encoding("dense", n_features, n_features)
    sums = np.asarray(X.sum(axis=1)).ravel() if X.shape[0] else np.zeros(1)
    longest = float(np.max(sums))
    if not np.isfinite(longest) or longest > 2**20:
        raise InvalidOption(
            f"a calibration sample counts {longest:g} features, too many to list one by one",
            hint="encoding='dense' carries large values",
            option="encoding",
            value="indices",
        )
    return Encoding("indices", n_features, max(MIN_MAX_LENGTH, 2 * int(longest)))


def _to_dense(encoding: Encoding, X: Any) -> list[Sample]:
    samples = as_samples(X, encoding.n_features)
    if sparse.issparse(samples):
        # A block at a time: a wide sparse matrix need not exist densely as a whole.
        return [
            row for i in range(samples.shape[0]) for row in round_exactly(samples[[i]].toarray(), i)
        ]
    return list(round_exactly(samples))


def round_exactly(values: NDArray[Any], first_sample: int = 0) -> Sample:
    """``round_half_even(x * 1e9)`` of doubles, shape (n_samples, n_features), as int64.

    The product is rounded once, not twice: where the double product lies so near to a half
    that its own rounding could decide, the exact rational product decides.
    """
    doubles = np.asarray(values, np.float64)
    with np.errstate(over="ignore", invalid="ignore"):
        products = doubles * TO_FLOAT
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
        result[row, column] = round(Fraction(float(doubles[row, column])) * TO_FLOAT)
    return result


def _to_indices(encoding: Encoding, X: Any) -> list[Sample]:
    samples = as_samples(X, encoding.n_features)
    counts = samples if sparse.issparse(samples) else sparse.csr_array(samples)
    data = np.asarray(counts.data, np.float64)
    with np.errstate(invalid="ignore"):
        bad = ~((data >= 0) & (data == np.floor(data)) & (data <= encoding.max_length))
    rows = np.repeat(np.arange(counts.shape[0]), np.diff(counts.indptr))
    if np.any(bad):
        at = int(np.nonzero(bad)[0][0])
        raise SampleOutOfRange(
            f"sample {rows[at]}, feature {counts.indices[at]}: {data[at]!r} is not a count "
            f"from 0 to {encoding.max_length}",
            hint="encoding='dense' carries real values",
            sample=int(rows[at]),
            feature=int(counts.indices[at]),
            value=float(data[at]),
            limit=encoding.max_length,
        )
    lengths = np.bincount(rows, weights=data, minlength=counts.shape[0]).astype(np.int64)
    _check_lengths(encoding, lengths)
    order = np.lexsort((counts.indices, rows))
    tokens = np.repeat(counts.indices[order].astype(np.int64), data[order].astype(np.int64))
    return np.split(tokens, np.cumsum(lengths)[:-1]) if len(lengths) else []


def _check_lengths(encoding: Encoding, lengths: NDArray[np.int64]) -> None:
    for sample, length in enumerate(lengths):
        if 0 < length <= encoding.max_length:
            continue
        raise SampleOutOfRange(
            f"sample {sample} has {length} indices; the contract takes 1 to {encoding.max_length}",
            hint="leave out samples without any known feature"
            if length == 0
            else "shorten the sample, or compile with a calibration sample of that length",
            sample=sample,
            value=float(length),
            limit=float(encoding.max_length),
        )


def without_empty(encoding: Encoding, X: Matrix) -> NDArray[np.bool_]:
    """Mask, shape (n_samples,), of the samples that the encoding can carry at all.

    An ``indices`` sample without any index is refused by the contract, so it cannot take part
    in calibration or verification.
    """
    if encoding.name == "dense":
        return np.ones(X.shape[0], np.bool_)
    present: NDArray[np.bool_] = np.asarray((X != 0).sum(axis=1)).ravel() != 0
    return present
