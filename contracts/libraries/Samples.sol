// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

/// @title One copy of a sample, for its key and for its event
/// @notice Hashing and logging a sample the plain way would copy it to memory twice, element by
/// element. Here it is copied once, as a block, between what the event has before it and what the
/// key has behind it.
/// @dev Memory from `copy` on, for n elements:
///   0    offset of the array in the event's data, 0x80   ┐
///   32   classification, or 0 before `logAddData`        │ data of the event
///   64   time                                            │ AddData(int64[] d, uint64 c, uint256 t,
///   96   cost                                            │   address indexed sender, uint256 cost)
///   128  n                                               │
///   160  the elements, a word each                       ┘ ┐ abi.encodePacked(
///   ...  classification, 8 bytes; time, 32; author, 20     ┘   data, classification, time, author)
/// The elements are copied as they came, so a word that is no int64 stays one: every classifier
/// reads its elements through Solidity, which refuses such a word, and an unknown key finds nothing.
library Samples {
    /// @dev The first topic of AddData(int64[] d, uint64 c, uint256 t, address indexed sender, uint256 cost).
    bytes32 internal constant ADD_DATA_TOPIC = keccak256("AddData(int64[],uint64,uint256,address,uint256)");

    /// @notice Copies a sample to memory, with room around it.
    function load(int64[] calldata data) internal pure returns (uint256 copy) {
        assembly ("memory-safe") {
            copy := mload(0x40)
            let size := shl(5, data.length)
            mstore(copy, 0x80)
            mstore(add(copy, 0x80), data.length)
            calldatacopy(add(copy, 0xa0), data.offset, size)
            // 0xa0 bytes before the elements; 0x40 behind them, of which a key needs 60.
            mstore(0x40, add(copy, add(size, 0xe0)))
        }
    }

    /// @notice keccak256(abi.encodePacked(data, classification, time, author)), DCAI's key of a contribution.
    function key(uint256 copy, uint64 classification, uint256 time, address author)
        internal
        pure
        returns (bytes32 hash)
    {
        assembly ("memory-safe") {
            let first := add(copy, 0xa0)
            let size := shl(5, mload(add(copy, 0x80)))
            let tail := add(first, size)
            // 8 + 32 + 20 bytes: the time is cut in two by the words' border.
            mstore(tail, or(shl(192, classification), shr(64, time)))
            mstore(add(tail, 0x20), or(shl(192, time), shl(32, shr(96, shl(96, author)))))
            hash := keccak256(first, add(size, 60))
        }
    }

    /// @notice Emits AddData from the copy that the key was made from.
    function logAddData(uint256 copy, uint64 classification, uint256 time, address sender, uint256 cost) internal {
        bytes32 topic = ADD_DATA_TOPIC;
        assembly ("memory-safe") {
            mstore(add(copy, 0x20), and(classification, 0xffffffffffffffff))
            mstore(add(copy, 0x40), time)
            mstore(add(copy, 0x60), cost)
            let size := add(0xa0, shl(5, mload(add(copy, 0x80))))
            log2(copy, size, topic, shr(96, shl(96, sender)))
        }
    }
}
