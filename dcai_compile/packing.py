"""Samples in few bytes, for the second entry point of a fused contract.

An element of an ``int64[]`` takes 32 bytes of calldata and of the event. Packed, elements follow each other
without gaps, the highest bit first, each in `Packing.element_bits`:

``dense``    a signed number of 16 to 32 bits, times `Packing.unit`; where values are whole numbers up to 255 of
             a unit, as pixels are, a byte.
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
from numpy.typing import NDArray

from dcai_compile.encoding import BYTE_BITS, Encoding, Matrix
from dcai_compile.samples import TO_FLOAT, round_exactly

LEAST_BITS = 8
"""Of an element: with fewer, the end of a sample could not be told from what is left of its last byte."""

WORD_BITS = 256
MOST_TOGETHER, MOST_TOGETHER_SPARSE = 16, 4
"""Elements that are unpacked at once; what is unpacked beyond the end of short samples is wasted."""

DENSE_BITS = range(16, 33)
"""Of a ``dense`` element that is a signed number."""

MOST_UNITS = (1 << BYTE_BITS) - 1

LEAST_UNIT = 1 << 13
"""Of a byte, in wire units: many times what rounding makes of a whole number."""

FLOAT32 = 2.0**-24
"""Relative error of a float32; units and wire values are off by half a wire unit each."""

ROWS_AT_ONCE = 4096
"""Rows that are measured at once."""

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
    counts_units : whether an element is a whole number of units, which samples have, too: others are not
        rounded to it.
    """

    element_bits: int
    unit: int
    is_signed: bool
    words: str
    counts_units: bool = False

    @property
    def together(self) -> int:
        """Elements that are unpacked at once: they come in one word, and fill whole bytes."""
        is_dense = self.is_signed or self.counts_units
        most = MOST_TOGETHER if is_dense else MOST_TOGETHER_SPARSE
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
        """The nearest sample that has a packed form, in a tie the even one; itself where nothing is rounded.

        Where elements count units, a sample that has other values is left as it is: it has no packed form.
        """
        values = list(map(int, sample))
        if self.unit == 1:
            return values
        near = [_nearest(value, self.unit) * self.unit for value in values]
        if not self.counts_units:
            return near
        is_whole = all(map(self._is_whole, values, near)) and self.pack(near) is not None
        return near if is_whole else values

    def _is_whole(self, value: int, near: int) -> bool:
        """Whether a value is what rounding has made of a whole number of units, as `_broken_row` asks."""
        if near == 0:
            return value == 0
        return 2 * abs(value - near) <= abs(near) // self.unit + 2 + abs(value) // 2**23


def packing_of(encoding: Encoding) -> Packing:
    """The packed form of an encoding."""
    if encoding.name == "dense":
        bits, unit = encoding.packed_bits, encoding.packed_unit
        if bits == BYTE_BITS:
            return Packing(bits, unit, False, f"whole numbers of 8 bits, times {unit}", True)
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

    Eight where all values are whole numbers of a unit. Else the fewest bits that reach the largest value with a
    unit that is small beside the range of every feature that varies (of half of them, if there are less than
    `ENOUGH_SAMPLES`); where none do, all.
    """
    dense = X.toarray() if hasattr(X, "toarray") else np.asarray(X, np.float64)
    if not dense.size or not np.all(np.isfinite(dense)):
        return DENSE_BITS[-1], 1
    counted = _counted_unit(dense)
    if counted is not None:
        return BYTE_BITS, counted
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


def _counted_unit(X: NDArray[np.float64]) -> int | None:
    """The unit, in wire units, of which every value is a whole number up to 255; None without one.

    The largest value is at least 128 of them, so that not much more than twice as much has a packed form. Few
    samples prove no unit: that all are whole would be a coincidence.
    """
    if len(X) < ENOUGH_SAMPLES or float(X.min()) < 0:
        return None
    largest = float(X.max())
    if not 0 < largest < 2**62 / TO_FLOAT:
        return None
    (wire,) = round_exactly(np.array([[largest]]))
    # Rows that are looked at first: some of all, and every one that was not whole of another unit.
    first = X[:: max(1, len(X) // ENOUGH_SAMPLES)]
    for units in range((MOST_UNITS + 1) // 2, MOST_UNITS + 1):
        unit = _nearest(int(wire[0]), units)
        if unit < LEAST_UNIT or _broken_row(first, unit) is not None:
            continue
        row = _broken_row(X, unit)
        if row is None:
            return unit
        first = np.vstack([first, X[row]])
    return None


def _broken_row(X: NDArray[np.float64], unit: int) -> int | None:
    """The first row with a value that is no whole number of units; None without one."""
    for start in range(0, len(X), ROWS_AT_ONCE):
        wire = X[start : start + ROWS_AT_ONCE] * TO_FLOAT
        counts = np.rint(wire / unit)
        # Nothing is rounded to zero.
        off = np.abs(wire - counts * unit) > (counts / 2 + 1 + wire * FLOAT32) * (counts != 0)
        rows = np.flatnonzero(off.any(axis=1))
        if len(rows):
            return start + int(rows[0])
    return None


def _whole_bytes(bits: int) -> int:
    """The fewest elements of so many bits that fill whole bytes."""
    return 8 // gcd(8, bits)


def _nearest(value: int, unit: int) -> int:
    """The quotient, rounded to the nearest, in a tie to the even one."""
    quotient, rest = divmod(value, unit)
    return quotient + (2 * rest > unit or (2 * rest == unit and quotient % 2 == 1))
