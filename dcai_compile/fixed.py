"""The target machine's integers, and the fixed-point functions that contracts use.

Every function of the second half has a twin in `contracts/libraries/FixedPoint.sol` and gives the
same integer, bit for bit. A scale is in the name: `x_x64` is the integer ``x * 2**64``.
"""

from __future__ import annotations

import math
from fractions import Fraction

from dcai_compile.errors import CompilerPanic

__all__ = [
    "EXP_LIMIT_X64",
    "EXP_NEGATIVE_ERROR",
    "EXP_RELATIVE_ERROR",
    "EXP_TERMS",
    "INT256_MAX",
    "INT256_MIN",
    "LN2_X96",
    "LOGISTIC_ERROR",
    "ONE_X64",
    "ONE_X96",
    "UINT256_MAX",
    "check_int256",
    "check_uint256",
    "div_round_half_away",
    "evm_div",
    "evm_mod",
    "exp_negative_x64",
    "exp_x96",
    "float_to_fraction",
    "int_range",
    "isqrt",
    "logistic_x64",
    "round_half_even",
    "round_half_up_shift",
]

INT256_MIN = -(2**255)
INT256_MAX = 2**255 - 1
UINT256_MAX = 2**256 - 1

ONE_X64 = 1 << 64
ONE_X96 = 1 << 96

LN2_X96 = 54916777467707473351141471128
"""ln 2 * 2**96, rounded down: the remainders of the range reduction stay below the true ln 2."""

EXP_TERMS = 19
"""Degree of the Taylor polynomial of the exponential function on [0, ln 2)."""

EXP_LIMIT_X64 = 46 << 64
"""From here on exp(-x) and 1 / (1 + exp(x)) are below 2**-66, and returned as 0. Both formulas
round to 0 from 65 ln 2 = 45.05 on, so that there is no jump."""

EXP_RELATIVE_ERROR = Fraction(1, 2**71)
"""Relative error of `exp_x96`, as derived there."""

EXP_NEGATIVE_ERROR = Fraction(1, 2**65) + Fraction(1, 2**71)
"""Absolute error of `exp_negative_x64`: half a unit in the last place, and 1/128 of one."""

LOGISTIC_ERROR = Fraction(1, 2**65) + Fraction(1, 2**73)
"""Absolute error of `logistic_x64`: half a unit in the last place, and 1/512 of one."""


def int_range(bits: int) -> tuple[int, int]:
    """The least and the greatest signed integer of `bits` bits, ``bits >= 1``."""
    return -(1 << (bits - 1)), (1 << (bits - 1)) - 1


def check_int256(x: int) -> int:
    """`x`, if it is an int256. Raises `CompilerPanic` if not: a range that was proved is wrong."""
    if not INT256_MIN <= x <= INT256_MAX:
        raise CompilerPanic(f"{x} leaves int256, which was proved impossible")
    return x


def check_uint256(x: int) -> int:
    """`x`, if it is a uint256. Raises `CompilerPanic` if not: a range that was proved is wrong."""
    if not 0 <= x <= UINT256_MAX:
        raise CompilerPanic(f"{x} leaves uint256, which was proved impossible")
    return x


def evm_div(a: int, b: int) -> int:
    """Solidity's ``a / b`` of int256: truncated toward zero, where Python's ``//`` rounds down.

    Raises `ZeroDivisionError` where ``b == 0`` and `CompilerPanic` where the quotient is no
    int256 (the minimum by -1): Solidity panics in both cases, SDIV does not.
    """
    quotient = abs(a) // abs(b)
    return check_int256(quotient if (a < 0) == (b < 0) else -quotient)


def evm_mod(a: int, b: int) -> int:
    """Solidity's ``a % b`` of int256: the sign is that of `a`, where Python's is that of `b`.

    Raises `ZeroDivisionError` where ``b == 0``: Solidity panics, SMOD does not.
    """
    remainder = abs(a) % abs(b)
    return -remainder if a < 0 else remainder


def float_to_fraction(x: float) -> Fraction:
    """The rational number that a double is, exactly. Raises `ValueError` for NaN and infinity."""
    if not math.isfinite(x):
        raise ValueError(f"{x} is not a finite number")
    return Fraction(x)


def round_half_even(x: Fraction) -> int:
    """The integer nearest to `x`, the even one in a tie. For the compiler only: no twin."""
    return round(x)


def round_half_up_shift(x: int, bits: int) -> int:
    """``floor(x / 2**bits + 1/2)``, that is ``(x + 2**(bits - 1)) >> bits``; `x` for no bits.

    Any int256 `x`, any ``bits >= 0``. The bit below the cut is added after the shift, because
    adding before it can overflow on chain.
    """
    check_int256(x)
    check_uint256(bits)
    return x if bits == 0 else (x >> bits) + (x >> (bits - 1) & 1)


def div_round_half_up(a: int, b: int) -> int:
    """The integer nearest to ``a / b`` for ``b > 0``, in a tie the higher one."""
    return (a + b // 2) // b


def div_round_half_away(a: int, b: int) -> int:
    """The integer nearest to ``a / b``, in a tie the one away from zero; a an int256, ``b > 0``.

    Raises `ZeroDivisionError` where ``b == 0``, as Solidity panics, and `CompilerPanic` where
    `b` is negative, where the contract's result means nothing.
    """
    check_int256(a)
    check_uint256(b)
    magnitude = (abs(a) + b // 2) // b
    return -magnitude if a < 0 else magnitude


def isqrt(x: int) -> int:
    """``floor(sqrt(x))`` of a uint256; `sqrt` on chain."""
    return math.isqrt(check_uint256(x))


def exp_x96(x_x64: int) -> int:
    """``exp(x)`` in X96, for x in X64 with ``0 <= x_x64 < EXP_LIMIT_X64``; `CompilerPanic` else.

    Non-decreasing in `x_x64`, and never off by more than `EXP_RELATIVE_ERROR`.

    Range reduction: ``x = k ln 2 + r`` gives ``exp(x) = 2**k exp(r)``; k and r are quotient and
    remainder of x by `LN2_X96`. Then ``exp(r) = 1 + r/1 (1 + r/2 (1 + r/3 (...)))``, Taylor's
    polynomial in Horner's form, every division rounded down.

    Error, relative to exp(x); u is the unit 2**-96:

    - Terms left out: less than ``ln2**20 / 20! / (1 - ln2/21) < 2**-71.6``, to be divided by
      ``exp(r) >= 1``; the result is too low.
    - Divisions: each loses less than 1 u; from the one by n, ``r**(n-1) / (n-1)!`` of that arrives
      at the top, in sum less than ``exp(r) u < 2 u``; the result is too low.
    - The constant is less than 1 u below ln 2, so r is less than ``k u`` above the true remainder,
      where ``k <= 66``: less than ``67 u``; the result is too high.

    The first two together stay below ``2**-71.6 + 2**-95``, the third below ``2**-89.9``.

    Monotone: for one k, every step of Horner's form grows with r. At the step from k to k + 1, r
    falls to 0, where the polynomial is exactly 1; before it ``r < LN2_X96 <= ln 2 * 2**96``, and
    all errors of the polynomial are downward, so it is below 2 there.
    """
    if not 0 <= x_x64 < EXP_LIMIT_X64:
        raise CompilerPanic(f"exp_x96 of {x_x64}, outside the range that it is proved for")
    k, r_x96 = divmod(x_x64 << 32, LN2_X96)
    exp_r_x96 = ONE_X96
    for n in range(EXP_TERMS, 0, -1):
        exp_r_x96 = ONE_X96 + r_x96 * exp_r_x96 // (n * ONE_X96)
    return exp_r_x96 << k


def exp_negative_x64(x_x64: int) -> int:
    """``exp(-x)`` in X64, an integer in [0, 2**64], for x >= 0 in X64: any uint256.

    Non-increasing. Absolute error below `EXP_NEGATIVE_ERROR`: with a relative error e of exp(x),
    |e| < 2**-71.5 by `exp_x96`, the quotient is off by ``exp(-x) |e / (1 + e)| < 2**-71``, and
    rounding to nearest adds at most 2**-65. Raises `CompilerPanic` if `x_x64` is no uint256.
    """
    if check_uint256(x_x64) >= EXP_LIMIT_X64:
        return 0
    divisor_x96 = exp_x96(x_x64)
    return (ONE_X64 * ONE_X96 + divisor_x96 // 2) // divisor_x96


def logistic_x64(z_x64: int) -> int:
    """``1 / (1 + exp(-z))`` in X64, an integer in [0, 2**64], for z in X64: any int256.

    Non-decreasing, and symmetric: ``logistic_x64(z) + logistic_x64(-z) == 2**64``. Computed for
    -|z|, where the value is at most one half, as ``1 / (1 + exp(|z|))``; the upper half is its
    complement.

    Absolute error below `LOGISTIC_ERROR`: with u = exp(|z|) and its relative error e,
    |e| < 2**-71.5, the quotient is off by ``u |e| / ((1 + u) (1 + u + u e))``, which is at most
    ``|e| / (1 - |e|)`` times ``u / (1 + u)**2 <= 1/4``; rounding to nearest adds at most 2**-65.
    Monotone because `exp_x96` is, and rounding a quotient to nearest keeps the order.
    Raises `CompilerPanic` if `z_x64` is no int256.
    """
    magnitude_x64 = abs(check_int256(z_x64))
    lower_x64 = 0
    if magnitude_x64 < EXP_LIMIT_X64:
        divisor_x96 = ONE_X96 + exp_x96(magnitude_x64)
        lower_x64 = (ONE_X64 * ONE_X96 + divisor_x96 // 2) // divisor_x96
    return lower_x64 if z_x64 < 0 else ONE_X64 - lower_x64
