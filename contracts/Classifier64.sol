// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {Model64} from "./Model64.sol";
import {Ownable} from "./Ownable.sol";
import {IClassifier64} from "./interfaces/IClassifier64.sol";

/// @title A bare classifier: anyone may ask, only the owner may teach
/// @notice The owner is whoever deployed it, or the DCAI trainer contract it was handed to.
abstract contract Classifier64 is Ownable, Model64, IClassifier64 {
    /// @inheritdoc IClassifier64
    function predict(int64[] calldata data) external view returns (uint64 classification) {
        return _decide(_scores(data));
    }

    /// @inheritdoc IClassifier64
    function update(int64[] calldata data, uint64 classification) external onlyOwner {
        _update(data, classification);
    }

    /// @inheritdoc IClassifier64
    function toFloat() external pure returns (uint32) {
        return TO_FLOAT;
    }
}
