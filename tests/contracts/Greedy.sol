// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

/// @title A third party's incentive mechanism that asks, and gives, what it was told to
contract Greedy {
    uint256 public price;
    uint256 public gift;

    constructor(uint256 price_, uint256 gift_) {
        price = price_;
        gift = gift_;
    }

    function handleAddData(uint256, int64[] calldata, uint64) external view returns (uint256) {
        return price;
    }

    function handleRefund(address, int64[] calldata, uint64, uint256, uint256, bool, uint64, uint256)
        external
        view
        returns (uint256)
    {
        return gift;
    }

    function handleReport(address, int64[] calldata, uint64, uint256, address, uint256, uint256, bool, uint64, uint256)
        external
        view
        returns (uint256)
    {
        return gift;
    }

    function transferOwnership(address) external pure {}
}
