// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

/// @title Rounding and fixed-point functions
/// @notice The scale is in the name: xX64 is the integer x * 2**64, xX96 is x * 2**96.
/// @dev Every function has a twin in `dcai_compile/fixed.py` that gives the same integer, and that
/// derives the error bounds stated here.
library FixedPoint {
    uint256 private constant ONE_X64 = 1 << 64;
    uint256 private constant ONE_X96 = 1 << 96;

    /// @dev ln(2) * 2**96, rounded down.
    uint256 private constant LN2_X96 = 54916777467707473351141471128;

    /// @dev 46. From here on exp(-x) and 1 / (1 + exp(x)) are below 2**-66, and returned as 0. Both
    /// round to 0 from 65 * ln(2) = 45.05 on, so that there is no jump.
    uint256 private constant EXP_LIMIT_X64 = 46 << 64;

    /// @notice 1 / (1 + exp(-z)), from 0 to 2**64.
    /// @dev Computed for -|z|, where it is at most one half, as 1 / (1 + exp(|z|)); the upper half is
    /// its complement, so that logistic(z) + logistic(-z) is exactly 2**64.
    ///
    /// Notes:
    /// - Rounded to nearest; the absolute error is below 2**-65 + 2**-73.
    /// - Never decreases where z increases.
    /// - 0 or 2**64 where |z| >= 46.
    function logisticX64(int256 zX64) internal pure returns (uint256) {
        unchecked {
            // The minimum is its own negation, and as a uint256 its own magnitude.
            uint256 magnitudeX64 = zX64 < 0 ? uint256(-zX64) : uint256(zX64);
            uint256 lowerX64 = 0;
            if (magnitudeX64 < EXP_LIMIT_X64) {
                // exp(46) < 2**67, so the divisor is below 2**164. The quotient is at most 2**63.
                uint256 divisorX96 = ONE_X96 + expX96(magnitudeX64);
                lowerX64 = (ONE_X64 * ONE_X96 + divisorX96 / 2) / divisorX96;
            }
            return zX64 < 0 ? lowerX64 : ONE_X64 - lowerX64;
        }
    }

    /// @notice exp(-x), from 0 to 2**64.
    /// @dev Computed as 1 / exp(x).
    ///
    /// Notes:
    /// - Rounded to nearest; the absolute error is below 2**-65 + 2**-71.
    /// - Never increases where x increases.
    /// - 0 where x >= 46.
    function expNegativeX64(uint256 xX64) internal pure returns (uint256) {
        if (xX64 >= EXP_LIMIT_X64) return 0;
        unchecked {
            // 2**96 <= exp(x) * 2**96 < 2**163: nothing is divided by zero, and the sum is far from 2**256.
            uint256 divisorX96 = expX96(xX64);
            return (ONE_X64 * ONE_X96 + divisorX96 / 2) / divisorX96;
        }
    }

    /// @notice exp(x).
    /// @dev x = k * ln(2) + r, so exp(x) = 2**k * exp(r), where 0 <= r < ln(2) and
    /// exp(r) = 1 + r/1 * (1 + r/2 * (1 + r/3 * (...))), a Taylor polynomial of degree 19.
    ///
    /// Notes:
    /// - Every division rounds down; the relative error is below 2**-71.
    /// - Never decreases where x increases: each line below grows with r, and as nothing is rounded up,
    ///   exp(r) stays below 2, which is where the next k begins.
    ///
    /// Requirements:
    /// - x < 46. Beyond that the result wraps.
    function expX96(uint256 xX64) internal pure returns (uint256) {
        unchecked {
            // xX64 < 2**70, so the shift loses nothing.
            uint256 xX96 = xX64 << 32;
            uint256 r = xX96 % LN2_X96;
            // r < 2**96 and 2**96 <= sum < 2**97: no product reaches 2**193.
            uint256 sum = ONE_X96 + r / 19;
            sum = ONE_X96 + r * sum / (18 * ONE_X96);
            sum = ONE_X96 + r * sum / (17 * ONE_X96);
            sum = ONE_X96 + r * sum / (16 * ONE_X96);
            sum = ONE_X96 + r * sum / (15 * ONE_X96);
            sum = ONE_X96 + r * sum / (14 * ONE_X96);
            sum = ONE_X96 + r * sum / (13 * ONE_X96);
            sum = ONE_X96 + r * sum / (12 * ONE_X96);
            sum = ONE_X96 + r * sum / (11 * ONE_X96);
            sum = ONE_X96 + r * sum / (10 * ONE_X96);
            sum = ONE_X96 + r * sum / (9 * ONE_X96);
            sum = ONE_X96 + r * sum / (8 * ONE_X96);
            sum = ONE_X96 + r * sum / (7 * ONE_X96);
            sum = ONE_X96 + r * sum / (6 * ONE_X96);
            sum = ONE_X96 + r * sum / (5 * ONE_X96);
            sum = ONE_X96 + r * sum / (4 * ONE_X96);
            sum = ONE_X96 + r * sum / (3 * ONE_X96);
            sum = ONE_X96 + r * sum / (2 * ONE_X96);
            sum = ONE_X96 + r * sum / ONE_X96;
            // k <= 66, so the result is below 2**163.
            return sum << (xX96 / LN2_X96);
        }
    }

    /// @notice The integer nearest to a / b, in a tie the one away from zero.
    /// @dev sign(a) * floor((|a| + floor(b / 2)) / b).
    ///
    /// Requirements:
    /// - b > 0. Zero panics; for a negative b the result means nothing.
    function divRoundHalfAway(int256 a, int256 b) internal pure returns (int256) {
        unchecked {
            uint256 divisor = uint256(b);
            // The minimum is its own negation, and as a uint256 its own magnitude. |a| <= 2**255 and
            // b / 2 < 2**254, so the sum is a uint256. A division by zero panics here too.
            uint256 magnitude = ((a < 0 ? uint256(-a) : uint256(a)) + divisor / 2) / divisor;
            // At most |a|: where b is 1 nothing was added, and where b > 1 the quotient is at most
            // |a| / 2 + 1/2. So 2**255 is reached by the minimum alone, and is its own negation.
            return a < 0 ? -int256(magnitude) : int256(magnitude);
        }
    }

    /// @notice floor(x / 2**bits + 1/2); x itself where bits is 0.
    /// @dev The bit below the cut is added after the shift: before it the sum could overflow. Shifts
    /// are arithmetic. Any x, any number of bits.
    function roundHalfUpShift(int256 x, uint256 bits) internal pure returns (int256) {
        if (bits == 0) return x;
        unchecked {
            // After a shift by one bit or more, adding 1 cannot leave an int256.
            return (x >> bits) + ((x >> (bits - 1)) & 1);
        }
    }

    /// @notice floor(sqrt(x)), for any x.
    /// @dev Heron's method, from a power of two with sqrt(x) / 2 < root <= 2 * sqrt(x). A step takes a
    /// relative error e to at most e**2 / (2 * (1 + e)): from -1/2 < e <= 1 to at most 1/4, and after
    /// six more below 2**-200, which is less than 1 in absolute terms as sqrt(x) < 2**128. A step
    /// rounded down never falls below floor(sqrt(x)), because the mean of root and x / root is at least
    /// sqrt(x); from floor(sqrt(x)) or one more it leads to one of these two again. The last line tells
    /// them apart. Below 2**32 four steps are enough: 1/4, 1/40, 1/3280 and 2**-24 of less than 2**16.
    function sqrt(uint256 x) internal pure returns (uint256 root) {
        if (x == 0) return 0;
        unchecked {
            // Invariant: rest >= 1 is x without its lowest bits, and root / 2 is the square root of the
            // power of two cut off, so (root / 2)**2 <= x. At the end rest < 16, hence x < (2 * root)**2.
            uint256 rest = x;
            root = 2;
            if (x >= 1 << 32) {
                if (rest >= 1 << 128) (rest, root) = (rest >> 128, root << 64);
                if (rest >= 1 << 64) (rest, root) = (rest >> 64, root << 32);
                if (rest >= 1 << 32) (rest, root) = (rest >> 32, root << 16);
            }
            if (rest >= 1 << 16) (rest, root) = (rest >> 16, root << 8);
            if (rest >= 1 << 8) (rest, root) = (rest >> 8, root << 4);
            if (rest >= 1 << 4) root <<= 2;
            // root <= 2**128 and x / root < 2**129: no sum overflows. root >= 1, as x >= 1.
            root = (root + x / root) >> 1;
            root = (root + x / root) >> 1;
            root = (root + x / root) >> 1;
            root = (root + x / root) >> 1;
            if (x >= 1 << 32) {
                root = (root + x / root) >> 1;
                root = (root + x / root) >> 1;
                root = (root + x / root) >> 1;
            }
            if (root > x / root) --root;
        }
    }
}
