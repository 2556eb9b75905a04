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
        Claim memory claim = Claim({
            claimant: msg.sender,
            author: msg.sender,
            classification: classification,
            addedTime: addedTime,
            initialDeposit: _depositOf(word),
            claimable: _claimableOf(word),
            numClaims: _claimsOf(word),
            dataKey: key,
            claimedBefore: false
        });
        amount = _grantRefund(claim, _decide(_scores(data)));
        _claim(key, record, word, msg.sender, amount);
    }

    function _settleReport(int64[] memory data, uint64 classification, uint256 addedTime, address originalAuthor)
        internal
        override
        returns (uint256 amount)
    {
        bytes32 key = Samples.key(data, classification, addedTime, originalAuthor);
        (Packed storage record, uint256 word) = _findWord(key);
        Claim memory claim = Claim({
            claimant: msg.sender,
            author: originalAuthor,
            classification: classification,
            addedTime: addedTime,
            initialDeposit: _depositOf(word),
            claimable: _claimableOf(word),
            numClaims: _claimsOf(word),
            dataKey: key,
            claimedBefore: false
        });
        _requireOpen(claim);
        // Who takes all that is left takes it whatever the model predicts.
        bool all = _takesAll(claim);
        amount = _grantReport(claim, all, all ? 0 : _decide(_scores(data)));
        _claim(key, record, word, msg.sender, amount);
    }

    /// @dev Asked for only where the rules do: it may have to be read from a slot of its own.
    function _claimedBefore(Claim memory claim) internal view override returns (bool) {
        return claim.numClaims != 0 && _hasClaimed(claim.dataKey, claim.claimant);
    }

    function _creator() internal view override returns (address) {
        return owner;
    }
}
