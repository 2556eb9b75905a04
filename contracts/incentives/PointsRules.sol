// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

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

    function _requireOpen(address claimant, uint256, uint256 numClaims) internal pure override {
        if (numClaims != 0) _refuseSettled(claimant);
    }

    function _refuseSettled(address claimant) internal pure override {
        _refuse(AlreadyClaimed.selector, claimant);
    }

    function _grantRefund(address author, uint256) internal override returns (uint256) {
        emit Refund(author);
        return 0;
    }

    function _shareOf(address reporter, uint256, uint256) internal view override returns (uint256) {
        _requireValidated(reporter);
        return 0;
    }

    function _grantReport(address reporter, uint256) internal override returns (uint256) {
        emit Report(reporter);
        return 0;
    }
}
