// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

/// @title A contract wallet that can be told to misbehave
/// @notice Makes several calls in one transaction, and takes money, refuses it, or calls back.
contract Wallet {
    struct Call {
        address to;
        uint256 value;
        bytes data;
    }

    uint256 private constant REFUSES = 1;
    uint256 private constant CALLS_BACK = 2;

    uint256 public mode;
    address public calledBack;
    bytes public callback;
    bool public callbackSucceeded;
    bytes public callbackAnswer;

    function behave(uint256 mode_, address to, bytes calldata data) external {
        mode = mode_;
        calledBack = to;
        callback = data;
    }

    /// @notice All calls in order; one that fails undoes itself only.
    function execute(Call[] calldata calls) external payable returns (bool[] memory success, bytes[] memory answers) {
        success = new bool[](calls.length);
        answers = new bytes[](calls.length);
        for (uint256 i = 0; i < calls.length; ++i) {
            (success[i], answers[i]) = calls[i].to.call{value: calls[i].value}(calls[i].data);
        }
    }

    receive() external payable {
        if (mode == REFUSES) revert("no, thank you");
        if (mode == CALLS_BACK) (callbackSucceeded, callbackAnswer) = calledBack.call(callback);
    }
}
