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
        Record memory record = _find(key);
        amount = _grantRefund(_request(key, record, classification, addedTime, msg.sender), _decide(_scores(data)));
        _claim(key, record, msg.sender, amount);
    }

    function _settleReport(int64[] memory data, uint64 classification, uint256 addedTime, address originalAuthor)
        internal
        override
        returns (uint256 amount)
    {
        bytes32 key = Samples.key(data, classification, addedTime, originalAuthor);
        Record memory record = _find(key);
        Claim memory claim = _request(key, record, classification, addedTime, originalAuthor);
        _requireOpen(claim);
        // Who takes all that is left takes it whatever the model predicts.
        bool all = _takesAll(claim);
        amount = _grantReport(claim, all, all ? 0 : _decide(_scores(data)));
        _claim(key, record, msg.sender, amount);
    }

    function _request(bytes32 key, Record memory record, uint64 classification, uint256 addedTime, address author)
        private
        view
        returns (Claim memory claim)
    {
        claim.claimant = msg.sender;
        claim.author = author;
        claim.classification = classification;
        claim.addedTime = addedTime;
        claim.initialDeposit = record.initialDeposit;
        claim.claimable = record.claimable;
        claim.numClaims = record.numClaims;
        claim.dataKey = key;
    }

    /// @dev Asked for only where the rules do: it may have to be read from a slot of its own.
    function _claimedBefore(Claim memory claim) internal view override returns (bool) {
        return claim.numClaims != 0 && _hasClaimed(claim.dataKey, claim.claimant);
    }

    function _creator() internal view override returns (address) {
        return owner;
    }
}
