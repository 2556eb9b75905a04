"""MurmurHash3 for 32 bits (x86 variant), by Austin Appleby, in the public domain."""

from __future__ import annotations

MASK = 0xFFFF_FFFF


def murmur3_32(data: bytes, seed: int = 0) -> int:
    """The hash of `data` as a signed 32-bit integer, as HashingVectorizer uses it."""
    state = seed
    rest = len(data) % 4
    for start in range(0, len(data) - rest, 4):
        state ^= _scramble(int.from_bytes(data[start : start + 4], "little"))
        state = ((state << 13 | state >> 19) * 5 + 0xE6546B64) & MASK
    if rest:
        state ^= _scramble(int.from_bytes(data[-rest:], "little"))
    state ^= len(data)
    state = (state ^ state >> 16) * 0x85EBCA6B & MASK
    state = (state ^ state >> 13) * 0xC2B2AE35 & MASK
    state ^= state >> 16
    return state - (1 << 32) if state >> 31 else state


def _scramble(block: int) -> int:
    block = block * 0xCC9E2D51 & MASK
    block = (block << 15 | block >> 17) & MASK
    return block * 0x1B873593 & MASK
