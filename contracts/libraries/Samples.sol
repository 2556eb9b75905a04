// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

/// @title One copy of a sample, for everything that is done with it
/// @notice A sample is copied from calldata once. The model reads the copy, the key of a contribution is
/// the hash of it, and its event is logged from it: hashing and logging a sample the plain way would copy
/// it twice more, element by element.
/// @dev A sample is an array in memory with room around it. For n elements at `data`:
///   -128 offset of the array in the event's data, 0x80   ┐
///   -96  classification                                  │ data of the event
///   -64  time                                            │ AddData(int64[] d, uint64 c, uint256 t,
///   -32  cost                                            │   address indexed sender, uint256 cost)
///   0    n                                               │
///   32   the elements, a word each                       ┘ ┐ abi.encodePacked(
///   ...  classification, 8 bytes; time, 32; author, 20     ┘   data, classification, time, author)
/// `key` and `logAddData` write around the array, and a model may write a word behind it where it reads a sample: all
/// take only what `load` or `reserve` has made. A packed sample has the same room around it, with bytes for elements.
/// Elements are copied as they came, so a word that is no int64 stays one. Whoever reads it as a number
/// refuses it first: every model in its check of a sample, others by `requireInt64`.
library Samples {
    /// @dev The first topic of AddData(int64[] d, uint64 c, uint256 t, address indexed sender, uint256 cost).
    bytes32 internal constant ADD_DATA_TOPIC = keccak256("AddData(int64[],uint64,uint256,address,uint256)");

    /// @dev The first topic of AddPackedData(bytes d, uint64 c, uint256 t, address indexed sender, uint256 cost).
    bytes32 internal constant ADD_PACKED_DATA_TOPIC = keccak256("AddPackedData(bytes,uint64,uint256,address,uint256)");

    /// @notice Memory for a sample of `length` elements, not yet written.
    function reserve(uint256 length) internal pure returns (int64[] memory data) {
        assembly ("memory-safe") {
            data := add(mload(0x40), 0x80)
            mstore(data, length)
            // 32 bytes of length before the elements; 64 behind them, of which a key needs 60.
            mstore(0x40, add(data, add(shl(5, length), 0x60)))
        }
    }

    /// @notice Copies a sample to memory, with room around it.
    function load(int64[] calldata source) internal pure returns (int64[] memory data) {
        assembly ("memory-safe") {
            // As `reserve` does.
            data := add(mload(0x40), 0x80)
            let size := shl(5, source.length)
            mstore(data, source.length)
            let elements := add(data, 0x20)
            calldatacopy(elements, source.offset, size)
            mstore(0x40, add(add(elements, size), 0x40))
        }
    }

    /// @notice Copies a packed sample to memory, with the same room around it: n is its length in bytes then, and
    /// the bytes behind it are zero up to the end of a word.
    function loadPacked(bytes calldata source) internal pure returns (bytes memory packed) {
        assembly ("memory-safe") {
            packed := add(mload(0x40), 0x80)
            mstore(packed, source.length)
            let first := add(packed, 0x20)
            calldatacopy(first, source.offset, source.length)
            let end := add(first, source.length)
            mstore(end, 0)
            // 60 bytes for the rest of a key, more for zeros: free memory need not begin with a word.
            mstore(0x40, add(end, 0x60))
        }
    }

    /// @notice Where a sample is in memory.
    function place(int64[] memory data) internal pure returns (uint256 sample) {
        assembly ("memory-safe") {
            sample := data
        }
    }

    /// @notice The sample that is at a place of `place`.
    function at(uint256 sample) internal pure returns (int64[] memory data) {
        assembly ("memory-safe") {
            data := sample
        }
    }

    /// @notice Where a packed sample is in memory, marked as packed.
    function placePacked(bytes memory packed) internal pure returns (uint256 sample) {
        assembly ("memory-safe") {
            sample := not(packed)
        }
    }

    /// @notice Whether a place is one of `placePacked`: no memory reaches as far.
    function isPacked(uint256 sample) internal pure returns (bool) {
        return sample >> 255 != 0;
    }

    /// @notice The packed sample that is at a place of `placePacked`, and that a key was made of.
    function packedAt(uint256 sample) internal pure returns (bytes memory packed) {
        assembly ("memory-safe") {
            packed := not(sample)
        }
        endPacked(packed);
    }

    /// @notice Zeros again behind the bytes of a packed sample, as `loadPacked` has left them: before it is read, or
    /// logged, after a key was made of it.
    function endPacked(bytes memory packed) internal pure {
        assembly ("memory-safe") {
            mstore(add(add(packed, 0x20), mload(packed)), 0)
        }
    }

    /// @notice Reverts for a word that is no int64, as Solidity does.
    function requireInt64(int64[] memory data) internal pure {
        assembly ("memory-safe") {
            let element := add(data, 0x20)
            // An int64 plus 2**63 has 64 bits; anything else has more.
            for { let end := add(element, shl(5, mload(data))) } lt(element, end) { element := add(element, 0x20) } {
                if shr(64, add(mload(element), 0x8000000000000000)) { revert(0, 0) }
            }
        }
    }

    /// @notice The same with twice the code and half the gas, for whoever asks it of every sample.
    function requireInt64Fast(int64[] memory data) internal pure {
        assembly ("memory-safe") {
            let element := add(data, 0x20)
            let end := add(element, shl(5, mload(data)))
            let seen := 0
            for {} lt(element, sub(end, 0x60)) { element := add(element, 0x80) } {
                seen := or(seen, add(mload(element), 0x8000000000000000))
                seen := or(seen, add(mload(add(element, 0x20)), 0x8000000000000000))
                seen := or(seen, add(mload(add(element, 0x40)), 0x8000000000000000))
                seen := or(seen, add(mload(add(element, 0x60)), 0x8000000000000000))
            }
            for {} lt(element, end) { element := add(element, 0x20) } {
                seen := or(seen, add(mload(element), 0x8000000000000000))
            }
            if shr(64, seen) { revert(0, 0) }
        }
    }

    /// @notice keccak256(abi.encodePacked(data, classification, time, author)), DCAI's key of a contribution.
    function key(int64[] memory data, uint64 classification, uint256 time, address author)
        internal
        pure
        returns (bytes32 hash)
    {
        uint256 first;
        uint256 size;
        assembly ("memory-safe") {
            first := add(data, 0x20)
            size := shl(5, mload(data))
        }
        return _hash(first, size, classification, time, author);
    }

    /// @notice The key of a contribution that came packed: all bits of
    /// keccak256(abi.encodePacked(packed, classification, time, author)) turned round.
    /// @dev A byte string can be the words of an `int64[]`. Turned round, no packed key is the key of any array:
    /// two hashes would have to be each other's complement. See `endPacked`.
    function packedKey(bytes memory packed, uint64 classification, uint256 time, address author)
        internal
        pure
        returns (bytes32 hash)
    {
        uint256 first;
        assembly ("memory-safe") {
            first := add(packed, 0x20)
        }
        return ~_hash(first, packed.length, classification, time, author);
    }

    /// @notice Emits AddData from the copy that the key was made from.
    function logAddData(int64[] memory data, uint64 classification, uint256 time, address sender, uint256 cost)
        internal
    {
        uint256 first;
        uint256 size;
        assembly ("memory-safe") {
            first := data
            size := shl(5, mload(data))
        }
        _log(ADD_DATA_TOPIC, first, size, classification, time, sender, cost);
    }

    /// @notice Emits AddPackedData from the copy that the key was made from.
    function logAddPackedData(bytes memory packed, uint64 classification, uint256 time, address sender, uint256 cost)
        internal
    {
        uint256 first;
        uint256 size;
        assembly ("memory-safe") {
            first := packed
            // Up to the end of a word.
            size := and(add(mload(packed), 31), not(31))
        }
        _log(ADD_PACKED_DATA_TOPIC, first, size, classification, time, sender, cost);
    }

    /// @dev The hash of `size` bytes at `first` with what follows them in a key.
    function _hash(uint256 first, uint256 size, uint64 classification, uint256 time, address author)
        private
        pure
        returns (bytes32 hash)
    {
        assembly ("memory-safe") {
            let tail := add(first, size)
            // 8 + 32 + 20 bytes, the last first: what is too much of a word is overwritten by the next.
            mstore(add(tail, 28), author)
            mstore(tail, shl(192, classification))
            mstore(add(tail, 8), time)
            hash := keccak256(first, add(size, 60))
        }
    }

    /// @dev Emits the event of a sample of which `size` bytes follow the length word at `sample`.
    function _log(
        bytes32 topic,
        uint256 sample,
        uint256 size,
        uint64 classification,
        uint256 time,
        address sender,
        uint256 cost
    ) private {
        assembly ("memory-safe") {
            let first := sub(sample, 0x80)
            mstore(first, 0x80)
            mstore(add(first, 0x20), and(classification, 0xffffffffffffffff))
            mstore(add(first, 0x40), time)
            mstore(add(first, 0x60), cost)
            log2(first, add(0xa0, size), topic, shr(96, shl(96, sender)))
        }
    }
}
