"""What a sample looks like on the wire: DCAI's ``int64[]``, in one of three encodings.

``dense``    one value a feature, ``round_half_even(x * 1e9)``, as DCAI's clients do.
``indices``  the index of every feature that is present, repeated as often as it is counted.
``pairs``    ``index * 2**32 + value mod 2**32`` for every feature that is not zero, in the order
             of the indices: a signed fixed-point value beside its index.

Encoding is exact: the integer is the correctly rounded product of the double (a rational
number) and the scale, so that the error of a value is at most half a unit and is provable.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from dcai_compile.errors import SampleOutOfRange
from dcai_compile.samples import (
    INT64_MAX,
    TO_FLOAT,
    Matrix,
    Sample,
    as_samples,
    narrow_indices,
    round_exactly,
    split_pairs,
)

__all__ = [
    "BYTE_BITS",
    "ENCODINGS",
    "INT64_MAX",
    "PAIR_MAX",
    "TO_FLOAT",
    "Encoding",
    "EncodingName",
    "Matrix",
    "Sample",
    "as_samples",
    "narrow_indices",
    "round_exactly",
    "split_pairs",
]

EncodingName: TypeAlias = Literal["dense", "indices", "pairs"]
ENCODINGS: tuple[EncodingName, ...] = ("dense", "indices", "pairs")
PAIR_MAX = 2**31 - 1
"""The largest value that stands beside an index."""

BYTE_BITS = 8
"""Of a packed ``dense`` value that counts units: it has no sign."""


@dataclass(frozen=True)
class Encoding:
    """How the features of one model travel.

    Attributes
    ----------
    name : ``"dense"``, ``"indices"`` or ``"pairs"``.
    n_features : number of features of the model.
    max_length : the longest sample that the contract takes; `n_features` for ``dense``.
    pair_scale : units per 1.0 of a ``pairs`` value, a power of ten.
    min_length : the shortest sample of ``indices`` or ``pairs``: 0 where no feature at all is a
        sample too, else 1.
    max_count : how often one index may stand in a sample of ``indices`` that is taught: twice as
        often as in any calibration sample, but once where those only say what is present.
    packed_bits, packed_unit : a packed ``dense`` value is a number of so many bits, times the unit,
        signed unless it is a byte; see `packing`.
    """

    name: EncodingName
    n_features: int
    max_length: int
    pair_scale: int = TO_FLOAT
    min_length: int = 1
    max_count: int = 1
    packed_bits: int = 32
    packed_unit: int = 1

    @property
    def count_bits(self) -> int:
        """Bits that hold a number up to `max_count`."""
        return next(bits for bits in (1, 2, 4, 8, 16, 32) if self.max_count < 1 << bits)

    @property
    def scale(self) -> int:
        """Wire units per 1.0 of a feature."""
        return {"dense": TO_FLOAT, "indices": 1, "pairs": self.pair_scale}[self.name]

    @property
    def is_sparse(self) -> bool:
        """Whether a sample names its features, so that absent ones cost nothing."""
        return self.name != "dense"

    @property
    def is_counts(self) -> bool:
        """Whether a feature's value is how often its index stands in the sample."""
        return self.name == "indices"

    @property
    def max_wire_value(self) -> int:
        """The largest magnitude of a feature's value in any sample that can be sent."""
        return {"dense": 1 << 63, "indices": self.max_length, "pairs": 1 << 31}[self.name]

    @property
    def packed_reach(self) -> int:
        """The largest magnitude of a packed ``dense`` value."""
        if self.packed_bits == BYTE_BITS:
            return ((1 << BYTE_BITS) - 1) * self.packed_unit
        return self.packed_unit << (self.packed_bits - 1)

    @property
    def encoder(self) -> str:
        """The name by which DCAI's clients know it (`encoder()` on chain)."""
        return {
            "dense": "Multiply by 1E9, then round",
            "indices": "none",
            "pairs": f"pairs of index and value times {self.pair_scale}",
        }[self.name]

    def encode(self, X: Any) -> list[Sample]:
        """Encode samples, shape (n_samples, n_features), as the contract takes them.

        Raises `SampleOutOfRange` naming sample, feature and value.
        """
        to = {"dense": _to_dense, "indices": _to_indices, "pairs": _to_pairs}[self.name]
        return to(self, X)

    def matrix(self, samples: list[Sample]) -> Matrix:
        """Wire values a feature, shape (n_samples, n_features); counts for ``indices``."""
        if self.name == "dense":
            return np.stack(samples) if samples else np.zeros((0, self.n_features), np.int64)
        lengths = np.fromiter((len(sample) for sample in samples), np.int64, len(samples))
        words = np.concatenate(samples) if samples else np.zeros(0, np.int64)
        columns, values = words, np.ones(len(words), np.int64)
        if self.name == "pairs":
            columns, values = split_pairs(words)
        rows = np.repeat(np.arange(len(samples)), lengths)
        shape = (len(samples), self.n_features)
        return sparse.coo_array((values, (rows, columns)), shape).tocsr()

    def entries(self, sample: Sequence[int]) -> Iterator[tuple[int, int]]:
        """Feature and wire value of each element of one sample, in the sample's order."""
        if self.name == "dense":
            yield from enumerate(sample)
        elif self.name == "indices":
            yield from ((index, 1) for index in sample)
        else:
            for word in sample:
                low = word & 0xFFFF_FFFF
                yield word >> 32, low - (low >> 31 << 32)

    def first_repeat(self, sample: Sequence[int]) -> int | None:
        """Position of the first index that a sample names more than `max_count` times."""
        if not self.is_counts:
            return None
        counts: Counter[int] = Counter()
        for position, index in enumerate(sample):
            counts[index] += 1
            if counts[index] > self.max_count:
                return position
        return None


def _to_dense(encoding: Encoding, X: Any) -> list[Sample]:
    samples = as_samples(X, encoding.n_features)
    if sparse.issparse(samples):
        # A block at a time: a wide sparse matrix need not exist densely as a whole.
        return [
            row for i in range(samples.shape[0]) for row in round_exactly(samples[[i]].toarray(), i)
        ]
    return list(round_exactly(samples))


def _to_pairs(encoding: Encoding, X: Any) -> list[Sample]:
    samples = as_samples(X, encoding.n_features)
    matrix = (samples if sparse.issparse(samples) else sparse.csr_array(samples)).copy()
    matrix.sort_indices()
    data = np.asarray(matrix.data, np.float64)
    with np.errstate(over="ignore", invalid="ignore"):
        # Half a unit more than the largest, so that nothing rounds out of range.
        bad = ~(np.abs(data) * encoding.pair_scale < PAIR_MAX + 0.5)
    rows = np.repeat(np.arange(matrix.shape[0]), np.diff(matrix.indptr))
    if np.any(bad):
        at = int(np.nonzero(bad)[0][0])
        raise SampleOutOfRange(
            f"sample {rows[at]}, feature {matrix.indices[at]}: {float(data[at])!r} does not fit "
            f"beside its index at scale {encoding.pair_scale}",
            hint="calibrate with samples of this size, or pass encoding='dense'",
            sample=int(rows[at]),
            feature=int(matrix.indices[at]),
            value=float(data[at]),
            limit=PAIR_MAX / encoding.pair_scale,
        )
    values = round_exactly(data.reshape(1, -1), scale=encoding.pair_scale)[0]
    kept = values != 0
    words = (matrix.indices.astype(np.int64) << 32) | (values & 0xFFFF_FFFF)
    lengths = np.bincount(rows[kept], minlength=matrix.shape[0])
    _check_lengths(encoding, lengths)
    return np.split(words[kept], np.cumsum(lengths)[:-1]) if len(lengths) else []


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
            f"sample {rows[at]}, feature {counts.indices[at]}: {float(data[at])!r} is not a count "
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
        if encoding.min_length <= length <= encoding.max_length:
            continue
        raise SampleOutOfRange(
            f"sample {sample} has {length} indices; the contract takes {encoding.min_length} to "
            f"{encoding.max_length}",
            hint="leave out samples without any known feature"
            if length == 0
            else "shorten the sample, or compile with a calibration sample of that length",
            sample=sample,
            value=float(length),
            limit=float(encoding.max_length),
        )
