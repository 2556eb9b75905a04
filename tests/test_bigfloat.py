"""Mantissa and exponent: proved errors, order of packed numbers, and equality on the EVM."""

from __future__ import annotations

import math
from decimal import Decimal, localcontext
from fractions import Fraction
from itertools import pairwise
from typing import Any

import pytest
from eth_abi.abi import decode, encode
from eth_utils.crypto import keccak
from hypothesis import given, settings
from hypothesis import strategies as st

from dcai_compile import bigfloat
from dcai_compile.bigfloat import (
    EXPONENT_END,
    MANTISSA_END,
    MANTISSA_MIN,
    ROUNDOFF,
    SMALL_ROUNDOFF,
    ZERO,
)
from dcai_compile.errors import CompilerPanic
from dcai_compile.fixed import UINT256_MAX
from tests.bigfloat_harness import deployed

NUMBER = "uint256,int256"


def lift(value: int, length: int) -> tuple[int, int]:
    return bigfloat.normalize(value, 0)


def top_bit(n: int) -> int:
    return 1 << n.bit_length() - 1 if n else 0


def mul_div(c: int, d: int, a: int, e: int, b: int, f: int) -> int:
    return bigfloat.pack(*bigfloat.mul(c, d, *bigfloat.div(a, e, b, f)))


def div_packed(a: int, e: int, b: int, f: int) -> int:
    return bigfloat.pack(*bigfloat.div(a, e, b, f))


SIGNATURES = {
    "normalize": (NUMBER, NUMBER, bigfloat.normalize),
    "lift": ("uint256,uint256", NUMBER, lift),
    "topBit": ("uint256", "uint256", top_bit),
    "pack": (NUMBER, "int256", bigfloat.pack),
    "unpack": ("int256", NUMBER, bigfloat.unpack),
    "mulSmall": (f"{NUMBER},uint256,uint256", NUMBER, bigfloat.mul_small),
    "mul": (f"{NUMBER},{NUMBER}", NUMBER, bigfloat.mul),
    "square": (NUMBER, NUMBER, bigfloat.square),
    "div": (f"{NUMBER},{NUMBER}", NUMBER, bigfloat.div),
    "divPacked": (f"{NUMBER},{NUMBER}", "int256", div_packed),
    "mulDiv": (f"{NUMBER},{NUMBER},{NUMBER}", "int256", mul_div),
    "power": (f"{NUMBER},uint256", NUMBER, bigfloat.power),
    "powInt": ("uint256,uint256", NUMBER, bigfloat.pow_int),
    "log2X64": (NUMBER, "int256", bigfloat.log2_x64),
}


def same(name: str, *arguments: int) -> None:
    """The twin's result, and the same integers on the EVM."""
    takes, gives, twin = SIGNATURES[name]
    expected: Any = twin(*arguments)  # type: ignore[operator]
    evm, address = deployed()
    data = keccak(text=f"{name}({takes})")[:4] + encode(takes.split(","), arguments)
    result = evm.call(address, data)
    assert result.success, (name, arguments)
    found = decode(gives.split(","), result.output)
    assert found == (expected if isinstance(expected, tuple) else (expected,)), (name, arguments)


def value(number: tuple[int, int]) -> Fraction:
    return Fraction(number[0]) * Fraction(2) ** number[1]


def loss(found: tuple[int, int], exact: Fraction) -> Fraction:
    """How far a result is below the exact number, relative to it."""
    return 1 - value(found) / exact


EDGES = [MANTISSA_MIN, MANTISSA_MIN + 1, 3 << 126, MANTISSA_END - 2, MANTISSA_END - 1]
mantissas = st.one_of(st.sampled_from(EDGES), st.integers(MANTISSA_MIN, MANTISSA_END - 1))
exponents = st.integers(-(2**80), 2**80)
small_exponents = st.integers(-400, 400)
quick = settings(max_examples=150, deadline=None)


@quick
@given(st.one_of(st.integers(0, 255).map(lambda n: 1 << n), st.integers(1, UINT256_MAX)), exponents)
def test_normalize(mantissa: int, exponent: int) -> None:
    same("normalize", mantissa, exponent)
    found = bigfloat.normalize(mantissa, 0)
    assert MANTISSA_MIN <= found[0] < MANTISSA_END
    assert 0 <= loss(found, Fraction(mantissa)) < ROUNDOFF
    if mantissa < MANTISSA_END:
        assert value(found) == mantissa


def ln(mantissa: int, exponent: int) -> Decimal:
    """The natural logarithm, to 80 digits."""
    with localcontext(prec=80):
        return Decimal(mantissa).ln() + exponent * Decimal(2).ln()


def test_normalize_at_every_length() -> None:
    for length in range(1, 257):
        for mantissa in (1 << (length - 1), (1 << length) - 1):
            same("normalize", mantissa, -length)


def test_normalize_with_every_highest_byte() -> None:
    # The bits of the highest byte that is not zero come from a table: each entry, at both ends and between.
    for byte in range(1, 256):
        for place in (0, 8, 120, 128, 248):
            same("normalize", byte << place, 0)
            same("normalize", ((byte + 1) << place) - 1, 0)


@quick
@given(mantissas, exponents, mantissas, exponents)
def test_packed_numbers_are_ordered_as_the_numbers(a: int, i: int, b: int, j: int) -> None:
    same("pack", a, i)
    packed, other = bigfloat.pack(a, i), bigfloat.pack(b, j)
    same("unpack", packed)
    assert bigfloat.unpack(packed) == (a, i)
    assert (packed < other) == ((i, a) < (j, b))
    assert packed > ZERO


def test_packed_numbers_at_the_edges() -> None:
    numbers = [(e, m) for e in (-(2**127), -1, 0, 2**127 - 1) for m in EDGES]
    for e, m in numbers:
        same("pack", m, e)
        same("unpack", bigfloat.pack(m, e))
    assert all(a < b for a, b in pairwise([ZERO, *(bigfloat.pack(m, e) for e, m in numbers)]))


@quick
@given(st.data(), st.integers(1, bigfloat.MAX_FACTOR_BITS), small_exponents)
def test_mul_small(data: st.DataObject, bits: int, exponent: int) -> None:
    room = (1 << (256 - bits)) - 1
    mantissa = data.draw(st.one_of(st.just(1), st.just(room), st.integers(1, room)))
    largest = (1 << bits) - 1
    factor = data.draw(st.one_of(st.just(1), st.just(largest), st.integers(1, largest)))
    same("mulSmall", mantissa, exponent, factor, bits)
    found = bigfloat.mul_small(mantissa, exponent, factor, bits)
    assert 0 < found[0] <= room
    assert 0 <= loss(found, value((mantissa, exponent)) * factor) < SMALL_ROUNDOFF


@pytest.mark.parametrize("bits", [2, 17, 64, 78])
def test_mul_small_shifts_from_its_limit_on(bits: int) -> None:
    limit = 1 << (256 - bits)
    for mantissa, factor in ((limit - 1, 1), (limit // 2, 1), (1, (1 << bits) - 1)):
        same("mulSmall", mantissa, 5, factor, bits)
        assert bigfloat.mul_small(mantissa, 5, factor, bits) == (mantissa * factor, 5)
    for mantissa, factor in ((limit // 2, 2), (limit // 2 + 1, 2), (limit - 1, (1 << bits) - 1)):
        same("mulSmall", mantissa, 5, factor, bits)
        assert bigfloat.mul_small(mantissa, 5, factor, bits) == (
            mantissa * factor >> bits,
            5 + bits,
        )


@quick
@given(mantissas, small_exponents, mantissas, small_exponents)
def test_mul_square_and_div(a: int, i: int, b: int, j: int) -> None:
    same("mul", a, i, b, j)
    same("square", a, i)
    same("div", a, i, b, j)
    same("divPacked", a, i, b, j)
    product, quotient = bigfloat.mul(a, i, b, j), bigfloat.div(a, i, b, j)
    for found in (product, quotient):
        assert MANTISSA_MIN <= found[0] < MANTISSA_END
    assert 0 <= loss(product, value((a, i)) * value((b, j))) < ROUNDOFF
    assert 0 <= loss(quotient, value((a, i)) / value((b, j))) < ROUNDOFF


def test_mul_and_div_at_the_edges() -> None:
    for a in EDGES:
        for b in EDGES:
            same("mul", a, 0, b, 0)
            same("div", a, 0, b, 0)
            same("divPacked", a, 0, b, 0)
    assert bigfloat.div(MANTISSA_MIN, -127, MANTISSA_MIN, -127) == (MANTISSA_MIN, -127)


@quick
@given(mantissas, mantissas, mantissas, exponents, exponents, exponents)
def test_a_product_with_a_quotient(c: int, a: int, b: int, d: int, e: int, f: int) -> None:
    same("mulDiv", c, d, a, e, b, f)


def test_lift_at_every_length() -> None:
    for length in range(1, 257):
        for number in (1 << length - 1, (1 << length) - 1):
            for known in {1, max(1, length - 1), length}:
                same("lift", number, known)


def test_top_bit() -> None:
    same("topBit", 0)
    for bit in (0, 1, 2, 7, 63, 64, 128, 253, 254):
        for n in {1 << bit, (1 << bit + 1) - 1}:
            same("topBit", n)


@settings(max_examples=60, deadline=None)
@given(st.integers(1, UINT256_MAX), st.one_of(st.integers(0, 40), st.integers(0, 3000)))
def test_powers_of_integers(base: int, n: int) -> None:
    same("powInt", base, n)
    same("power", *bigfloat.normalize(base, 0), n)
    found = bigfloat.pow_int(base, n)
    assert 0 <= loss(found, Fraction(base) ** n) <= 3 * n * ROUNDOFF


@settings(max_examples=40, deadline=None)
@given(mantissas, st.integers(0, UINT256_MAX))
def test_any_power_has_the_same_integers(mantissa: int, n: int) -> None:
    n >>= 130  # the exponent of the result must stay inside its half of a word
    same("power", mantissa, -3, n)


@settings(max_examples=80, deadline=None)
@given(mantissas, exponents)
def test_logarithm(mantissa: int, exponent: int) -> None:
    same("log2X64", mantissa, exponent)
    found = Fraction(bigfloat.log2_x64(mantissa, -127), 1 << 64)
    assert 0 <= found < 1
    with localcontext(prec=80):
        exact = Fraction(ln(mantissa, -127) / Decimal(2).ln())
    assert -Fraction(1, 10**70) < exact - found < bigfloat.LOG_ERROR


@quick
@given(mantissas, st.integers(0, 1 << 66))
def test_logarithm_never_decreases(mantissa: int, more: int) -> None:
    larger = min(mantissa + more, MANTISSA_END - 1)
    below, above = (bigfloat.log2_x64(m, -127) for m in (mantissa, larger))
    assert 0 <= below <= above < 1 << 64  # and so below that of the next exponent


def test_logarithm_at_the_edges() -> None:
    for mantissa in EDGES:
        for exponent in (1 - EXPONENT_END, EXPONENT_END - 1):
            same("log2X64", mantissa, exponent)


def test_logarithm_is_too_low_by_less_than_its_proved_error() -> None:
    """Checked where the logarithm is a fraction with few bits: y = 2 ** (k / 64), to 300 bits."""
    for k in range(64):
        root = 1 << (300 * 64)
        root <<= k
        for _ in range(6):
            root = math.isqrt(root)  # 2 ** (k / 64) at scale 2 ** 300, rounded down
        for mantissa in (root >> 173, (root >> 173) + 1):
            error = Fraction(k, 64) - Fraction(bigfloat.log2_x64(mantissa, -127), 1 << 64)
            assert -Fraction(1, 1 << 126) < error < bigfloat.LOG_ERROR + Fraction(2, 1 << 126)


def test_logarithm_of_powers_of_two_is_exact() -> None:
    for exponent in (-(2**80), -128, -127, 0, 5):
        assert bigfloat.log2_x64(MANTISSA_MIN, exponent) == (exponent + 127) << 64


@quick
@given(mantissas, st.integers(-3000, 3000))
def test_natural_logarithm(mantissa: int, exponent: int) -> None:
    found = bigfloat.to_log(bigfloat.pack(mantissa, exponent))
    assert math.isclose(found, ln(mantissa, exponent), rel_tol=4 * 2.0**-52)
    assert bigfloat.to_log(ZERO) == -math.inf


def test_natural_logarithm_around_one() -> None:
    for bit in range(127):
        for mantissa, exponent in (
            (MANTISSA_MIN + (1 << bit), -127),
            (MANTISSA_END - (1 << bit), -128),
        ):
            found = bigfloat.to_log(bigfloat.pack(mantissa, exponent))
            assert math.isclose(found, ln(mantissa, exponent), rel_tol=4 * 2.0**-52)
    assert bigfloat.to_log(bigfloat.pack(MANTISSA_MIN, -127)) == 0.0


@quick
@given(st.fractions(min_value=Fraction(1, 10**40), max_value=10**40))
def test_fractions(exact: Fraction) -> None:
    found = bigfloat.from_fraction(exact)
    assert MANTISSA_MIN <= found[0] < MANTISSA_END
    assert 0 <= loss(found, exact) < ROUNDOFF


@pytest.mark.parametrize(
    ("function", "arguments"),
    [
        (bigfloat.normalize, (0, 0)),
        (bigfloat.normalize, (1 << 256, 0)),
        (bigfloat.normalize, (1, EXPONENT_END)),
        (bigfloat.pack, (MANTISSA_MIN, 1 << 127)),
        (bigfloat.pack, (MANTISSA_MIN, -(1 << 127) - 1)),
        (bigfloat.unpack, (ZERO,)),
        (bigfloat.unpack, (0,)),
        (bigfloat.unpack, ((1 << 255) + MANTISSA_MIN,)),
        (bigfloat.power, (MANTISSA_END, 0, 0)),
        (bigfloat.power, (MANTISSA_MIN, 0, -1)),
        (bigfloat.power, (MANTISSA_MIN, 0, 1 << 256)),
        (bigfloat.pow_int, (0, 1)),
        (bigfloat.log2_x64, (MANTISSA_MIN, EXPONENT_END)),
        (bigfloat.log2_x64, (MANTISSA_MIN, -EXPONENT_END)),
        (bigfloat.mul, (MANTISSA_MIN, 0, MANTISSA_MIN, EXPONENT_END)),
        (bigfloat.mul_small, (1, EXPONENT_END, 1, 16)),
        (bigfloat.mul_small, (0, 0, 1, 16)),
        (bigfloat.pack, (MANTISSA_MIN - 1, 0)),
        (bigfloat.pack, (MANTISSA_END, 0)),
        (bigfloat.mul, (1, 0, MANTISSA_MIN, 0)),
        (bigfloat.div, (MANTISSA_MIN, 0, MANTISSA_END, 0)),
        (bigfloat.mul_small, (1, 0, 1 << 16, 16)),
        (bigfloat.mul_small, (1, 0, 0, 16)),
        (bigfloat.mul_small, (1 << 240, 0, 1, 16)),
        (bigfloat.mul_small, (1, 0, 1, 79)),
        (bigfloat.log2_x64, (MANTISSA_MIN - 1, 0)),
        (bigfloat.from_fraction, (Fraction(0),)),
    ],
)
def test_what_was_proved_impossible_is_a_panic(function: Any, arguments: tuple[int, ...]) -> None:
    with pytest.raises(CompilerPanic):
        function(*arguments)


def test_gas() -> None:
    """Limits, not records; a gasleft() is included."""
    evm, address = deployed()
    arguments = (MANTISSA_END - 1, -130, (1 << 64) - 1)
    data = keccak(text="gas(uint256,int256,uint256)")[:4] + encode(
        ["uint256", "int256", "uint256"], arguments
    )
    result = evm.call(address, data)
    assert result.success
    left = decode(["uint256[8]"], result.output)[0]
    names = ("mul", "div", "power", "mul_small", "normalize", "pack", "log2")
    gas = {name: a - b for name, (a, b) in zip(names, pairwise(left), strict=True)}
    limits = dict(zip(names, (250, 300, 45_000, 250, 700, 150, 8_000), strict=True))
    assert all(gas[name] < limits[name] for name in names), gas


def test_everything_public_is_listed() -> None:
    assert sorted(bigfloat.__all__) == list(bigfloat.__all__)
    assert all(hasattr(bigfloat, name) for name in bigfloat.__all__)
