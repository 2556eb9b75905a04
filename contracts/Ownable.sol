// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {NotOwner, OwnerIsZero} from "./Errors.sol";

/// @title One account may do what nobody else may
abstract contract Ownable {
    /// @notice The account that may update the model and hand it over.
    address public owner;

    /// @notice Ownership moved from `previousOwner` to `newOwner`.
    event OwnershipTransferred(address indexed previousOwner, address indexed newOwner);

    constructor() {
        owner = msg.sender;
        emit OwnershipTransferred(address(0), msg.sender);
    }

    modifier onlyOwner() {
        if (msg.sender != owner) revert NotOwner(msg.sender);
        _;
    }

    /// @notice Hand the contract over. In DCAI the trainer contract becomes the owner of its classifier.
    /// @param newOwner the next owner, not the zero address
    function transferOwnership(address newOwner) public virtual onlyOwner {
        if (newOwner == address(0)) revert OwnerIsZero();
        emit OwnershipTransferred(msg.sender, newOwner);
        owner = newOwner;
    }
}
