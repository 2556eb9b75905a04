"""Samples in few bytes, for the second entry point of a fused contract.

An element of an ``int64[]`` takes 32 bytes of calldata and of the event. Packed, elements follow each other
without gaps, the highest bit first, each in `Packing.element_bits`:

``dense``    a signed number of 16 to 32 bits, times `Packing.unit`.
``indices``  the index, in the fewest bits (at least 8).
``pairs``    the index in the fewest bits (at least 8), then the value in 32.

A packed sample stands for the ``int64[]`` that it unpacks to, and is checked, learned and predicted as that.
Its contribution is known by the bytes that were sent (`calls.Contribution.key`), and claimed with them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import gcd

import numpy as np

from dcai_compile.encoding import Encoding, Matrix
from dcai_compile.samples import TO_FLOAT, round_exactly

LEAST_BITS = 8
"""Of an element: with fewer, the end of a sample could not be told from what is left of its last byte."""

WORD_BITS = 256
MOST_TOGETHER, MOST_TOGETHER_SPARSE = 16, 4
"""Elements that are unpacked at once; what is unpacked beyond the end of short samples is wasted."""

DENSE_BITS = range(16, 33)
"""Of a ``dense`` element."""

FINE = 128
"""No value is rounded by more than a part in twice that of its feature's range, while bits are left."""


ENOUGH_SAMPLES = 16
"""To tell the range of a feature. Of fewer, the narrowest of many ranges is a coincidence, and the middle one
stands for all."""


@dataclass(frozen=True)
class Packing:
    """The packed form of one encoding.

    Attributes
    ----------
    element_bits : bits of an element.
    unit : what a dense element is multiplied by; 1 for others.
    is_signed : whether an element is a signed number.
    words : the form in words.
    """

    element_bits: int
    unit: int
    is_signed: bool
    words: str

    @property
    def together(self) -> int:
        """Elements that are unpacked at once: they come in one word, and fill whole bytes."""
        most = MOST_TOGETHER if self.is_signed else MOST_TOGETHER_SPARSE
        step = _whole_bytes(self.element_bits)
        return min(max(most, step), WORD_BITS // self.element_bits) // step * step

    @property
    def together_bytes(self) -> int:
        """Bytes of so many elements."""
        return self.together * self.element_bits // 8

    def pack(self, sample: Sequence[int]) -> bytes | None:
        """The packed form of an encoded sample; None if it has none, for no value is ever changed."""
        values = list(map(int, sample))
        limit = 1 << (self.element_bits - self.is_signed)
        lowest = -limit if self.is_signed else 0
        total = 0
        for value in values:
            quotient, rest = divmod(value, self.unit)
            if rest or not lowest <= quotient < limit:
                return None
            total = (total << self.element_bits) | (quotient % (1 << self.element_bits))
        bits = self.element_bits * len(values)
        return (total << (-bits % 8)).to_bytes(-(-bits // 8), "big")

    def unpack(self, packed: bytes) -> list[int] | None:
        """The sample that a byte string stands for; None where the contract refuses its length."""
        length = len(packed) * 8 // self.element_bits
        if -(-length * self.element_bits // 8) != len(packed):
            return None
        number = int.from_bytes(packed, "big") >> (len(packed) * 8 - length * self.element_bits)
        mask = (1 << self.element_bits) - 1
        fields = [number >> (self.element_bits * place) & mask for place in range(length)]
        if self.is_signed:
            half = 1 << (self.element_bits - 1)
            fields = [((field + half) & mask) - half for field in fields]
        return [field * self.unit for field in reversed(fields)]

    def rounded(self, sample: Sequence[int]) -> list[int]:
        """The nearest sample that has a packed form, in a tie the even one; itself where nothing is rounded."""
        if self.unit == 1:
            return list(map(int, sample))
        return [_nearest(int(value), self.unit) * self.unit for value in sample]


def packing_of(encoding: Encoding) -> Packing:
    """The packed form of an encoding."""
    if encoding.name == "dense":
        bits, unit = encoding.packed_bits, encoding.packed_unit
        words = f"signed numbers of {bits} bits"
        return Packing(bits, unit, True, words if unit == 1 else f"{words}, times {unit}")
    bits = max(LEAST_BITS, (encoding.n_features - 1).bit_length())
    if encoding.name == "indices":
        return Packing(bits, 1, False, f"indices of {bits} bits")
    # So many fill whole bytes of one word.
    while _whole_bytes(bits + 32) * (bits + 32) > WORD_BITS:
        bits += 1
    return Packing(bits + 32, 1, False, f"indices of {bits} bits, each with its value in 32")


def dense_packing(X: Matrix) -> tuple[int, int]:
    """Bits and unit of packed ``dense`` values, given calibration samples, shape (n_samples, n_features).

    The fewest bits that reach the largest value with a unit that is small beside the range of every
    feature that varies (of half of them, if there are less than `ENOUGH_SAMPLES`); where none do, all.
    """
    dense = X.toarray() if hasattr(X, "toarray") else np.asarray(X, np.float64)
    if not dense.size or not np.all(np.isfinite(dense)):
        return DENSE_BITS[-1], 1
    # What does not fit in the wire is refused there; here it is only measured.
    limit = float(2**62) / TO_FLOAT
    lowest, highest = np.clip([dense.min(axis=0), dense.max(axis=0)], -limit, limit)
    wire = np.array(list(round_exactly(np.array([lowest, highest]))))
    largest = max(map(abs, wire.ravel().tolist()))
    ranges = [high - low for low, high in wire.T.tolist() if high > low]
    ranges.sort()
    narrowest = ranges[0 if len(dense) >= ENOUGH_SAMPLES else len(ranges) // 2] if ranges else 0
    for bits in DENSE_BITS:
        unit = -(-max(largest, 1) // ((1 << (bits - 1)) - 1))
        if narrowest >= unit * FINE:
            break
    return bits, unit


def _whole_bytes(bits: int) -> int:
    """The fewest elements of so many bits that fill whole bytes."""
    return 8 // gcd(8, bits)


def _nearest(value: int, unit: int) -> int:
    quotient, rest = divmod(value, unit)
    return quotient + (2 * rest > unit or (2 * rest == unit and quotient % 2 == 1))
