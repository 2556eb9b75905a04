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
    /// @notice Who may take what is left of a deposit after `ownerClaimWaitTimeS`.
    address public creator = msg.sender;

    /// @notice The right to claim after `ownerClaimWaitTimeS` moved on.
    event CreatorTransferred(address indexed previousCreator, address indexed newCreator);

    /// @notice Hand the right to claim after `ownerClaimWaitTimeS` over.
    function transferCreator(address newCreator) external {
        if (msg.sender != creator) revert NotOwner(msg.sender);
        if (newCreator == address(0)) revert OwnerIsZero();
        emit CreatorTransferred(creator, newCreator);
        creator = newCreator;
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
        _requireOpen(submitter, claimableAmount, numClaims);
        return _refund(
            submitter, classification, block.timestamp - addedTime, claimableAmount, claimedBySubmitter, prediction
        );
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
        _requireOpen(reporter, claimableAmount, numClaims);
        uint256 waited = block.timestamp - addedTime;
        if (!_takesAll(reporter, originalAuthor, waited)) {
            _requireReporter(reporter, originalAuthor, waited, claimedByReporter);
            _requireDisagreement(prediction, classification);
            claimableAmount = _shareOf(reporter, initialDeposit, claimableAmount);
        }
        return _grantReport(reporter, claimableAmount);
    }

    function _isCreator(address account) internal view override returns (bool) {
        return account == creator;
    }
}
