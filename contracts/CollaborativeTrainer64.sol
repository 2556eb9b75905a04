// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {GrantTooHigh, RefundIncomplete} from "./Errors.sol";
import {IClassifier64} from "./interfaces/IClassifier64.sol";
import {IDataHandlerOwner64} from "./interfaces/IDataHandler64.sol";
import {IIncentiveOwner64} from "./interfaces/IIncentiveMechanism64.sol";
import {ITrainer64} from "./interfaces/ITrainer64.sol";
import {Samples} from "./libraries/Samples.sol";
import {Trainer64} from "./trainers/Trainer64.sol";

/// @title DCAI's trainer, over three parts that may be anybody's
/// @notice The parts must have this contract as their owner. They are trusted with the model and the
/// bookkeeping; the money is here, and nothing is paid beyond what the data handler has for a record.
contract CollaborativeTrainer64 is Trainer64 {
    string public override name;
    string public override description;
    string public override encoder;

    /// @notice Who keeps the contributions.
    IDataHandlerOwner64 public immutable dataHandler;

    /// @notice Who says what a contribution costs, and who gets the deposit.
    IIncentiveOwner64 public immutable incentiveMechanism;

    /// @notice The model.
    IClassifier64 public immutable classifier;

    constructor(
        string memory name_,
        string memory description_,
        string memory encoder_,
        IDataHandlerOwner64 dataHandler_,
        IIncentiveOwner64 incentiveMechanism_,
        IClassifier64 classifier_
    ) {
        name = name_;
        description = description_;
        encoder = encoder_;
        dataHandler = dataHandler_;
        incentiveMechanism = incentiveMechanism_;
        classifier = classifier_;
    }

    function _accept(int64[] memory data, uint64 classification)
        internal
        override
        returns (uint256 cost, uint256 time)
    {
        // A word that is no int64 would be another sample for the parts than in the event.
        Samples.requireInt64Fast(data);
        cost = incentiveMechanism.handleAddData(msg.value, data, classification);
        if (cost > msg.value) _refuse(DepositTooLow.selector, cost, msg.value);
        time = dataHandler.handleAddData(msg.sender, cost, data, classification);
        classifier.update(data, classification);
    }

    /// @inheritdoc ITrainer64
    function refund(int64[] calldata data, uint64 classification, uint256 addedTime) external nonReentrant {
        _claimRefund(Samples.load(data), classification, addedTime);
    }

    /// @inheritdoc ITrainer64
    function report(int64[] calldata data, uint64 classification, uint256 addedTime, address originalAuthor)
        external
        nonReentrant
    {
        _claimReport(Samples.load(data), classification, addedTime, originalAuthor);
    }

    function _claimRefund(int64[] memory sample, uint64 classification, uint256 addedTime) private {
        Samples.requireInt64Fast(sample);
        (uint256 claimable, bool claimed, uint256 numClaims) =
            dataHandler.handleRefund(msg.sender, sample, classification, addedTime);
        uint64 prediction = classifier.predict(sample);
        uint256 amount = incentiveMechanism.handleRefund(
            msg.sender, sample, classification, addedTime, claimable, claimed, prediction, numClaims
        );
        // The data handler has closed the record.
        if (amount != claimable) revert RefundIncomplete(amount, claimable);
        _pay(msg.sender, amount);
    }

    function _claimReport(int64[] memory sample, uint64 classification, uint256 addedTime, address originalAuthor)
        private
    {
        Samples.requireInt64Fast(sample);
        (uint256 deposit, uint256 claimable, bool claimed, uint256 numClaims, bytes32 dataKey) =
            dataHandler.handleReport(msg.sender, sample, classification, addedTime, originalAuthor);
        uint64 prediction = classifier.predict(sample);
        uint256 amount = incentiveMechanism.handleReport(
            msg.sender,
            sample,
            classification,
            addedTime,
            originalAuthor,
            deposit,
            claimable,
            claimed,
            prediction,
            numClaims
        );
        if (amount > claimable) revert GrantTooHigh(amount, claimable);
        dataHandler.updateClaimableAmount(dataKey, amount);
        _pay(msg.sender, amount);
    }
}
