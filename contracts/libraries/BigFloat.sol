// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

/// @title Numbers as mantissa and exponent
/// @notice For products of thousands of factors, which would underflow in any fixed point. A normalised
/// number is mantissa * 2**exponent with 2**127 <= mantissa < 2**128. Packed it is exponent * 2**128 +
/// mantissa, so that the larger of two packed numbers is the larger number; 0 is type(int256).min.
/// @dev Every function has a twin in `dcai_compile/bigfloat.py` that gives the same integers, and that
/// derives the error bounds stated here; `lift` has that of `normalize`, `divPacked` that of `div`, and `mulDiv` those
/// that it is made of.
/// Results are rounded towards zero.
///
/// Requirements of every function:
/// - The magnitude of exponents is below 2**190, in `power` on the way too: no sum of two wraps.
/// - Mantissas are normalised, unless something else is said.
library BigFloat {
    /// @notice The same number with a mantissa of 128 bits. Relative error below 2**-127; exact where the
    /// mantissa had 128 bits or fewer.
    /// @dev Requirements: mantissa != 0, of any length.
    function normalize(uint256 mantissa, int256 exponent) internal pure returns (uint256, int256) {
        assembly ("memory-safe") {
            // The place of the highest bit: by halves, down to the byte that it is in.
            let top := shl(7, gt(mantissa, 0xffffffffffffffffffffffffffffffff))
            top := or(top, shl(6, gt(shr(top, mantissa), 0xffffffffffffffff)))
            top := or(top, shl(5, gt(shr(top, mantissa), 0xffffffff)))
            top := or(top, shl(4, gt(shr(top, mantissa), 0xffff)))
            top := or(top, shl(3, gt(shr(top, mantissa), 0xff)))
            // Then by a table: whatever the byte is, so many bits up the first constant are five that only bytes of the
            // same length find there; the second says for each five what that length is, less 1.
            let five := and(shr(shr(top, mantissa), 0xffffffffffffffff77777776aaaa498a), 31)
            top := or(top, byte(five, 0x0706010603000206000304000204050600010302030405050200040500050506))
            // To place 255, and down to 127.
            mantissa := shr(128, shl(sub(255, top), mantissa))
            exponent := add(exponent, sub(top, 127))
        }
        return (mantissa, exponent);
    }

    /// @notice `normalize` of an integer about whose length something is known: quick if it has `length` bits or
    /// a few more.
    /// @dev Requirements: length != 0, and the integer has as many bits or more.
    function lift(uint256 value, uint256 length) internal pure returns (uint256 mantissa, int256 exponent) {
        assembly ("memory-safe") {
            for {} shr(length, value) {} { length := add(length, 1) }
            mantissa := shr(128, shl(sub(256, length), value))
            exponent := sub(length, 128)
        }
    }

    /// @notice A normalised number as one integer that compares as the number does.
    /// @dev Requirements: -2**127 <= exponent < 2**127.
    function pack(uint256 mantissa, int256 exponent) internal pure returns (int256) {
        return (exponent << 128) | int256(mantissa);
    }

    /// @notice Mantissa and exponent of a packed number.
    /// @dev Requirements: the number is not 0, which has neither.
    function unpack(int256 packed) internal pure returns (uint256 mantissa, int256 exponent) {
        return (uint128(uint256(packed)), packed >> 128);
    }

    /// @notice The number times a factor: one shift in some factors, instead of one a factor. Relative
    /// error below 2**-100.
    /// @dev Requirements: 0 < factor < 2**bits, bits <= 78, and 0 < mantissa < 2**(256 - bits), as is the
    /// result's.
    function mulSmall(uint256 mantissa, int256 exponent, uint256 factor, uint256 bits)
        internal
        pure
        returns (uint256, int256)
    {
        unchecked {
            // Below 2**(256 - bits) * 2**bits.
            mantissa *= factor;
            if (mantissa >> (256 - bits) == 0) return (mantissa, exponent);
            return (mantissa >> bits, exponent + int256(bits));
        }
    }

    /// @notice The product of two normalised numbers. Relative error below 2**-127.
    function mul(uint256 a, int256 aExponent, uint256 b, int256 bExponent) internal pure returns (uint256, int256) {
        unchecked {
            // From 2**254 to 2**256.
            uint256 product = a * b;
            if (product >> 255 == 0) return (product >> 127, aExponent + bExponent + 127);
            return (product >> 128, aExponent + bExponent + 128);
        }
    }

    /// @notice The square of a normalised number. Relative error below 2**-127.
    function square(uint256 mantissa, int256 exponent) internal pure returns (uint256, int256) {
        return mul(mantissa, exponent, mantissa, exponent);
    }

    /// @notice The quotient of two normalised numbers. Relative error below 2**-127.
    function div(uint256 a, int256 aExponent, uint256 b, int256 bExponent) internal pure returns (uint256, int256) {
        unchecked {
            // From 2**127 to 2**129. Halving after the division truncates no more than one division would.
            uint256 quotient = (a << 128) / b;
            uint256 shift = quotient >> 128;
            return (quotient >> shift, aExponent - bExponent - 128 + int256(shift));
        }
    }

    /// @notice `div`, packed.
    function divPacked(uint256 a, int256 aExponent, uint256 b, int256 bExponent)
        internal
        pure
        returns (int256 packed)
    {
        assembly ("memory-safe") {
            let quotient := div(shl(128, a), b)
            let shift := shr(128, quotient)
            packed := or(shl(128, sub(add(aExponent, shift), add(bExponent, 128))), shr(shift, quotient))
        }
    }

    /// @notice `mul` of c and the quotient `div` of a and b, packed.
    function mulDiv(uint256 c, int256 cExponent, uint256 a, int256 aExponent, uint256 b, int256 bExponent)
        internal
        pure
        returns (int256 packed)
    {
        assembly ("memory-safe") {
            let quotient := div(shl(128, a), b)
            let shift := shr(128, quotient)
            let product := mul(c, shr(shift, quotient))
            let drop := add(127, shr(255, product))
            let exponent := sub(add(add(cExponent, aExponent), add(shift, drop)), add(bExponent, 128))
            packed := or(shl(128, exponent), shr(drop, product))
        }
    }

    /// @notice The highest bit of n alone, which `power` begins with; 0 where n is 0.
    /// @dev Requirements: n < 2**255.
    function topBit(uint256 n) internal pure returns (uint256 bit) {
        assembly ("memory-safe") {
            // All bits below the highest as well; one more than that is the next power of two.
            bit := or(n, shr(1, n))
            bit := or(bit, shr(2, bit))
            bit := or(bit, shr(4, bit))
            bit := or(bit, shr(8, bit))
            for { let rest := 16 } shr(rest, bit) { rest := shl(1, rest) } { bit := or(bit, shr(rest, bit)) }
            bit := shr(1, add(bit, 1))
        }
    }

    /// @notice A normalised number to the power of n; exactly 1.0 where n is 0. Relative error at most
    /// n * 2**-126.
    /// @dev Square and multiply from the top bit of n, which is `bit`. At the top bit the square is 1.0, and
    /// its product with the number is the number.
    function power(uint256 mantissa, int256 exponent, uint256 n, uint256 bit)
        internal
        pure
        returns (uint256 result, int256 resultExponent)
    {
        assembly ("memory-safe") {
            switch bit
            case 0 {
                result := shl(127, 1)
                resultExponent := sub(0, 127)
            }
            default {
                result := mantissa
                resultExponent := exponent
            }
            for { bit := shr(1, bit) } bit { bit := shr(1, bit) } {
                // `mul`, of the result by itself, and by the number. Products have 255 or 256 bits.
                let product := mul(result, result)
                let drop := add(127, shr(255, product))
                result := shr(drop, product)
                resultExponent := add(shl(1, resultExponent), drop)
                if and(n, bit) {
                    product := mul(result, mantissa)
                    drop := add(127, shr(255, product))
                    result := shr(drop, product)
                    resultExponent := add(add(resultExponent, exponent), drop)
                }
            }
        }
    }

    /// @notice An integer to the power of n. Relative error at most 3 * n * 2**-127.
    /// @dev Requirements: base != 0.
    function powInt(uint256 base, uint256 n) internal pure returns (uint256 mantissa, int256 exponent) {
        (mantissa, exponent) = normalize(base, 0);
        return power(mantissa, exponent, n, topBit(n));
    }

    /// @notice log2 of a normalised number, times 2**64; too low by less than 1 + 2**-61.
    /// @dev The mantissa as a number from 1 to 2: whether its square is 2 or more is the next bit. Never
    /// decreases where the number increases.
    function log2X64(uint256 mantissa, int256 exponent) internal pure returns (int256 result) {
        unchecked {
            result = (exponent + 127) * 2 ** 64;
            for (uint256 bit = 2 ** 63; bit != 0; bit >>= 1) {
                // Below 2**256, as the mantissa is below 2**128.
                mantissa = (mantissa * mantissa) >> 127;
                if (mantissa >> 128 != 0) {
                    mantissa >>= 1;
                    result += int256(bit);
                }
            }
        }
    }
}
