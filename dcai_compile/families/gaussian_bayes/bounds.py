"""How far a joint log-likelihood in integers can be from scikit-learn's, sample by sample.

A term is ``t = (x - m)^2 / v``. With a wire error e of x, an error d of m and a relative error r of v,
``|t' - t| <= ((2 |x - m| + e + d) (e + d) / v + t r) / (1 - r)``; a logarithm of v is off by at most
``r / (1 - r)``. To that come the floors of the terms and of the logarithm, and doubles on both sides.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from math import log, pi
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dcai_compile import bigfloat
from dcai_compile.encoding import TO_FLOAT, Matrix
from dcai_compile.exact import fraction_upper, gamma, upper, wire_error
from dcai_compile.families.gaussian_bayes.integers import GaussianIntegers

Table = NDArray[np.float64]

HALF_WIRE = fraction_upper(Fraction(1, 2 * TO_FLOAT))


@dataclass(frozen=True)
class Moments:
    """At least how far integer means are from the trained ones, and variances relative to them."""

    means: Table
    variances: Table


def moment_errors(integers: GaussianIntegers) -> Moments:
    """Exact differences, rounded outward, shape (n_classes, n_features); 0 for a class without samples."""
    model = integers.model
    means, variances = np.zeros(model.means.shape), np.zeros(model.means.shape)
    for row, count in enumerate(model.class_counts):
        if count == 0:
            continue
        for feature in range(model.n_features):
            mean = Fraction(integers.sums[row][feature], count * TO_FLOAT)
            means[row, feature] = fraction_upper(
                abs(mean - Fraction(float(model.means[row, feature])))
            )
            trained = Fraction(float(model.variances[row, feature]))
            ratio = integers.variance(row, feature) / trained
            variances[row, feature] = fraction_upper(abs(ratio - 1))
    return Moments(means, variances)


def _ours(
    integers: GaussianIntegers, moments: Moments, row: int, away: Table, wire: Table
) -> Table:
    """Our error in twice the score of one class, given ``|x - m|`` and the wire's error a value."""
    variances = integers.model.variances[row]
    relative = np.minimum(moments.variances[row], 0.5)
    moved = wire + moments.means[row]
    terms = (2.0 * away + moved) * moved / variances + away * away / variances * relative
    return np.asarray((terms / (1.0 - relative)).sum(axis=1) + (relative / (1.0 - relative)).sum())


def _floors(integers: GaussianIntegers) -> float:
    """Floors of d terms and of the logarithm, and the errors of the product and of ln 2."""
    d = integers.model.n_features
    logarithms = 2.0 * d * 260.0  # no binary logarithm of the product is larger
    product = 8.0 * (d + 2) * float(bigfloat.ROUNDOFF) + float(bigfloat.LOG_ERROR)
    return (d + 2) * 2.0**-integers.fraction_bits + logarithms * 2.0**-64 + product


def sample_errors(integers: GaussianIntegers, X: Matrix) -> tuple[Table, Table]:
    """Per sample, shape (n_samples,): bound of our error, bound of scikit-learn's rounding."""
    model = integers.model
    values = np.asarray(X, np.float64)
    moments = moment_errors(integers)
    wire = wire_error(integers.encoding, X)
    d = model.n_features
    rounding = gamma(d + 12, model.dtype)
    total = float(sum(model.class_counts))
    ours, theirs = np.zeros(len(values)), np.zeros(len(values))
    for row, count in enumerate(model.class_counts):
        if count == 0 or (model.priors is not None and model.priors[row] == 0.0):
            continue
        prior = count / total if model.priors is None else model.priors[row]
        away = np.abs(values - model.means[row]) * (1.0 + 2.0**-50)
        terms = (away * away / model.variances[row]).sum(axis=1)
        logs = np.abs(np.log(2.0 * pi * model.variances[row])).sum() + 2.0 * abs(log(prior))
        # x - m cancels: what is lost of it is relative to its parts.
        lost = (np.abs(values) + np.abs(model.means[row])) * gamma(2, model.dtype)
        cancelled = ((2.0 * away + lost) * lost / model.variances[row]).sum(axis=1)
        size = terms + logs + 2.0 * log(max(2.0, total)) + d * 60.0
        mine = _ours(integers, moments, row, away, wire) + _floors(integers) + size * gamma(8)
        ours = np.maximum(ours, 0.5 * mine)
        theirs = np.maximum(theirs, 0.5 * (size * rounding + cancelled))
    return np.asarray(upper(ours, d + 20)), np.asarray(upper(theirs, d + 20))


def published_bound(integers: GaussianIntegers, X: Any) -> float:
    """The bound for the calibration range, rounded up to three digits: the same on any machine.

    The worst sample has every feature as far from a class's mean as any calibration sample.
    """
    values = np.asarray(X, np.float64)
    moments = moment_errors(integers)
    wire = np.full((1, values.shape[1]), HALF_WIRE)
    worst = 0.0
    for row, count in enumerate(integers.model.class_counts):
        if count:
            away = np.abs(values - integers.model.means[row]).max(axis=0).reshape(1, -1)
            worst = max(worst, float(_ours(integers, moments, row, away, wire)[0]))
    return float(f"{0.5 * (worst + _floors(integers)) * 1.01:.2e}")
