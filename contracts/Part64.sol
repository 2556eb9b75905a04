// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {HandedOver, NotOwner} from "./Errors.sol";
import {Ownable} from "./Ownable.sol";

/// @title A part of a modular system that keeps other people's claims
/// @notice It works for the trainer that it was handed to, and for nobody before: whoever deployed it
/// cannot write claims into it first. It is handed over once, so that its owner is the only one that
/// it ever worked for.
abstract contract Part64 is Ownable {
    /// @notice Who put this part on chain, and could hand it over.
    address public immutable deployer = msg.sender;

    modifier onlyTrainer() {
        if (msg.sender != owner || msg.sender == deployer) revert NotOwner(msg.sender);
        _;
    }

    /// @notice Hand the part to its trainer, for good.
    /// @param newOwner the trainer, not the zero address
    function transferOwnership(address newOwner) public override {
        if (owner != deployer) revert HandedOver(owner);
        super.transferOwnership(newOwner);
    }
}
