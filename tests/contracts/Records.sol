// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {PackedContributions64} from "./contracts/data/PackedContributions64.sol";

/// @title Packed records, open to be tried
contract Records is PackedContributions64 {
    function open(bytes32 key, uint256 deposit) external {
        _open(key, 0, 0, address(0), deposit);
    }

    function claim(bytes32 key, address claimant, uint256 amount) public {
        (Packed storage record, uint256 word) = _findWord(key);
        _claim(key, record, word, claimant, amount);
    }

    function claims(bytes32 key, address claimant, uint256 amount, uint256 times) external {
        for (uint256 i = 0; i < times; ++i) {
            claim(key, claimant, amount);
        }
    }

    function look(bytes32 key) external view returns (bool exists, uint256 deposit, uint256 left, uint256 number) {
        Record memory record;
        (exists, record) = _read(key);
        return (exists, record.initialDeposit, record.claimable, record.numClaims);
    }

    function claimedBy(bytes32 key, address claimant) external view returns (bool) {
        return _hasClaimed(key, claimant);
    }
}
