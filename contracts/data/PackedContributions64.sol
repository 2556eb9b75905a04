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

    mapping(bytes32 dataKey => uint256) private records;
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
        (, Record memory record) = _read(dataKey);
        return (0, 0, address(0), record.initialDeposit, record.claimable, record.numClaims);
    }

    function _read(bytes32 dataKey) internal view override returns (bool, Record memory) {
        uint256 word = records[dataKey];
        return (
            word != 0,
            Record({
                initialDeposit: (word >> DEPOSIT_SHIFT) & MASK,
                claimable: word & SETTLED == 0 ? word & MASK : 0,
                numClaims: (word >> CLAIMS_SHIFT) & MAX_CLAIMS
            })
        );
    }

    /// @dev The deposit fits: the range of `costWeight` keeps every deposit in 80 bits.
    function _open(bytes32 key, uint64, uint256, address, uint256 deposit) internal override {
        assert(deposit <= MASK);
        records[key] = EXISTS | (deposit << DEPOSIT_SHIFT) | deposit;
    }

    function _claim(bytes32 dataKey, Record memory record, address claimant, uint256 amount) internal override {
        uint256 claims = record.numClaims;
        uint256 first = claims == 0 ? uint160(claimant) & MASK : (records[dataKey] >> FIRST_SHIFT) & MASK;
        uint256 left = record.claimable - amount;
        if (left == 0) {
            left = SETTLED | (uint160(claimant) & MASK);
        } else if (claims != 0) {
            claimed[dataKey][claimant] = true;
        }
        if (claims != MAX_CLAIMS) ++claims;
        records[dataKey] = EXISTS | (claims << CLAIMS_SHIFT) | (first << FIRST_SHIFT)
            | (record.initialDeposit << DEPOSIT_SHIFT) | left;
    }

    function _hasClaimed(bytes32 dataKey, address claimant) internal view override returns (bool) {
        uint256 word = records[dataKey];
        uint256 claims = (word >> CLAIMS_SHIFT) & MAX_CLAIMS;
        if (claims == 0) return false;
        uint256 account = uint160(claimant) & MASK;
        if ((word >> FIRST_SHIFT) & MASK == account) return true;
        if (word & SETTLED != 0 && word & MASK == account) return true;
        return claims > 1 && claimed[dataKey][claimant];
    }
}
