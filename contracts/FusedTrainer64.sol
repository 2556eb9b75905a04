// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {TeachThroughAddData} from "./Errors.sol";
import {Model64} from "./Model64.sol";
import {Ownable} from "./Ownable.sol";
import {PackedContributions64} from "./data/PackedContributions64.sol";
import {Incentive64} from "./incentives/Incentive64.sol";
import {ITrainer64} from "./interfaces/ITrainer64.sol";
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

    /// @inheritdoc ITrainer64
    function refund(int64[] calldata data, uint64 classification, uint256 addedTime) external {
        int64[] memory sample = Samples.load(data);
        bytes32 key = Samples.key(sample, classification, addedTime, msg.sender);
        _claimRefund(key, Samples.place(sample), classification, addedTime);
    }

    /// @inheritdoc ITrainer64
    function report(int64[] calldata data, uint64 classification, uint256 addedTime, address originalAuthor) external {
        int64[] memory sample = Samples.load(data);
        bytes32 key = Samples.key(sample, classification, addedTime, originalAuthor);
        _claimReport(key, Samples.place(sample), classification, addedTime, originalAuthor);
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

    /// @dev Settles a refund to the sender and pays it.
    function _claimRefund(bytes32 key, uint256 sample, uint64 classification, uint256 addedTime)
        internal
        nonReentrant
    {
        uint256 word = _findOpen(key);
        uint256 claimable = _leftOf(word);
        bool claimedBefore = _hasClaimed(key, word, msg.sender);
        uint64 prediction = _classOf(sample);
        uint256 amount = _refund(msg.sender, classification, _since(addedTime), claimable, claimedBefore, prediction);
        // A refund takes all that is left.
        _claim(key, word, 0);
        _pay(msg.sender, amount);
    }

    /// @dev Settles a report by the sender and pays it.
    function _claimReport(
        bytes32 key,
        uint256 sample,
        uint64 classification,
        uint256 addedTime,
        address originalAuthor
    ) internal nonReentrant {
        uint256 word = _findOpen(key);
        uint256 amount = _leftOf(word);
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
        _claim(key, word, left);
        _pay(msg.sender, amount);
    }

    /// @dev The record with this key, which must be there and not be settled.
    function _findOpen(bytes32 key) private view returns (uint256 word) {
        word = _word(key);
        if (word >> STATE_SHIFT != OPEN) {
            if (word == 0) _refuse(ContributionUnknown.selector, key);
            _refuseSettled(msg.sender);
        }
    }

    /// @dev Seconds since a contribution. There is a record with its time: it is not in the future.
    function _since(uint256 addedTime) private view returns (uint256) {
        unchecked {
            return block.timestamp - addedTime;
        }
    }

    function _isCreator(address account) internal view override returns (bool same) {
        assembly ("memory-safe") {
            // `account == owner`, without a mask for either.
            same := iszero(shl(96, xor(account, shr(shl(3, owner.offset), sload(owner.slot)))))
        }
    }
}
