"""Comparisons without masks: what is above a narrow value never counts."""

from __future__ import annotations

from functools import cache

from hypothesis import given, settings
from hypothesis import strategies as st

from dcai_compile import abi
from dcai_compile.evm import LocalEvm, fastest_evm
from tests.solidity import initcode

WORDS = st.integers(0, (1 << 256) - 1)
BITS = {"accounts": 160, "classes": 64}


@cache
def alike() -> tuple[LocalEvm, str]:
    evm = fastest_evm()
    return evm, evm.deploy(initcode("Alike")).address


def same(name: str, a: int, b: int) -> bool:
    evm, at = alike()
    data = abi.selector(f"{name}(uint256,uint256)") + abi.word(a) + abi.word(b)
    return bool(int.from_bytes(evm.call(at, data).output, "big"))


@settings(max_examples=200, deadline=None)
@given(st.sampled_from(sorted(BITS)), WORDS, WORDS, st.integers(0, 255))
def test_only_its_own_bits_count(name: str, a: int, above: int, bit: int) -> None:
    bits = BITS[name]
    low = (1 << bits) - 1
    assert same(name, a, a & low | above & ~low)
    # One bit more or less counts where it is one of its own.
    assert same(name, a, a ^ 1 << bit) is (bit >= bits)


def test_the_highest_bit_of_each_and_the_one_above() -> None:
    for name, bits in BITS.items():
        assert not same(name, 0, 1 << (bits - 1))
        assert same(name, 0, 1 << bits)
        assert not same(name, 0, 1)
