// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {CostWeightOutOfRange, NothingToClaim} from "../Errors.sol";
import {FixedPoint} from "../libraries/FixedPoint.sol";
import {Incentive64} from "./Incentive64.sol";
import {CostWeight64} from "./Settings64.sol";

/// @title Deposit, refund, take
/// @notice A contribution costs a deposit, the more the sooner it follows the last one. If the model
/// agrees with it later, its author gets the deposit back. If not, others take it.
abstract contract StakeableRules is Incentive64, CostWeight64 {
    /// @dev With this weight a deposit is not 0 even 2**64 seconds after the last one.
    uint256 private constant MIN_COST_WEIGHT = 1193047;

    /// @dev With this weight a deposit of the same second fits in 80 bits, 1.2 million ether.
    uint256 private constant MAX_COST_WEIGHT = uint256(type(uint80).max) / 1 hours;

    /// @notice `recipient` got the deposit of its own contribution back.
    event Refund(address recipient, uint256 amount);

    /// @notice `recipient` took `amount` of the deposit of somebody else's contribution.
    event Report(address recipient, uint256 amount);

    constructor() {
        uint256 weight = _costWeight();
        if (weight < MIN_COST_WEIGHT || weight > MAX_COST_WEIGHT) {
            revert CostWeightOutOfRange(weight, MIN_COST_WEIGHT, MAX_COST_WEIGHT);
        }
    }

    /// @notice The deposit is costWeight * 3600 / sqrt(seconds since the last contribution), in wei.
    function costWeight() external view returns (uint256) {
        return _costWeight();
    }

    /// @notice Time of the last contribution, or of the deployment, in seconds.
    function lastUpdateTimeS() external view returns (uint256) {
        return totals.lastUpdateTimeS;
    }

    function _costAfter(uint256 elapsed) internal view override returns (uint256) {
        uint256 divisor = FixedPoint.sqrt(elapsed);
        unchecked {
            // Below 2**80: the constructor has bounded the weight.
            return _costWeight() * 1 hours / (divisor == 0 ? 1 : divisor);
        }
    }

    function _charge(uint256 sent) internal override returns (uint256 cost) {
        cost = _costAfter(_countSubmitted());
        if (sent < cost) _refuse(DepositTooLow.selector, cost, sent);
    }

    function _requireOpen(address claimant, uint256 claimable, uint256) internal pure override {
        if (claimable == 0) _refuseSettled(claimant);
    }

    function _refuseSettled(address) internal pure override {
        revert NothingToClaim();
    }

    function _grantRefund(address author, uint256 claimable) internal override returns (uint256) {
        _logClaim(Refund.selector, author, claimable);
        return claimable;
    }

    function _shareOf(address reporter, uint256 deposit, uint256 claimable) internal view override returns (uint256) {
        uint256 share = deposit * _requireValidated(reporter) / totals.good;
        // Too little, or the last one: all that is left.
        return share != 0 && share < claimable ? share : claimable;
    }

    function _grantReport(address reporter, uint256 amount) internal override returns (uint256) {
        _logClaim(Report.selector, reporter, amount);
        return amount;
    }

    /// @dev Emits Refund or Report: their data is the same two words, for which there is room before the memory that
    /// Solidity gives out.
    function _logClaim(bytes32 topic, address recipient, uint256 amount) private {
        assembly ("memory-safe") {
            mstore(0x00, shr(96, shl(96, recipient)))
            mstore(0x20, amount)
            log1(0x00, 0x40, topic)
        }
    }
}
