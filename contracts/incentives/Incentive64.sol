// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {
    AlreadyClaimed,
    NoValidatedContribution,
    OwnContribution,
    TimeBeforeLastUpdate,
    TooEarly,
    WaitsNotInOrder
} from "../Errors.sol";
import {IIncentiveMechanism64} from "../interfaces/IIncentiveMechanism64.sol";
import {Waits64} from "./Settings64.sol";

/// @title What every incentive mechanism keeps and checks
/// @notice Waits, totals, reputation. `StakeableRules` and `PointsRules` add what a contribution costs
/// and what a claim brings; a shell decides who may call.
abstract contract Incentive64 is IIncentiveMechanism64, Waits64 {
    /// @dev A request for a refund (claimant and author are the same) or a report.
    struct Claim {
        address claimant;
        address author;
        uint64 classification;
        uint256 addedTime;
        uint256 initialDeposit;
        uint256 claimable;
        uint256 numClaims;
        // Of a shell that has the record: its key. Of one that was told: whether the claimant has claimed.
        bytes32 dataKey;
        bool claimedBefore;
    }

    /// @dev One slot, written by every contribution.
    struct Totals {
        uint64 lastUpdateTimeS;
        uint96 submitted;
        uint96 good;
    }

    Totals internal totals;

    mapping(address => uint128) private validated;

    constructor() {
        (uint32 refundWait, uint32 ownerClaimWait) = (_refundWait(), _ownerClaimWait());
        // With a wait of at least a second no claim falls into the second of its contribution.
        if (refundWait == 0 || refundWait > ownerClaimWait || ownerClaimWait > _anyAddressClaimWait()) {
            revert WaitsNotInOrder(refundWait, ownerClaimWait, _anyAddressClaimWait());
        }
        totals.lastUpdateTimeS = uint64(block.timestamp);
    }

    // What rules and shells fill in.

    /// @dev The account that put the model on chain, or whom it was handed over to.
    function _creator() internal view virtual returns (address);

    /// @dev The deposit of a contribution `elapsed` seconds after the last one.
    function _costAfter(uint256 elapsed) internal view virtual returns (uint256 cost);

    /// @dev The deposit of a contribution in this block; reverts if `sent` is less.
    function _charge(uint256 sent) internal virtual returns (uint256 cost);

    /// @dev Reverts if nobody can claim this contribution any more.
    function _requireOpen(Claim memory claim) internal view virtual;

    /// @dev What the author gets, or the revert that says why nothing.
    function _grantRefund(Claim memory claim, uint64 prediction) internal virtual returns (uint256 amount);

    /// @dev What a reporter gets, or the revert that says why nothing. The claim is open, and `all` is what
    /// `_takesAll` says of it.
    function _grantReport(Claim memory claim, bool all, uint64 prediction) internal virtual returns (uint256 amount);

    /// @dev Whether the claimant has claimed this contribution before.
    function _claimedBefore(Claim memory claim) internal view virtual returns (bool);

    // READ

    /// @inheritdoc IIncentiveMechanism64
    function refundWaitTimeS() external view returns (uint32) {
        return _refundWait();
    }

    /// @inheritdoc IIncentiveMechanism64
    function ownerClaimWaitTimeS() external view returns (uint32) {
        return _ownerClaimWait();
    }

    /// @inheritdoc IIncentiveMechanism64
    function anyAddressClaimWaitTimeS() external view returns (uint32) {
        return _anyAddressClaimWait();
    }

    /// @notice Whether anybody may take what is left after `anyAddressClaimWaitTimeS`, as in DCAI: the
    /// author, too, who then risks nothing. If false, it takes another address than the author's,
    /// with a validated contribution.
    function claimsAreOpen() external view returns (bool) {
        return _openClaims();
    }

    /// @inheritdoc IIncentiveMechanism64
    function getNextAddDataCost() external view returns (uint256) {
        return _costAt(block.timestamp);
    }

    /// @inheritdoc IIncentiveMechanism64
    function getNextAddDataCost(uint256 currentTimeS) external view returns (uint256) {
        return _costAt(currentTimeS);
    }

    /// @inheritdoc IIncentiveMechanism64
    function getNextAddDataCost(int64[] calldata, uint64) external view returns (uint256) {
        return _costAt(block.timestamp);
    }

    /// @inheritdoc IIncentiveMechanism64
    function totalSubmitted() external view returns (uint256) {
        return totals.submitted;
    }

    /// @inheritdoc IIncentiveMechanism64
    function totalGoodDataCount() external view returns (uint256) {
        return totals.good;
    }

    /// @inheritdoc IIncentiveMechanism64
    function addressStats(address account) external view returns (uint128 numValid, uint128 numSubmitted) {
        return (numValidForAddress(account), 0);
    }

    /// @inheritdoc IIncentiveMechanism64
    function numValidForAddress(address account) public view returns (uint128) {
        return validated[account];
    }

    /// @notice Who may take what is left of a deposit after `ownerClaimWaitTimeS`.
    function creator() external view returns (address) {
        return _creator();
    }

    // RULES THAT ALL SHARE

    function _costAt(uint256 time) internal view returns (uint256) {
        uint256 last = totals.lastUpdateTimeS;
        if (time < last) revert TimeBeforeLastUpdate(time, last);
        return _costAfter(time - last);
    }

    /// @dev Counts a contribution in this block; returns the seconds since the last one.
    function _countSubmitted() internal returns (uint256 elapsed) {
        assembly ("memory-safe") {
            // A time has 64 bits, and is in the lowest; 2**96 contributions will not be made.
            let word := sload(totals.slot)
            elapsed := sub(timestamp(), and(word, 0xffffffffffffffff))
            sstore(totals.slot, or(shl(64, add(shr(64, word), 1)), timestamp()))
        }
    }

    /// @dev Counts a validated contribution.
    function _countValid(address author) internal {
        unchecked {
            // Nor will as many be validated.
            validated[author] += 1;
        }
        assembly ("memory-safe") {
            // The number is in the highest 96 bits.
            sstore(totals.slot, add(sload(totals.slot), shl(160, 1)))
        }
    }

    function _requireUnclaimed(Claim memory claim) internal view {
        if (_claimedBefore(claim)) revert AlreadyClaimed(claim.claimant);
    }

    function _requireWaited(uint256 addedTime, uint256 required) internal view {
        uint256 waited = block.timestamp - addedTime;
        if (waited < required) revert TooEarly(waited, required);
    }

    /// @dev Validated contributions of a reporter, of whom one is required.
    function _requireValidated(address reporter) internal view returns (uint256 numValid) {
        numValid = numValidForAddress(reporter);
        if (numValid == 0) revert NoValidatedContribution(reporter);
    }

    /// @dev Whether a reporter may take all that is left, whatever the model predicts: the creator after
    /// one wait, others after the next.
    function _takesAll(Claim memory claim) internal view returns (bool) {
        uint256 waited = block.timestamp - claim.addedTime;
        if (waited < _ownerClaimWait()) return false;
        bool anyAddress = waited >= _anyAddressClaimWait();
        if (_openClaims() && anyAddress) return true;
        if (claim.claimant == claim.author && !_openClaims()) revert OwnContribution(claim.author);
        if (claim.claimant == _creator()) return true;
        if (anyAddress) _requireValidated(claim.claimant);
        return anyAddress;
    }

    /// @dev What a report needs that does not take all: a stranger, once, after the wait.
    function _requireReporter(Claim memory claim) internal view {
        if (claim.claimant == claim.author) revert OwnContribution(claim.author);
        _requireUnclaimed(claim);
        _requireWaited(claim.addedTime, _refundWait());
    }
}
