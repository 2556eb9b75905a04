// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

/// @title Whether two narrow values are the same
/// @notice What `==` says, in a third of the code: it makes a mask for each side, and these shift away what the masks
/// would clear.
library Same {
    /// @notice Whether two accounts are one.
    function account(address a, address b) internal pure returns (bool same) {
        assembly ("memory-safe") {
            same := iszero(shl(96, xor(a, b)))
        }
    }

    /// @notice Whether two classes are one.
    function class(uint64 a, uint64 b) internal pure returns (bool same) {
        assembly ("memory-safe") {
            same := iszero(shl(192, xor(a, b)))
        }
    }
}
