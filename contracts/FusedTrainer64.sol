// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {TeachThroughAddData} from "./Errors.sol";
import {Model64} from "./Model64.sol";
import {Ownable} from "./Ownable.sol";
import {PackedContributions64} from "./data/PackedContributions64.sol";
import {Incentive64} from "./incentives/Incentive64.sol";
import {Samples} from "./libraries/Samples.sol";
import {PackedTrainer64} from "./trainers/PackedTrainer64.sol";

/// @title Trainer, data handler, incentive mechanism and classifier in one contract
/// @notice The owner is the model's creator. Nobody, the owner included, can teach past the incentive.
abstract contract FusedTrainer64 is Ownable, Incentive64, PackedContributions64, PackedTrainer64, Model64 {
    /// @notice This contract is its own data handler.
    function dataHandler() external view returns (address) {
        return address(this);
    }

    /// @notice This contract is its own incentive mechanism.
    function incentiveMechanism() external view returns (address) {
        return address(this);
    }

    /// @notice This contract is its own classifier.
    function classifier() external view returns (address) {
        return address(this);
    }

    /// @notice Always reverts: the model is taught through `addData`.
    function update(int64[] calldata, uint64) external pure {
        revert TeachThroughAddData();
    }

    /// @notice `predict` of a packed sample.
    function predictPacked(bytes calldata packed) external view returns (uint64 classification) {
        return _decide(_scores(_unpack(packed)));
    }

    function _accept(int64[] memory data, uint64 classification)
        internal
        override
        returns (uint256 cost, uint256 time)
    {
        cost = _charge(msg.value);
        _record(data, classification, msg.sender, cost);
        _update(data, classification);
        time = block.timestamp;
    }

    function _settleRefund(int64[] memory data, uint64 classification, uint256 addedTime)
        internal
        override
        returns (uint256 amount)
    {
        bytes32 key = Samples.key(data, classification, addedTime, msg.sender);
        (Packed storage record, uint256 word) = _findWord(key);
        uint256 claimable = _claimableOf(word);
        _requireOpen(msg.sender, claimable, _claimsOf(word));
        bool claimedBefore = _hasClaimed(key, word, msg.sender);
        uint64 prediction = _decide(_scores(data));
        amount = _refund(msg.sender, classification, _since(addedTime), claimable, claimedBefore, prediction);
        // A refund takes all that is left.
        _claim(key, record, word, 0);
    }

    function _settleReport(int64[] memory data, uint64 classification, uint256 addedTime, address originalAuthor)
        internal
        override
        returns (uint256 amount)
    {
        bytes32 key = Samples.key(data, classification, addedTime, originalAuthor);
        (Packed storage record, uint256 word) = _findWord(key);
        amount = _claimableOf(word);
        _requireOpen(msg.sender, amount, _claimsOf(word));
        uint256 left = 0;
        // Who takes all that is left takes it whatever the model predicts.
        if (!_takesAll(msg.sender, originalAuthor, _since(addedTime))) {
            _requireReporter(msg.sender, originalAuthor, _since(addedTime), _hasClaimed(key, word, msg.sender));
            _requireDisagreement(_decide(_scores(data)), classification);
            left = amount;
            amount = _shareOf(msg.sender, _depositOf(word), left);
            unchecked {
                // A share is never more than was left.
                left -= amount;
            }
        }
        amount = _grantReport(msg.sender, amount);
        _claim(key, record, word, left);
    }

    /// @dev Seconds since a contribution. There is a record with its time: it is not in the future.
    function _since(uint256 addedTime) private view returns (uint256) {
        unchecked {
            return block.timestamp - addedTime;
        }
    }

    function _creator() internal view override returns (address) {
        return owner;
    }
}
