// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {Samples} from "./contracts/libraries/Samples.sol";

/// @title `Samples` beside the same thing in plain Solidity
contract KeyTwin {
    event AddData(int64[] d, uint64 c, uint256 t, address indexed sender, uint256 cost);

    function fast(int64[] calldata data, uint64 classification, uint256 time, address author)
        external
        pure
        returns (bytes32)
    {
        return Samples.key(Samples.load(data), classification, time, author);
    }

    function plain(int64[] calldata data, uint64 classification, uint256 time, address author)
        external
        pure
        returns (bytes32)
    {
        return keccak256(abi.encodePacked(data, classification, time, author));
    }

    /// @dev A key first, as a trainer does, so that the event must survive what the key wrote.
    function logFast(int64[] calldata data, uint64 classification, uint256 time, address sender, uint256 cost)
        external
    {
        int64[] memory copy = Samples.load(data);
        Samples.key(copy, classification, time, sender);
        Samples.logAddData(copy, classification, time, sender, cost);
    }

    function logPlain(int64[] calldata data, uint64 classification, uint256 time, address sender, uint256 cost)
        external
    {
        emit AddData(data, classification, time, sender, cost);
    }

    /// @dev Memory allocated after a copy must not be written by the key.
    function afterwards(int64[] calldata data) external pure returns (uint256) {
        int64[] memory copy = Samples.load(data);
        uint256[] memory fresh = new uint256[](4);
        Samples.key(copy, type(uint64).max, type(uint256).max, address(type(uint160).max));
        return fresh.length + fresh[0] + fresh[1] + fresh[2] + fresh[3];
    }
}
