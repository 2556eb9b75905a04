"""Integer semantics and fixed-point functions: exact bounds, every limit, and equality on the EVM.

References are rational enclosures: an interval of Fractions that contains the true value.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Sequence
from decimal import Decimal, localcontext
from fractions import Fraction
from functools import cache
from pathlib import Path

import pytest
from eth_abi.abi import decode, encode
from hypothesis import given
from hypothesis import strategies as st

from dcai_compile import abi, fixed
from dcai_compile.errors import CompilerPanic
from dcai_compile.evm import CallResult, Evm, open_evms
from dcai_compile.fixed import (
    EXP_LIMIT_X64,
    EXP_NEGATIVE_ERROR,
    EXP_RELATIVE_ERROR,
    EXP_TERMS,
    INT256_MAX,
    INT256_MIN,
    LN2_X96,
    LOGISTIC_ERROR,
    ONE_X64,
    ONE_X96,
    UINT256_MAX,
    check_int256,
    check_uint256,
    div_round_half_away,
    evm_div,
    evm_mod,
    exp_negative_x64,
    exp_x96,
    float_to_fraction,
    int_range,
    isqrt,
    logistic_x64,
    round_half_even,
    round_half_up_shift,
)
from dcai_compile.solc import compile_standard

LIBRARY = Path(__file__).resolve().parent.parent / "contracts" / "libraries" / "FixedPoint.sol"

HARNESS = """// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {FixedPoint} from "./FixedPoint.sol";

contract Harness {
    function logisticX64(int256[] calldata z) external pure returns (uint256[] memory y) {
        y = new uint256[](z.length);
        for (uint256 i = 0; i < z.length; ++i) y[i] = FixedPoint.logisticX64(z[i]);
    }

    function expNegativeX64(uint256[] calldata x) external pure returns (uint256[] memory y) {
        y = new uint256[](x.length);
        for (uint256 i = 0; i < x.length; ++i) y[i] = FixedPoint.expNegativeX64(x[i]);
    }

    function expX96(uint256[] calldata x) external pure returns (uint256[] memory y) {
        y = new uint256[](x.length);
        for (uint256 i = 0; i < x.length; ++i) y[i] = FixedPoint.expX96(x[i]);
    }

    function sqrt(uint256[] calldata x) external pure returns (uint256[] memory y) {
        y = new uint256[](x.length);
        for (uint256 i = 0; i < x.length; ++i) y[i] = FixedPoint.sqrt(x[i]);
    }

    function divRoundHalfAway(int256[] calldata a, int256[] calldata b)
        external pure returns (int256[] memory y)
    {
        y = new int256[](a.length);
        for (uint256 i = 0; i < a.length; ++i) y[i] = FixedPoint.divRoundHalfAway(a[i], b[i]);
    }

    function roundHalfUpShift(int256[] calldata x, uint256[] calldata bits)
        external pure returns (int256[] memory y)
    {
        y = new int256[](x.length);
        for (uint256 i = 0; i < x.length; ++i) y[i] = FixedPoint.roundHalfUpShift(x[i], bits[i]);
    }

    function div(int256[] calldata a, int256[] calldata b) external pure returns (int256[] memory y) {
        y = new int256[](a.length);
        for (uint256 i = 0; i < a.length; ++i) y[i] = a[i] / b[i];
    }

    function mod(int256[] calldata a, int256[] calldata b) external pure returns (int256[] memory y) {
        y = new int256[](a.length);
        for (uint256 i = 0; i < a.length; ++i) y[i] = a[i] % b[i];
    }

    function gas(int256 z, uint256 x) external view returns (uint256[5] memory used) {
        // The results are combined and looked at, so that no call can be optimised away.
        uint256 all;
        uint256 before = gasleft();
        all ^= FixedPoint.logisticX64(z);
        used[0] = before - gasleft();
        before = gasleft();
        all ^= FixedPoint.expNegativeX64(x);
        used[1] = before - gasleft();
        before = gasleft();
        all ^= FixedPoint.sqrt(x);
        used[2] = before - gasleft();
        before = gasleft();
        all ^= uint256(FixedPoint.divRoundHalfAway(z, int256(x)));
        used[3] = before - gasleft();
        before = gasleft();
        all ^= uint256(FixedPoint.roundHalfUpShift(z, 64));
        used[4] = before - gasleft();
        require(all != 0);
    }
}
"""

PANIC = abi.selector("Panic(uint256)")
OVERFLOW, DIVISION_BY_ZERO = PANIC + abi.word(0x11), PANIC + abi.word(0x12)


class OnChain:
    """The harness, deployed; a function is called with whole columns of arguments at once."""

    def __init__(self, evm: Evm, initcode: bytes) -> None:
        self.evm, self.address = evm, evm.deploy(initcode).address

    def raw(self, signature: str, *columns: Sequence[int] | int) -> CallResult:
        kinds = signature[signature.index("(") + 1 : -1].split(",")
        return self.evm.call(self.address, abi.selector(signature) + encode(kinds, columns))

    def many(self, signature: str, *columns: Sequence[int]) -> list[int]:
        result = self.raw(signature, *columns)
        assert result.success, result.output.hex()
        # No result reaches 2**255, so that one type serves for all.
        return abi.decode_int256_array(result.output)


@pytest.fixture(scope="session")
def initcode() -> bytes:
    output = compile_standard(
        {
            "language": "Solidity",
            "sources": {
                "FixedPoint.sol": {"content": LIBRARY.read_text(encoding="utf-8")},
                "Harness.sol": {"content": HARNESS},
            },
            "settings": {
                "evmVersion": "cancun",
                "optimizer": {"enabled": True, "runs": 200},
                "outputSelection": {"Harness.sol": {"Harness": ["evm.bytecode.object"]}},
            },
        }
    )
    assert not output.get("errors")
    code: str = output["contracts"]["Harness.sol"]["Harness"]["evm"]["bytecode"]["object"]
    return bytes.fromhex(code)


@pytest.fixture(scope="session")
def chain(initcode: bytes) -> OnChain:
    (evm,) = open_evms("revm")
    return OnChain(evm, initcode)


# --- references ---


@cache
def ln2_enclosure() -> tuple[Fraction, Fraction]:
    """2 atanh(1/3) = 2 sum (1/3)**(2i+1) / (2i+1), and what is left out after 60 terms."""
    low = 2 * sum((Fraction(1, (2 * i + 1) * 3 ** (2 * i + 1)) for i in range(60)), Fraction(0))
    return low, low + Fraction(2, 121 * 3**121) * Fraction(9, 8)


def exp_enclosure(x_x64: int) -> tuple[Fraction, Fraction]:
    """exp(x) for 0 <= x < 64: decimal's exp is correctly rounded, so one digit covers its error."""
    with localcontext() as context:
        context.prec = 80
        x = Decimal(x_x64) / Decimal(ONE_X64)  # at most 66 digits, so exact
        assert Fraction(x) == Fraction(x_x64, ONE_X64)
        context.prec = 60
        value = Fraction(x.exp())
    return value * (1 - Fraction(1, 10**58)), value * (1 + Fraction(1, 10**58))


def largest_error(found: Fraction, low: Fraction, high: Fraction) -> Fraction:
    """At least the distance of `found` from a true value in [low, high]."""
    return max(found - low, high - found)


def floor_ln2_multiple_x64(k: int) -> int:
    """floor(k ln 2 * 2**64)."""
    low, high = ln2_enclosure()
    result = math.floor(k * low * ONE_X64)
    assert result == math.floor(k * high * ONE_X64)
    return result


# --- inputs ---

SEGMENT_STARTS = [-(-k * LN2_X96 >> 32) for k in range(67)]
"""The least x_x64 of every segment of the range reduction that there is below the limit."""


@cache
def exp_inputs() -> list[int]:
    """x in X64, 0 <= x < EXP_LIMIT_X64: borders, uniform, logarithmic, and where errors are largest."""
    rng = random.Random(1)
    chosen = {start + step for start in SEGMENT_STARTS for step in range(-3, 4)}
    chosen |= {1 << bits for bits in range(70)} | {(1 << bits) - 1 for bits in range(70)}
    chosen |= {EXP_LIMIT_X64 - 1 - i for i in range(4)}
    chosen |= {rng.randrange(EXP_LIMIT_X64) for _ in range(1500)}
    chosen |= {rng.getrandbits(rng.randrange(1, 70)) for _ in range(1000)}
    # What the polynomial leaves out shows just below the end of the first segment.
    chosen |= {SEGMENT_STARTS[1] - 1 - rng.getrandbits(58) for _ in range(1500)}
    return sorted(x for x in chosen if 0 <= x < EXP_LIMIT_X64)


@cache
def beyond_exp_inputs() -> list[int]:
    """x in X64 from the limit on."""
    powers = [1 << bits for bits in range(70, 256)]
    around = [power + step for power in powers for step in (-1, 0, 1)]
    # Not much further, exp(x) leaves 256 bits and shifts leave the word.
    near = [n * (ONE_X64 // 2) for n in range(93, 1000)]
    return sorted({EXP_LIMIT_X64, EXP_LIMIT_X64 + 1, *near, *around, UINT256_MAX})


@cache
def logistic_inputs() -> list[int]:
    magnitudes = [*exp_inputs(), *(x for x in beyond_exp_inputs() if x <= INT256_MAX)]
    return [*(-x for x in magnitudes), *magnitudes, INT256_MIN]


@cache
def edge_int256() -> list[int]:
    powers = [1 << bits for bits in (1, 2, 3, 8, 63, 64, 127, 128, 192, 253, 254)]
    positive = {1, 3, 5, 7, 10, 10**9, INT256_MAX, INT256_MAX - 1}
    positive |= {power + step for power in powers for step in (-1, 0, 1)}
    return sorted(positive | {-x for x in positive} | {0, INT256_MIN, INT256_MIN + 1})


int256 = st.integers(INT256_MIN, INT256_MAX) | st.integers(-(1 << 72), 1 << 72)
uint256 = st.integers(0, UINT256_MAX) | st.integers(0, 1 << 72)
below_limit = st.integers(0, EXP_LIMIT_X64 - 1)


# --- the machine's integers ---


def test_int_range() -> None:
    assert int_range(1) == (-1, 0)
    assert int_range(8) == (-128, 127)
    assert int_range(256) == (INT256_MIN, INT256_MAX)


def test_checks_at_their_limits() -> None:
    for inside in (INT256_MIN, -1, 0, INT256_MAX):
        assert check_int256(inside) == inside
    for inside in (0, UINT256_MAX):
        assert check_uint256(inside) == inside
    for outside in (INT256_MIN - 1, INT256_MAX + 1):
        with pytest.raises(CompilerPanic, match=str(outside)):
            check_int256(outside)
    for outside in (-1, UINT256_MAX + 1):
        with pytest.raises(CompilerPanic, match=str(outside)):
            check_uint256(outside)


@pytest.mark.parametrize(
    ("a", "b", "quotient", "remainder"),
    [(7, 2, 3, 1), (-7, 2, -3, -1), (7, -2, -3, 1), (-7, -2, 3, -1), (-6, 3, -2, 0), (1, -2, 0, 1)],
)
def test_division_truncates_toward_zero(a: int, b: int, quotient: int, remainder: int) -> None:
    assert (evm_div(a, b), evm_mod(a, b)) == (quotient, remainder)


def test_division_panics_where_solidity_does(chain: OnChain) -> None:
    for function, name in ((evm_div, "div"), (evm_mod, "mod")):
        with pytest.raises(ZeroDivisionError):
            function(1, 0)
        refused = chain.raw(f"{name}(int256[],int256[])", [1], [0])
        assert (refused.success, refused.output) == (False, DIVISION_BY_ZERO)
    with pytest.raises(CompilerPanic):
        evm_div(INT256_MIN, -1)
    refused = chain.raw("div(int256[],int256[])", [INT256_MIN], [-1])
    assert (refused.success, refused.output) == (False, OVERFLOW)
    assert chain.many("mod(int256[],int256[])", [INT256_MIN], [-1]) == [evm_mod(INT256_MIN, -1)]


@given(int256, int256.filter(bool))
def test_quotient_and_remainder_make_the_dividend(a: int, b: int) -> None:
    remainder = evm_mod(a, b)
    assert abs(remainder) < abs(b) and (remainder == 0 or (remainder < 0) == (a < 0))
    if (a, b) != (INT256_MIN, -1):
        assert evm_div(a, b) * b + remainder == a


def test_float_to_fraction_is_exact() -> None:
    assert float_to_fraction(0.1) == Fraction(3602879701896397, 2**55)
    assert float_to_fraction(-5e-324) == Fraction(-1, 2**1074)
    for x in (math.nan, math.inf, -math.inf):
        with pytest.raises(ValueError, match="not a finite number"):
            float_to_fraction(x)


@pytest.mark.parametrize(
    ("halves", "rounded"), [(-5, -2), (-3, -2), (-1, 0), (0, 0), (1, 0), (3, 2), (5, 2), (4, 2)]
)
def test_round_half_even(halves: int, rounded: int) -> None:
    tiny = Fraction(1, 10**40)
    assert round_half_even(Fraction(halves, 2)) == rounded
    assert round_half_even(Fraction(halves, 2) + tiny) == (halves + 1) // 2
    assert round_half_even(Fraction(halves, 2) - tiny) == halves // 2


# --- rounding ---


@pytest.mark.parametrize(
    ("x", "bits", "rounded"),
    [
        (5, 1, 3),
        (-5, 1, -2),  # -2.5, up
        (-6, 2, -1),  # -1.5, up
        (-7, 2, -2),
        (7, 2, 2),
        (5, 2, 1),
        (-5, 0, -5),
        (INT256_MAX, 0, INT256_MAX),
        (INT256_MAX, 1, 2**254),
        (INT256_MIN, 1, -(2**254)),
        (INT256_MAX, 255, 1),
        (INT256_MIN, 255, -1),
        (INT256_MAX, 256, 0),
        (INT256_MIN, 256, 0),  # -0.5, up
        (INT256_MIN, 257, 0),
        (-1, UINT256_MAX, 0),
        (1, UINT256_MAX, 0),
    ],
)
def test_round_half_up_shift(x: int, bits: int, rounded: int) -> None:
    assert round_half_up_shift(x, bits) == rounded


@given(int256, st.integers(0, 300))
def test_round_half_up_shift_is_the_floor_of_one_half_more(x: int, bits: int) -> None:
    assert round_half_up_shift(x, bits) == math.floor(Fraction(x, 2**bits) + Fraction(1, 2))


@pytest.mark.parametrize(
    ("a", "b", "rounded"),
    [
        (5, 2, 3),
        (-5, 2, -3),
        (1, 3, 0),
        (2, 3, 1),
        (-2, 3, -1),
        (-1, 3, 0),
        (7, 5, 1),
        (8, 5, 2),
        (INT256_MAX, 1, INT256_MAX),
        (INT256_MIN, 1, INT256_MIN),
        (INT256_MIN, 2, -(2**254)),
        (INT256_MAX, 2, 2**254),
        (INT256_MIN, INT256_MAX, -1),
        (2**254, INT256_MAX, 1),
        (2**254 - 1, INT256_MAX, 0),
    ],
)
def test_div_round_half_away(a: int, b: int, rounded: int) -> None:
    assert div_round_half_away(a, b) == rounded


@given(int256, st.integers(1, INT256_MAX) | st.integers(1, 1000))
def test_div_round_half_away_is_nearest_and_symmetric(a: int, b: int) -> None:
    rounded = div_round_half_away(a, b)
    distance = abs(Fraction(a, b) - rounded)
    assert distance <= Fraction(1, 2)
    assert distance < Fraction(1, 2) or abs(rounded) > abs(Fraction(a, b))
    if a != INT256_MIN:
        assert div_round_half_away(-a, b) == -rounded


def test_div_round_half_away_needs_a_positive_divisor(chain: OnChain) -> None:
    with pytest.raises(ZeroDivisionError):
        div_round_half_away(1, 0)
    with pytest.raises(CompilerPanic):
        div_round_half_away(1, -1)
    refused = chain.raw("divRoundHalfAway(int256[],int256[])", [1], [0])
    assert (refused.success, refused.output) == (False, DIVISION_BY_ZERO)


def test_rounding_never_leaves_its_range() -> None:
    for function in (round_half_up_shift, div_round_half_away):
        for x in (INT256_MIN - 1, INT256_MAX + 1):
            with pytest.raises(CompilerPanic):
                function(x, 1)


def sqrt_inputs() -> list[int]:
    rng = random.Random(2)
    roots = [1 << bits for bits in range(129)] + [rng.getrandbits(128) for _ in range(500)]
    roots += [rng.getrandbits(rng.randrange(2, 129)) for _ in range(500)] + [2**128 - 1]
    squares = {root * root + step for root in roots for step in (-1, 0, 1, 2 * root, 2 * root + 1)}
    squares |= {1 << bits for bits in range(256)} | {(1 << bits) - 1 for bits in range(257)}
    return [*range(3000), *sorted(x for x in squares if 3000 <= x <= UINT256_MAX)]


def test_isqrt_is_the_floor() -> None:
    for x in sqrt_inputs():
        root = isqrt(x)
        assert root * root <= x < (root + 1) * (root + 1)
    for x in (-1, UINT256_MAX + 1):
        with pytest.raises(CompilerPanic):
            isqrt(x)


# --- the exponential function: bounds ---


def test_ln2_is_rounded_down() -> None:
    low, high = ln2_enclosure()
    assert low * ONE_X96 > LN2_X96 and high * ONE_X96 < LN2_X96 + 1


def test_error_bounds_follow_from_the_algorithm() -> None:
    """The derivation in `exp_x96`, `exp_negative_x64` and `logistic_x64`, in exact arithmetic."""
    unit = Fraction(1, ONE_X96)
    ln2 = ln2_enclosure()[1]
    left_out = ln2 ** (EXP_TERMS + 1) / math.factorial(EXP_TERMS + 1) / (1 - ln2 / (EXP_TERMS + 2))
    divisions = sum(unit * ln2 ** (n - 1) / math.factorial(n - 1) for n in range(1, EXP_TERMS + 1))
    too_low = left_out + divisions
    # exp(v) - 1 <= v / (1 - v) for the error v of the argument.
    argument = (EXP_LIMIT_X64 << 32) // LN2_X96 * unit
    too_high = argument / (1 - argument)
    relative = max(too_low, too_high)
    assert divisions < 2 * unit and too_high < 67 * unit
    assert relative < EXP_RELATIVE_ERROR
    half_a_unit = Fraction(1, 2 * ONE_X64)
    assert half_a_unit + relative / (1 - relative) < EXP_NEGATIVE_ERROR
    assert half_a_unit + relative / (1 - relative) / 4 < LOGISTIC_ERROR
    # From the limit on, 0 is returned.
    assert 1 / exp_enclosure(EXP_LIMIT_X64)[0] < Fraction(1, 2**66) < LOGISTIC_ERROR
    # Callers count on this.
    assert max(LOGISTIC_ERROR, EXP_NEGATIVE_ERROR) < Fraction(1, 2**60)


def test_every_product_of_exp_fits_in_a_word() -> None:
    """With the largest remainder, and the largest exponent."""
    r, total = LN2_X96 - 1, ONE_X96
    for n in range(EXP_TERMS, 0, -1):
        assert r * total < 2**193
        total = ONE_X96 + r * total // (n * ONE_X96)
    assert 2 * ONE_X96 - 2**26 < total < 2 * ONE_X96
    assert exp_x96(EXP_LIMIT_X64 - 1) < 2**163


def test_exp_x96_error() -> None:
    for x_x64 in exp_inputs():
        low, high = exp_enclosure(x_x64)
        error = largest_error(Fraction(exp_x96(x_x64), ONE_X96), low, high) / low
        assert error < EXP_RELATIVE_ERROR, f"x_x64 = {x_x64}: {float(low)}, off by {float(error)}"


def test_exp_negative_error() -> None:
    for x_x64 in exp_inputs():
        low, high = exp_enclosure(x_x64)
        error = largest_error(Fraction(exp_negative_x64(x_x64), ONE_X64), 1 / high, 1 / low)
        assert error < EXP_NEGATIVE_ERROR, f"x_x64 = {x_x64}, off by {float(error * ONE_X64)} units"


def test_logistic_error() -> None:
    for x_x64 in exp_inputs():
        low, high = exp_enclosure(x_x64)
        for z_x64, true_low, true_high in (
            (-x_x64, 1 / (1 + high), 1 / (1 + low)),
            (x_x64, low / (1 + low), high / (1 + high)),
        ):
            error = largest_error(Fraction(logistic_x64(z_x64), ONE_X64), true_low, true_high)
            assert error < LOGISTIC_ERROR, f"z_x64 = {z_x64}, off by {float(error * ONE_X64)} units"


@pytest.mark.parametrize(
    ("function", "x", "true_value"),
    [
        (exp_negative_x64, "0", "1"),
        (exp_negative_x64, "0.5", "0.60653065971263342360379953499118045344191813548718695568289"),
        (exp_negative_x64, "1", "0.36787944117144232159552377016146086744581113103176783450783"),
        (exp_negative_x64, "40", "4.2483542552915889953292347828586580179398852479e-18"),
        (logistic_x64, "0", "0.5"),
        (logistic_x64, "1", "0.73105857863000487925115924182183627436514464016505651927636"),
        (logistic_x64, "-1", "0.26894142136999512074884075817816372563485535983494348072363"),
        (logistic_x64, "-2", "0.11920292202211755594052171180175034283480577424780316889"),
        (logistic_x64, "4", "0.98201379003790844197320686205403461230880117410505990"),
    ],
)
def test_known_values(function: Callable[[int], int], x: str, true_value: str) -> None:
    found = function(int(Fraction(x) * ONE_X64))
    assert found == round(Fraction(true_value) * ONE_X64)


# --- the exponential function: limits, order, symmetry ---


def test_logistic_is_one_half_at_zero_and_saturates() -> None:
    assert (logistic_x64(-1), logistic_x64(0), logistic_x64(1)) == (2**63, 2**63, 2**63)
    assert (logistic_x64(-3), logistic_x64(3)) == (2**63 - 1, 2**63 + 1)
    last = floor_ln2_multiple_x64(65)  # 1 / (1 + 2**65) is below half a unit, barely
    assert (logistic_x64(-last + 1), logistic_x64(-last - 1)) == (1, 0)
    assert (logistic_x64(last - 1), logistic_x64(last + 1)) == (ONE_X64 - 1, ONE_X64)
    for far in (EXP_LIMIT_X64 - 1, EXP_LIMIT_X64, EXP_LIMIT_X64 + 1, 1 << 224, INT256_MAX):
        assert (logistic_x64(-far), logistic_x64(far)) == (0, ONE_X64)
    assert logistic_x64(INT256_MIN) == 0


def test_exp_negative_is_one_at_zero_and_saturates() -> None:
    assert [exp_negative_x64(x) for x in (0, 1, 2)] == [ONE_X64, ONE_X64 - 1, ONE_X64 - 2]
    last = floor_ln2_multiple_x64(65)
    assert [exp_negative_x64(last + step) for step in (0, 1)] == [1, 0]
    for far in (EXP_LIMIT_X64 - 1, EXP_LIMIT_X64, EXP_LIMIT_X64 + 1, 1 << 224, UINT256_MAX):
        assert exp_negative_x64(far) == 0


def test_outside_their_domain_is_our_bug() -> None:
    for x in (-1, EXP_LIMIT_X64):
        with pytest.raises(CompilerPanic):
            exp_x96(x)
    for x in (-1, UINT256_MAX + 1):
        with pytest.raises(CompilerPanic):
            exp_negative_x64(x)
    for x in (INT256_MIN - 1, INT256_MAX + 1):
        with pytest.raises(CompilerPanic):
            logistic_x64(x)


def test_segments_begin_at_powers_of_two() -> None:
    for k, start in enumerate(SEGMENT_STARTS):
        assert (start << 32) // LN2_X96 == k
        assert k == 0 or ((start - 1) << 32) // LN2_X96 == k - 1
    assert exp_x96(0) == ONE_X96
    assert len(SEGMENT_STARTS) == (EXP_LIMIT_X64 << 32) // LN2_X96 + 1


def test_order_is_kept_across_segment_borders() -> None:
    for start in SEGMENT_STARTS[1:]:
        values = [exp_x96(start + step) for step in range(-40, 40)]
        assert values == sorted(values)
        k = SEGMENT_STARTS.index(start)
        assert values[39] < ONE_X96 << k <= values[40]
        logistic = [logistic_x64(-start + step) for step in range(-40, 40)]
        assert logistic == sorted(logistic)


def test_order_is_kept_over_all_inputs() -> None:
    values = [logistic_x64(z) for z in sorted(logistic_inputs())]
    assert values == sorted(values)
    values = [exp_negative_x64(x) for x in [*exp_inputs(), *beyond_exp_inputs()]]
    assert values == sorted(values, reverse=True)


@given(below_limit, st.integers(1, 1 << 66))
def test_exp_never_decreases(x: int, step: int) -> None:
    further = min(x + step, EXP_LIMIT_X64 - 1)
    assert exp_x96(x) <= exp_x96(further)
    assert exp_negative_x64(x) >= exp_negative_x64(x + step)


@given(int256)
def test_logistic_is_symmetric_and_in_range(z: int) -> None:
    value = logistic_x64(z)
    assert 0 <= value <= ONE_X64
    if z != INT256_MIN:
        assert value + logistic_x64(-z) == ONE_X64


# --- Python and Solidity, bit for bit ---


@pytest.mark.parametrize(
    ("signature", "twin", "inputs"),
    [
        ("logisticX64(int256[])", logistic_x64, logistic_inputs),
        ("expX96(uint256[])", exp_x96, exp_inputs),
        ("expNegativeX64(uint256[])", exp_negative_x64, exp_inputs),
        ("expNegativeX64(uint256[])", exp_negative_x64, beyond_exp_inputs),
        ("sqrt(uint256[])", isqrt, sqrt_inputs),
    ],
)
def test_twins_of_one_argument(
    chain: OnChain, signature: str, twin: Callable[[int], int], inputs: Callable[[], list[int]]
) -> None:
    xs = inputs()
    for x, found in zip(xs, chain.many(signature, xs), strict=True):
        assert found == twin(x), f"{signature} of {x}: {found} on chain, {twin(x)} in Python"


@pytest.mark.parametrize(
    ("signature", "twin", "accepts"),
    [
        ("div(int256[],int256[])", evm_div, lambda a, b: b and (a, b) != (INT256_MIN, -1)),
        ("mod(int256[],int256[])", evm_mod, lambda a, b: b),
        ("divRoundHalfAway(int256[],int256[])", div_round_half_away, lambda a, b: b > 0),
        ("roundHalfUpShift(int256[],uint256[])", round_half_up_shift, lambda a, b: b >= 0),
    ],
)
def test_twins_of_two_arguments(
    chain: OnChain,
    signature: str,
    twin: Callable[[int, int], int],
    accepts: Callable[[int, int], bool],
) -> None:
    rng = random.Random(3)
    edges = edge_int256()
    pairs = [(a, b) for a in edges for b in edges]
    pairs += [(a, bits) for a in edges for bits in (0, 1, 2, 63, 64, 254, 255, 256, 257)]
    for _ in range(2000):
        a, b = (rng.getrandbits(rng.randrange(1, 256)) for _ in range(2))
        pairs.append((rng.choice((a, -a)), rng.choice((b, -b, rng.randrange(300)))))
    pairs = [(a, b) for a, b in pairs if accepts(a, b)]
    found = chain.many(signature, *map(list, zip(*pairs, strict=True)))
    for (a, b), value in zip(pairs, found, strict=True):
        assert value == twin(a, b), f"{signature} of {a}, {b}: {value} on chain"


@given(z=int256, x=below_limit, b=st.integers(1, INT256_MAX), bits=uint256)
def test_twins_anywhere(chain: OnChain, z: int, x: int, b: int, bits: int) -> None:
    assert chain.many("logisticX64(int256[])", [z]) == [logistic_x64(z)]
    assert chain.many("expX96(uint256[])", [x]) == [exp_x96(x)]
    assert chain.many("expNegativeX64(uint256[])", [bits]) == [exp_negative_x64(bits)]
    assert chain.many("sqrt(uint256[])", [bits]) == [isqrt(bits)]
    assert chain.many("divRoundHalfAway(int256[],int256[])", [z], [b]) == [
        div_round_half_away(z, b)
    ]
    assert chain.many("roundHalfUpShift(int256[],uint256[])", [z], [bits]) == [
        round_half_up_shift(z, bits)
    ]


def test_gas(chain: OnChain) -> None:
    """Limits, not records; the two gasleft() are included."""
    result = chain.raw("gas(int256,uint256)", -40 * ONE_X64, 45 * ONE_X64)
    assert result.success
    names = ("logistic", "exp_negative", "sqrt", "division", "shift")
    gas = dict(zip(names, decode(["uint256[5]"], result.output)[0], strict=True))
    limits = {
        "logistic": 1_250,
        "exp_negative": 1_150,
        "sqrt": 1_250,
        "division": 200,
        "shift": 150,
    }
    assert all(gas[name] < limit for name, limit in limits.items()), gas


def test_everything_public_is_listed() -> None:
    assert sorted(fixed.__all__) == list(fixed.__all__)
    assert all(hasattr(fixed, name) for name in fixed.__all__)
