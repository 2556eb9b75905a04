"""Learned lanes as two digits: a narrow one that nearly every update stays inside, and a wide one.

A lane of `bits` bits is ``low + wide * 2**low_bits`` with ``-2**(low_bits-1) <= low < 2**(low_bits-1)``.
The low digits of many lanes share a storage slot; the wide ones lie apart, are 0 at first, and are
written only when a low digit carries. So a full lane never blocks a lesson, and lanes are narrow where
it matters. There is one way to write each value: storage depends on what was learned, not on the order.

Where lanes only grow, a low digit may be without a sign, and then carries half as soon:
``0 <= low < 2**low_bits``. Low digits need not be whole bytes; see `Digits.masked`.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

BYTE = 8

LOW_BITS = (8, 16, 32, 64)
"""Widths of a low digit that divide a storage slot: those that a model begins with."""

WIDE_BITS = (32, 64)
"""Widths of a wide digit."""

CARRY_AFTER = 8
"""A low digit is wide enough when as many typical steps in one direction fit in it."""


@dataclass(frozen=True)
class Digits:
    """How lanes of `bits` bits are written; `low_bits` is `bits` where there is no wide digit.

    Attributes
    ----------
    unsigned : whether a low digit has no sign, and no lane is ever below zero.
    """

    bits: int
    low_bits: int
    unsigned: bool = False

    @cached_property
    def longest_step(self) -> int:
        """The longest typical step that `digits_for` would have chosen them for."""
        return (1 << (self.low_bits - 1)) // CARRY_AFTER

    @cached_property
    def carries(self) -> bool:
        """Whether there is a wide digit."""
        return self.low_bits < self.bits

    @cached_property
    def masked(self) -> bool:
        """Whether a low digit is read through a mask, as it is not whole bytes: then it is written as
        what it is more than `least`.
        """
        return self.low_bits % BYTE != 0

    @cached_property
    def least(self) -> int:
        """The smallest low digit."""
        return 0 if self.unsigned else -(1 << (self.low_bits - 1))

    @cached_property
    def wide_bits(self) -> int:
        """Width of the wide digit's storage lane, or 0."""
        if not self.carries:
            return 0
        return next(bits for bits in WIDE_BITS if bits >= self.bits - self.low_bits)

    @cached_property
    def wide_max(self) -> int:
        """The largest wide digit, whose negation is the smallest."""
        return (1 << (self.bits - self.low_bits - 1)) - 1 if self.carries else 0

    @cached_property
    def maximum(self) -> int:
        """The largest value of a lane; no more than ``2**(bits-1) - 1``."""
        return (self.wide_max << self.low_bits) + (1 << self.low_bits) - 1 + self.least

    @cached_property
    def minimum(self) -> int:
        """The smallest value of a lane; no less than ``-2**(bits-1)``."""
        return 0 if self.unsigned else self.least - (self.wide_max << self.low_bits)

    def split(self, value: int) -> tuple[int, int]:
        """The low and the wide digit of a value."""
        low = (value - self.least) % (1 << self.low_bits) + self.least
        return low, (value - low) >> self.low_bits

    def narrowed(self, low_bits: int, grows: bool) -> Digits:
        """Lanes as wide with a narrower low digit; without a sign if they only grow and it is masked."""
        return Digits(self.bits, low_bits, grows and low_bits % BYTE != 0)

    def reaches(self, other: Digits) -> bool:
        """Whether every value of a lane of `other` is one of these; below zero only if there are any."""
        return self.maximum >= other.maximum and (self.unsigned or self.minimum <= other.minimum)


def digits_for(bits: int, typical_step: int) -> Digits:
    """The narrowest low digit in which `CARRY_AFTER` typical steps fit, of lanes of `bits` bits."""
    room = CARRY_AFTER * max(1, typical_step)
    for low in LOW_BITS:
        if low >= bits:
            break
        if room < 1 << (low - 1):
            return Digits(bits, low)
    return Digits(bits, bits)
