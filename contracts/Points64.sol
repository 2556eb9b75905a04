// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {ModularIncentive64} from "./incentives/ModularIncentive64.sol";
import {PointsRules} from "./incentives/PointsRules.sol";
import {ImmutableWaits64} from "./incentives/Settings64.sol";

/// @title Points, no money: DCAI's gamified incentive mechanism as a contract of its own
contract Points64 is ImmutableWaits64, PointsRules, ModularIncentive64 {
    /// @param refundWait seconds before a point is given, or a report
    /// @param ownerClaimWait seconds before the creator may report whatever the model predicts
    /// @param anyAddressClaimWait seconds before others may
    /// @param openClaims whether those others may be anybody, as in DCAI
    constructor(uint32 refundWait, uint32 ownerClaimWait, uint32 anyAddressClaimWait, bool openClaims)
        ImmutableWaits64(refundWait, ownerClaimWait, anyAddressClaimWait, openClaims)
    {}
}
