// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {Trainer64} from "./Trainer64.sol";

/// @title The same four calls with samples in few bytes
/// @notice An element of an `int64[]` takes 32 bytes of calldata and of the event, most of them zeros that are
/// paid for. Here a sample is a byte string, in the form that `packing` describes.
/// @dev A packed sample *is* the `int64[]` that it unpacks to: same checks, same lesson, and the same key. So a
/// contribution that was added packed can be refunded or reported either way, and the other way round. Only
/// its event differs: it has the bytes.
abstract contract PackedTrainer64 is Trainer64 {
    /// @notice A contribution, like AddData, with its sample as it was sent.
    event AddPackedData(bytes d, uint64 c, uint256 t, address indexed sender, uint256 cost);

    /// @dev The sample that `packed` stands for, in memory of `Samples`; reverts where it stands for none.
    function _unpack(bytes calldata packed) internal pure virtual returns (int64[] memory data);

    /// @dev The generated contract says what a packed sample looks like.
    function packing() external pure virtual returns (uint256 elementBits, uint256 unit);

    /// @dev How many elements there are; a sample takes no more bytes than they need.
    function _packedLength(bytes calldata packed, uint256 elementBits) internal pure returns (uint256 length) {
        unchecked {
            length = packed.length * 8 / elementBits;
            if ((length * elementBits + 7) / 8 != packed.length) {
                _refuse(PackedLengthInvalid.selector, packed.length, elementBits);
            }
        }
    }

    /// @notice `addData` of a packed sample.
    function addPackedData(bytes calldata packed, uint64 classification) external payable nonReentrant {
        (uint256 cost, uint256 time) = _take(_unpack(packed), classification, msg.value);
        emit AddPackedData(packed, classification, time, msg.sender, cost);
    }

    /// @notice `refund` of a packed sample.
    function refundPacked(bytes calldata packed, uint64 classification, uint256 addedTime) external nonReentrant {
        _pay(msg.sender, _settleRefund(_unpack(packed), classification, addedTime));
    }

    /// @notice `report` of a packed sample.
    function reportPacked(bytes calldata packed, uint64 classification, uint256 addedTime, address originalAuthor)
        external
        nonReentrant
    {
        _pay(msg.sender, _settleReport(_unpack(packed), classification, addedTime, originalAuthor));
    }
}
