"""Products of many integers as mantissa and exponent, as the templates form them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

from dcai_compile import bigfloat

Number: TypeAlias = tuple[int, int]
"""Mantissa and exponent of a `bigfloat` number."""


def product(factors: Sequence[int], bits: int) -> Number:
    """The product of factors below ``2**bits``, normalised; 1 for none."""
    mantissa, exponent = 1, 0
    for factor in factors:
        mantissa, exponent = bigfloat.mul_small(mantissa, exponent, factor, bits)
    return bigfloat.normalize(mantissa, exponent)


def power_product(factors: Sequence[int], powers: Sequence[int], bits: int) -> Number:
    """The product of ``factor ** power``, normalised: one squaring a bit of the largest power.

    The powers' bits are read from the top; at each, the product so far is squared, and the factors
    whose power has that bit are multiplied in (Straus).
    """
    mantissa, exponent = 1 << 127, -127
    for bit in range(max(powers, default=0).bit_length() - 1, -1, -1):
        mantissa, exponent = bigfloat.square(mantissa, exponent)
        for factor, power in zip(factors, powers, strict=True):
            if power >> bit & 1:
                mantissa, exponent = bigfloat.mul_small(mantissa, exponent, factor, bits)
        mantissa, exponent = bigfloat.normalize(mantissa, exponent)
    return mantissa, exponent
