"""Our own few lines of the contract ABI beside eth_abi's, which are slower and know everything."""

from __future__ import annotations

from typing import Any

import pytest
from eth_abi.abi import decode, encode
from eth_abi.exceptions import DecodingError
from eth_abi.packed import encode_packed
from eth_utils.address import to_checksum_address
from eth_utils.crypto import keccak
from hypothesis import given
from hypothesis import strategies as st

from dcai_compile import abi, calls
from dcai_compile.calls import Contribution

BITS = {"uint256": 256, "uint64": 64, "address": 160, "bool": 1}
INT64 = st.integers(-(1 << 63), (1 << 63) - 1)
ADDRESS = st.binary(min_size=20, max_size=20).map(to_checksum_address)
SMALL = st.integers(0, 3)
EDGES = [edge for bits in BITS.values() for edge in ((1 << bits) - 1, (1 << bits) % (1 << 256))]


@given(st.lists(st.sampled_from(list(BITS)), max_size=5), st.data(), st.integers(-40, 40))
def test_static_words_are_what_eth_abi_reads(
    types: list[str], data: st.DataObject, cut: int
) -> None:
    values = [data.draw(SMALL | st.sampled_from(EDGES)) for _ in types]
    output = b"".join(map(abi.word, values))
    output = output[:cut] if cut < 0 else output + bytes(cut)
    bits = [BITS[kind] for kind in types]
    try:
        expected: list[Any] = list(decode(types, output)) if types else []
    except DecodingError:
        with pytest.raises(ValueError):
            abi.static_words(output, *bits)
        return
    found = abi.static_words(output, *bits)
    shown = [
        abi.address(v) if kind == "address" else v for kind, v in zip(types, found, strict=True)
    ]
    assert [int(v, 16) if isinstance(v, str) else int(v) for v in expected] == found
    assert [to_checksum_address(v) if isinstance(v, str) else v for v in expected] == shown


@given(
    st.lists(INT64, max_size=5).map(tuple),
    st.integers(0, (1 << 64) - 1),
    st.integers(0, (1 << 256) - 1),
    ADDRESS,
    st.none() | st.binary(max_size=70),
)
def test_claims_and_keys_are_what_eth_abi_writes(
    data: tuple[int, ...], classification: int, time: int, author: str, packed: bytes | None
) -> None:
    contribution = Contribution(data, classification, 0, time, author, 0, packed)
    array = "int64[]" if packed is None else "bytes"
    sample = data if packed is None else packed
    kinds, known = [array, "uint64", "uint256"], [sample, classification, time]
    name = "" if packed is None else "Packed"
    refund = abi.selector(f"refund{name}({','.join(kinds)})") + encode(kinds, known)
    assert calls.refund(contribution) == refund
    kinds, known = [*kinds, "address"], [*known, author]
    report = abi.selector(f"report{name}({','.join(kinds)})") + encode(kinds, known)
    assert calls.report(contribution) == report
    tail = encode_packed(kinds[1:], known[1:])
    if packed is None:
        # eth_abi does not pad an array's elements to words; Solidity does.
        assert contribution.key == keccak(b"".join(map(abi.word, data)) + tail)
    else:
        assert contribution.key == bytes(0xFF - byte for byte in keccak(packed + tail))
