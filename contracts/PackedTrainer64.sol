// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {EmptySample} from "./Errors.sol";
import {FusedTrainer64} from "./FusedTrainer64.sol";
import {Samples} from "./libraries/Samples.sol";

/// @title The same calls with samples in few bytes
/// @notice An element of an `int64[]` takes 32 bytes of calldata and of the event, most of them zeros that are
/// paid for. Here a sample is a byte string, in the form that `packing` describes.
/// @dev A packed sample stands for the `int64[]` that it unpacks to: same checks, same lesson, same prediction.
/// Its contribution has a key of its own, that of the bytes (`Samples.packedKey`), so that nothing is unpacked to
/// find it: what was added packed is refunded and reported packed, and the other way round.
abstract contract PackedTrainer64 is FusedTrainer64 {
    /// @notice A contribution, like AddData, with its sample as it was sent.
    event AddPackedData(bytes d, uint64 c, uint256 t, address indexed sender, uint256 cost);

    // What a generated contract fills in. Packed samples are in memory of `Samples`.

    /// @dev What a packed sample looks like.
    function packing() external pure virtual returns (uint256 elementBits, uint256 unit);

    /// @dev The sample that `packed` stands for; reverts where it stands for none.
    function _unpack(bytes memory packed) internal pure virtual returns (int64[] memory data);

    /// @dev `_scores` of what `packed` stands for.
    function _packedScores(bytes memory packed) internal view virtual returns (int256[] memory scores);

    /// @dev `_update` with what `packed` stands for.
    function _packedUpdate(bytes memory packed, uint64 classification) internal virtual;

    /// @notice `predict` of a packed sample.
    function predictPacked(bytes calldata packed) external view returns (uint64 classification) {
        return _decide(_packedScores(Samples.loadPacked(packed)));
    }

    /// @notice `addData` of a packed sample.
    function addPackedData(bytes calldata packed, uint64 classification) external payable nonReentrant {
        if (packed.length == 0) revert EmptySample();
        bytes memory sample = Samples.loadPacked(packed);
        uint256 cost = _begin(Samples.packedKey(sample, classification, block.timestamp, msg.sender), classification);
        Samples.endPacked(sample);
        _packedUpdate(sample, classification);
        unchecked {
            // The price was asked of what was sent.
            _pay(msg.sender, msg.value - cost);
        }
        Samples.logAddPackedData(sample, classification, block.timestamp, msg.sender, cost);
    }

    /// @notice `refund` of a packed sample.
    function refundPacked(bytes calldata packed, uint64 classification, uint256 addedTime) external {
        bytes memory sample = Samples.loadPacked(packed);
        bytes32 key = Samples.packedKey(sample, classification, addedTime, msg.sender);
        _claimRefund(key, Samples.placePacked(sample), classification, addedTime);
    }

    /// @notice `report` of a packed sample.
    function reportPacked(bytes calldata packed, uint64 classification, uint256 addedTime, address originalAuthor)
        external
    {
        bytes memory sample = Samples.loadPacked(packed);
        bytes32 key = Samples.packedKey(sample, classification, addedTime, originalAuthor);
        _claimReport(key, Samples.placePacked(sample), classification, addedTime, originalAuthor);
    }

    function _classOf(uint256 sample) internal view override returns (uint64 classification) {
        if (!Samples.isPacked(sample)) return super._classOf(sample);
        return _decide(_packedScores(Samples.packedAt(sample)));
    }

    /// @dev How many elements there are; a sample takes no more bytes than they need.
    function _packedLength(bytes memory packed, uint256 elementBits) internal pure returns (uint256 length) {
        uint256 needed;
        assembly ("memory-safe") {
            // Bits of an element are never 0.
            length := div(shl(3, mload(packed)), elementBits)
            needed := shr(3, add(mul(length, elementBits), 7))
        }
        if (needed != packed.length) _refuse(PackedLengthInvalid.selector, packed.length, elementBits);
    }
}
