"""Exact sums of the training samples, or frozen centroids on a fine grid."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from dcai_compile.delta_choice import typical_elements
from dcai_compile.encoding import Encoding, Matrix
from dcai_compile.errors import InvalidOption, OverflowPossible
from dcai_compile.exact import gamma, max_abs
from dcai_compile.families.centroid.integers import CentroidIntegers, CentroidModel
from dcai_compile.families.lanes import base_bits, check_lane_option, delta_digits, typical_step
from dcai_compile.model import Options
from dcai_compile.records import MOST_BITS, widest

FINE_GRAIN = 16
"""Frozen centroids count in ``2**-16`` wire units, where 64 bits allow."""

GRID_STEPS = 32
"""So many typical values in one direction fit in a low digit of 16 bits that counts in a grid: a carry
costs as much as some fifty lanes of a slot."""

GRID_DIGIT = 16
"""Width of a low digit that counts in a grid."""

SCORE_BITS = 250
"""Width that a score stays below, before its division, for any sample and any state."""


def quantize(
    model: CentroidModel,
    X: Matrix,
    y: NDArray[np.int64] | None,
    encoding: Encoding,
    options: Options,
) -> CentroidIntegers:
    """Sums and counts as integers. Raises `OverflowPossible`, `InvalidOption`."""
    check_lane_option(options, "sums")
    samples = encoding.encode(X)
    wire = encoding.matrix(samples)
    if model.counts is not None:
        grain, sums, counts = *_from_means(model, model.counts, encoding), model.counts
    elif model.frozen:
        grain, sums, counts = *_fixed(model, encoding), (1,) * model.n_classes
    else:
        grain, sums, counts = 1, *_from_training(model, X, y, wire, encoding)
    max_value = encoding.max_count
    if not encoding.is_counts:
        largest = max_abs(wire.data if sparse.issparse(wire) else wire)
        max_value = min(encoding.max_wire_value - 1, max(1, 2 * largest))
    grid_bits = 0
    if options.step_bits == GRID_DIGIT and encoding.name == "dense" and not model.frozen:
        grid_bits = _grid_bits(typical_step(X, encoding), max_value)
        sums = (sums + (1 << grid_bits >> 1)) >> grid_bits
    largest_step = ((max_value * grain) >> grid_bits) + 1 if grid_bits else max_value * grain
    lane_bits = low_bits = proved = 0
    if not model.frozen:
        typical = typical_step(X, encoding) * grain >> grid_bits
        digits, proved = delta_digits(largest_step, options.horizon, typical)
        lane_bits, low_bits = digits.bits, digits.low_bits
    added = 0 if model.frozen else 1 << max(MOST_BITS, options.horizon.bit_length())
    fraction_bits = _fraction_bits(encoding, grain, grid_bits, sums, counts, lane_bits, added)
    integers = CentroidIntegers(
        model,
        encoding,
        0.0,
        grain,
        sums,
        counts,
        grid_bits,
        fraction_bits,
        base_bits(max_abs(sums), options),
        lane_bits,
        low_bits,
        0,
        0,
        max_value,
        proved,
    )
    if model.frozen:
        return integers
    length = typical_elements(samples)
    updates = widest(
        integers.fields_for, model.n_classes, integers.delta_table, options.horizon, length
    )
    fields = integers.fields_for(updates)
    square_bits = fields[1].bits if integers.keeps_squares else 0
    return replace(
        integers,
        count_bits=fields[0].bits,
        square_bits=square_bits,
        proved_updates=min(proved, updates),
    )


def _grid_bits(typical: int, largest: int) -> int:
    """The finest grid in whose steps `GRID_STEPS` typical values, and the largest, fit in a low digit.

    Distances add up over all features, so one step serves them all: beside the typical value it is small.
    """
    return max(0, max(GRID_STEPS * typical, largest).bit_length() - (GRID_DIGIT - 1))


def _fixed(model: CentroidModel, encoding: Encoding) -> tuple[int, NDArray[np.int64]]:
    """Grain and centroids of a frozen model, on the finest grid up to `FINE_GRAIN` that fits."""
    largest = Fraction(float(np.abs(model.centroids).max())) * encoding.scale
    for bits in range(FINE_GRAIN, -1, -1):
        if largest * (1 << bits) < 1 << 61:
            grain = 1 << bits
            return grain, _rounded(model.centroids, [encoding.scale * grain] * model.n_classes)
    raise _too_large(float(np.abs(model.centroids).max()))


def _from_means(
    model: CentroidModel, counts: tuple[int, ...], encoding: Encoding
) -> tuple[int, NDArray[np.int64]]:
    """Grain and sums where means and counts are all that is known: fine where they are no integers."""
    totals = model.centroids * np.array(counts, np.float64).reshape(-1, 1)
    whole = encoding.name == "dense" or bool(np.all(np.abs(totals - np.rint(totals)) < 1e-6))
    grain = 1 if whole else 1 << FINE_GRAIN
    return grain, _rounded(model.centroids, [encoding.scale * grain * n for n in counts])


def _rounded(values: NDArray[np.float64], units: list[int]) -> NDArray[np.int64]:
    rows = [
        [round(Fraction(v) * unit) for v in row]
        for row, unit in zip(values.tolist(), units, strict=True)
    ]
    if max(abs(v) for row in rows for v in row) >= 1 << 62:
        raise _too_large(float(np.abs(values).max()))
    return np.array(rows, np.int64).reshape(values.shape)


def _too_large(value: float) -> OverflowPossible:
    return OverflowPossible(
        f"sums of values as large as {value:g} do not fit in 64 bits",
        hint="scale the features (StandardScaler)",
    )


def _from_training(
    model: CentroidModel, X: Matrix, y: NDArray[np.int64] | None, wire: Matrix, encoding: Encoding
) -> tuple[NDArray[np.int64], tuple[int, ...]]:
    """Sums and counts of the training samples, which `X` and `y` are checked to be."""
    if y is None:
        raise InvalidOption(
            f"{model.estimator} does not say of how many samples each centroid is the mean",
            hint="pass y, the labels of the training data X, or update='frozen'",
            option="y",
            value=None,
        )
    if max_abs(wire.data if sparse.issparse(wire) else wire) * wire.shape[0] >= 1 << 62:
        raise _too_large(float(np.abs(model.centroids).max()))
    narrow = getattr(X, "dtype", None) == np.float32
    counts, sums = [], []
    for row in range(model.n_classes):
        members = np.nonzero(y == row)[0]
        total = np.ravel(np.asarray(wire[members].sum(axis=0))).astype(np.int64)
        size = np.ravel(np.asarray(abs(X[members]).sum(axis=0))).astype(np.float64)
        _check_mean(model, row, total, len(members), size, encoding, narrow)
        counts.append(len(members))
        sums.append(total)
    return np.array(sums, np.int64), tuple(counts)


def _check_mean(
    model: CentroidModel,
    row: int,
    total: NDArray[np.int64],
    count: int,
    size: NDArray[np.float64],
    encoding: Encoding,
    narrow: bool,
) -> None:
    """Refuse data of which the centroid is not the mean, within what rounding explains."""
    error = np.inf * np.ones(len(total))
    allowed = np.zeros(len(total))
    if count:
        error = np.abs(total / (count * encoding.scale) - model.centroids[row])
        dtype = np.float32 if narrow else np.float64
        wire = 0.0 if encoding.is_counts else 0.5 / encoding.scale
        allowed = wire * 1.001 + size / count * gamma(count + 8, dtype) + 1e-300
    wrong = np.nonzero(error > allowed)[0]
    if len(wrong):
        feature = int(wrong[0])
        mean = float(total[feature] / (count * encoding.scale)) if count else float("nan")
        raise InvalidOption(
            f"X, y are not the training data: class {model.classes[row]!r} has {count} samples with a "
            f"mean of {mean:.6g} in feature {feature}, and the centroid is "
            f"{float(model.centroids[row, feature]):.6g}",
            hint="pass the X and y that the estimator was trained with, or update='frozen'",
            option="y",
            value=count,
        )


def _fraction_bits(
    encoding: Encoding,
    grain: int,
    grid_bits: int,
    sums: NDArray[np.int64],
    counts: tuple[int, ...],
    lane_bits: int,
    added: int,
) -> int:
    """As many bits below one unit as keep every score inside int256, for any sample and state."""
    largest = max_abs(sums) + (1 << (lane_bits - 1) if lane_bits else 0)
    count = max(counts) + added
    # For indices the longest sample is max_length ones; else every element has the largest value.
    values = 1 if encoding.is_counts else encoding.max_wire_value
    product = 2 * count * grain * encoding.max_length * values * largest
    square = encoding.n_features * largest * largest << grid_bits
    room = SCORE_BITS - (product + square).bit_length()
    if room < 0:
        raise OverflowPossible(
            "a distance could leave int256", hint="scale the features (StandardScaler)"
        )
    return min(64, room)
