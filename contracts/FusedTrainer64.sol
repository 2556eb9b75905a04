// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {TeachThroughAddData} from "./Errors.sol";
import {Model64} from "./Model64.sol";
import {Ownable} from "./Ownable.sol";
import {PackedContributions64} from "./data/PackedContributions64.sol";
import {Incentive64} from "./incentives/Incentive64.sol";
import {Samples} from "./libraries/Samples.sol";
import {Trainer64} from "./trainers/Trainer64.sol";

/// @title Trainer, data handler, incentive mechanism and classifier in one contract
/// @notice The owner is the model's creator. Nobody, the owner included, can teach past the incentive.
abstract contract FusedTrainer64 is Ownable, Incentive64, PackedContributions64, Trainer64, Model64 {
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

    function _accept(int64[] memory data, uint64 classification)
        internal
        override
        returns (uint256 cost, uint256 time)
    {
        time = block.timestamp;
        cost = _begin(Samples.key(data, classification, time, msg.sender), classification);
        _update(data, classification);
    }

    function _settleRefund(int64[] memory data, uint64 classification, uint256 addedTime)
        internal
        override
        returns (uint256)
    {
        bytes32 key = Samples.key(data, classification, addedTime, msg.sender);
        return _settleRefundOf(key, Samples.place(data), classification, addedTime);
    }

    function _settleReport(int64[] memory data, uint64 classification, uint256 addedTime, address originalAuthor)
        internal
        override
        returns (uint256)
    {
        bytes32 key = Samples.key(data, classification, addedTime, originalAuthor);
        return _settleReportOf(key, Samples.place(data), classification, addedTime, originalAuthor);
    }

    // A contribution is known by its key, whichever form its sample has. What is in memory at `sample` is looked at
    // only where the rules ask what the model predicts.

    /// @dev The class that is predicted for the sample in memory at `sample`.
    function _classOf(uint256 sample) internal view virtual returns (uint64 classification) {
        return _decide(_scores(Samples.at(sample)));
    }

    /// @dev Charges the price of a contribution in this block, and begins its record.
    function _begin(bytes32 key, uint64 classification) internal returns (uint256 cost) {
        cost = _charge(msg.value);
        _record(key, classification, msg.sender, cost);
    }

    function _settleRefundOf(bytes32 key, uint256 sample, uint64 classification, uint256 addedTime)
        internal
        returns (uint256 amount)
    {
        (Packed storage record, uint256 word) = _findWord(key);
        uint256 claimable = _claimableOf(word);
        _requireOpen(msg.sender, claimable, _claimsOf(word));
        bool claimedBefore = _hasClaimed(key, word, msg.sender);
        uint64 prediction = _classOf(sample);
        amount = _refund(msg.sender, classification, _since(addedTime), claimable, claimedBefore, prediction);
        // A refund takes all that is left.
        _claim(key, record, word, 0);
    }

    function _settleReportOf(
        bytes32 key,
        uint256 sample,
        uint64 classification,
        uint256 addedTime,
        address originalAuthor
    ) internal returns (uint256 amount) {
        (Packed storage record, uint256 word) = _findWord(key);
        amount = _claimableOf(word);
        _requireOpen(msg.sender, amount, _claimsOf(word));
        uint256 left = 0;
        // Who takes all that is left takes it whatever the model predicts.
        if (!_takesAll(msg.sender, originalAuthor, _since(addedTime))) {
            _requireReporter(msg.sender, originalAuthor, _since(addedTime), _hasClaimed(key, word, msg.sender));
            _requireDisagreement(_classOf(sample), classification);
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
