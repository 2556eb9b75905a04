// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {Refusals} from "./Refusals.sol";

/// @title Why a trainer, a data handler or an incentive mechanism refuses a call
abstract contract TrainerErrors is Refusals {
    /// @notice A packed sample has bytes that are no whole element.
    error PackedLengthInvalid(uint256 length, uint256 elementBits);

    /// @notice The deposit is `cost` now, and only `sent` came with the call.
    error DepositTooLow(uint256 cost, uint256 sent);

    /// @notice The deposit is `cost` now, more than the `maxCost` that the sender allows.
    error CostAboveMaximum(uint256 cost, uint256 maxCost);

    /// @notice `receiver` did not take the `amount` that is due to it.
    error PaymentFailed(address receiver, uint256 amount);

    /// @notice This sample was added by this sender in this very second already.
    error ContributionExists(bytes32 dataKey);

    /// @notice Nobody contributed this sample with this label, author and time.
    error ContributionUnknown(bytes32 dataKey);

    /// @notice The claimant has claimed this contribution before.
    error AlreadyClaimed(address claimant);

    /// @notice Only authors ask for a refund, and only others report.
    error OwnContribution(address author);

    /// @notice `waited` seconds have passed since the contribution, `required` are needed.
    error TooEarly(uint256 waited, uint256 required);

    /// @notice The model predicts another class than was contributed: no refund.
    error ModelDisagrees(uint64 prediction, uint64 classification);

    /// @notice The model predicts the class that was contributed: nothing to report.
    error ModelAgrees(uint64 classification);

    /// @notice The reporter has no validated contribution of its own.
    error NoValidatedContribution(address reporter);

    /// @notice A price was asked for a time before the last contribution.
    error TimeBeforeLastUpdate(uint256 time, uint256 lastUpdate);
}
