// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {WaitsNotInOrder} from "../Errors.sol";
import {TrainerErrors} from "../TrainerErrors.sol";
import {IIncentiveMechanism64} from "../interfaces/IIncentiveMechanism64.sol";
import {Same} from "../libraries/Same.sol";
import {Waits64} from "./Settings64.sol";

/// @title What every incentive mechanism keeps and checks
/// @notice Waits, totals, reputation. `StakeableRules` and `PointsRules` add what a contribution costs
/// and what a claim brings; a shell decides who may call.
abstract contract Incentive64 is TrainerErrors, IIncentiveMechanism64, Waits64 {
    /// @dev One slot, written by every contribution.
    struct Totals {
        uint64 lastUpdateTimeS;
        uint96 submitted;
        uint96 good;
    }

    Totals internal totals;

    mapping(address => uint256) private validated;

    constructor() {
        (uint32 refundWait, uint32 ownerClaimWait) = (_refundWait(), _ownerClaimWait());
        // With a wait of at least a second no claim falls into the second of its contribution.
        if (refundWait == 0 || refundWait > ownerClaimWait || ownerClaimWait > _anyAddressClaimWait()) {
            revert WaitsNotInOrder(refundWait, ownerClaimWait, _anyAddressClaimWait());
        }
        totals.lastUpdateTimeS = uint64(block.timestamp);
    }

    // What rules and shells fill in.

    /// @dev Whether an account put the model on chain, or is whom it was handed over to.
    function _isCreator(address account) internal view virtual returns (bool);

    /// @dev The deposit of a contribution `elapsed` seconds after the last one.
    function _costAfter(uint256 elapsed) internal view virtual returns (uint256 cost);

    /// @dev The deposit of a contribution in this block; reverts if `sent` is less.
    function _charge(uint256 sent) internal virtual returns (uint256 cost);

    /// @dev Reverts if nobody can claim a contribution any more of which so much is left, after so many claims.
    function _requireOpen(address claimant, uint256 claimable, uint256 numClaims) internal pure virtual;

    /// @dev What it reverts with, for a data handler whose records say whether they are settled: nothing is left, or
    /// it was claimed where there was nothing from the first. `_requireOpen` must ask the same.
    function _refuseSettled(address claimant) internal pure virtual;

    /// @dev What the author gets where all that a refund needs is there.
    function _grantRefund(address author, uint256 claimable) internal virtual returns (uint256 amount);

    /// @dev The part of what is left that a validated reporter may take; never more than `claimable`.
    function _shareOf(address reporter, uint256 deposit, uint256 claimable)
        internal
        view
        virtual
        returns (uint256 share);

    /// @dev What a reporter gets who may take `amount`.
    function _grantReport(address reporter, uint256 amount) internal virtual returns (uint256);

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
        return (uint128(validated[account]), 0);
    }

    /// @inheritdoc IIncentiveMechanism64
    function numValidForAddress(address account) external view returns (uint128) {
        // 2**128 contributions will not be made.
        return uint128(validated[account]);
    }

    // RULES THAT ALL SHARE

    function _costAt(uint256 time) internal view returns (uint256) {
        uint256 last = totals.lastUpdateTimeS;
        if (time < last) _refuse(TimeBeforeLastUpdate.selector, time, last);
        unchecked {
            return _costAfter(time - last);
        }
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

    /// @dev What every claim needs that does not take all in the end: it is the claimant's first, and the first wait
    /// is over, of which `waited` seconds have passed.
    function _requireDue(address claimant, bool claimedBefore, uint256 waited) private view {
        if (claimedBefore) _refuse(AlreadyClaimed.selector, claimant);
        if (waited < _refundWait()) _refuse(TooEarly.selector, waited, _refundWait());
    }

    /// @dev What a refund needs beside an open contribution: the author's first claim, after the wait, and a
    /// model that predicts what was contributed.
    function _refund(
        address author,
        uint64 classification,
        uint256 waited,
        uint256 claimable,
        bool claimedBefore,
        uint64 prediction
    ) internal returns (uint256 amount) {
        _requireDue(author, claimedBefore, waited);
        if (!Same.class(prediction, classification)) _refuse(ModelDisagrees.selector, prediction, classification);
        _countValid(author);
        return _grantRefund(author, claimable);
    }

    /// @dev Validated contributions of a reporter, of whom one is required.
    function _requireValidated(address reporter) internal view returns (uint256 numValid) {
        numValid = validated[reporter];
        if (numValid == 0) _refuse(NoValidatedContribution.selector, reporter);
    }

    /// @dev Whether a reporter may take all that is left, whatever the model predicts: the creator after
    /// one wait, others after the next.
    function _takesAll(address reporter, address author, uint256 waited) internal view returns (bool) {
        if (waited < _ownerClaimWait()) return false;
        if (_openClaims()) return waited >= _anyAddressClaimWait() || _isCreator(reporter);
        if (Same.account(reporter, author)) _refuse(OwnContribution.selector, author);
        if (_isCreator(reporter)) return true;
        if (waited < _anyAddressClaimWait()) return false;
        _requireValidated(reporter);
        return true;
    }

    /// @dev What a report needs that does not take all: a stranger, once, after the wait.
    function _requireReporter(address reporter, address author, uint256 waited, bool claimedBefore) internal view {
        if (Same.account(reporter, author)) _refuse(OwnContribution.selector, author);
        _requireDue(reporter, claimedBefore, waited);
    }

    /// @dev And a model that predicts something else than was contributed.
    function _requireDisagreement(uint64 prediction, uint64 classification) internal pure {
        if (Same.class(prediction, classification)) _refuse(ModelAgrees.selector, classification);
    }
}
