// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IDataHandler64} from "../interfaces/IDataHandler64.sol";
import {Contributions64} from "./Contributions64.sol";

/// @title Records of one storage slot
/// @notice The key commits to sample, label, time and author, so the slot holds only what changes.
/// @dev A record's word, from its highest bit on:
///   1 bit    there is a record
///   1 bit    settled: nothing is claimable any more
///   14 bits  claims so far; stays at its highest value
///   80 bits  who claimed first
///   80 bits  initial deposit
///   80 bits  claimable amount; once settled, who claimed last
/// An account is known by the last 80 bits of its address, which nobody can choose. Who claims in between
/// is in `claimed`: the first claim and the last, mostly one and the same, are spared a slot there.
abstract contract PackedContributions64 is Contributions64 {
    uint256 private constant EXISTS = 1 << 255;
    uint256 private constant SETTLED = 1 << 254;
    uint256 private constant CLAIMS_SHIFT = 240;
    uint256 private constant MAX_CLAIMS = (1 << 14) - 1;
    uint256 private constant FIRST_SHIFT = 160;
    uint256 private constant DEPOSIT_SHIFT = 80;
    uint256 private constant MASK = type(uint80).max;

    struct Packed {
        uint256 word;
    }

    mapping(bytes32 dataKey => Packed) private records;
    mapping(bytes32 dataKey => mapping(address => bool)) private claimed;

    /// @inheritdoc IDataHandler64
    /// @dev `c`, `t` and `sender` are 0: the key commits to them, and the AddData event has them.
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
        uint256 word = records[dataKey].word;
        return (0, 0, address(0), _depositOf(word), _claimableOf(word), _claimsOf(word));
    }

    function _find(bytes32 dataKey) internal view override returns (uint256, uint256, uint256) {
        (, uint256 word) = _findWord(dataKey);
        return (_depositOf(word), _claimableOf(word), _claimsOf(word));
    }

    /// @dev The record with this key, which must be there: where it is, and what it is.
    function _findWord(bytes32 dataKey) internal view returns (Packed storage record, uint256 word) {
        record = records[dataKey];
        word = record.word;
        if (word == 0) _refuse(ContributionUnknown.selector, dataKey);
    }

    function _depositOf(uint256 word) internal pure returns (uint256) {
        return (word >> DEPOSIT_SHIFT) & MASK;
    }

    function _claimableOf(uint256 word) internal pure returns (uint256) {
        return word & SETTLED == 0 ? word & MASK : 0;
    }

    function _claimsOf(uint256 word) internal pure returns (uint256) {
        return (word >> CLAIMS_SHIFT) & MAX_CLAIMS;
    }

    /// @dev The deposit fits: the range of `costWeight` keeps every deposit in 80 bits.
    function _open(bytes32 key, uint64, uint256, address, uint256 deposit) internal override returns (bool) {
        Packed storage record = records[key];
        if (_claimableOf(record.word) != 0) return false;
        assert(deposit <= MASK);
        record.word = EXISTS | (deposit << DEPOSIT_SHIFT) | deposit;
        return true;
    }

    /// @dev Counts a claim of the sender that leaves `left` of what is claimable of a record, which is `word` now.
    function _claim(bytes32 dataKey, Packed storage record, uint256 word, uint256 left) internal {
        uint256 account = uint160(msg.sender) & MASK;
        uint256 claims = _claimsOf(word);
        // The place of who claims first is empty until then.
        uint256 changed = (word & ~MASK) | (claims == 0 ? account << FIRST_SHIFT : 0);
        if (claims != MAX_CLAIMS) {
            unchecked {
                changed += 1 << CLAIMS_SHIFT;
            }
        }
        if (left == 0) {
            changed |= SETTLED | account;
        } else {
            changed |= left;
            if (claims != 0) claimed[dataKey][msg.sender] = true;
        }
        record.word = changed;
    }

    function _hasClaimed(bytes32 dataKey, address claimant) internal view override returns (bool) {
        return _hasClaimed(dataKey, records[dataKey].word, claimant);
    }

    /// @dev Whether `claimant` has claimed the contribution with this key, of which the record is `word`.
    function _hasClaimed(bytes32 dataKey, uint256 word, address claimant) internal view returns (bool) {
        uint256 claims = _claimsOf(word);
        if (claims == 0) return false;
        uint256 account = uint160(claimant) & MASK;
        if ((word >> FIRST_SHIFT) & MASK == account) return true;
        if (word & SETTLED != 0 && word & MASK == account) return true;
        return claims > 1 && claimed[dataKey][claimant];
    }
}
