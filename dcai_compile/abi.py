"""The little of the contract ABI that a classifier needs, fast enough for many thousand calls.

Source: https://docs.soliditylang.org/en/v0.8.34/abi-spec.html
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import numpy as np
from eth_utils.address import to_checksum_address
from eth_utils.crypto import keccak

from dcai_compile.model import Revert

WORD = 32


@lru_cache(maxsize=1024)
def selector(signature: str) -> bytes:
    """The first four bytes of the hash of ``name(types)``."""
    return bytes(keccak(text=signature)[:4])


def topic(signature: str) -> bytes:
    """The first topic of the event ``name(types)``."""
    return bytes(keccak(text=signature))


@lru_cache(maxsize=1024)
def checksummed(address: str) -> str:
    """An address as people write it; a system has few, and each is met again and again."""
    return str(to_checksum_address(address))


def word(value: int) -> bytes:
    """One 32-byte word, negative numbers in two's complement."""
    return (value % (1 << 256)).to_bytes(WORD, "big")


def int64_array(values: Sequence[int] | np.ndarray[Any, Any]) -> bytes:
    """Length and elements of an ``int64[]``, each sign-extended to a word."""
    array = np.asarray(values, dtype=np.int64)
    words = np.zeros((len(array), WORD), dtype=np.uint8)
    words[array < 0] = 0xFF
    words[:, 24:] = array.astype(">i8").view(np.uint8).reshape(-1, 8)
    return word(len(array)) + words.tobytes()


def int256_array(values: Sequence[int]) -> bytes:
    """Length and elements of an ``int256[]``."""
    return word(len(values)) + b"".join(word(value) for value in values)


def signed(data: bytes) -> int:
    """A 32-byte word as a signed integer."""
    return int.from_bytes(data, "big", signed=True)


def static_words(data: bytes, *bits: int) -> list[int]:
    """The static values that `data` begins with, each an unsigned integer of so many bits.

    Raises `ValueError` where one is missing or wider, as a `bool` of 2 is.
    """
    if len(data) < WORD * len(bits):
        raise ValueError(f"{len(data)} bytes hold no {len(bits)} words")
    found = [int.from_bytes(data[i * WORD : (i + 1) * WORD], "big") for i in range(len(bits))]
    for value, size in zip(found, bits, strict=True):
        if value >> size:
            raise ValueError(f"{value:#x} has more than {size} bits")
    return found


def address(value: int) -> str:
    """The address that a number of 160 bits is."""
    return checksummed(f"{value:#042x}")


def decode_int256_array(data: bytes) -> list[int]:
    """The ``int256[]`` that is the only value returned."""
    count = int.from_bytes(data[WORD : 2 * WORD], "big")
    return [signed(data[i : i + WORD]) for i in range(2 * WORD, (2 + count) * WORD, WORD)]


PREDICT = selector("predict(int64[])")
SCORES = selector("decisionFunction(int64[])")
DECIDE = selector("decide(int256[])")
UPDATE = selector("update(int64[],uint64)")
ADD_DATA = selector("addData(int64[],uint64)")
ADD_PACKED = selector("addPackedData(bytes,uint64)")
REFUND = selector("refund(int64[],uint64,uint256)")
REPORT = selector("report(int64[],uint64,uint256,address)")
REFUND_PACKED = selector("refundPacked(bytes,uint64,uint256)")
REPORT_PACKED = selector("reportPacked(bytes,uint64,uint256,address)")
PREDICT_PACKED = selector("predictPacked(bytes)")
PARAMETERS = selector("parameters(uint256,uint256)")


def sample_call(function: bytes, sample: Sequence[int] | np.ndarray[Any, Any]) -> bytes:
    """Calldata of a function that takes one sample."""
    return function + word(WORD) + int64_array(sample)


def decide_call(scores: Sequence[int]) -> bytes:
    """Calldata of ``decide``."""
    return DECIDE + word(WORD) + int256_array(scores)


def update_call(sample: Sequence[int] | np.ndarray[Any, Any], classification: int) -> bytes:
    """Calldata of ``update``."""
    return UPDATE + word(2 * WORD) + word(classification) + int64_array(sample)


def add_data_call(sample: Sequence[int] | np.ndarray[Any, Any], classification: int) -> bytes:
    """Calldata of a trainer's ``addData``."""
    return ADD_DATA + word(2 * WORD) + word(classification) + int64_array(sample)


def packed_call(function: bytes, packed: bytes, *arguments: int) -> bytes:
    """Calldata of a function that takes a packed sample before other, static arguments."""
    head = word((1 + len(arguments)) * WORD) + b"".join(map(word, arguments))
    return function + head + word(len(packed)) + packed + b"\0" * (-len(packed) % WORD)


def array_call(function: bytes, sample: Sequence[int], *arguments: int) -> bytes:
    """Calldata of a function that takes a sample as an array before other, static arguments."""
    head = word((1 + len(arguments)) * WORD) + b"".join(map(word, arguments))
    return function + head + int64_array(sample)


def parameters_call(first: int, count: int) -> bytes:
    """Calldata of ``parameters``."""
    return PARAMETERS + word(first) + word(count)


def error_selectors(abi: Sequence[dict[str, Any]]) -> dict[str, bytes]:
    """Selector of every custom error of a contract, by name."""
    return {
        entry["name"]: selector(f"{entry['name']}({','.join(i['type'] for i in entry['inputs'])})")
        for entry in abi
        if entry["type"] == "error"
    }


def revert_data(revert: Revert, selectors: dict[str, bytes]) -> bytes:
    """The bytes that the EVM returns for a revert of the mirror."""
    return selectors[revert.name] + b"".join(word(value) for value in revert.values)


def decode_error(data: bytes, abi: Sequence[dict[str, Any]]) -> tuple[str, tuple[int, ...]]:
    """Name and values of the custom error in revert data; empty if it is none of these."""
    for entry in abi:
        if entry["type"] != "error":
            continue
        types = [item["type"] for item in entry["inputs"]]
        if data[:4] == selector(f"{entry['name']}({','.join(types)})"):
            words = [data[4 + i * WORD : 4 + (i + 1) * WORD] for i in range(len(types))]
            values = [
                signed(word) if kind.startswith("int") else int.from_bytes(word, "big")
                for kind, word in zip(types, words, strict=True)
            ]
            return entry["name"], tuple(values)
    return "", ()


def describe_revert(data: bytes, abi: Sequence[dict[str, Any]]) -> str:
    """Revert data in words: a custom error with its values, a reason string, or hexadecimal."""
    name, values = decode_error(data, abi)
    if name:
        return f"{name}({', '.join(map(str, values))})"
    if data[:4] == selector("Error(string)"):
        length = int.from_bytes(data[4 + WORD : 4 + 2 * WORD], "big")
        return data[4 + 2 * WORD :][:length].decode(errors="replace")
    return "0x" + data.hex() if data else "a revert without data"
