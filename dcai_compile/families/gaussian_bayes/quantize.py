"""Sums of a Gaussian model as integers, and the limits within which no arithmetic overflows."""

from __future__ import annotations

from fractions import Fraction
from math import ceil

import numpy as np
from numpy.typing import NDArray

from dcai_compile.encoding import INT64_MAX, TO_FLOAT, Encoding, Matrix
from dcai_compile.errors import InvalidOption, OverflowPossible, UnsupportedModel
from dcai_compile.exact import gamma, max_abs
from dcai_compile.families.gaussian_bayes.integers import GaussianIntegers, GaussianModel, Table
from dcai_compile.model import Options

EPSILON_BITS = 40
"""The smoothing is an integer of this many bits or more, so that its rounding hardly shows."""

MIN_COUNT_MAX = 1 << 20
"""A class can be taught this often, or `horizon` times if that is more."""

SUM_BITS = 126
"""Width of a sum of squares, in lanes of 128 bits."""

SCORE_BITS = 250
MIN_FRACTION_BITS = 16
LANE_BITS = (64, 128)


def quantize(
    model: GaussianModel,
    X: Matrix,
    y: NDArray[np.int64] | None,
    encoding: Encoding,
    options: Options,
) -> GaussianIntegers:
    """Sums as integers. Raises `OverflowPossible`, `InvalidOption`, `UnsupportedModel`."""
    if options.weight_bits != "auto":
        raise InvalidOption(
            f"weight_bits={options.weight_bits!r}: sums of squares have the width that they need",
            hint="leave weight_bits out",
            option="weight_bits",
            value=options.weight_bits,
        )
    wire = np.stack(encoding.encode(X))
    max_value = min(INT64_MAX, max(1, 2 * max_abs(wire)))
    exact = _training_sums(model, X, y, wire) if y is not None else None
    sums, squares = exact if exact is not None else _sums_of_moments(model)
    factor_k, epsilon = _smoothing(model)
    count_max = 0 if model.frozen else _count_max(max_value, squares, options.horizon)
    integers = GaussianIntegers(
        model,
        encoding,
        0.0,
        sums,
        squares,
        exact is not None,
        factor_k,
        epsilon,
        0,
        next(bits for bits in LANE_BITS if _largest(sums, squares) < 1 << (bits - 1)),
        max_value,
        count_max,
    )
    _check_spreads(integers)
    return GaussianIntegers(
        **{**vars(integers), "fraction_bits": _fraction_bits(integers, max_value)}
    )


def _largest(sums: Table, squares: Table) -> int:
    largest = max(abs(value) for table in (sums, squares) for row in table for value in row)
    if largest.bit_length() > SUM_BITS:
        raise OverflowPossible(
            "a sum of squares does not fit in 128 bits",
            hint="scale the features (StandardScaler)",
        )
    return largest


def _sums_of_moments(model: GaussianModel) -> tuple[Table, Table]:
    """Sums with the trained means and variances; the second such that the variance is kept."""
    sums, squares = [], []
    epsilon = Fraction(model.epsilon)
    for row, n in enumerate(model.class_counts):
        means, variances = model.means[row].tolist(), model.variances[row].tolist()
        firsts = [round(Fraction(mean) * n * TO_FLOAT) for mean in means]
        seconds = []
        for first, variance in zip(firsts, variances, strict=True):
            if n == 0:
                seconds.append(0)
                continue
            least = Fraction(first * first, n)
            scatter = max(Fraction(0), (Fraction(variance) - epsilon) * n * TO_FLOAT**2)
            seconds.append(max(ceil(least), round(least + scatter)))
        sums.append(tuple(firsts))
        squares.append(tuple(seconds))
    return tuple(sums), tuple(squares)


def _training_sums(
    model: GaussianModel, X: Matrix, y: NDArray[np.int64], wire: NDArray[np.int64]
) -> tuple[Table, Table] | None:
    """Exact sums of the samples, if they are those that the model was trained with, else None."""
    sums, squares = [], []
    values = np.asarray(X, np.float64)
    for row, n in enumerate(model.class_counts):
        members = np.nonzero(y == row)[0]
        if len(members) != n:
            return None
        part = wire[members].astype(object)
        first = [int(value) for value in part.sum(axis=0)] if n else [0] * wire.shape[1]
        second = [int(value) for value in (part * part).sum(axis=0)] if n else [0] * wire.shape[1]
        if n and not _matches(model, row, first, second, values[members]):
            return None
        sums.append(tuple(first))
        squares.append(tuple(second))
    return tuple(sums), tuple(squares)


def _matches(
    model: GaussianModel, row: int, first: list[int], second: list[int], X: NDArray[np.float64]
) -> bool:
    """Whether sums explain the trained mean and variance, within what rounding can do."""
    n = len(X)
    rounding = gamma(4 * n + 40, model.dtype)
    half = 0.5 / TO_FLOAT
    for feature, (total, square) in enumerate(zip(first, second, strict=True)):
        mean = float(Fraction(total, n * TO_FLOAT))
        variance = float(Fraction(n * square - total * total, (n * TO_FLOAT) ** 2))
        column = X[:, feature]
        size = float(np.abs(column).mean()) + abs(mean)
        power = float((column * column).mean()) + mean * mean
        if abs(mean - model.means[row, feature]) > half + rounding * size:
            return False
        away = float(np.abs(column - mean).mean()) + half
        allowed = 4.0 * half * away + rounding * (power + model.epsilon)
        if abs(variance + model.epsilon - model.variances[row, feature]) > allowed:
            return False
    return True


def _smoothing(model: GaussianModel) -> tuple[int, int]:
    """The power of two K, and the smoothing in squared wire units times K."""
    units = Fraction(model.epsilon) * TO_FLOAT**2
    if units == 0:
        return 1, 0
    factor_k = 1
    while units * factor_k < 1 << EPSILON_BITS:
        factor_k <<= 1
    return factor_k, round(units * factor_k)


def _count_max(max_value: int, squares: Table, horizon: int) -> int:
    """Updates of a class for which no sum can leave its lane."""
    wanted = max(horizon, MIN_COUNT_MAX)
    published = max(max(row) for row in squares)
    possible = max(0, ((1 << SUM_BITS) - published) // (max_value * max_value))
    if possible < horizon:
        raise OverflowPossible(
            f"only {possible} of {horizon} updates are proved safe in 128-bit lanes",
            hint="scale the features (StandardScaler), or pass a smaller horizon",
            horizon=horizon,
            proved=max(0, possible),
        )
    return min(wanted, possible)


def _check_spreads(integers: GaussianIntegers) -> None:
    """Refuse a variance of 0. Adding a sample never makes n S2 - S1^2 smaller, so none comes later."""
    if integers.epsilon > 0:
        return
    for row, n in enumerate(integers.model.class_counts):
        for feature in range(integers.model.n_features):
            total, square = integers.sums[row][feature], integers.squares[row][feature]
            if integers.spread(row, feature, n, total, square) <= 0:
                raise UnsupportedModel(
                    f"feature {feature} does not vary in class {integers.model.classes[row]!r}, and "
                    "nothing smooths it: GaussianNB divides by its variance",
                    hint="train with fit and var_smoothing=1e-9, or without the feature",
                    estimator="GaussianNB",
                )


def _fraction_bits(integers: GaussianIntegers, max_value: int) -> int:
    """Bits below 1 that leave room in int256 for any sample of int64 and any state of the lanes."""
    count = max(integers.model.class_counts) + integers.count_max
    total = max(abs(v) for row in integers.sums for v in row) + integers.count_max * max_value
    distance = (count << 63) + total
    squares = max(max(row) for row in integers.squares) + integers.count_max * max_value**2
    spread = integers.factor_k * count * squares + integers.epsilon * count * count
    room = SCORE_BITS - (integers.factor_k * distance * distance).bit_length()
    room -= integers.model.n_features.bit_length()
    if room < MIN_FRACTION_BITS or spread.bit_length() > SCORE_BITS:
        raise OverflowPossible(
            "a squared distance could leave int256",
            hint="scale the features (StandardScaler), or train with a larger var_smoothing",
        )
    return min(64, room)
