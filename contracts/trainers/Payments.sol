// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {Reentered} from "../Errors.sol";
import {TrainerErrors} from "../TrainerErrors.sol";

/// @title Paying people who may be contracts
abstract contract Payments is TrainerErrors {
    /// @dev Transient storage: gone with the transaction, so that no way of failing leaves it set.
    /// A whole word, so that it is written without being read.
    uint256 private transient entered;

    /// @dev Everything that pays is also settled before it pays; this is the second lock on the door.
    modifier nonReentrant() {
        _enter();
        _;
        entered = 0;
    }

    /// @dev A function, so that it is in the code once and not once for every function that is locked.
    function _enter() private {
        if (entered != 0) revert Reentered();
        entered = 1;
    }

    /// @dev All gas goes along, so that a contract wallet can be paid. A receiver that reverts undoes
    /// its own call and nobody else's.
    function _pay(address receiver, uint256 amount) internal {
        if (amount == 0) return;
        bool success;
        assembly ("memory-safe") {
            // What the receiver returns is nobody's business: it is not even copied.
            success := call(gas(), receiver, amount, 0, 0, 0, 0)
        }
        if (!success) _refuse(PaymentFailed.selector, uint160(receiver), amount);
    }
}
