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
        (Packed storage record, uint256 word, Claim memory claim) = _claimOf(
            Samples.key(data, classification, addedTime, msg.sender), classification, addedTime, msg.sender
        );
        return _closeRefund(record, word, claim, _decide(_scores(data)));
    }

    function _settleReport(int64[] memory data, uint64 classification, uint256 addedTime, address originalAuthor)
        internal
        override
        returns (uint256)
    {
        (Packed storage record, uint256 word, Claim memory claim) = _claimOf(
            Samples.key(data, classification, addedTime, originalAuthor), classification, addedTime, originalAuthor
        );
        uint64 prediction = 0;
        bool all = _openReport(claim);
        if (!all) prediction = _decide(_scores(data));
        return _closeReport(record, word, claim, all, prediction);
    }

    // WHATEVER FORM THE SAMPLE HAS: contributions are known by their keys

    /// @dev Charges the price of a contribution in this block, and begins its record.
    function _begin(bytes32 key, uint64 classification) internal returns (uint256 cost) {
        cost = _charge(msg.value);
        _record(key, classification, msg.sender, cost);
    }

    /// @dev A claim of the sender, and the record that it is about, which must be there.
    function _claimOf(bytes32 key, uint64 classification, uint256 addedTime, address author)
        internal
        view
        returns (Packed storage record, uint256 word, Claim memory claim)
    {
        (record, word) = _findWord(key);
        claim = Claim({
            claimant: msg.sender,
            author: author,
            classification: classification,
            addedTime: addedTime,
            initialDeposit: _depositOf(word),
            claimable: _claimableOf(word),
            numClaims: _claimsOf(word),
            dataKey: key,
            claimedBefore: false
        });
    }

    /// @dev Pays the author, or says why not.
    function _closeRefund(Packed storage record, uint256 word, Claim memory claim, uint64 prediction)
        internal
        returns (uint256 amount)
    {
        amount = _grantRefund(claim, prediction);
        _claim(claim.dataKey, record, word, msg.sender, amount);
    }

    /// @dev Whether a reporter takes all that is left: then whatever the model predicts.
    function _openReport(Claim memory claim) internal view returns (bool all) {
        _requireOpen(claim);
        return _takesAll(claim);
    }

    /// @dev Pays the reporter, or says why not.
    function _closeReport(Packed storage record, uint256 word, Claim memory claim, bool all, uint64 prediction)
        internal
        returns (uint256 amount)
    {
        amount = _grantReport(claim, all, prediction);
        _claim(claim.dataKey, record, word, msg.sender, amount);
    }

    /// @dev Asked for only where the rules do: it may have to be read from a slot of its own.
    function _claimedBefore(Claim memory claim) internal view override returns (bool) {
        return claim.numClaims != 0 && _hasClaimed(claim.dataKey, claim.claimant);
    }

    function _creator() internal view override returns (address) {
        return owner;
    }
}
