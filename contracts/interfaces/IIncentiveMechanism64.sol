// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

/// @title DCAI's incentive mechanism: what a contribution costs, and who gets the deposit
/// @notice What its clients read; `IIncentiveOwner64` is what its trainer calls.
interface IIncentiveMechanism64 {
    /// @notice Seconds after which an author may ask for a refund, and others may report.
    function refundWaitTimeS() external view returns (uint32);

    /// @notice Seconds after which the model's creator may take what is left.
    function ownerClaimWaitTimeS() external view returns (uint32);

    /// @notice Seconds after which others may take what is left.
    function anyAddressClaimWaitTimeS() external view returns (uint32);

    /// @notice The deposit of a contribution in this block, in wei.
    function getNextAddDataCost() external view returns (uint256);

    /// @notice The deposit of a contribution at `currentTimeS` if nobody contributes before, in wei.
    function getNextAddDataCost(uint256 currentTimeS) external view returns (uint256);

    /// @notice The deposit of this contribution in this block, in wei: the same for all samples.
    function getNextAddDataCost(int64[] calldata data, uint64 classification) external view returns (uint256);

    /// @notice Contributions so far.
    function totalSubmitted() external view returns (uint256);

    /// @notice Validated contributions so far: those that were refunded.
    function totalGoodDataCount() external view returns (uint256);

    /// @notice Validated contributions of an address, and 0: as in DCAI nobody counts the submitted ones.
    function addressStats(address account) external view returns (uint128 numValid, uint128 numSubmitted);

    /// @notice Validated contributions of an address.
    function numValidForAddress(address account) external view returns (uint128);
}

/// @title What DCAI's trainer calls of its incentive mechanism
interface IIncentiveOwner64 {
    /// @notice Charge for a contribution.
    function handleAddData(uint256 msgValue, int64[] calldata data, uint64 classification)
        external
        returns (uint256 cost);

    /// @notice Grant a refund, or refuse it.
    function handleRefund(
        address submitter,
        int64[] calldata data,
        uint64 classification,
        uint256 addedTime,
        uint256 claimableAmount,
        bool claimedBySubmitter,
        uint64 prediction,
        uint256 numClaims
    ) external returns (uint256 refundAmount);

    /// @notice Grant a reward for a report, or refuse it.
    function handleReport(
        address reporter,
        int64[] calldata data,
        uint64 classification,
        uint256 addedTime,
        address originalAuthor,
        uint256 initialDeposit,
        uint256 claimableAmount,
        bool claimedByReporter,
        uint64 prediction,
        uint256 numClaims
    ) external returns (uint256 rewardAmount);
}
