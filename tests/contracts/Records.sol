// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {PackedContributions64} from "./contracts/data/PackedContributions64.sol";

/// @title Packed records, open to be tried
contract Records is PackedContributions64 {
    function open(bytes32 key, uint256 deposit) external {
        _open(key, 0, 0, address(0), deposit);
    }

    /// @notice The sender takes `amount`.
    function claim(bytes32 key, uint256 amount) public {
        (, uint256 left,) = _find(key);
        _claim(key, _word(key), left - amount);
    }

    function claims(bytes32 key, uint256 amount, uint256 times) external {
        for (uint256 i = 0; i < times; ++i) {
            claim(key, amount);
        }
    }

    function look(bytes32 key) external view returns (uint256 deposit, uint256 left, uint256 number) {
        return _find(key);
    }

    function claimedBy(bytes32 key, address claimant) external view returns (bool) {
        return _hasClaimed(key, claimant);
    }
}
