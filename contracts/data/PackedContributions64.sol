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
///   80 bits  initial deposit
///   160 bits claimable amount; once settled, who claimed last
/// The last claimer is kept in the record, which spares it a slot in `claimed`.
abstract contract PackedContributions64 is Contributions64 {
    uint256 private constant EXISTS = 1 << 255;
    uint256 private constant SETTLED = 1 << 254;
    uint256 private constant CLAIMS_SHIFT = 240;
    uint256 private constant MAX_CLAIMS = (1 << 14) - 1;
    uint256 private constant DEPOSIT_SHIFT = 160;
    uint256 private constant DEPOSIT_MASK = type(uint80).max;
    uint256 private constant LOW_MASK = type(uint160).max;

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

    function _read(bytes32 dataKey) internal view override returns (bool exists, Record memory record) {
        uint256 word = records[dataKey];
        exists = word != 0;
        record.initialDeposit = (word >> DEPOSIT_SHIFT) & DEPOSIT_MASK;
        record.claimable = word & SETTLED == 0 ? word & LOW_MASK : 0;
        record.numClaims = (word >> CLAIMS_SHIFT) & MAX_CLAIMS;
    }

    /// @dev The deposit fits: the range of `costWeight` keeps every deposit in 80 bits.
    function _open(bytes32 key, uint64, uint256, address, uint256 deposit) internal override {
        assert(deposit <= DEPOSIT_MASK);
        records[key] = EXISTS | (deposit << DEPOSIT_SHIFT) | deposit;
    }

    function _claim(bytes32 dataKey, Record memory record, address claimant, uint256 amount) internal override {
        uint256 claims = record.numClaims < MAX_CLAIMS ? record.numClaims + 1 : MAX_CLAIMS;
        uint256 word = EXISTS | (claims << CLAIMS_SHIFT) | (record.initialDeposit << DEPOSIT_SHIFT);
        uint256 left = record.claimable - amount;
        if (left == 0) {
            records[dataKey] = word | SETTLED | uint160(claimant);
        } else {
            records[dataKey] = word | left;
            claimed[dataKey][claimant] = true;
        }
    }

    function _hasClaimed(bytes32 dataKey, address claimant) internal view override returns (bool) {
        uint256 word = records[dataKey];
        if (word & SETTLED != 0 && word & LOW_MASK == uint160(claimant)) return true;
        return claimed[dataKey][claimant];
    }
}
