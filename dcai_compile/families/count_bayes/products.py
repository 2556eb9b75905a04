"""Products of many integers as mantissa and exponent, as the templates form them."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import TypeAlias

from dcai_compile import bigfloat

GROUP = 4
"""Factors that are multiplied without a look at what they have come to, where they leave room."""

Number: TypeAlias = tuple[int, int]
"""Mantissa and exponent of a `bigfloat` number."""

Entries: TypeAlias = Sequence[tuple[int, int]]
"""Feature and wire value of each element of a sample."""


def product(factors: Sequence[int], bits: int, last: int = 1) -> Number:
    """The product of factors below ``2**bits`` and of the last, as narrow, normalised; 1 for none."""
    mantissa, exponent = 1, 0
    for factor in factors:
        mantissa, exponent = bigfloat.mul_small(mantissa, exponent, factor, bits)
    return bigfloat.normalize(mantissa * last, exponent)


def groups(factors: Sequence[int], bits: int) -> tuple[int, int]:
    """How many groups of factors, and how many single ones, a template for many classes multiplies.

    Factors go in groups as long as nothing has to be shifted behind one.
    """
    size = min(GROUP, 256 // bits)
    grouped, singles, at, mantissa = 0, 0, 0, 1
    while at < len(factors):
        product = prod(factors[at : at + size])
        if at + size <= len(factors) and mantissa < (1 << (256 - bits)) // product:
            mantissa, grouped, at = mantissa * product, grouped + 1, at + size
            continue
        mantissa, _ = bigfloat.mul_small(mantissa, 0, factors[at], bits)
        singles, at = singles + 1, at + 1
    return grouped, singles


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
