// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

/// @title Signed integers of equal width, side by side in a word
/// @notice Lane 0 of a storage word is its lowest bits. A table of lanes in code is a plain byte
/// string: lane 0 is its first bytes.
library Lanes {
    /// @notice Lane `place` of a storage word.
    /// @dev Requirements: `bits` is 8, 16, 32, 64 or 128, and (place + 1) * bits <= 256.
    function get(uint256 word, uint256 place, uint256 bits) internal pure returns (int256 value) {
        assembly ("memory-safe") {
            // signextend looks at the lowest `bits` only, so what stands above them does not matter.
            value := signextend(sub(shr(3, bits), 1), shr(mul(place, bits), word))
        }
    }

    /// @notice The storage word with lane `place` replaced.
    /// @dev Requirements: as for `get`, and `value` fits in `bits` signed bits.
    function set(uint256 word, uint256 place, uint256 bits, int256 value) internal pure returns (uint256 changed) {
        assembly ("memory-safe") {
            let shift := mul(place, bits)
            let mask := shl(shift, sub(shl(bits, 1), 1))
            // The mask cuts the sign bits off that a negative value has above its lane.
            changed := or(and(word, not(mask)), and(shl(shift, value), mask))
        }
    }

    /// @notice The signed lane of `size` bytes that begins at memory address `pointer`.
    /// @dev Requirements: 1 <= size <= 32. Reads 32 bytes; those behind the lane are shifted out.
    function load(uint256 pointer, uint256 size) internal pure returns (int256 value) {
        assembly ("memory-safe") {
            value := sar(sub(256, shl(3, size)), mload(pointer))
        }
    }
}
