"""Numbers as mantissa and exponent, for products of thousands of factors that never underflow.

A normalised number is ``m * 2**e`` with ``2**127 <= m < 2**128``. Packed it is the one int256
``e * 2**128 + m``: the larger of two packed numbers is the larger number, so that comparing needs no
arithmetic. 0 is packed as the least int256.

Every function has a twin in `contracts/libraries/BigFloat.sol` and gives the same integers, bit for
bit. Results are rounded towards zero; below, u is ``2**-127``. An argument outside of what a function is
proved for raises `CompilerPanic`: a mantissa that is not normalised, an exponent of `EXPONENT_END` or more.
"""

from __future__ import annotations

import math
from fractions import Fraction

from dcai_compile.errors import CompilerPanic
from dcai_compile.fixed import INT256_MAX, INT256_MIN, UINT256_MAX

__all__ = [
    "EXPONENT_END",
    "LOG_ERROR",
    "MANTISSA_END",
    "MANTISSA_MIN",
    "MAX_FACTOR_BITS",
    "ROUNDOFF",
    "SMALL_ROUNDOFF",
    "ZERO",
    "div",
    "from_fraction",
    "log2_x64",
    "mul",
    "mul_small",
    "normalize",
    "pack",
    "pow_int",
    "power",
    "square",
    "to_log",
    "unpack",
]

ZERO = INT256_MIN
"""0, packed."""

MAX_FACTOR_BITS = 78
"""Width of the widest factor of `mul_small`: a shift then leaves 100 bits or more."""

ROUNDOFF = Fraction(1, 1 << 127)
"""Relative error of `normalize`, `mul`, `square` and `div`: one truncation to 128 bits."""

SMALL_ROUNDOFF = Fraction(1, 1 << 100)
"""Relative error of `mul_small`."""

LOG_ERROR = Fraction(1, 1 << 64) + Fraction(1, 1 << 125)
"""Absolute error of `log2_x64`, in logarithms; the result is too low."""

MANTISSA_MIN = 1 << 127
MANTISSA_END = 1 << 128

EXPONENT_END = 1 << 190
"""Exponents stay below it in magnitude, so that their sums, and a logarithm in X64, are int256."""


def normalize(mantissa: int, exponent: int) -> tuple[int, int]:
    """The same number with a mantissa of 128 bits; any mantissa from 1 to the largest uint256.

    Relative error below u; exact where the mantissa has 128 bits or fewer. Raises `CompilerPanic`
    for any other mantissa.
    """
    if not 0 < mantissa <= UINT256_MAX:
        raise CompilerPanic(f"a mantissa of {mantissa} cannot be normalised")
    _check_exponent(exponent)
    shift = mantissa.bit_length() - 128
    return (mantissa >> shift if shift >= 0 else mantissa << -shift), exponent + shift


def pack(mantissa: int, exponent: int) -> int:
    """A normalised number as one integer that compares as the number does; ``-2**127 <= e < 2**127``.

    A larger exponent outweighs any mantissa, as mantissas are below ``2**128``, and both are no less than
    ``2**127``: so numbers compare by exponent, then by mantissa. All of them are above `ZERO`.
    """
    _check(mantissa, exponent)
    if not -MANTISSA_MIN <= exponent < MANTISSA_MIN:
        raise CompilerPanic(f"an exponent of {exponent} cannot be packed")
    return (exponent << 128) + mantissa


def unpack(packed: int) -> tuple[int, int]:
    """Mantissa and exponent of a packed number other than 0."""
    mantissa, exponent = packed & (MANTISSA_END - 1), packed >> 128
    _check(mantissa, exponent)
    if not INT256_MIN <= packed <= INT256_MAX:
        raise CompilerPanic(f"{packed} is no packed number")
    return mantissa, exponent


def mul_small(mantissa: int, exponent: int, factor: int, bits: int) -> tuple[int, int]:
    """The number times a factor, for a mantissa below ``2**(256 - bits)``; so is the result's.

    ``0 < factor < 2**bits`` and ``bits <= 78``; the mantissa is 1 or more, and so is the result's, as a
    product below the shift is no less than its mantissa.

    One shift in some factors, instead of one a factor. Where it happens the product is at least
    ``2**(256 - bits)``, so what is left is at least ``2**(256 - 2 bits) >= 2**100``: the relative
    error is below `SMALL_ROUNDOFF`.
    """
    if not (0 < factor < 1 << bits and bits <= MAX_FACTOR_BITS):
        raise CompilerPanic(f"a factor of {factor} is not between 1 and 2**{bits}")
    if not 0 < mantissa < 1 << (256 - bits):
        raise CompilerPanic(f"a mantissa of {mantissa} leaves no room for {bits} bits")
    _check_exponent(exponent)
    product = mantissa * factor
    if product >> (256 - bits):
        return product >> bits, exponent + bits
    return product, exponent


def mul(a: int, a_exponent: int, b: int, b_exponent: int) -> tuple[int, int]:
    """The product of two normalised numbers. Relative error below u.

    ``a b`` has 255 or 256 bits. One truncation leaves 128 of them, and loses less than 1 of ``2**127`` or
    more.
    """
    _check(a, a_exponent)
    _check(b, b_exponent)
    product = a * b
    shift = 128 if product >> 255 else 127
    return product >> shift, a_exponent + b_exponent + shift


def square(mantissa: int, exponent: int) -> tuple[int, int]:
    """The square of a normalised number. Relative error below u."""
    return mul(mantissa, exponent, mantissa, exponent)


def div(a: int, a_exponent: int, b: int, b_exponent: int) -> tuple[int, int]:
    """The quotient of two normalised numbers. Relative error below u.

    ``a 2**128 / b`` is above ``2**127`` and below ``2**129``: its integer part has 128 or 129 bits.
    Rounding it down and then half of it is rounding half of it down, so that one truncation, to 128 bits,
    is all that is lost.
    """
    _check(a, a_exponent)
    _check(b, b_exponent)
    quotient = (a << 128) // b
    shift = quotient >> 128
    return quotient >> shift, a_exponent - b_exponent - 128 + shift


def power(mantissa: int, exponent: int, n: int) -> tuple[int, int]:
    """A normalised number to the power of n, a uint256; exactly 1.0 for ``n = 0``.

    The bits of n are read from the top: square at each, and multiply where it is set. With c(p) u
    the relative error after the bits that make up p, ``c(1) = 0`` and ``c(2p + b) = 2 c(p) + 1 + b``,
    so ``c(n) <= 2 n - 2``: the result is at least ``(1 - u)**c(n)`` of the power, and that is at least
    ``1 - c(n) u``. Every result on the way has to stay inside `EXPONENT_END`.
    """
    _check(mantissa, exponent)
    if not 0 <= n <= UINT256_MAX:
        raise CompilerPanic(f"{n} is no uint256 to be a power")
    result = (MANTISSA_MIN, -127)
    for bit in range(n.bit_length() - 1, -1, -1):
        result = square(*result)
        if n >> bit & 1:
            result = mul(*result, mantissa, exponent)
    return result


def pow_int(base: int, n: int) -> tuple[int, int]:
    """An integer from 1 on, a uint256, to the power of n. Relative error at most ``3 n u``.

    Less than u is lost by `normalize`, n times, and ``(2 n - 2) u`` by `power`.
    """
    return power(*normalize(base, 0), n)


def log2_x64(mantissa: int, exponent: int) -> int:
    """log2 of a normalised number in X64, too low by less than `LOG_ERROR`.

    The mantissa as a number y from 1 to 2: its square is from 1 to 4, and whether it is 2 or more is
    the next bit of log2(y). The i-th squaring and halving lose less than 2 u of y together, which is
    worth less than ``2**-i * 3 u`` of the logarithm: in all less than ``2**-125``. The bits after the
    64th are worth less than ``2**-64``.

    It never decreases where the number increases: of two numbers y the larger has the larger square, or
    the same, after truncation; and either its next bit is the larger, which outweighs all bits after
    it, or the bits are equal and the rest is again in that order.
    """
    _check(mantissa, exponent)
    result = (exponent + 127) << 64
    for bit in range(63, -1, -1):
        mantissa = mantissa * mantissa >> 127
        if mantissa >> 128:
            mantissa >>= 1
            result += 1 << bit
    return result


def to_log(packed: int) -> float:
    """The natural logarithm of a packed number, within a few units in the last place; no twin.

    The number as ``y 2**k`` with y from 3/4 to 3/2, so that the sum loses at most two bits where ``k != 0``,
    and is ``log(y)`` alone where ``k = 0``; ``y - 1`` is exact before it becomes a double.
    """
    if packed == ZERO:
        return -math.inf
    mantissa, exponent = unpack(packed)
    one, k = MANTISSA_MIN, exponent + 127
    if mantissa >= 3 << 126:
        one, k = MANTISSA_END, exponent + 128
    return math.log1p((mantissa - one) / one) + k * math.log(2.0)


def from_fraction(value: Fraction) -> tuple[int, int]:
    """The normalised number next below a positive fraction. Relative error below u; no twin."""
    if value <= 0:
        raise CompilerPanic(f"{value} has no normalised number")
    shift = value.numerator.bit_length() - value.denominator.bit_length() - 130
    scaled = value / (1 << shift) if shift >= 0 else value * (1 << -shift)
    return normalize(math.floor(scaled), shift)


def _check(mantissa: int, exponent: int) -> None:
    _check_exponent(exponent)
    if not MANTISSA_MIN <= mantissa < MANTISSA_END:
        raise CompilerPanic(f"a mantissa of {mantissa} is not normalised")


def _check_exponent(exponent: int) -> None:
    if not -EXPONENT_END < exponent < EXPONENT_END:
        raise CompilerPanic(f"an exponent of {exponent} leaves the range that is proved")
