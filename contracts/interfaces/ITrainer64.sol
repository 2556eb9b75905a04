// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

/// @title DCAI's trainer: teach a model for a deposit
/// @notice The external interface of `CollaborativeTrainer64` in "Sharing Updatable Models on
/// Blockchain" (microsoft/0xDeCA10B), and one entry point more.
interface ITrainer64 {
    /// @notice A sample was taught. The only place where the sample itself is kept; of one that came packed,
    /// that is the event AddPackedData.
    /// @param d the encoded sample
    /// @param c index of its class
    /// @param t time of the contribution, in seconds
    /// @param sender who contributed it
    /// @param cost the deposit, in wei
    event AddData(int64[] d, uint64 c, uint256 t, address indexed sender, uint256 cost);

    /// @notice Teach the model one sample. The deposit is what `getNextAddDataCost` says; what was sent
    /// beyond it comes back at once, so that whatever is sent is also the most that is paid.
    /// @param data the encoded sample
    /// @param classification index of its class
    function addData(int64[] calldata data, uint64 classification) external payable;

    /// @notice `addData`, if the deposit is not above `maxCost` by the time the transaction is mined.
    /// @dev DCAI has no such function.
    function addDataWithMaxCost(int64[] calldata data, uint64 classification, uint256 maxCost) external payable;

    /// @notice Take the deposit of one's own contribution back, if the model now agrees with it.
    /// @param data the encoded sample, as in the AddData event
    /// @param classification index of its class, as in the event
    /// @param addedTime time of the contribution, as in the event
    function refund(int64[] calldata data, uint64 classification, uint256 addedTime) external;

    /// @notice Take a share, or all, of the deposit of a contribution that the model does not agree with.
    /// @param data the encoded sample, as in the AddData event
    /// @param classification index of its class, as in the event
    /// @param addedTime time of the contribution, as in the event
    /// @param originalAuthor who contributed it
    function report(int64[] calldata data, uint64 classification, uint256 addedTime, address originalAuthor) external;

    /// @notice Name of the model, for people.
    function name() external view returns (string memory);

    /// @notice What the model does, for people.
    function description() external view returns (string memory);

    /// @notice How a sample is encoded, by the name that DCAI's clients know.
    function encoder() external view returns (string memory);
}
