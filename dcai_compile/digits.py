"""Learned lanes as two digits: a narrow one that nearly every update stays inside, and a wide one.

A lane of `bits` bits is ``low + wide * 2**low_bits`` with ``-2**(low_bits-1) <= low < 2**(low_bits-1)``.
The low digits of many lanes share a storage slot; the wide ones lie apart, are 0 at first, and are
written only when a low digit carries. So a full lane never blocks a lesson, and lanes are narrow where
it matters. There is one way to write each value: storage depends on what was learned, not on the order.
"""

from __future__ import annotations

from dataclasses import dataclass

LOW_BITS = (8, 16, 32, 64)
"""Widths of a low digit: they divide a storage slot."""

WIDE_BITS = (32, 64)
"""Widths of a wide digit."""

CARRY_AFTER = 8
"""A low digit is wide enough when as many typical steps in one direction fit in it."""


@dataclass(frozen=True)
class Digits:
    """How lanes of `bits` bits are written; `low_bits` is `bits` where there is no wide digit."""

    bits: int
    low_bits: int

    @property
    def carries(self) -> bool:
        """Whether there is a wide digit."""
        return self.low_bits < self.bits

    @property
    def wide_bits(self) -> int:
        """Width of the wide digit's storage lane, or 0."""
        if not self.carries:
            return 0
        return next(bits for bits in WIDE_BITS if bits >= self.bits - self.low_bits)

    @property
    def wide_max(self) -> int:
        """The largest wide digit, whose negation is the smallest."""
        return (1 << (self.bits - self.low_bits - 1)) - 1 if self.carries else 0

    @property
    def maximum(self) -> int:
        """The largest value of a lane; no more than ``2**(bits-1) - 1``."""
        return (self.wide_max << self.low_bits) + (1 << (self.low_bits - 1)) - 1

    @property
    def minimum(self) -> int:
        """The smallest value of a lane; no less than ``-2**(bits-1)``."""
        return -(self.wide_max << self.low_bits) - (1 << (self.low_bits - 1))

    def split(self, value: int) -> tuple[int, int]:
        """The low and the wide digit of a value."""
        half = 1 << (self.low_bits - 1)
        low = (value + half) % (1 << self.low_bits) - half
        return low, (value - low) >> self.low_bits


def digits_for(bits: int, typical_step: int) -> Digits:
    """The narrowest low digit in which `CARRY_AFTER` typical steps fit, of lanes of `bits` bits."""
    room = CARRY_AFTER * max(1, typical_step)
    for low in LOW_BITS:
        if low >= bits:
            break
        if room < 1 << (low - 1):
            return Digits(bits, low)
    return Digits(bits, bits)
