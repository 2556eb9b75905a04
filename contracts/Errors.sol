// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

// Every revert of a compiled classifier, with the value that caused it.

/// @notice A dense sample has another number of values than the model has features.
error SampleLengthMismatch(uint256 expected, uint256 actual);

/// @notice A sample of indices is empty: there is nothing to predict from.
error EmptySample();

/// @notice A sample of indices is longer than this contract takes.
error SampleTooLong(uint256 length, uint256 limit);

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
