// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {EmptySample} from "../Errors.sol";
import {ITrainer64} from "../interfaces/ITrainer64.sol";
import {Samples} from "../libraries/Samples.sol";
import {Payments} from "./Payments.sol";

/// @title What a trainer does, whether its parts are one contract or four
/// @notice How a contribution comes in, and the money. What the parts do with it is behind a function without a body;
/// `refund` and `report` are those of the heirs, which have to be `nonReentrant`, and to settle before they pay.
abstract contract Trainer64 is Payments, ITrainer64 {
    /// @dev The parts take a contribution: the price is charged, the contribution recorded at `time`,
    /// the model updated. Reverts if `cost` is above `msg.value`. Here and below `data` comes from `Samples`.
    function _accept(int64[] memory data, uint64 classification) internal virtual returns (uint256 cost, uint256 time);

    /// @inheritdoc ITrainer64
    function addData(int64[] calldata data, uint64 classification) external payable nonReentrant {
        _addData(Samples.load(data), classification, msg.value);
    }

    /// @inheritdoc ITrainer64
    function addDataWithMaxCost(int64[] calldata data, uint64 classification, uint256 maxCost)
        external
        payable
        nonReentrant
    {
        _addData(Samples.load(data), classification, maxCost);
    }

    function _addData(int64[] memory data, uint64 classification, uint256 maxCost) private {
        (uint256 cost, uint256 time) = _take(data, classification, maxCost);
        Samples.logAddData(data, classification, time, msg.sender, cost);
    }

    /// @dev Everything of a contribution but its event.
    function _take(int64[] memory data, uint64 classification, uint256 maxCost)
        internal
        returns (uint256 cost, uint256 time)
    {
        // A sample without a feature teaches nothing but how frequent its class is.
        if (data.length == 0) revert EmptySample();
        (cost, time) = _accept(data, classification);
        if (cost > maxCost) _refuse(CostAboveMaximum.selector, cost, maxCost);
        unchecked {
            // The parts take no cost above what was sent.
            _pay(msg.sender, msg.value - cost);
        }
    }
}
