// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {ModelErrors} from "./ModelErrors.sol";
import {IClassifier64} from "./interfaces/IClassifier64.sol";
import {FixedPoint} from "./libraries/FixedPoint.sol";
import {Samples} from "./libraries/Samples.sol";

/// @title What a compiled model is, whoever may teach it
/// @notice The generated contract fills in the functions without a body. A shell such as
/// `Classifier64` decides who may call what.
abstract contract Model64 is ModelErrors, IClassifier64 {
    /// @dev DCAI's scale of a real number.
    uint32 internal constant TO_FLOAT = 1e9;

    /// @dev SCORE: what the decision is made from; reverts for a sample that cannot be read. Samples come from
    /// `Samples`, which does not look at them: words that are no int64 are refused here. The word behind the sample may
    /// be written.
    function _scores(int64[] memory data) internal view virtual returns (int256[] memory scores);

    /// @dev How many scores a decision is made from.
    function _numScores() internal pure virtual returns (uint256);

    /// @dev DECIDE: the class with these scores, of which there are `_numScores`.
    function _decide(int256[] memory scores) internal pure virtual returns (uint64 classification);

    /// @dev UPDATE: one training step, or a revert that changes nothing.
    function _update(int64[] memory data, uint64 classification) internal virtual;

    /// @inheritdoc IClassifier64
    function predict(int64[] calldata data) external view returns (uint64 classification) {
        return _decide(_scores(Samples.load(data)));
    }

    /// @notice The classes of many samples in one call.
    function predictBatch(int64[][] calldata samples) external view returns (uint64[] memory classes) {
        int256[] memory words = _reserve(samples.length);
        uint256 free;
        assembly ("memory-safe") {
            free := mload(0x40)
        }
        for (uint256 i = 0; i < samples.length; ++i) {
            uint64 class = _decide(_scores(Samples.load(samples[i])));
            assembly ("memory-safe") {
                // There is a word for every sample.
                mstore(add(add(words, 0x20), shl(5, i)), class)
                // Nothing of the last sample is needed any more.
                mstore(0x40, free)
            }
        }
        assembly ("memory-safe") {
            classes := words
        }
    }

    /// @inheritdoc IClassifier64
    function toFloat() external pure returns (uint32) {
        return TO_FLOAT;
    }

    /// @notice The integer scores of a sample, in the unit that the contract's header names.
    /// @dev scikit-learn's `decision_function`.
    function decisionFunction(int64[] calldata data) external view returns (int256[] memory scores) {
        return _scores(Samples.load(data));
    }

    /// @notice The class that these scores decide for: the rule alone, open to be checked.
    function decide(int256[] calldata scores) external pure returns (uint64 classification) {
        _requireLength(_numScores(), scores.length);
        int256[] memory copied = _reserve(scores.length);
        assembly ("memory-safe") {
            calldatacopy(add(copied, 0x20), scores.offset, shl(5, scores.length))
        }
        return _decide(copied);
    }

    /// @dev floor(sqrt(sum of squares)) of a dense sample. The sum of fewer than 2**128 squares of
    /// 64-bit values cannot leave 256 bits.
    function _norm(int64[] calldata source) internal pure returns (uint256) {
        int64[] memory data = Samples.load(source);
        Samples.requireInt64(data);
        uint256 squares = 0;
        assembly ("memory-safe") {
            for { let i := mload(data) } i { i := sub(i, 1) } {
                let value := mload(add(data, shl(5, i)))
                squares := add(squares, mul(value, value))
            }
        }
        return FixedPoint.sqrt(squares);
    }

    /// @dev An array that is not yet written, for a caller that writes every element. One that is too long for
    /// memory is too long to be written.
    function _reserve(uint256 length) internal pure returns (int256[] memory words) {
        assembly ("memory-safe") {
            words := mload(0x40)
            mstore(words, length)
            mstore(0x40, add(words, shl(5, add(length, 1))))
        }
    }

    /// @dev An array for items `first` to `first + count - 1`, not yet written; the revert of a getter where not
    /// all of them are there.
    function _reserveRange(uint256 first, uint256 count, uint256 length) internal pure returns (int256[] memory) {
        unchecked {
            uint256 last = first + count - 1;
            // A sum that wraps is an index past everything.
            if (count != 0) _requireIndex(last < first ? type(uint256).max : last, length);
        }
        return _reserve(count);
    }

    /// @dev The revert of a sample, or of scores, of another length.
    function _requireLength(uint256 expected, uint256 actual) internal pure {
        if (actual != expected) _refuse(SampleLengthMismatch.selector, expected, actual);
    }

    /// @dev The revert of a lesson about a class that is not there.
    function _requireClass(uint64 classification, uint256 numClassifications) internal pure {
        uint256 class = classification;
        if (class >= numClassifications) _refuse(ClassOutOfRange.selector, class, numClassifications);
    }

    /// @dev The revert of a getter that was asked for an item that is not there.
    function _requireIndex(uint256 index, uint256 length) internal pure {
        if (index >= length) _refuse(IndexOutOfRange.selector, index, length);
    }
}
