// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

// Settings of an incentive mechanism. A generated contract has them as constants, which take a few bytes of code
// wherever they are read; a mechanism that is a contract of its own gets them when it is deployed. Immutables come
// before the contracts that read them, so that these can refuse settings in their constructors.

/// @title When claims may be made, and by whom
abstract contract Waits64 {
    /// @dev Seconds before a refund or a report.
    function _refundWait() internal view virtual returns (uint32);

    /// @dev Seconds before the creator may take what is left.
    function _ownerClaimWait() internal view virtual returns (uint32);

    /// @dev Seconds before others may.
    function _anyAddressClaimWait() internal view virtual returns (uint32);

    /// @dev Whether those others may be anybody.
    function _openClaims() internal view virtual returns (bool);
}

/// @title What a contribution costs
abstract contract CostWeight64 {
    /// @dev Price of a contribution, an hour after the last one, times 60 / 3600, in wei.
    function _costWeight() internal view virtual returns (uint256);
}

/// @title Waits that are known when the contract is deployed
abstract contract ImmutableWaits64 is Waits64 {
    uint32 private immutable refundWait;
    uint32 private immutable ownerClaimWait;
    uint32 private immutable anyAddressClaimWait;
    bool private immutable openClaims;

    constructor(uint32 refundWait_, uint32 ownerClaimWait_, uint32 anyAddressClaimWait_, bool openClaims_) {
        refundWait = refundWait_;
        ownerClaimWait = ownerClaimWait_;
        anyAddressClaimWait = anyAddressClaimWait_;
        openClaims = openClaims_;
    }

    function _refundWait() internal view override returns (uint32) {
        return refundWait;
    }

    function _ownerClaimWait() internal view override returns (uint32) {
        return ownerClaimWait;
    }

    function _anyAddressClaimWait() internal view override returns (uint32) {
        return anyAddressClaimWait;
    }

    function _openClaims() internal view override returns (bool) {
        return openClaims;
    }
}

/// @title A price that is known when the contract is deployed
abstract contract ImmutableCostWeight64 is CostWeight64 {
    uint256 private immutable weight;

    constructor(uint256 weight_) {
        weight = weight_;
    }

    function _costWeight() internal view override returns (uint256) {
        return weight;
    }
}
