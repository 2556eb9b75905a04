// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {Refusals} from "./Refusals.sol";

/// @title Why a compiled model refuses a call: errors that most models have
abstract contract ModelErrors is Refusals {
    /// @notice A dense sample has another number of values than the model has features.
    error SampleLengthMismatch(uint256 expected, uint256 actual);

    /// @notice A sample of indices is longer than this contract takes.
    error SampleTooLong(uint256 length, uint256 limit);

    /// @notice The index at `position` is negative, or not below the number of features.
    error FeatureIndexOutOfRange(uint256 position, int64 index);

    /// @notice There is no such class.
    error ClassOutOfRange(uint64 classification, uint256 numClassifications);

    /// @notice The update would take a stored intercept out of its range. Nothing was changed.
    error InterceptOverflow(uint256 row, int256 value);

    /// @notice A value does not fit in the type in which DCAI's interface returns it.
    error ValueNotRepresentable(int256 value);

    /// @notice There is no item with this index.
    error IndexOutOfRange(uint256 index, uint256 length);
}
