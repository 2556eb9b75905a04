// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {AlreadyClaimed, ModelAgrees, ModelDisagrees} from "../Errors.sol";
import {Incentive64} from "./Incentive64.sol";

/// @title Points for good contributions, no money
/// @notice A contribution costs nothing. If the model agrees with it later, its author gains a point.
abstract contract PointsRules is Incentive64 {
    /// @notice `recipient` got a point for its own contribution.
    event Refund(address recipient);

    /// @notice `recipient` reported somebody else's contribution.
    event Report(address recipient);

    function _costAfter(uint256) internal pure override returns (uint256) {
        return 0;
    }

    function _charge(uint256) internal override returns (uint256) {
        _countSubmitted();
        return 0;
    }

    function _requireOpen(Claim memory claim) internal pure override {
        if (claim.numClaims != 0) revert AlreadyClaimed(claim.claimant);
    }

    function _grantRefund(Claim memory claim, uint64 prediction) internal override returns (uint256) {
        _requireOpen(claim);
        _requireWaited(claim.addedTime, _refundWait());
        if (prediction != claim.classification) revert ModelDisagrees(prediction, claim.classification);
        _countValid(claim.author);
        emit Refund(claim.author);
        return 0;
    }

    function _grantReport(Claim memory claim, bool all, uint64 prediction) internal override returns (uint256) {
        if (!all) {
            _requireReporter(claim);
            if (prediction == claim.classification) revert ModelAgrees(prediction);
            _requireValidated(claim.claimant);
        }
        emit Report(claim.claimant);
        return 0;
    }
}
