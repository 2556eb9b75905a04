"""Counts and smoothing as integers, in lanes that are proved wide enough.

Counts are whole numbers of wire units where the model was trained on what the wire carries: then
nothing is rounded. The smoothing `alpha` is ``A / (M U)`` with a common small denominator `M`, which
is exact for any decimal number that a person would write. The width of a numerator,
`factor_bits`, holds for every state that the lanes can be in, not only within the horizon: the
contract's unchecked products rest on it.
"""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from math import lcm

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from dcai_compile.delta_choice import typical_elements
from dcai_compile.encoding import Encoding, Matrix
from dcai_compile.errors import OverflowPossible
from dcai_compile.exact import max_abs
from dcai_compile.families.count_bayes.integers import CountIntegers, CountModel
from dcai_compile.families.lanes import base_bits, check_lane_option, delta_digits, typical_step
from dcai_compile.model import Options
from dcai_compile.records import widest

MAX_FACTOR_BITS = 78
"""What `BigFloat.mulSmall` takes."""

FRACTION_GRAIN = 1 << 24
"""Units per wire unit where sample weights made the counts fractional."""

COARSEST_ALPHA = Fraction(1, 1 << 30)
"""Relative error that a rounded alpha may have; the proved bound carries it."""

ALPHA_ERROR = Fraction(1, 1 << 50)
"""Relative; below it a decimal number and its double are the same."""


def quantize(model: CountModel, X: Matrix, encoding: Encoding, options: Options) -> CountIntegers:
    """Counts as integers. Raises `OverflowPossible`, `InvalidOption`."""
    check_lane_option(options, "counts")
    grain = _grain(model, encoding)
    counts = _rounded(model.counts, encoding.scale * grain)
    class_counts = tuple(round(Fraction(n) * grain) for n in model.class_counts.tolist())
    max_value = _max_value(X, encoding)
    lane_bits = low_bits = proved = 0
    if not model.frozen:
        step, typical = _step(model, encoding, max_value * grain), typical_step(X, encoding)
        digits, proved = delta_digits(step, options.horizon, typical * grain)
        lane_bits, low_bits = digits.bits, digits.low_bits
    # A complement's numerator is the sum of all classes but one, a Bernoulli's at most the samples.
    largest = max(max_abs(counts), max(class_counts)) + (1 << (lane_bits - 1) if lane_bits else 0)
    largest *= model.n_classes if model.kind == "complement" else 1
    factor_m, alpha = _alpha(model.alpha, encoding.scale * grain, largest)
    published = max_abs(counts) if len(set(alpha)) == 1 else max(max_abs(counts), *alpha)
    # A column's denominator smooths each of its categories, a Bernoulli's two outcomes.
    factor_bits = (largest * factor_m + max((2, *model.sizes)) * max(alpha)).bit_length()
    if factor_bits > MAX_FACTOR_BITS:
        raise _too_wide(factor_bits)
    integers = CountIntegers(
        model,
        encoding,
        0.0,
        grain,
        counts,
        class_counts,
        factor_m,
        alpha,
        base_bits(published, options),
        lane_bits,
        low_bits,
        0,
        0,
        factor_bits,
        max_value,
        proved,
    )
    if model.frozen:
        return integers
    updates = widest(
        integers.fields_for,
        model.n_classes,
        integers.delta_table,
        options.horizon,
        typical_elements(encoding.encode(X)),
        # A numerator may be the samples of a class: they stay below what a lane holds.
        integers.digits.maximum // grain,
    )
    samples, total = integers.fields_for(updates)
    return replace(
        integers,
        sample_bits=samples.bits,
        total_bits=total.bits,
        proved_updates=min(proved, updates),
    )


def _grain(model: CountModel, encoding: Encoding) -> int:
    """1 where every count is a whole number of wire units, or rounds like any wire value."""
    if not encoding.is_counts:
        return 1
    whole = np.all(model.counts == np.floor(model.counts))
    return (
        1
        if whole and np.all(model.class_counts == np.floor(model.class_counts))
        else FRACTION_GRAIN
    )


def _rounded(counts: NDArray[np.float64], units: int) -> NDArray[np.int64]:
    rows = [[round(Fraction(c) * units) for c in row] for row in counts.tolist()]
    if max(max(row) for row in rows) >= 1 << 62:
        raise OverflowPossible(
            f"a count of {counts.max():g} does not fit in 64 bits at {units} units",
            hint="scale the features down (MaxAbsScaler)",
        )
    return np.array(rows, np.int64).reshape(counts.shape)


def _max_value(X: Matrix, encoding: Encoding) -> int:
    """The largest wire value of a feature that `update` takes: twice the largest seen."""
    if encoding.is_counts:
        return encoding.max_count
    wire = encoding.matrix(encoding.encode(X))
    largest = max_abs(wire.data if sparse.issparse(wire) else wire)
    return min(encoding.max_wire_value - 1, max(1, 2 * largest))


def _step(model: CountModel, encoding: Encoding, largest: int) -> int:
    """The most that one update adds to a lane: of presence and categories, a feature counts once."""
    return largest // encoding.max_count if model.kind in ("bernoulli", "categorical") else largest


def _alpha(alpha: NDArray[np.float64], units: int, largest: int) -> tuple[int, tuple[int, ...]]:
    """The denominator M and every A with ``alpha = A / (M units)``, within what the width allows."""
    room = (1 << (MAX_FACTOR_BITS - 1)) // largest
    if room == 0:
        raise _too_wide(largest.bit_length())
    values = [Fraction(a) * units for a in sorted(set(alpha.tolist()))]
    factor_m = 1
    for value in values:
        factor_m = lcm(factor_m, _simple(value).denominator)
    # Too many different decimals, or too narrow: then alpha is rounded, and the bound says so.
    factor_m = min(factor_m, room)
    found = {value: round(value * factor_m) for value in values}
    worst = max(values, key=lambda value: abs(found[value] / (value * factor_m) - 1))
    if abs(found[worst] / (worst * factor_m) - 1) > COARSEST_ALPHA:
        raise OverflowPossible(
            f"alpha={float(worst / units)!r} beside counts of {largest.bit_length()} bits is too "
            f"fine for a product of {MAX_FACTOR_BITS}-bit factors",
            hint="use an alpha with few decimals, or pass a smaller horizon",
        )
    return factor_m, tuple(found[Fraction(a) * units] for a in alpha.tolist())


def _too_wide(bits: int) -> OverflowPossible:
    return OverflowPossible(
        f"a numerator of {bits} bits is too wide for a product of {MAX_FACTOR_BITS}-bit factors",
        hint="scale the features down (MaxAbsScaler), or pass a smaller horizon",
    )


def _simple(value: Fraction) -> Fraction:
    """The fraction of smallest denominator that the double behind `value` stands for."""
    for bits in range(0, 60, 4):
        near = value.limit_denominator(1 << bits)
        if abs(near - value) <= value * ALPHA_ERROR:
            return near
    return value
