"""Mantissa and exponent: proved errors, order of packed numbers, and equality on the EVM."""

from __future__ import annotations

import math
from fractions import Fraction
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from eth_abi.abi import decode, encode
from eth_utils.crypto import keccak
from hypothesis import given, settings
from hypothesis import strategies as st

from dcai_compile import bigfloat
from dcai_compile.bigfloat import MANTISSA_END, MANTISSA_MIN, ROUNDOFF, SMALL_ROUNDOFF, ZERO
from dcai_compile.errors import CompilerPanic
from dcai_compile.evm import Evm, open_evms
from dcai_compile.fixed import UINT256_MAX
from dcai_compile.solc import compile_standard

LIBRARY = Path(__file__).resolve().parent.parent / "contracts" / "libraries" / "BigFloat.sol"

HARNESS = """// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {BigFloat} from "./BigFloat.sol";

contract Harness {
    function normalize(uint256 m, int256 e) external pure returns (uint256, int256) {
        return BigFloat.normalize(m, e);
    }

    function pack(uint256 m, int256 e) external pure returns (int256) {
        return BigFloat.pack(m, e);
    }

    function unpack(int256 p) external pure returns (uint256, int256) {
        return BigFloat.unpack(p);
    }

    function mulSmall(uint256 m, int256 e, uint256 f, uint256 b) external pure returns (uint256, int256) {
        return BigFloat.mulSmall(m, e, f, b);
    }

    function mul(uint256 a, int256 b, uint256 c, int256 d) external pure returns (uint256, int256) {
        return BigFloat.mul(a, b, c, d);
    }

    function square(uint256 a, int256 b) external pure returns (uint256, int256) {
        return BigFloat.square(a, b);
    }

    function div(uint256 a, int256 b, uint256 c, int256 d) external pure returns (uint256, int256) {
        return BigFloat.div(a, b, c, d);
    }

    function power(uint256 m, int256 e, uint256 n) external pure returns (uint256, int256) {
        return BigFloat.power(m, e, n);
    }

    function powInt(uint256 b, uint256 n) external pure returns (uint256, int256) {
        return BigFloat.powInt(b, n);
    }

    function log2X64(uint256 m, int256 e) external pure returns (int256) {
        return BigFloat.log2X64(m, e);
    }
}
"""

NUMBER = "uint256,int256"
SIGNATURES = {
    "normalize": (NUMBER, NUMBER, bigfloat.normalize),
    "pack": (NUMBER, "int256", bigfloat.pack),
    "unpack": ("int256", NUMBER, bigfloat.unpack),
    "mulSmall": (f"{NUMBER},uint256,uint256", NUMBER, bigfloat.mul_small),
    "mul": (f"{NUMBER},{NUMBER}", NUMBER, bigfloat.mul),
    "square": (NUMBER, NUMBER, bigfloat.square),
    "div": (f"{NUMBER},{NUMBER}", NUMBER, bigfloat.div),
    "power": (f"{NUMBER},uint256", NUMBER, bigfloat.power),
    "powInt": ("uint256,uint256", NUMBER, bigfloat.pow_int),
    "log2X64": (NUMBER, "int256", bigfloat.log2_x64),
}


@cache
def deployed() -> tuple[Evm, str]:
    output = compile_standard(
        {
            "language": "Solidity",
            "sources": {
                "Harness.sol": {"content": HARNESS},
                "BigFloat.sol": {"content": LIBRARY.read_text(encoding="utf-8")},
            },
            "settings": {
                "evmVersion": "cancun",
                "optimizer": {"enabled": True, "runs": 200},
                "outputSelection": {"*": {"*": ["evm.bytecode.object"]}},
            },
        }
    )
    code = output["contracts"]["Harness.sol"]["Harness"]["evm"]["bytecode"]["object"]
    (evm,) = open_evms("revm")
    return evm, evm.deploy(bytes.fromhex(code)).address


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


def test_normalize_at_every_length() -> None:
    for length in range(1, 257):
        for mantissa in (1 << (length - 1), (1 << length) - 1):
            same("normalize", mantissa, -length)


@quick
@given(mantissas, exponents, mantissas, exponents)
def test_packed_numbers_are_ordered_as_the_numbers(a: int, i: int, b: int, j: int) -> None:
    same("pack", a, i)
    packed, other = bigfloat.pack(a, i), bigfloat.pack(b, j)
    same("unpack", packed)
    assert bigfloat.unpack(packed) == (a, i)
    assert (packed < other) == ((i, a) < (j, b))
    assert packed > ZERO


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


@quick
@given(mantissas, small_exponents, mantissas, small_exponents)
def test_mul_square_and_div(a: int, i: int, b: int, j: int) -> None:
    same("mul", a, i, b, j)
    same("square", a, i)
    same("div", a, i, b, j)
    product, quotient = bigfloat.mul(a, i, b, j), bigfloat.div(a, i, b, j)
    for found in (product, quotient):
        assert MANTISSA_MIN <= found[0] < MANTISSA_END
    assert 0 <= loss(product, value((a, i)) * value((b, j))) < ROUNDOFF
    assert 0 <= loss(quotient, value((a, i)) / value((b, j))) < 2 * ROUNDOFF


def test_mul_and_div_at_the_edges() -> None:
    for a in EDGES:
        for b in EDGES:
            same("mul", a, 0, b, 0)
            same("div", a, 0, b, 0)
    assert bigfloat.div(MANTISSA_MIN, -127, MANTISSA_MIN, -127) == (MANTISSA_MIN, -127)


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
    # 2 ** found <= y < 2 ** (found + error), by the 2 ** 10-th root of both sides in integers.
    exact = math.log2(mantissa / MANTISSA_MIN)
    assert abs(float(found) - exact) < 2.0**-50


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
    exact = math.log(mantissa) + exponent * math.log(2.0)
    found = bigfloat.to_log(bigfloat.pack(mantissa, exponent))
    assert math.isclose(found, exact, rel_tol=1e-13, abs_tol=1e-13)
    assert bigfloat.to_log(ZERO) == -math.inf


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
