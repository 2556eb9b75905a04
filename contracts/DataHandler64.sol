// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {Part64} from "./Part64.sol";
import {Contributions64} from "./data/Contributions64.sol";
import {IDataHandler64, IDataHandlerOwner64} from "./interfaces/IDataHandler64.sol";
import {Samples} from "./libraries/Samples.sol";

/// @title DCAI's data handler as a contract of its own
/// @notice Its owner is the trainer.
contract DataHandler64 is Part64, Contributions64, IDataHandlerOwner64 {
    struct StoredData {
        uint64 c;
        uint256 t;
        address sender;
        uint256 initialDeposit;
        uint256 claimableAmount;
        uint256 numClaims;
        // A record that is written anew begins a new round, in which nobody has claimed.
        uint256 round;
        mapping(uint256 round => mapping(address => bool)) claimedBy;
    }

    mapping(bytes32 dataKey => StoredData) private stored;

    /// @inheritdoc IDataHandler64
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
        )
    {
        StoredData storage data = stored[dataKey];
        return (data.c, data.t, data.sender, data.initialDeposit, data.claimableAmount, data.numClaims);
    }

    /// @inheritdoc IDataHandlerOwner64
    function handleAddData(address sender, uint256 cost, int64[] calldata data, uint64 classification)
        external
        onlyTrainer
        returns (uint256 time)
    {
        bytes32 key = Samples.key(Samples.load(data), classification, block.timestamp, sender);
        _record(key, classification, sender, cost);
        return block.timestamp;
    }

    /// @inheritdoc IDataHandlerOwner64
    function handleRefund(address submitter, int64[] calldata data, uint64 classification, uint256 addedTime)
        external
        onlyTrainer
        returns (uint256 claimableAmount, bool claimedBySubmitter, uint256 numClaims)
    {
        bytes32 key = Samples.key(Samples.load(data), classification, addedTime, submitter);
        (, claimableAmount, numClaims) = _find(key);
        claimedBySubmitter = _hasClaimed(key, submitter);
        _claim(key, submitter, 0, numClaims);
    }

    /// @inheritdoc IDataHandlerOwner64
    function handleReport(
        address reporter,
        int64[] calldata data,
        uint64 classification,
        uint256 addedTime,
        address originalAuthor
    )
        external
        onlyTrainer
        returns (
            uint256 initialDeposit,
            uint256 claimableAmount,
            bool claimedByReporter,
            uint256 numClaims,
            bytes32 dataKey
        )
    {
        dataKey = Samples.key(Samples.load(data), classification, addedTime, originalAuthor);
        (initialDeposit, claimableAmount, numClaims) = _find(dataKey);
        claimedByReporter = _hasClaimed(dataKey, reporter);
        // The reward is not known yet: `updateClaimableAmount` follows.
        _claim(dataKey, reporter, claimableAmount, numClaims);
    }

    /// @inheritdoc IDataHandlerOwner64
    function updateClaimableAmount(bytes32 dataKey, uint256 rewardAmount) external onlyTrainer {
        _find(dataKey);
        stored[dataKey].claimableAmount -= rewardAmount;
    }

    function _find(bytes32 dataKey) internal view override returns (uint256, uint256, uint256) {
        StoredData storage data = stored[dataKey];
        if (data.sender == address(0)) _refuse(ContributionUnknown.selector, dataKey);
        return (data.initialDeposit, data.claimableAmount, data.numClaims);
    }

    function _open(bytes32 key, uint64 classification, uint256 time, address author, uint256 deposit)
        internal
        override
        returns (bool)
    {
        StoredData storage data = stored[key];
        if (data.claimableAmount != 0) return false;
        data.c = classification;
        data.t = time;
        data.sender = author;
        data.initialDeposit = deposit;
        data.claimableAmount = deposit;
        data.numClaims = 0;
        data.round += 1;
        return true;
    }

    /// @dev Counts a claim of `claimant` after `numClaims` others, which leaves `left` of the deposit.
    function _claim(bytes32 dataKey, address claimant, uint256 left, uint256 numClaims) private {
        StoredData storage data = stored[dataKey];
        data.claimableAmount = left;
        data.numClaims = numClaims + 1;
        data.claimedBy[data.round][claimant] = true;
    }

    function _hasClaimed(bytes32 dataKey, address claimant) internal view override returns (bool) {
        StoredData storage data = stored[dataKey];
        return data.claimedBy[data.round][claimant];
    }
}
