// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {TrainerErrors} from "../TrainerErrors.sol";
import {IDataHandler64} from "../interfaces/IDataHandler64.sol";
import {Samples} from "../libraries/Samples.sol";

/// @title What a data handler does, however it keeps its records
abstract contract Contributions64 is TrainerErrors, IDataHandler64 {
    // How records are kept.

    /// @dev The record with this key, which must be there. Its sample, label, time and author are in the key.
    function _find(bytes32 dataKey)
        internal
        view
        virtual
        returns (uint256 initialDeposit, uint256 claimable, uint256 numClaims);

    /// @dev Begins a record, but not where something is claimable of one with this key; returns whether it did.
    /// `key` commits to the other arguments.
    function _open(bytes32 key, uint64 classification, uint256 time, address author, uint256 deposit)
        internal
        virtual
        returns (bool);

    /// @dev Whether `claimant` has claimed the contribution with this key.
    function _hasClaimed(bytes32 dataKey, address claimant) internal view virtual returns (bool);

    // WRITE

    /// @dev Records a contribution in this block. The same author may add the same sample again in
    /// another second; in the same one only where nothing is claimable, and nothing can have been claimed.
    function _record(bytes32 key, uint64 classification, address author, uint256 deposit) internal {
        if (!_open(key, classification, block.timestamp, author, deposit)) _refuse(ContributionExists.selector, key);
    }

    // READ

    /// @inheritdoc IDataHandler64
    function getClaimableAmount(int64[] calldata data, uint64 classification, uint256 addedTime, address originalAuthor)
        external
        view
        returns (uint256 claimable)
    {
        (, claimable,) = _find(_key(data, classification, addedTime, originalAuthor));
    }

    /// @inheritdoc IDataHandler64
    function getInitialDeposit(int64[] calldata data, uint64 classification, uint256 addedTime, address originalAuthor)
        external
        view
        returns (uint256 deposit)
    {
        (deposit,,) = _find(_key(data, classification, addedTime, originalAuthor));
    }

    /// @inheritdoc IDataHandler64
    function getNumClaims(int64[] calldata data, uint64 classification, uint256 addedTime, address originalAuthor)
        external
        view
        returns (uint256 numClaims)
    {
        (,, numClaims) = _find(_key(data, classification, addedTime, originalAuthor));
    }

    /// @inheritdoc IDataHandler64
    function hasClaimed(
        int64[] calldata data,
        uint64 classification,
        uint256 addedTime,
        address originalAuthor,
        address claimer
    ) external view returns (bool) {
        bytes32 key = _key(data, classification, addedTime, originalAuthor);
        _find(key);
        return _hasClaimed(key, claimer);
    }

    /// @notice What the four functions above say, of the contribution with this key, however its sample came.
    function getContribution(bytes32 dataKey, address claimer)
        external
        view
        returns (uint256 initialDeposit, uint256 claimableAmount, uint256 numClaims, bool claimed)
    {
        (initialDeposit, claimableAmount, numClaims) = _find(dataKey);
        claimed = _hasClaimed(dataKey, claimer);
    }

    /// @inheritdoc IDataHandler64
    function isDataEqual(int64[] calldata d1, int64[] calldata d2) external pure returns (bool) {
        return _contentHash(d1) == _contentHash(d2);
    }

    /// @dev The key of a sample with nothing else; samples of other lengths have other keys.
    function _contentHash(int64[] calldata source) private pure returns (bytes32) {
        int64[] memory data = Samples.load(source);
        Samples.requireInt64(data);
        return Samples.key(data, 0, 0, address(0));
    }

    function _key(int64[] calldata data, uint64 classification, uint256 time, address author)
        private
        pure
        returns (bytes32)
    {
        return Samples.key(Samples.load(data), classification, time, author);
    }
}
