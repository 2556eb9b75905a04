// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {Model64} from "./Model64.sol";
import {Ownable} from "./Ownable.sol";
import {Samples} from "./libraries/Samples.sol";

/// @title A bare classifier: anyone may ask, only the owner may teach
/// @notice The owner is whoever deployed it, or the DCAI trainer contract it was handed to.
abstract contract Classifier64 is Ownable, Model64 {
    /// @notice Make one training step. Only for the owner.
    /// @param data an encoded sample
    /// @param classification index of its class
    function update(int64[] calldata data, uint64 classification) external onlyOwner {
        _update(Samples.load(data), classification);
    }
}
