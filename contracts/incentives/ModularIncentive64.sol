// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {OwnerIsZero, NotOwner} from "../Errors.sol";
import {Part64} from "../Part64.sol";
import {IIncentiveOwner64} from "../interfaces/IIncentiveMechanism64.sol";
import {Incentive64} from "./Incentive64.sol";

/// @title An incentive mechanism that is a contract of its own
/// @notice Its owner is the trainer, which alone may report what happens. Its creator is a person, who
/// put it on chain.
abstract contract ModularIncentive64 is Part64, Incentive64, IIncentiveOwner64 {
    address private creatorAccount = msg.sender;

    /// @notice The right to claim after `ownerClaimWaitTimeS` moved on.
    event CreatorTransferred(address indexed previousCreator, address indexed newCreator);

    /// @notice Hand the right to claim after `ownerClaimWaitTimeS` over.
    function transferCreator(address newCreator) external {
        if (msg.sender != creatorAccount) revert NotOwner(msg.sender);
        if (newCreator == address(0)) revert OwnerIsZero();
        emit CreatorTransferred(creatorAccount, newCreator);
        creatorAccount = newCreator;
    }

    /// @inheritdoc IIncentiveOwner64
    function handleAddData(uint256 msgValue, int64[] calldata, uint64) external onlyTrainer returns (uint256 cost) {
        return _charge(msgValue);
    }

    /// @inheritdoc IIncentiveOwner64
    function handleRefund(
        address submitter,
        int64[] calldata,
        uint64 classification,
        uint256 addedTime,
        uint256 claimableAmount,
        bool claimedBySubmitter,
        uint64 prediction,
        uint256 numClaims
    ) external onlyTrainer returns (uint256 refundAmount) {
        Claim memory claim;
        claim.claimant = submitter;
        claim.author = submitter;
        claim.classification = classification;
        claim.addedTime = addedTime;
        claim.claimable = claimableAmount;
        claim.claimedBefore = claimedBySubmitter;
        claim.numClaims = numClaims;
        return _grantRefund(claim, prediction);
    }

    /// @inheritdoc IIncentiveOwner64
    function handleReport(
        address reporter,
        int64[] calldata,
        uint64 classification,
        uint256 addedTime,
        address originalAuthor,
        uint256 initialDeposit,
        uint256 claimableAmount,
        bool claimedByReporter,
        uint64 prediction,
        uint256 numClaims
    ) external onlyTrainer returns (uint256 rewardAmount) {
        Claim memory claim;
        claim.claimant = reporter;
        claim.author = originalAuthor;
        claim.classification = classification;
        claim.addedTime = addedTime;
        claim.initialDeposit = initialDeposit;
        claim.claimable = claimableAmount;
        claim.claimedBefore = claimedByReporter;
        claim.numClaims = numClaims;
        _requireOpen(claim);
        return _grantReport(claim, _takesAll(claim), prediction);
    }

    function _claimedBefore(Claim memory claim) internal pure override returns (bool) {
        return claim.claimedBefore;
    }

    function _creator() internal view override returns (address) {
        return creatorAccount;
    }
}
