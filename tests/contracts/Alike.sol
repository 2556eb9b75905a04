// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {Same} from "./contracts/libraries/Same.sol";

/// @title Comparisons of values with anything in the bits that are none of theirs
contract Alike {
    function accounts(uint256 a, uint256 b) external pure returns (bool) {
        address first;
        address second;
        assembly {
            first := a
            second := b
        }
        return Same.account(first, second);
    }

    function classes(uint256 a, uint256 b) external pure returns (bool) {
        uint64 first;
        uint64 second;
        assembly {
            first := a
            second := b
        }
        return Same.class(first, second);
    }
}
