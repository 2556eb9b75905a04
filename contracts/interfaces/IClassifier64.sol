// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

/// @title DCAI's classifier for samples of 64-bit values
/// @notice The external interface of `Classifier64` in "Sharing Updatable Models on Blockchain"
/// (microsoft/0xDeCA10B), as its clients and its trainer call it.
interface IClassifier64 {
    /// @notice The class of a sample.
    /// @param data an encoded sample
    /// @return classification index of the class, for `classifications`
    function predict(int64[] calldata data) external view returns (uint64 classification);

    /// @notice Make one training step. Only for the owner.
    /// @param data an encoded sample
    /// @param classification index of its class
    function update(int64[] calldata data, uint64 classification) external;

    /// @notice The Euclidean norm of a dense sample at scale `toFloat`, rounded down.
    /// @dev Reverts for samples of indices, which need no normalization.
    function norm(int64[] calldata data) external pure returns (uint256);

    /// @notice What 1.0 is in DCAI's units.
    function toFloat() external pure returns (uint32);

    /// @notice The name of a class.
    function classifications(uint256 index) external view returns (string memory);

    /// @notice The number of classes.
    function getNumClassifications() external view returns (uint256);

    /// @notice Which value of a shared encoder feature `index` is.
    function featureIndices(uint256 index) external view returns (uint32);

    /// @notice The number of feature indices; 0 for all values of the encoder, in order.
    function getNumFeatureIndices() external view returns (uint256);
}
