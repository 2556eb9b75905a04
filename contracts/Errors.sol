// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

// Every revert of a compiled classifier, with the value that caused it.

/// @notice A dense sample has another number of values than the model has features.
error SampleLengthMismatch(uint256 expected, uint256 actual);

/// @notice A sample of indices is empty: there is nothing to predict from.
error EmptySample();

/// @notice A sample of indices is longer than this contract takes.
error SampleTooLong(uint256 length, uint256 limit);

/// @notice A packed sample has bytes that are no whole element.
error PackedLengthInvalid(uint256 length, uint256 elementBits);

/// @notice The index at `position` is negative, or not below the number of features.
error FeatureIndexOutOfRange(uint256 position, int64 index);

/// @notice The pair at `position` has an index that is not above the one before it.
error IndicesNotIncreasing(uint256 position, int64 index);

/// @notice The value at `position` is below zero, where only counts make sense.
error NegativeFeatureValue(uint256 position, int64 value);

/// @notice The index at `position` is no category of that column: training never saw it.
error CategoryOutOfRange(uint256 position, int64 index);

/// @notice The value at `position` is larger than `update` can be proved safe for.
error FeatureValueOutOfRange(uint256 position, int64 value, int64 limit);

/// @notice The sample's squared norm is outside of what `update` is proved stable for. 0: no upper limit.
error SquaredNormOutOfRange(uint256 squaredNorm, uint256 minimum, uint256 maximum);

/// @notice There is no such class.
error ClassOutOfRange(uint64 classification, uint256 numClassifications);

/// @notice The update would take a stored weight out of its lane. Nothing was changed.
error LaneOverflow(uint256 lane, int256 value);

/// @notice The update would take a stored intercept out of its range. Nothing was changed.
error InterceptOverflow(uint256 row, int256 value);

/// @notice This model was compiled to never change.
error ModelIsFrozen();

/// @notice Only the owner may do this.
error NotOwner(address caller);

/// @notice Ownership cannot be given to the zero address.
error OwnerIsZero();

/// @notice The code at `base` is not the published parameters that this model was compiled with.
error BaseMismatch(address base, bytes32 expected, bytes32 actual);

/// @notice A value does not fit in the type in which DCAI's interface returns it.
error ValueNotRepresentable(int256 value);

/// @notice There is no item with this index.
error IndexOutOfRange(uint256 index, uint256 length);

/// @notice A lesson names one feature more often than a sample may: `limit` times.
error FeatureRepeated(uint256 position, int64 index, uint256 limit);

// Every revert of a trainer, a data handler and an incentive mechanism.

/// @notice The model is taught through `addData` only, under its incentive mechanism.
error TeachThroughAddData();

/// @notice The deposit is `cost` now, and only `sent` came with the call.
error DepositTooLow(uint256 cost, uint256 sent);

/// @notice The deposit is `cost` now, more than the `maxCost` that the sender allows.
error CostAboveMaximum(uint256 cost, uint256 maxCost);

/// @notice `receiver` did not take the `amount` that is due to it.
error PaymentFailed(address receiver, uint256 amount);

/// @notice A call came in while another one was still paying.
error Reentered();

/// @notice This sample was added by this sender in this very second already.
error ContributionExists(bytes32 dataKey);

/// @notice Nobody contributed this sample with this label, author and time.
error ContributionUnknown(bytes32 dataKey);

/// @notice Nothing of this deposit is left to claim.
error NothingToClaim();

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

/// @notice The waits must be in order, and a refund must wait at least a second.
error WaitsNotInOrder(uint256 refundWait, uint256 ownerClaimWait, uint256 anyAddressClaimWait);

/// @notice With this cost weight a deposit would be free some day, or not fit into a record.
error CostWeightOutOfRange(uint256 costWeight, uint256 minimum, uint256 maximum);

/// @notice The incentive mechanism grants `granted`, and only `available` is there.
error GrantTooHigh(uint256 granted, uint256 available);

/// @notice The incentive mechanism refunds `granted` of the `claimable` rest, which nobody could claim then.
error RefundIncomplete(uint256 granted, uint256 claimable);

/// @notice This part works for the trainer `owner`, and cannot be handed on.
error HandedOver(address owner);
