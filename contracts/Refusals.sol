// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

/// @title Reverting with a custom error that carries values
/// @notice `_refuse(SomeError.selector, value)` reverts with what `revert SomeError(value)` does. Written out, each
/// such place takes twice the code. The compiler does not see which errors are raised so: they are declared in
/// `ModelErrors` and `TrainerErrors`, of which every heir has them in its ABI, and the tests compare each use
/// with its declaration.
abstract contract Refusals {
    /// @dev Reverts with an error of one value: `revert` with this selector's error.
    function _refuse(bytes4 selector, uint256 value) internal pure {
        assembly ("memory-safe") {
            mstore(0, selector)
            mstore(0x04, value)
            revert(0, 0x24)
        }
    }

    /// @dev The same with two values.
    function _refuse(bytes4 selector, uint256 first, uint256 second) internal pure {
        assembly ("memory-safe") {
            let data := mload(0x40)
            mstore(data, selector)
            mstore(add(data, 0x04), first)
            mstore(add(data, 0x24), second)
            revert(data, 0x44)
        }
    }

    function _refuse(bytes4 selector, address account) internal pure {
        _refuse(selector, uint160(account));
    }

    function _refuse(bytes4 selector, bytes32 value) internal pure {
        _refuse(selector, uint256(value));
    }
}
