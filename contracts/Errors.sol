// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

// Every revert of a compiled classifier, with the value that caused it, beside those in `ModelErrors`.

/// @notice A sample of indices is empty: there is nothing to predict from.
error EmptySample();

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

/// @notice The update would take a stored weight out of its lane. Nothing was changed.
error LaneOverflow(uint256 lane, int256 value);

/// @notice This model was compiled to never change.
error ModelIsFrozen();

/// @notice Only the owner may do this.
error NotOwner(address caller);

/// @notice Ownership cannot be given to the zero address.
error OwnerIsZero();

/// @notice The code at `base` is not the published parameters that this model was compiled with.
error BaseMismatch(address base, bytes32 expected, bytes32 actual);

/// @notice A lesson names one feature more often than a sample may: `limit` times.
error FeatureRepeated(uint256 position, int64 index, uint256 limit);

// Of a trainer, a data handler and an incentive mechanism, beside those in `TrainerErrors`.

/// @notice The model is taught through `addData` only, under its incentive mechanism.
error TeachThroughAddData();

/// @notice A call came in while another one was still paying.
error Reentered();

/// @notice Nothing of this deposit is left to claim.
error NothingToClaim();

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
