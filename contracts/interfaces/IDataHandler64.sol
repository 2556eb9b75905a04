// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

/// @title DCAI's data handler: who contributed what, and what is left of the deposit
/// @notice What its clients read; `IDataHandlerOwner64` is what its trainer calls.
interface IDataHandler64 {
    /// @notice What is left of the deposit of a contribution, in wei.
    function getClaimableAmount(int64[] calldata data, uint64 classification, uint256 addedTime, address originalAuthor)
        external
        view
        returns (uint256);

    /// @notice The deposit of a contribution, in wei.
    function getInitialDeposit(int64[] calldata data, uint64 classification, uint256 addedTime, address originalAuthor)
        external
        view
        returns (uint256);

    /// @notice How many claims a contribution has had, refund and reports together.
    function getNumClaims(int64[] calldata data, uint64 classification, uint256 addedTime, address originalAuthor)
        external
        view
        returns (uint256);

    /// @notice Whether `claimer` has claimed this contribution.
    function hasClaimed(
        int64[] calldata data,
        uint64 classification,
        uint256 addedTime,
        address originalAuthor,
        address claimer
    ) external view returns (bool);

    /// @notice Whether two samples are equal.
    function isDataEqual(int64[] calldata d1, int64[] calldata d2) external pure returns (bool);

    /// @notice The record of a contribution; all 0 if there is none.
    /// @param dataKey keccak256(abi.encodePacked(data, classification, time, author))
    function addedData(bytes32 dataKey)
        external
        view
        returns (
            uint64 c,
            uint256 t,
            address sender,
            uint256 initialDeposit,
            uint256 claimableAmount,
            uint256 numClaims
        );
}

/// @title What DCAI's trainer calls of its data handler
interface IDataHandlerOwner64 {
    /// @notice Record a contribution.
    function handleAddData(address sender, uint256 cost, int64[] calldata data, uint64 classification)
        external
        returns (uint256 time);

    /// @notice Claim all that is left for the author.
    function handleRefund(address submitter, int64[] calldata data, uint64 classification, uint256 addedTime)
        external
        returns (uint256 claimableAmount, bool claimedBySubmitter, uint256 numClaims);

    /// @notice Note the claim of a reporter.
    function handleReport(
        address reporter,
        int64[] calldata data,
        uint64 classification,
        uint256 addedTime,
        address originalAuthor
    )
        external
        returns (
            uint256 initialDeposit,
            uint256 claimableAmount,
            bool claimedByReporter,
            uint256 numClaims,
            bytes32 dataKey
        );

    /// @notice Take a reward off what is left.
    function updateClaimableAmount(bytes32 dataKey, uint256 rewardAmount) external;
}
