// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {ModularIncentive64} from "./incentives/ModularIncentive64.sol";
import {ImmutableCostWeight64, ImmutableWaits64} from "./incentives/Settings64.sol";
import {StakeableRules} from "./incentives/StakeableRules.sol";

/// @title Deposit, refund, take: DCAI's incentive mechanism as a contract of its own
contract Stakeable64 is ImmutableWaits64, ImmutableCostWeight64, StakeableRules, ModularIncentive64 {
    /// @param refundWait seconds before a refund or a report
    /// @param ownerClaimWait seconds before the creator may take what is left
    /// @param anyAddressClaimWait seconds before others may
    /// @param openClaims whether those others may be anybody, as in DCAI
    /// @param weight price of a contribution, an hour after the last one, times 60 / 3600, in wei
    constructor(uint32 refundWait, uint32 ownerClaimWait, uint32 anyAddressClaimWait, bool openClaims, uint256 weight)
        ImmutableWaits64(refundWait, ownerClaimWait, anyAddressClaimWait, openClaims)
        ImmutableCostWeight64(weight)
    {}
}
