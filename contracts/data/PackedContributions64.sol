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
/// A record is in the slot that has the key's number, without a mapping around it. A key is a hash of 92 bytes or
/// more, or the complement of a hash, for packed samples (`Samples.packedKey`: four bytes of them are hashed with 60
/// more, as many as make a place in a mapping, but turned round). Mappings have their places at hashes of 64 bytes;
/// there are no arrays of changing length, which begin at hashes of 32; all else is in slots of small numbers. To
/// meet one of them, or another key, is to break keccak-256.
abstract contract PackedContributions64 is Contributions64 {
    uint256 private constant EXISTS = 1 << 255;
    uint256 private constant SETTLED = 1 << 254;
    uint256 internal constant STATE_SHIFT = 254;
    /// @dev `word >> STATE_SHIFT` of a record that is not settled.
    uint256 internal constant OPEN = EXISTS >> STATE_SHIFT;
    uint256 private constant CLAIMS_SHIFT = 240;
    uint256 private constant MAX_CLAIMS = 0x3fff;
    /// @dev `word >> CLAIMS_SHIFT` of a record that is not settled, without claims and with as many as are counted.
    uint256 private constant NO_CLAIMS = 0x8000;
    uint256 private constant OPEN_MAX_CLAIMS = 0xbfff;
    uint256 private constant FIRST_SHIFT = 160;
    uint256 private constant DEPOSIT_SHIFT = 80;
    uint256 private constant MASK = 0xffffffffffffffffffff;

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
        uint256 word = _recordOf(dataKey);
        return (0, 0, address(0), _depositOf(word), _claimableOf(word), _claimsOf(word));
    }

    function _find(bytes32 dataKey) internal view override returns (uint256, uint256, uint256) {
        uint256 word = _recordOf(dataKey);
        if (word == 0) _refuse(ContributionUnknown.selector, dataKey);
        return (_depositOf(word), _claimableOf(word), _claimsOf(word));
    }

    /// @dev The record with this key, 0 where there is none, for getters, which may be asked for anything: what is
    /// in another slot is no record.
    function _recordOf(bytes32 dataKey) private view returns (uint256 word) {
        word = _word(dataKey);
        if (uint256(dataKey) >> 64 == 0 || word < EXISTS) word = 0;
    }

    /// @dev The record with this key, which is one that was made of a sample; 0 where there is none.
    function _word(bytes32 dataKey) internal view returns (uint256 word) {
        assembly ("memory-safe") {
            word := sload(dataKey)
        }
    }

    /// @dev Writes the record with this key.
    function _store(bytes32 dataKey, uint256 word) private {
        assembly ("memory-safe") {
            sstore(dataKey, word)
        }
    }

    function _depositOf(uint256 word) internal pure returns (uint256) {
        return (word >> DEPOSIT_SHIFT) & MASK;
    }

    function _claimableOf(uint256 word) private pure returns (uint256) {
        return _isSettled(word) ? 0 : _leftOf(word);
    }

    /// @dev Whether all was taken; of a deposit of nothing, whether it was claimed.
    function _isSettled(uint256 word) private pure returns (bool) {
        return word & SETTLED != 0;
    }

    /// @dev The claimable amount of a record that is not settled.
    function _leftOf(uint256 word) internal pure returns (uint256) {
        return word & MASK;
    }

    function _claimsOf(uint256 word) private pure returns (uint256) {
        return (word >> CLAIMS_SHIFT) & MAX_CLAIMS;
    }

    /// @dev The deposit fits: the range of `costWeight` keeps every deposit in 80 bits.
    function _open(bytes32 key, uint64, uint256, address, uint256 deposit) internal override returns (bool) {
        if (_claimableOf(_word(key)) != 0) return false;
        assert(deposit <= MASK);
        _store(key, EXISTS | (deposit << DEPOSIT_SHIFT) | deposit);
        return true;
    }

    /// @dev Counts a claim of the sender that leaves `left` of what is claimable of the record with this key,
    /// which is `word` now, and not settled.
    function _claim(bytes32 dataKey, uint256 word, uint256 left) internal {
        // With the two bits above them.
        uint256 claims = word >> CLAIMS_SHIFT;
        uint256 account = uint160(msg.sender) & MASK;
        if (left == 0) {
            left = SETTLED | account;
        } else if (claims != NO_CLAIMS) {
            claimed[dataKey][msg.sender] = true;
        }
        assembly ("memory-safe") {
            // The place of who claims first is empty until then.
            word := or(word, mul(account, shl(FIRST_SHIFT, eq(claims, NO_CLAIMS))))
            word := add(word, shl(CLAIMS_SHIFT, lt(claims, OPEN_MAX_CLAIMS)))
            word := or(and(word, not(MASK)), left)
        }
        _store(dataKey, word);
    }

    function _hasClaimed(bytes32 dataKey, address claimant) internal view override returns (bool) {
        return _hasClaimed(dataKey, _word(dataKey), claimant);
    }

    /// @dev Whether `claimant` has claimed the contribution with this key, of which the record is `word`.
    function _hasClaimed(bytes32 dataKey, uint256 word, address claimant) internal view returns (bool) {
        uint256 claims = _claimsOf(word);
        if (claims == 0) return false;
        if (_isAccount(word >> FIRST_SHIFT, claimant)) return true;
        if (word & SETTLED != 0 && _isAccount(word, claimant)) return true;
        return claims > 1 && claimed[dataKey][claimant];
    }

    /// @dev Whether the lowest 80 bits of a word are those of an account's address.
    function _isAccount(uint256 word, address account) private pure returns (bool same) {
        assembly ("memory-safe") {
            same := iszero(shl(176, xor(word, account)))
        }
    }
}
